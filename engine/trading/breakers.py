"""The breakers: what stops new entries when something is wrong. None of them ever stops an exit.

KEY INPUT: Readings of one frame, the [risk] limits.
KEY OUTPUT: for each breaker, why it trips, or None.

Each class says what it measures, what it blocks and how it re-arms. A figure that is not a number
trips: every comparison asks whether all is well, never whether something is wrong.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

from engine.config import Risk
from engine.events import Gate


class Readings(NamedTuple):
    """What the breakers look at, at the end of one frame."""

    minute: int
    """Of the session."""
    equity: float
    """Cash plus positions at their last prices, USD."""
    day_open: float
    peak: float
    losses: int
    rejects: int
    orders: int
    """Sent in this minute or the one before, whichever had some last."""
    stream_lost: str
    data_age: float
    """Minutes since any symbol had a bar."""
    bad_price: str
    """The symbol whose price crossed or jumped, empty if none."""
    refusal: str = ""
    """The broker's words for the last rejected order."""
    mute: str = ""
    """Why the bar stream tells nothing, though it was connected again."""


class Breaker(ABC):
    """One reason to open nothing new."""

    gate: ClassVar[Gate]

    @abstractmethod
    def exceeded(self, readings: Readings, risk: Risk) -> str | None:
        """Return why it trips now, with its numbers; None if all is well."""

    @abstractmethod
    def rearms(self, risk: Risk) -> str:
        """Return how it re-arms, in words: session, manual, or after how many minutes."""

    def minutes(self, risk: Risk) -> int | None:  # noqa: ARG002 - for those that differ
        """Return after how many minutes without cause it re-arms by itself; None: it does not."""
        return None

    def by_session(self, risk: Risk) -> bool:  # noqa: ARG002 - for those that differ
        """Return whether the next session re-arms it."""
        return True


class DailyLoss(Breaker):
    """Equity, realised and unrealised, against the session's opening equity.

    Blocks entries. Re-arms with the next session or by hand, as configured.
    """

    gate = Gate.DAILY_LOSS

    def exceeded(self, readings: Readings, risk: Risk) -> str | None:
        """Trip below the opening equity less `daily_loss_pct`."""
        if readings.equity >= readings.day_open * (1 - risk.daily_loss_pct / 100):
            return None
        lost = 100 * (1 - readings.equity / readings.day_open)
        return f"daily loss {lost:.2f}% > {risk.daily_loss_pct:g}%"

    def rearms(self, risk: Risk) -> str:
        """By `daily_loss_rearm`."""
        return "with the next session" if self.by_session(risk) else "by hand (resume)"

    def by_session(self, risk: Risk) -> bool:
        """By `daily_loss_rearm`."""
        return risk.daily_loss_rearm == "session"


class Drawdown(Breaker):
    """Equity, realised and unrealised, against its highest close of a minute.

    Blocks entries. Re-arms by hand or with the next session, as configured, from then on against
    a new peak.
    """

    gate = Gate.DRAWDOWN

    def exceeded(self, readings: Readings, risk: Risk) -> str | None:
        """Trip below the peak less `drawdown_pct`."""
        if readings.equity >= readings.peak * (1 - risk.drawdown_pct / 100):
            return None
        fall = 100 * (1 - readings.equity / readings.peak)
        return f"drawdown {fall:.2f}% > {risk.drawdown_pct:g}%"

    def rearms(self, risk: Risk) -> str:
        """By `drawdown_rearm`."""
        return "with the next session" if self.by_session(risk) else "by hand (resume)"

    def by_session(self, risk: Risk) -> bool:
        """By `drawdown_rearm`."""
        return risk.drawdown_rearm == "session"


