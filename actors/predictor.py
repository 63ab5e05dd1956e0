"""The predictor actors: each keeps the learners of one or more symbols, and restarts them.

KEY INPUT: every block of every session, in order.
KEY OUTPUT: an Answer per block: each symbol's signals, and what happened to its learner.

What a predictor hands on is checked (engine.learning.border); what cannot be used is a crash of it.
A learner that crashes is rebuilt from its last frame-aligned checkpoint and fed again up to the
frame it failed in, which it then sees as a minute without a bar. Three crashes within 60 session
minutes quarantine the symbol.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from actors.durations import Durations
from actors.executor import Executor, execute
from actors.mailbox import Mailbox
from actors.restart import Crash, Intensity, attempt
from engine.events import PredictorRestarted, SymbolQuarantined
from engine.learning.border import checked
from engine.learning.signals import (
    STALE,
    WARM,
    Context,
    Predictor,
    Signals,
    neutral,
)
from engine.market.frames import AGE, PRESENT, SURPRISE, VOLUME, Block, Ints

CHECKPOINT_FRAMES = 30

PredictorFactory = Callable[[Context], Predictor]
Incident = tuple[int, PredictorRestarted | SymbolQuarantined]


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What one actor says to one block."""

    signals: tuple[Signals, ...]
    """By symbol of the actor's group."""
    incidents: tuple[Incident, ...]
    """(frame of the block, event)."""


