"""Liquidations by hand, from the command to the broker's confirmed flat.

KEY INPUT: Liquidate, the exits that follow, their fills; the book; what the broker says.
KEY OUTPUT: FlattenView, until ten seconds after all is flat.

What is liquidated while another liquidation is under way is added to it: one panel follows both.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from actors.cockpit.labels import price, usd, who
from actors.cockpit.orders import Carrying, OrderBook
from actors.cockpit.orders import Row as OrderRow
from actors.cockpit.views import FlattenView, Step, StepView
from engine.events import CommandGiven, Liquidate
from engine.records.page import Trade

SHOWN_NS = 10_000_000_000
"""After it is confirmed flat."""
PATIENCE_NS = 60_000_000_000
"""Not flat after this long is an alarm."""


@dataclass(slots=True)
class Sold:
    """What was sold of a symbol since the command."""

    shares: int = 0
    value_micro: int = 0


@dataclass(slots=True)
class Flattening:
    """What is being liquidated."""

    asked: dict[str | None, int] = field(default_factory=dict)
    """When, by symbol; None: everything."""
    actors: list[str] = field(default_factory=list)
    legs: list[OrderRow] = field(default_factory=list)
    """That rested when it was asked for."""
    sold: dict[str, Sold] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)
    """Since when nothing is held of a symbol."""
    flat: set[str] = field(default_factory=set)
    """Of which the broker has said so: what is bought of them later is no part of this."""
    canceled_ns: int | None = None
    sold_ns: int | None = None
    confirmed_ns: int | None = None

    def ask(self, symbol: str | None, actor: str, ns: int, legs: Sequence[OrderRow]) -> None:
        """Take a command: it is not over before that is flat, too."""
        for again in [one for one in self.flat if symbol in (None, one)]:
            self.flat.discard(again)
            del self.gone[again]
            self.asked.pop(again, None)
        self.asked.setdefault(symbol, ns)
        if actor not in self.actors:
            self.actors.append(actor)
        self.legs += [leg for leg in legs if leg not in self.legs]
        self.canceled_ns = self.sold_ns = self.confirmed_ns = None

    @property
    def started_ns(self) -> int:
        """Return when the first of it was asked for."""
        return min(self.asked.values())

    def covers(self, symbol: str) -> bool:
        """Return whether it is about a symbol."""
        return symbol not in self.flat and (None in self.asked or symbol in self.asked)

    @property
    def unconfirmed(self) -> bool:
        """Return whether something is sold of which the broker has not said so."""
        return self.sold_ns is not None or bool(self.gone.keys() - self.flat)

    def _since(self, symbol: str) -> int:
        return min(ns for one, ns in self.asked.items() if one in (None, symbol))

    def trade(self, trade: Trade) -> None:
        """Take a fill."""
        fill = trade.fill
        if not trade.booking.entry and self.covers(fill.symbol):
            sold = self.sold.setdefault(fill.symbol, Sold())
            sold.shares += fill.shares
            sold.value_micro += fill.shares * fill.price_micro

    def observe(
        self,
        now_ns: int,
        held: Mapping[str, int],
        carrying: Carrying,
        flat_since: Callable[[int], bool],
    ) -> None:
        """Note what has been reached; `held` are the shares that are left, by symbol.

        `flat_since`: whether the broker has said so since a moment.
        """
        if self.canceled_ns is None and self.canceled(carrying) == len(self.legs):
            self.canceled_ns = now_ns
        self._observe_each(now_ns, held, flat_since)
        left = sum(shares for symbol, shares in held.items() if self.covers(symbol))
        if self.sold_ns is None and not left:
            self.sold_ns = now_ns
        if self.confirmed_ns is None and self.sold_ns is not None and self.canceled_ns is not None:
            confirmed = not left and flat_since(max(self.sold_ns, self.canceled_ns))
            self.confirmed_ns = now_ns if confirmed else None

    def _observe_each(
        self, now_ns: int, held: Mapping[str, int], flat_since: Callable[[int], bool]
    ) -> None:
        for symbol in filter(self.covers, {*filter(None, self.asked), *self.sold}):
            if held.get(symbol):
                self.gone.pop(symbol, None)
            else:
                self.gone.setdefault(symbol, now_ns)
        if self.canceled_ns is not None:
            self.flat |= {s for s, ns in self.gone.items() if flat_since(max(ns, self.canceled_ns))}

    def canceled(self, carrying: Carrying) -> int:
        """Return how many of the resting orders are over."""
        return sum(row.done and carrying(row.order_id) == "over" for row in self.legs)

    def view(self, now_ns: int, held: Mapping[str, int], carrying: Carrying) -> FlattenView:
        """Return it as it is shown."""
        left = {s: shares for s, shares in held.items() if self.covers(s) and shares}
        sold = sum(one.shares for one in self.sold.values())
        late = {}
        if self.confirmed_ns is None:
            late = {s: n for s, n in left.items() if now_ns - self._since(s) > PATIENCE_NS}
        total = sold + sum(left.values())
        gone = self.canceled(carrying)
        steps = (
            StepView(name=self._frozen(), state="done", at_ns=self.started_ns, done=0, total=0),
            _step("cancel resting orders", self.canceled_ns, gone, len(self.legs), "running"),
            _step("sell: a limit, then at the market", self.sold_ns, sold, total, "running"),
            _step(
                "ask the broker until flat", self.confirmed_ns, 0, 0,
                "waiting" if left else "running",
            ),
        )  # fmt: skip
        return FlattenView(
            scope="all" if None in self.asked else ", ".join(sorted(filter(None, self.asked))),
            by=", ".join(who(actor) for actor in self.actors),
            started_ns=self.started_ns,
            steps=steps,
            lines=tuple(self._line(s, left.get(s, 0)) for s in sorted(left.keys() | self.sold)),
            confirmed_ns=self.confirmed_ns,
            left=", ".join(f"{n:,} {s}" for s, n in sorted(late.items())),
            left_ns=min(map(self._since, late), default=None),
        )

    def _frozen(self) -> str:
        if None in self.asked:
            return "entries frozen"
        one = f" in {next(iter(self.asked))}" if len(self.asked) == 1 else ""
        return f"entries{one} barred"

    def _line(self, symbol: str, left: int) -> str:
        sold = self.sold.get(symbol, Sold())
        words = f"{symbol:<5} {sold.shares:>6,} of {sold.shares + left:>6,}"
        average = f"{price(usd(sold.value_micro) / sold.shares)} average" if sold.shares else ""
        if not left:
            return f"{words}  ✓ {average}, flat"
        return f"{words}  ► {average + ', ' if average else ''}{left:,} left"


def _step(name: str, at_ns: int | None, done: int, total: int, otherwise: Step) -> StepView:
    state: Step = "done" if at_ns is not None else otherwise
    return StepView(name=name, state=state, at_ns=at_ns, done=done, total=total)


class Flattenings:
    """What is shown of liquidations, if there are any."""

    def __init__(self) -> None:
        self.now: Flattening | None = None

    def take(self, ns: int, event: object, orders: OrderBook) -> None:
        """Take what happened, before the orders do; `ns` is when."""
        match event:
            case CommandGiven(command=Liquidate(symbol=symbol), actor=actor):
                if self.now is None or self.now.confirmed_ns is not None:
                    self.now = Flattening()
                self.now.ask(symbol, actor, ns, orders.legs_of(symbol))
            case Trade() if self.now is not None:
                self.now.trade(event)

    def over(self, now_ns: int) -> bool:
        """Return whether there is none, or it was confirmed long enough ago."""
        at = self.now.confirmed_ns if self.now is not None else 0
        return at is not None and now_ns - at > SHOWN_NS