class ConsecutiveLosses(Breaker):
    """Losing round trips in a row, net of costs.

    Blocks entries. Re-arms after a cool-down and at the latest with the next session, or by hand,
    as configured.
    """

    gate = Gate.CONSECUTIVE_LOSSES

    def exceeded(self, readings: Readings, risk: Risk) -> str | None:
        """Trip at `max_consecutive_losses`."""
        if readings.losses < risk.max_consecutive_losses:
            return None
        return (
            f"{readings.losses} losing round trips in a row (limit {risk.max_consecutive_losses})"
        )

    def rearms(self, risk: Risk) -> str:
        """By `consecutive_losses_rearm`."""
        if risk.consecutive_losses_rearm == "cooldown":
            return f"after {risk.losses_cooldown_minutes} minutes"
        return "with the next session" if self.by_session(risk) else "by hand (resume)"

    def minutes(self, risk: Risk) -> int | None:
        """By `losses_cooldown_minutes`."""
        cooling = risk.consecutive_losses_rearm == "cooldown"
        return risk.losses_cooldown_minutes if cooling else None

    def by_session(self, risk: Risk) -> bool:
        """By `consecutive_losses_rearm`."""
        return risk.consecutive_losses_rearm != "manual"


class _Fault(Breaker):
    """A fault of the machinery: re-arms when its cause has been gone for a while."""

    def rearms(self, risk: Risk) -> str:
        """By `fault_rearm_minutes`."""
        return f"{risk.fault_rearm_minutes} minutes after its cause is gone"

    def minutes(self, risk: Risk) -> int | None:
        """By `fault_rearm_minutes`."""
        return max(1, risk.fault_rearm_minutes)


class StaleData(_Fault):
    """Minutes since any symbol of the universe had a bar, or a bar stream that is mute.

    Blocks entries.
    """

    gate = Gate.STALE_DATA

    def exceeded(self, readings: Readings, risk: Risk) -> str | None:
        """Trip at `stale_data_minutes`, and while the stream is mute, whatever REST knows."""
        if readings.mute:
            return f"{readings.mute}: bars are had by REST alone"
        if readings.data_age < risk.stale_data_minutes:
            return None
        return f"no bar of any symbol for {readings.data_age:.0f} minutes"


class LostStream(_Fault):
    """The broker's order stream: while it is down, our own fills are not known. Blocks entries."""

    gate = Gate.LOST_STREAM

    def exceeded(self, readings: Readings, risk: Risk) -> str | None:  # noqa: ARG002
        """Trip while it is down."""
        return f"order stream lost: {readings.stream_lost}" if readings.stream_lost else None


class Rejects(_Fault):
    """Orders that the broker rejected, in a row. Blocks entries."""

    gate = Gate.REJECTS

    def exceeded(self, readings: Readings, risk: Risk) -> str | None:
        """Trip at `max_rejects_in_a_row`."""
        if readings.rejects < risk.max_rejects_in_a_row:
            return None
        said = f"; the broker: {readings.refusal}" if readings.refusal else ""
        return f"{readings.rejects} orders rejected in a row{said}"


class Prices(_Fault):
    """Crossed prices, or a jump within a minute that is not plausible. Blocks entries."""

    gate = Gate.PRICES

    def exceeded(self, readings: Readings, risk: Risk) -> str | None:
        """Trip on a crossed bar or quote, or a jump beyond `max_jump_pct`."""
        if not readings.bad_price:
            return None
        return f"price of {readings.bad_price} crossed, or jumped more than {risk.max_jump_pct:g}%"


class OrderRate(_Fault):
    """Orders sent within a minute, exits too. Blocks entries."""

    gate = Gate.ORDER_RATE

    def exceeded(self, readings: Readings, risk: Risk) -> str | None:
        """Trip above `max_orders_per_minute`."""
        if readings.orders <= risk.max_orders_per_minute:
            return None
        return f"{readings.orders} orders in a minute (limit {risk.max_orders_per_minute})"


BREAKERS: tuple[Breaker, ...] = (
    DailyLoss(),
    Drawdown(),
    ConsecutiveLosses(),
    StaleData(),
    LostStream(),
    Rejects(),
    Prices(),
    OrderRate(),
)
"""All of them, in the order of their gates."""
