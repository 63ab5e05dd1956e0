"""What sessions have taught, as arrays: what a run takes over from the sessions before it.

KEY INPUT: learners, a gridder and a desk behind a session.
KEY OUTPUT: arrays, from which others of the same symbols go on: weights and noise, price levels,
scores, earned slope, calibration, round trips, track record. The book, breakers and cooldowns are
none of it: they begin afresh.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np

from actors.desk import Desk
from actors.predictor import Learner
from actors.restart import Crash, attempt
from engine.errors import BadInputError
from engine.market.frames import Arrays, above, below
from engine.market.grid import Gridder


def learned_of(learners: Sequence[Learner], gridder: Gridder, desk: Desk, sessions: int) -> Arrays:
    """Return what `sessions` sessions have taught."""
    symbols = desk.state.symbols
    states = [_bytes(learner.checkpoint()) for learner in learners]
    return {
        "sessions": np.array(sessions),
        **above("predictor", dict(zip(symbols, states, strict=True))),
        "gridder": _bytes(gridder.checkpoint()),
        **above("desk", desk.checkpoint()),
    }


def take_over(learned: Arrays | None, learners: Sequence[Learner], desk: Desk) -> None:
    """Let learners and a desk that are new go on from what was learned; None: from nothing.

    Raises BadInputError if a predictor cannot.
    """
    if learned is None:
        return
    for symbol, learner in zip(desk.state.symbols, learners, strict=True):
        state = learned[f"predictor/{symbol}"].tobytes()
        outcome = attempt(partial(learner.restore, state))
        if isinstance(outcome, Crash):
            raise BadInputError(
                f"{symbol}: its predictor does not go on from its own checkpoint: {outcome.error}; "
                "rotor check shows what to mend"
            )
    desk.restore(below(learned, "desk"))
    desk.stats.warmup_sessions = int(learned["sessions"])


def prices_of(learned: Arrays | None) -> bytes | None:
    """Return the gridder's checkpoint; None if nothing was learned."""
    return None if learned is None else learned["gridder"].tobytes()


def take_over_prices(learned: Arrays | None, gridder: Gridder) -> Gridder:
    """Let a gridder that is new go on; return it."""
    prices = prices_of(learned)
    if prices is not None:
        gridder.restore(prices)
    return gridder


def _bytes(state: bytes) -> "np.ndarray[tuple[int], np.dtype[np.uint8]]":
    return np.frombuffer(state, np.uint8)
