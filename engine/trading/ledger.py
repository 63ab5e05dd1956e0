"""The ledger: cash, positions and realised profit, exact to the micro-dollar, and what mends them.

KEY INPUT: fills (shares, price, fee in micro-dollars), ours and others', and what undoes one.
KEY OUTPUT: cash, open lots, and a RoundTrip for each position that came back to zero.

First in, first out. Fees of the entry stay with their lots, so that Σ realised = Δcash when flat,
contributions apart. A fill that is undone or corrected is taken out of its symbol's tape, and the
tape is booked again: the book is as if it had been so from the start.
"""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from engine.cards import Signal
from engine.errors import InvariantViolation
from engine.events import Decision, OrderFilled, RoundTrip, Side
from engine.trading.positions import Filled, Part, Positions, cost, cut


class Divided(NamedTuple):
    """A share split."""

    before: int
    after: int


Tape = list[Filled | Divided]


@dataclass(frozen=True, slots=True)
class Mended:
    """What undoing or correcting a fill did to the book."""

    realised_micro: int = 0
    """By how much the realised profit changed."""
    slippage_micro: int = 0
    """Of the fill that was undone."""
    voided: tuple[RoundTrip, ...] = ()
    """Round trips that did not happen."""
    closed: tuple[RoundTrip, ...] = ()
    """What closed instead of them."""


@dataclass(slots=True)
class Ledger(Positions):
    """Cash and positions of one account, with the tape of the session."""

    _tapes: dict[str, Tape] = field(default_factory=lambda: defaultdict(list))
    """By symbol: what was booked since the session's start, or since it was held at that start."""

    def start_session(self) -> None:
        """Forget what came before, of symbols that are held no more."""
        for symbol in self._tapes.keys() - self.positions.keys():
            del self._tapes[symbol]

    def book(
        self,
        fill: OrderFilled,
        decision: Decision,
        *,
        reason: str = "",
        signal: Signal | None = None,
        by_hand: bool = False,
    ) -> list[Part]:
        """Book a fill; return its parts, one for each position that it changed.

        `reason` are the words of the decision, `signal` what stood behind an entry. What was traded
        `by_hand` is taken from what others hold before it is taken from ours.
        """
        if fill.shares <= 0 or fill.price_micro <= 0:
            raise InvariantViolation(f"{fill.symbol}: a fill of {fill.shares} @ {fill.price_micro}")
        filled = Filled(fill, decision, reason, signal, by_hand)
        self._tapes[fill.symbol].append(filled)
        return self.take(filled)

    def divide(self, symbol: str, before: int, after: int) -> None:
        """Make `after` shares of each `before`: a split costs and brings nothing."""
        divided = Divided(before, after)
        self._tapes[symbol].append(divided)
        _divide(self, symbol, divided)

    def mend(self, undone: OrderFilled, instead: OrderFilled | None) -> Mended:
        """Undo a fill, or put another one in its place, as if it had been so from the start.

        One that was told as part of a larger one leaves the rest of that. One that is not known is
        undone by its opposite; of its correction the difference is realised. Cash is exact.
        """
        cash = self.cash_micro + cost(undone) - (0 if instead is None else cost(instead))
        place = _place(self._tapes[undone.symbol], undone)
        mended = Mended()
        if place is not None:
            mended = self._again(undone, place, instead)
        elif instead is None:
            mended = self._reverse(undone)
        rest = cash - self.cash_micro
        self.cash_micro += rest
        self.realised_micro += rest
        return replace(mended, realised_micro=mended.realised_micro + rest)

    def _again(self, undone: OrderFilled, place: int, instead: OrderFilled | None) -> Mended:
        """Book the symbol's tape once more, another fill in that place, or none."""
        symbol, tape = undone.symbol, self._tapes[undone.symbol]
        was = tape[place]
        assert isinstance(was, Filled)
        before = _played(symbol, tape)
        kept = _kept(was.fill, undone, instead)
        tape[place : place + 1] = [was._replace(fill=fill) for fill in kept]
        after = _played(symbol, tape)
        self.cash_micro += after.book.cash_micro - before.book.cash_micro
        change = after.book.realised_micro - before.book.realised_micro
        self.realised_micro += change
        for positions, mended in zip(self.books, after.book.books, strict=True):
            positions.pop(symbol, None)
            positions.update(mended)
        same = _alike(before.trips, after.trips)
        slippage = was.fill.slippage_micro - sum(fill.slippage_micro for fill in kept)
        return Mended(change, slippage, tuple(before.trips[same:]), tuple(after.trips[same:]))

    def _reverse(self, undone: OrderFilled) -> Mended:
        realised = self.realised_micro
        other = Side.SELL if undone.side is Side.BUY else Side.BUY
        back = undone._replace(side=other, fee_micro=-undone.fee_micro)
        parts = self.book(back, Decision.RISK_EXIT, reason="a fill was undone")
        closed = tuple(p.booking.closed for p in parts if p.booking.closed is not None)
        return Mended(self.realised_micro - realised, closed=closed)


