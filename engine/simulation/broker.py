"""The simulated broker: honest about spread, impact, volume, gaps, and what it cannot know.

KEY INPUT: approved orders; then each frame of the market.
KEY OUTPUT: reports (fills, cancellations), the same that a real broker gives.

An order that arrives at the end of bar t is filled at the open of bar t + 1 or later, never at
the bar that made its signal; an entry not beyond its limit. At most a share of the bar's volume is
filled; what is left of an entry is cancelled, of an exit keeps working. Stop and target rest inside
the bar, from the bar of their entry on. What is still held in the session's last minute is closed
at its close, less a penalty, beyond the cap, and marked forced: nothing stays overnight.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from engine.config import Config
from engine.errors import InvariantViolation
from engine.events import (
    MICRO,
    Approved,
    Leg,
    OcoOrder,
    Order,
    OrderCanceled,
    OrderFilled,
    Report,
)
from engine.market.frames import CLOSE, HIGH, LOW, OPEN, PRESENT, VOLUME, Block
from engine.trading.costs import DayFees, fill_price
from engine.trading.legs import stop_touched, target_touched


@dataclass(slots=True)
class _Working:
    order: Order | OcoOrder
    remaining: int
    stop_micro: int = 0
    target_micro: int = 0
    triggered: bool = False
    """True once the stop was touched: what is left is a market order."""


class SimulatedBroker:
    """One account, its working orders and its resting legs."""

    def __init__(self, config: Config, symbols: tuple[str, ...]) -> None:
        self._config = config
        self._column = {symbol: s for s, symbol in enumerate(symbols)}
        self._cash_micro = round(config.simulation.starting_capital * MICRO)
        self._shares = dict.fromkeys(symbols, 0)
        self._orders: dict[str, _Working] = {}
        self._resting: dict[str, _Working] = {}
        self._canceled: list[OcoOrder | Order] = []
        self._fees: DayFees | None = None
        self._used: dict[str, int] = {}
        self._frame: tuple[int, int] = (0, 0)

    def submit(self, orders: Iterable[Approved[Order | OcoOrder]]) -> None:
        """Take approved orders; they are filled from the next `match` on."""
        for approved in orders:
            order = approved.order
            if order.order_id in self._orders or order.order_id in self._resting:
                raise InvariantViolation(f"{order.order_id} was sent twice")
            # legs that are replaced are gone at once, so that nothing is left to report
            self._resting.pop(order.replaces, None)
            if isinstance(order, OcoOrder):
                working = _Working(order, order.shares, order.stop_micro, order.target_micro)
                self._resting[order.order_id] = working
                continue
            self._orders[order.order_id] = _Working(order, order.shares)

    def cancel(self, order_ids: Iterable[str]) -> None:
        """Cancel what works or rests; the next `match` reports it, or that nothing was left."""
        for order_id in order_ids:
            working = self._orders.pop(order_id, None) or self._resting.pop(order_id, None)
            if working is not None:
                self._canceled.append(working.order)

    def replace(self, stops: Iterable[tuple[str, int]]) -> None:
        """Move resting stops, (order id, micro-dollars); one that is gone stays gone."""
        for order_id, stop_micro in stops:
            if order_id in self._resting:
                self._resting[order_id].stop_micro = stop_micro

    def match(self, block: Block, t: int) -> list[Report]:
        """Report cancellations, and fill what frame `t` fills at its open: exits, then entries.

        It may be called again in the same frame with orders that arrived meanwhile; the bar's
        volume is shared between the calls. Each group is sorted by symbol.
        """
        self._start_frame(block, t)
        canceled = sorted(self._canceled, key=lambda order: order.symbol)
        self._canceled.clear()
        reports: list[Report] = [_canceled(o, block.ts_ns(t), "as asked") for o in canceled]
        for working in sorted(self._orders.values(), key=_exits_first):
            reports += self._match_open(working, block, t)
        return reports

    def close_bar(self, block: Block, t: int) -> list[Report]:
        """Report what the rest of frame `t` does: resting legs, by symbol, and the last close."""
        self._start_frame(block, t)
        reports: list[Report] = []
        for working in sorted(self._resting.values(), key=lambda resting: resting.order.symbol):
            reports += self._match_legs(working, block, t)
        if block.first + t == block.session.minutes - 1:
            left = [*self._orders.values(), *self._resting.values()]
            for working in sorted(left, key=_exits_first):
                reports.append(self._match_last(working, block, t))
        return reports

    def _start_frame(self, block: Block, t: int) -> None:
        frame = (block.session.open_ns, block.first + t)
        if frame == self._frame:
            return
        if self._fees is None or frame[0] != self._frame[0]:
            self._fees = DayFees(block.session.date, charged=self._config.costs.fees)
        self._frame = frame
        self._used = {}

    def _match_open(self, working: _Working, block: Block, t: int) -> list[Report]:
        order = working.order
        entry = isinstance(order, Order) and order.entry
        bar = block.bars[t, self._column[order.symbol]]
        ts_ns = block.ts_ns(t)
        if bar[PRESENT] == 0.0:
            return [self._cancel(working, ts_ns, "no bar in its minute")] if entry else []
        reference, volume = float(bar[OPEN]), float(bar[VOLUME])
        shares = min(working.remaining, self._room(order.symbol, volume))
        price = fill_price(reference, order.side.sign, max(shares, 0), volume, self._config.costs)
        if isinstance(order, Order) and order.entry:
            if order.limit_micro and order.side.sign * (price - order.limit_micro / MICRO) > 0:
                words = f"it opened beyond its limit of {order.limit_micro / MICRO:g}"
                return [self._cancel(working, ts_ns, words)]
            shares = min(shares, self._affordable(price, block, t))
        reports: list[Report] = []
        if shares > 0:
            leg = Leg.STOP if working.triggered else None
            reports.append(self._fill(working, shares, reference, price, ts_ns, leg=leg))
        if entry and working.remaining:
            reports.append(self._cancel(working, ts_ns, "the rest of an entry after its first bar"))
        return reports

    def _match_legs(self, working: _Working, block: Block, t: int) -> list[Report]:
        order = working.order
        bar = block.bars[t, self._column[order.symbol]]
        if bar[PRESENT] == 0.0:
            return []
        direction = -order.side.sign
        open_, high, low = float(bar[OPEN]), float(bar[HIGH]), float(bar[LOW])
        stopped = stop_touched(direction, high, low, working.stop_micro)
        reached = target_touched(direction, high, low, working.target_micro)
        if not (stopped or reached):
            return []
        if stopped and reached:
            gap = stop_touched(direction, open_, open_, working.stop_micro)
            beyond = target_touched(direction, open_, open_, working.target_micro)
            ambiguous = not (gap or beyond)
            first = self._config.simulation.both_touched == "stop"
            stopped = gap or (ambiguous and first)
            reports = self._fill_leg(working, block, t, stop=stopped, ambiguous=ambiguous)
            if not stopped and working.remaining:
                # what the target left goes by the stop, which the bar touched too
                reports += self._fill_leg(working, block, t, stop=True, ambiguous=False)
            return reports
        return self._fill_leg(working, block, t, stop=stopped, ambiguous=False)

    def _fill_leg(
        self, working: _Working, block: Block, t: int, *, stop: bool, ambiguous: bool
    ) -> list[Report]:
        order = working.order
        bar = block.bars[t, self._column[order.symbol]]
        open_, volume, sign = float(bar[OPEN]), float(bar[VOLUME]), order.side.sign
        level = (working.stop_micro if stop else working.target_micro) / MICRO
        room = min(working.remaining, self._room(order.symbol, volume))
        if stop:
            # a gap fills at the open; the trade that touched it was one share at least
            reference = sign * max(sign * open_, sign * level)
            shares = max(1, room)
            working.triggered = True
            self._orders[order.order_id] = self._resting.pop(order.order_id)
        else:
            reference = sign * min(sign * open_, sign * level)
            shares = room
        if shares <= 0:
            return []
        price = reference
        if stop:
            price = fill_price(reference, sign, shares, volume, self._config.costs)
        leg = Leg.STOP if stop else Leg.TARGET
        ts_ns = block.ts_ns(t)
        return [self._fill(working, shares, reference, price, ts_ns, leg=leg, ambiguous=ambiguous)]

    def _match_last(self, working: _Working, block: Block, t: int) -> Report:
        order = working.order
        close = float(block.bars[t, self._column[order.symbol], CLOSE])
        price = close * (1 + order.side.sign * self._config.costs.forced_close_bps * 1e-4)
        leg = Leg.STOP if isinstance(order, OcoOrder) else None
        ts_ns = block.ts_ns(t)
        return self._fill(working, working.remaining, close, price, ts_ns, leg=leg, forced=True)

    def _room(self, symbol: str, volume: float) -> int:
        cap = int(volume * self._config.simulation.participation_pct / 100)
        return cap - self._used.get(symbol, 0)

    def _affordable(self, price: float, block: Block, t: int) -> int:
        # gross positions never exceed the account; a dollar is kept for the fees of the fill
        free = self._cash_micro / MICRO - 1.0
        for symbol, shares in self._shares.items():
            if shares < 0:
                free += 2 * shares * float(block.bars[t, self._column[symbol], OPEN])
        return max(0, int(free / price))

    def _fill(
        self,
        working: _Working,
        shares: int,
        reference: float,
        price: float,
        ts_ns: int,
        *,
        leg: Leg | None = None,
        ambiguous: bool = False,
        forced: bool = False,
    ) -> OrderFilled:
        order = working.order
        price_micro = max(1, round(price * MICRO))
        value = shares * price_micro
        assert self._fees is not None
        fee = self._fees.charge(order.side, shares, value)
        self._cash_micro -= order.side.sign * value + fee
        self._shares[order.symbol] += order.side.sign * shares
        self._used[order.symbol] = self._used.get(order.symbol, 0) + shares
        working.remaining -= shares
        if working.remaining == 0:
            self._orders.pop(order.order_id, None)
            self._resting.pop(order.order_id, None)
        return OrderFilled(
            ts_ns=ts_ns,
            order_id=order.order_id,
            symbol=order.symbol,
            side=order.side,
            shares=shares,
            price_micro=price_micro,
            fee_micro=fee,
            slippage_micro=order.side.sign * (value - shares * round(reference * MICRO)),
            final=working.remaining == 0,
            forced=forced,
            leg=leg,
            ambiguous=ambiguous,
        )

    def _cancel(self, working: _Working, ts_ns: int, reason: str) -> OrderCanceled:
        del self._orders[working.order.order_id]
        return _canceled(working.order, ts_ns, reason)


def _canceled(order: Order | OcoOrder, ts_ns: int, reason: str) -> OrderCanceled:
    return OrderCanceled(ts_ns=ts_ns, order_id=order.order_id, symbol=order.symbol, reason=reason)


def _exits_first(working: _Working) -> tuple[bool, str, str]:
    order = working.order
    return isinstance(order, Order) and order.entry, order.symbol, order.order_id
