"""Orders, and the proof that risk has passed them.

KEY INPUT: what was decided.
KEY OUTPUT: Order, OcoOrder, Approved.
"""

from typing import ClassVar, Generic, NamedTuple, TypeVar

from engine.cards import Signal
from engine.errors import InvariantViolation
from engine.events.words import Decision, Side


class Protection(NamedTuple):
    """Where the legs of a position go: fractions of its fill price, direction aside."""

    stop: float
    target: float
    trail: float
    """0: the stop does not trail."""


class Order(NamedTuple):
    """An order of whole shares: an entry at no worse than its limit, an exit at the market."""

    order_id: str
    symbol: str
    side: Side
    shares: int
    entry: bool
    """True if it opens a position: its rest is cancelled after its first bar."""
    decision: Decision
    after: tuple[str, ...] = ()
    """Ids of exits whose final fill releases it; it lapses if they do not fill within a minute."""
    limit_micro: int = 0
    """The worst price per share, immediate or cancel; 0: at the market. Of an entry always."""
    value_micro: int = 0
    """On entries: the notional that it was sized to."""
    protection: Protection | None = None
    """On entries: the legs that its first fill sends."""
    replaces: str = ""
    """On exits: id of the OCO order that is cancelled first, since it holds the shares."""
    signal: Signal | None = None
    """On entries: the signal behind it."""


class OcoOrder(NamedTuple):
    """A stop and a target that rest at the broker for one position; one cancels the other."""

    order_id: str
    symbol: str
    side: Side
    """The side that closes."""
    shares: int
    stop_micro: int
    """Touched, it becomes a market order."""
    target_micro: int
    """A limit."""
    trail: float
    """The stop follows the best price at this fraction; 0: it stays."""
    replaces: str = ""
    """Id of the OCO order that is cancelled first, since it is for other shares."""


T_co = TypeVar("T_co", bound=Order | OcoOrder, covariant=True)


class Approved(Generic[T_co]):
    """An order that risk has passed: the only thing that a broker takes.

    Made in engine.trading.approval and nowhere else, by whoever holds its key.
    """

    __slots__ = ("order",)
    _key: ClassVar[object] = object()

    def __init__(self, order: T_co, key: object) -> None:
        if key is not Approved._key:
            raise InvariantViolation(f"{order.order_id}: no check has approved it")
        self.order = order

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Approved) and self.order == other.order

    def __hash__(self) -> int:
        return hash(self.order.order_id)

    def __repr__(self) -> str:
        return f"Approved({self.order!r})"