class Learner:
    """One symbol's predictor under its restart policy."""

    def __init__(self, make: PredictorFactory, context: Context) -> None:
        self._make = make
        self._context = context
        self._predictor = make(context)
        self._checkpoint = self._predictor.checkpoint()
        self._since: list[Block] = []
        self._frames_since = 0
        self._minutes = 0
        self._intensity = Intensity()
        self._last = neutral(1, horizons=len(context.horizons))
        self._quarantined = False
        self.durations: Durations | None = None
        """How long a block takes; None: nobody wants to know."""
        self.restarts = 0
        """Crashes so far."""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Return the names of the contributions."""
        return self._predictor.feature_names

    @property
    def rows_learned(self) -> int:
        """Return how many rows the predictor has learned; 0 if it does not say."""
        return int(getattr(self._predictor, "rows_learned", 0))

    def checkpoint(self) -> bytes:
        """Return what the predictor has learned."""
        return self._predictor.checkpoint()

    def restore(self, state: bytes) -> None:
        """Begin anew with what a predictor of the same kind has learned; raises CheckpointError."""
        self._predictor = self._make(self._context)
        self._predictor.restore(state)
        self._checkpoint, self._since, self._frames_since = state, [], 0
        self._intensity, self._quarantined, self._minutes = Intensity(), False, 0
        self._last = neutral(1, horizons=len(self._context.horizons))

    def process(self, block: Block) -> tuple[Signals, list[Incident]]:
        """Feed a block; never raises for a crash of the predictor itself."""
        if self.durations is not None:
            self.durations.begin()
        incidents: list[Incident] = []
        if self._quarantined:
            signals = self._silence(len(block))
        else:
            outcome = attempt(partial(self._ask, block))
            if isinstance(outcome, Crash):
                signals = self._recover(block, outcome, incidents)
            else:
                signals = outcome
                self._keep(block)
        self._last = signals if len(block) == 1 else _rows(signals, slice(-1, None))
        self._minutes += len(block)
        if self.durations is not None:
            self.durations.end()
        return signals, incidents

    def _ask(self, block: Block) -> Signals:
        """Return the answer; raises whatever the predictor raises, ForecastError for a bad one."""
        return checked(self._predictor.process(block), block, self._context, self._predictor)

    def _keep(self, block: Block) -> None:
        self._since.append(block)
        self._frames_since += len(block)
        if self._frames_since >= CHECKPOINT_FRAMES:
            self._checkpoint = self._predictor.checkpoint()
            self._since = []
            self._frames_since = 0

    def _recover(self, block: Block, crash: Crash, incidents: list[Incident]) -> Signals:
        """Rebuild, then go frame by frame, so that only the failed frame is lost."""
        rows: list[Signals] = []
        found = False
        self._rebuild()
        for t in range(len(block)):
            frame = block.slice(t, t + 1)
            outcome = attempt(partial(self._ask, frame))
            if isinstance(outcome, Crash):
                found = True
                lost = self._lose(frame, t, outcome, incidents)
                if lost is None:
                    rows.append(self._silence(len(block) - t, rows))
                    break
                rows.append(lost)
            else:
                self._keep(frame)
                rows.append(outcome)
        if not found:  # it did not happen again: the block's first frame stands for it
            rows[0].values[0, WARM] = 0.0
            if self._note(block, 0, crash, incidents):
                return self._silence(len(block))
        return _join(rows)

    def _lose(
        self, frame: Block, t: int, crash: Crash, incidents: list[Incident]
    ) -> Signals | None:
        """Take the failed frame as a minute without a bar; None when the budget is spent."""
        while not self._note(frame, t, crash, incidents):
            self._rebuild()
            masked = _without_bar(frame, self._context.column)
            outcome = attempt(partial(self._ask, masked))
            if not isinstance(outcome, Crash):
                self._keep(masked)
                outcome.values[0, WARM] = 0.0
                return outcome
            crash = outcome
        return None

    def _note(self, block: Block, t: int, crash: Crash, incidents: list[Incident]) -> bool:
        self.restarts += 1
        crashes = self._intensity.crashed(self._minutes + t)
        symbol, error = self._context.symbol, crash.error
        ts_ns = block.ts_ns(0 if len(block) == 1 else t)
        incidents.append(
            (t, PredictorRestarted(ts_ns=ts_ns, symbol=symbol, error=error, restarts=crashes))
        )
        if self._intensity.spent:
            self._quarantined = True
            incidents.append((t, SymbolQuarantined(ts_ns=ts_ns, symbol=symbol, error=error)))
        return self._quarantined

    def _rebuild(self) -> None:
        """Make the predictor anew and feed it what it has seen since its checkpoint.

        A crash on the way (it had processed these frames before) leaves it behind by them.
        """
        self._predictor = self._make(self._context)
        self._predictor.restore(self._checkpoint)
        for block in self._since:
            attempt(partial(self._predictor.process, block))

    def _silence(self, frames: int, before: Sequence[Signals] = ()) -> Signals:
        """Carry the last forecast, ageing and cold."""
        last = before[-1] if before else self._last
        signals = _rows(last, np.full(frames, -1))
        signals.values[:, STALE] += 1.0 + np.arange(frames)
        signals.values[:, WARM] = 0.0
        nothing = np.zeros((frames, len(self.feature_names)))
        return replace(signals, contributions=nothing)


async def predictor(
    learners: Sequence[Learner],
    inbox: Mailbox[Block],
    outbox: Mailbox[Answer],
    executor: Executor,
) -> None:
    """Answer every block with the signals of this actor's symbols, in their order."""

    def answer(block: Block) -> Answer:
        results = [learner.process(block) for learner in learners]
        incidents = [incident for _, incidents in results for incident in incidents]
        return Answer(tuple(signals for signals, _ in results), tuple(incidents))

    try:
        async for block in inbox:
            work = len(block) * len(learners)
            await outbox.send(await execute(executor, work, partial(answer, block)))
    finally:
        inbox.close_receiver()
        outbox.close_sender()


def _without_bar(frame: Block, column: int) -> Block:
    bars = frame.bars.copy()
    bars[0, column, [PRESENT, VOLUME, SURPRISE]] = 0.0
    bars[0, column, AGE] += 1.0
    bars.flags.writeable = False
    return Block(frame.session, frame.first, frame.symbols, bars, frame.universe)


def _join(rows: Sequence[Signals]) -> Signals:
    assert len({row.scaled for row in rows}) == 1
    return Signals(
        np.concatenate([row.values for row in rows]),
        np.concatenate([row.contributions for row in rows]),
        rows[0].scaled,
    )


def _rows(signals: Signals, which: slice | Ints) -> Signals:
    """Return a copy of some rows."""
    values, contributions = signals.values[which].copy(), signals.contributions[which].copy()
    return Signals(values, contributions, signals.scaled)
