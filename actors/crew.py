"""Who takes part in a run: learners shared out to actors, and a desk.

KEY INPUT: configuration and symbols.
KEY OUTPUT: Learners, groups of them, a Desk; the same for a replay and for a live session.
"""

from collections.abc import Sequence
from functools import partial
from math import ceil

import trio

from actors.desk import Desk
from actors.predictor import Learner, PredictorFactory
from engine.config import Config
from engine.learning.predictors import make_predictor
from engine.learning.signals import Context
from engine.learning.slope import EarnedSlope
from engine.records.stats import RunStats
from engine.trading.ledger import Ledger
from engine.trading.state import State

ONE_ACTOR_EACH = 12
"""Up to so many symbols each has an actor of its own; more are shared out to a few actors."""
SHARED_ACTORS = 4


def make_learners(
    config: Config, symbols: tuple[str, ...], factory: PredictorFactory | None = None
) -> list[Learner]:
    """Return a learner per symbol; by default `[learning] predictor` by name."""
    learning = config.learning
    make = factory or partial(make_predictor, learning.predictor, options=learning.options)
    return [Learner(make, context) for context in contexts_of(config, symbols)]


def contexts_of(config: Config, symbols: tuple[str, ...]) -> list[Context]:
    """Return what each symbol's predictor is told when it is made."""
    learning, universe = config.learning, config.universe
    numbers = learning.numbers()
    return [
        Context(symbol, s, symbols, universe.sign(symbol), learning.horizons, numbers)
        for s, symbol in enumerate(symbols)
    ]


def make_desk(
    config: Config,
    symbols: tuple[str, ...],
    epoch: str,
    cash_micro: int,
    learners: Sequence[Learner],
    *,
    scan: bool,
    spans: bool,
    carries: bool = False,
) -> Desk:
    """Return the desk of a flat account."""
    cooldown, twins = config.rotation.cooldown_minutes, config.universe.twins
    state = State(epoch, symbols, Ledger(cash_micro), cooldown, twins)
    slope = EarnedSlope(symbols, min_sessions=config.quality.min_shadow_sessions)
    names = [learner.feature_names for learner in learners]
    return Desk(
        config, state, RunStats(cash_micro), slope, names, scan=scan, spans=spans, carries=carries
    )


def share_out(learners: Sequence[Learner]) -> list[Sequence[Learner]]:
    """Return the groups that an actor each serves."""
    size = 1 if len(learners) <= ONE_ACTOR_EACH else ceil(len(learners) / SHARED_ACTORS)
    return [learners[a : a + size] for a in range(0, len(learners), size)]


def innermost(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the error that made the actors stop."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        ranked = sorted(error.exceptions, key=lambda e: isinstance(e, trio.BrokenResourceError))
        error = ranked[0]
    return error