class _Played(NamedTuple):
    """A tape booked from nothing."""

    book: Positions
    trips: list[RoundTrip]


def _played(symbol: str, tape: Tape) -> _Played:
    book, trips = Positions(0), []
    for what in tape:
        if isinstance(what, Divided):
            _divide(book, symbol, what)
            continue
        closed = (part.booking.closed for part in book.take(what))
        trips += [trip for trip in closed if trip is not None]
    return _Played(book, trips)


def _divide(book: Positions, symbol: str, divided: Divided) -> None:
    for positions in book.books:
        if symbol in positions:
            positions[symbol].divide(*divided)


def _place(tape: Tape, undone: OrderFilled) -> int | None:
    """Return where a tape has a fill: as it was told, or within a larger one of its order."""
    like = [
        (what.fill.price_micro == undone.price_micro, -what.fill.shares, i)
        for i, what in enumerate(tape)
        if isinstance(what, Filled)
        and (what.fill.order_id, what.fill.side) == (undone.order_id, undone.side)
        and what.fill.shares >= undone.shares
    ]
    return max(like)[2] if like else None


def _kept(was: OrderFilled, undone: OrderFilled, instead: OrderFilled | None) -> list[OrderFilled]:
    """Return what stays of a fill: what was corrected of it, and the rest."""
    slipped = was.slippage_micro * undone.shares // was.shares
    kept = []
    if instead is not None:
        price, fee = instead.price_micro, instead.fee_micro
        kept.append(
            was._replace(
                shares=undone.shares, price_micro=price, fee_micro=fee, slippage_micro=slipped
            )
        )
    return kept + _rest(was, undone, was.slippage_micro - slipped)


def _rest(was: OrderFilled, undone: OrderFilled, slippage_micro: int) -> list[OrderFilled]:
    """Return a fill without a part of it, in two where its value is no multiple of its shares."""
    shares = was.shares - undone.shares
    if not shares:
        return []
    rest = was._replace(
        shares=shares, fee_micro=was.fee_micro - undone.fee_micro, slippage_micro=slippage_micro
    )
    value = was.shares * was.price_micro - undone.shares * undone.price_micro
    price, dearer = divmod(value, shares)
    if price <= 0:
        return [rest]  # the part is said to be worth more than the whole: that is realised
    if not dearer:
        return [rest._replace(price_micro=price)]
    cheap, dear = cut(rest, [shares - dearer, dearer])
    return [cheap._replace(price_micro=price), dear._replace(price_micro=price + 1)]


def _alike(before: list[RoundTrip], after: list[RoundTrip]) -> int:
    """Return how many of the first trips are the same."""
    pairs = zip(before, after, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(before), len(after)))


def side_of(direction: int, *, entry: bool) -> Side:
    """Return the side that opens (or closes) a position of this direction."""
    return Side.BUY if (direction > 0) == entry else Side.SELL
