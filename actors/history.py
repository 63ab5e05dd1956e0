"""The pass: a backtest of the sessions before a run, which goes on from what it has taught.

KEY INPUT: earlier sessions' bars, the configuration and the capital of the run that follows.
KEY OUTPUT: what was learned, as arrays; the pass's own journal and outcome.

It is a replay of those sessions like any other, with orders of its own that no broker but the
simulated one sees. One rule differs: its drawdown breaker re-arms each session, since a pass that
has stopped trading teaches nothing more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from actors.learned import learned_of
from actors.supervisor import Progress
from actors.system import Outcome, Plan, epoch_of, new_parts, replay
from engine.config import Config
from engine.events import MICRO
from engine.market.frames import Arrays, Floats, Session
from engine.market.grid import Gridder, session_blocks

RULE = "risk.drawdown_rearm"
"""The key in which a pass may differ from the replay of its sessions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The sessions that a run goes on from."""

    config: Config
    """Of the run."""
    symbols: tuple[str, ...]
    """Sorted."""
    sessions: Sequence[tuple[Session, Floats]]
    """In order, at least one, with their bars (T, S, 5), NaN where there was none."""
    capital_micro: int

    @property
    def of_replay(self) -> Config:
        """Return the configuration of the replay whose journal the pass's is, but for the rule."""
        config = self.config
        session = config.session.model_copy(update={"warmup_sessions": 0})
        capital = {"starting_capital": self.capital_micro / MICRO}
        simulation = config.simulation.model_copy(update=capital)
        return config.model_copy(update={"session": session, "simulation": simulation})

    @property
    def of_pass(self) -> Config:
        """Return the configuration of the pass."""
        config = self.of_replay
        risk = config.risk.model_copy(update={"drawdown_rearm": "session"})
        return config.model_copy(update={"risk": risk})

    @property
    def range_label(self) -> str:
        """Return its first and last date."""
        return f"{self.sessions[0][0].date}..{self.sessions[-1][0].date}"

    @property
    def epoch(self) -> str:
        """Return what its orders' ids begin with: that of the replay."""
        return epoch_of(self.of_replay, self.symbols, self.range_label)


class Passed(NamedTuple):
    """What a pass came to."""

    learned: Arrays
    outcome: Outcome


async def run_pass(
    history: History, folder: Path | None, progress: Progress = lambda _block, _desk: None
) -> Passed:
    """Replay the sessions; their journal goes into `folder`, None for none."""
    config, symbols = history.of_pass, history.symbols
    signs = [config.universe.sign(symbol) for symbol in symbols]
    gridder = Gridder(symbols, signs, config.risk.max_jump_pct)
    plan = Plan(
        config=config,
        symbols=symbols,
        open_blocks=lambda skip: session_blocks(iter(history.sessions[skip:]), gridder),
        trade_from=None,
        range_label=history.range_label,
        first_ts_ns=history.sessions[0][0].open_ns,
        folder=folder,
        level="trades" if folder else "none",
        executor="inline",
        progress=progress,
    )
    parts = new_parts(plan, history.epoch)
    outcome = await replay(replace(plan, parts=parts), signals=False)
    learned = learned_of(parts.learners, gridder, parts.desk, len(history.sessions))
    return Passed(learned, outcome)
