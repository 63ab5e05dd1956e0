"""What a broker says.

KEY INPUT: the simulated broker, or a real one.
KEY OUTPUT: Report.
"""

from dataclasses import dataclass
from typing import NamedTuple

from engine.events.words import Leg, RefusalKind, Side


class OrderFilled(NamedTuple):
    """The broker filled some or all of an order."""

    ts_ns: int
    order_id: str
    symbol: str
    side: Side
    shares: int
    price_micro: int
    """Per share, spread and impact inside."""
    fee_micro: int
    """What this fill adds to the day's fees."""
    slippage_micro: int
    """Spread and impact paid: shares × |price − reference price|."""
    final: bool
    """True if nothing of the order is left."""
    forced: bool = False
    """True for the simulated close of what was still held in the session's last minute."""
    leg: Leg | None = None
    """Of an OCO order: which leg it was."""
    ambiguous: bool = False
    """True if the bar touched stop and target, so that the configured policy chose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCanceled:
    """An order, or its rest, will not be filled."""

    ts_ns: int
    order_id: str
    symbol: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRejected:
    """The broker refused an order."""

    ts_ns: int
    order_id: str
    symbol: str
    reason: str
    """The broker's words."""
    kind: RefusalKind = RefusalKind.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitRefused:
    """The broker refused an exit; it is sent again until it is taken, or the session is over."""

    ts_ns: int
    order_id: str
    symbol: str
    reason: str
    kind: RefusalKind
    tries: int
    """How often it was refused so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLost:
    """The broker's order stream broke: what our orders do is not known."""

    ts_ns: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRestored:
    """The order stream is back and reconciled."""

    ts_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrphanFound:
    """The broker holds a position that Rotor did not open; the book takes it up as it stands."""

    ts_ns: int
    symbol: str
    """One of the session's, or any other."""
    shares: int
    """Signed."""
    price_micro: int
    """Average entry price, as the broker has it."""
    fee_micro: int
    """Of its purchase, if that was paid in this session."""
    paid: bool
    """True: out of the session's cash. False: it was there before, and adds to the account."""
    left: bool = False
    """True: nothing sells it until it is adopted (the default with real money)."""

    @property
    def value_micro(self) -> int:
        """Return what its shares have cost, negative for a short."""
        return self.shares * self.price_micro

    @property
    def deposit_micro(self) -> int:
        """Return what it adds to the account."""
        return 0 if self.paid else self.value_micro


@dataclass(frozen=True, slots=True, kw_only=True)
class NotFlat:
    """The close is near, and the broker still holds what was to be sold."""

    ts_ns: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TradedByHand:
    """The account's holding of a symbol changed, and no order of ours did it."""

    ts_ns: int
    order_id: str
    """The broker's id of the order that did it; empty where none explains it."""
    symbol: str
    """One of the session's, or any other."""
    shares: int
    """Signed: the change of the holding."""
    price_micro: int
    """Average of the order's fills; 0 if `unpriced`: it is booked at the last mark."""
    fee_micro: int
    unpriced: bool
    """True for a transfer, a split, a reset: no order tells a price."""
    left: bool = False
    """True: nothing sells what it opens until that is adopted (the default with real money).

    What was bought on top of ours is left in any case.
    """

    @property
    def fill(self) -> OrderFilled:
        """Return it as a fill."""
        return OrderFilled(
            ts_ns=self.ts_ns,
            order_id=self.order_id,
            symbol=self.symbol,
            side=Side.BUY if self.shares > 0 else Side.SELL,
            shares=abs(self.shares),
            price_micro=self.price_micro,
            fee_micro=self.fee_micro,
            slippage_micro=0,
            final=True,
        )

    @property
    def deposit_micro(self) -> int:
        """Return what it adds to the account: shares that no cash was paid for, or that left."""
        return self.shares * self.price_micro if self.unpriced else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FillBusted:
    """The exchange has undone a fill that was reported."""

    ts_ns: int
    order_id: str
    symbol: str
    side: Side
    shares: int
    price_micro: int
    """As it was reported."""
    fee_micro: int
    """As it was charged; it comes back."""
    realised_micro: int = 0
    """By how much it changes the realised profit; known once it is booked."""

    @property
    def undone(self) -> OrderFilled:
        """Return the fill that did not happen."""
        return _told(self)

    @property
    def instead(self) -> OrderFilled | None:
        """Return what happened instead: nothing."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class FillCorrected:
    """The exchange has changed the price of a fill that was reported."""

    ts_ns: int
    order_id: str
    symbol: str
    side: Side
    shares: int
    price_micro: int
    """As it was reported."""
    fee_micro: int
    new_price_micro: int
    new_fee_micro: int
    realised_micro: int = 0
    """By how much it changes the realised profit; known once it is booked."""

    @property
    def undone(self) -> OrderFilled:
        """Return the fill as it was reported."""
        return _told(self)

    @property
    def instead(self) -> OrderFilled | None:
        """Return the fill as it was."""
        price, fee = self.new_price_micro, self.new_fee_micro
        return _told(self)._replace(price_micro=price, fee_micro=fee)


@dataclass(frozen=True, slots=True, kw_only=True)
class CashMoved:
    """The account's cash changed, and no fill, fee or dividend of the session explains it."""

    ts_ns: int
    amount_micro: int
    """Signed: positive for a deposit."""
    reason: str
    """The broker's activity, or that none explains it."""

    @property
    def deposit_micro(self) -> int:
        """Return what it adds to the account."""
        return self.amount_micro


def _told(mend: FillBusted | FillCorrected) -> OrderFilled:
    return OrderFilled(
        ts_ns=mend.ts_ns,
        order_id=mend.order_id,
        symbol=mend.symbol,
        side=mend.side,
        shares=mend.shares,
        price_micro=mend.price_micro,
        fee_micro=mend.fee_micro,
        slippage_micro=0,
        final=False,
    )


Report = (
    OrderFilled
    | OrderCanceled
    | OrderRejected
    | ExitRefused
    | StreamLost
    | StreamRestored
    | OrphanFound
    | NotFlat
    | TradedByHand
    | FillBusted
    | FillCorrected
    | CashMoved
)
"""What a broker says."""
