"""The signal behind an entry, and the card on which an entry waits for approval.

KEY INPUT: nothing; values only.
KEY OUTPUT: Signal, Card. Money is int64 micro-dollars.
"""

from typing import NamedTuple


class Signal(NamedTuple):
    """The signal behind an entry, as it was when it was decided."""

    id: str
    """SYMBOL-BAR, the bar in minutes since 1970 UTC, such as TQQQ-29093280."""
    probability: float
    """That the price rises."""
    confidence: float
    strength: float
    rank: int
    edge_bps: float
    """Expected after the earned slope and a round trip's cost."""
    win_rate: float
    """What the calibration in force expected of it, a fraction."""
    verdict: str
    """pass, reject or unproven."""
    pays_bps: float | None = None
    """The mean net return of such shadows, if it is why they pass in spite of their win rate."""

    @property
    def record(self) -> str:
        """Return what such a signal has won, in words."""
        return record_words(self.win_rate, self.pays_bps)


def record_words(win_rate: float, pays_bps: float | None) -> str:
    """Return what a signal of a kind has won, such as "wins 46%, pays +8 bp"."""
    wins = f"wins {100 * win_rate:.0f}%"
    if pays_bps is None:
        return wins
    return f"{wins}, pays {pays_bps:+.{0 if abs(pays_bps) >= 1.0 else 1}f} bp"


class Card(NamedTuple):
    """An entry that waits in the inbox: its terms are executed as they stand, or not at all."""

    id: str
    """Of the signal that first asked for it."""
    version: int
    """1, 2, …: changed terms make a new version."""
    symbol: str
    direction: int
    shares: int
    binding: str
    """The limit that allows no more shares."""
    limit_micro: int
    """The worst price per share."""
    sized_micro: int
    """The price that sized it: the limit; for a short as much above the price."""
    stop_micro: int
    """Where the stop would lie if it paid the worst."""
    target_micro: int
    risk_micro: int
    """Lost if the stop holds."""
    heat_micro: int
    """Of the whole book after the trade."""
    heat_limit_micro: int
    confidence: float
    evidence: str
    """What such trades and signals have won, in words."""
    rotates_out: str
    """The symbol that is sold for it; empty for none."""
    expires_ns: int
    """The start of the first minute in which it is void."""
    signal: Signal

    @property
    def stop(self) -> float:
        """Return the distance of the stop, a fraction of the price."""
        return round(abs(self.stop_micro / self.sized_micro - 1.0), 6)

    @property
    def target(self) -> float:
        """Return the distance of the target, a fraction of the price."""
        return round(abs(self.target_micro / self.sized_micro - 1.0), 6)

    @property
    def reward_to_risk(self) -> float:
        """Return the distance of the target over that of the stop, of a micro-dollar at least."""
        risk = max(1, abs(self.limit_micro - self.stop_micro))
        return abs(self.target_micro - self.limit_micro) / risk
