"""The simulated broker: market orders at the next open, honest about spread, impact and volume.

KEY INPUT: orders; then each frame of the market.
KEY OUTPUT: reports (fills, cancellations), the same that a real broker gives.

An order that arrives at the end of bar t is filled at the open of bar t + 1 or later, never at
the bar that made its signal. At most a share of the bar's volume is filled; what is left of an
entry is cancelled, of an exit keeps working. What is still held in the session's last minute is
closed at its close, less a penalty, beyond the cap, and marked forced: nothing stays overnight.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from engine.config import Config
from engine.errors import InvariantViolation
from engine.events import MICRO, Order, OrderCanceled, OrderFilled, Report
from engine.market.frames import CLOSE, OPEN, PRESENT, VOLUME, Block
from engine.trading.costs import DayFees, fill_price


@dataclass(slots=True)
class _Resting:
    order: Order
    remaining: int


class SimulatedBroker:
    """One account and its working orders."""

    def __init__(self, config: Config, symbols: tuple[str, ...]) -> None:
        self._config = config
        self._column = {symbol: s for s, symbol in enumerate(symbols)}
        self._cash_micro = round(config.simulation.starting_capital * MICRO)
        self._shares = dict.fromkeys(symbols, 0)
        self._orders: dict[str, _Resting] = {}
        self._fees: DayFees | None = None
        self._used: dict[str, int] = {}
        self._frame: tuple[int, int] = (0, 0)

    def submit(self, orders: Iterable[Order]) -> None:
        """Take orders; they are filled from the next `match` on."""
        for order in orders:
            if order.order_id in self._orders:
                raise InvariantViolation(f"{order.order_id} was sent twice")
            self._orders[order.order_id] = _Resting(order, order.shares)

    def match(self, block: Block, t: int) -> list[Report]:
        """Fill what frame `t` fills at its open: exits first, then entries, each by symbol.

        It may be called again in the same frame with orders that arrived meanwhile; the bar's
        volume is shared between the calls.
        """
        self._start_frame(block, t)
        reports: list[Report] = []
        for resting in sorted(self._orders.values(), key=_exits_first):
            reports += self._match_open(resting, block, t)
        if block.first + t == block.session.minutes - 1:
            for resting in sorted(self._orders.values(), key=_exits_first):
                reports += self._match_last(resting, block, t)
        return reports

    def _start_frame(self, block: Block, t: int) -> None:
        frame = (block.session.open_ns, block.first + t)
        if frame == self._frame:
            return
        if self._fees is None or frame[0] != self._frame[0]:
            self._fees = DayFees(block.session.date, charged=self._config.costs.fees)
        self._frame = frame
        self._used = {}

    def _match_open(self, resting: _Resting, block: Block, t: int) -> list[Report]:
        order = resting.order
        bar = block.bars[t, self._column[order.symbol]]
        ts_ns = block.ts_ns(t)
        if bar[PRESENT] == 0.0:
            return [self._cancel(resting, ts_ns, "no bar in its minute")] if order.entry else []
        reference, volume = float(bar[OPEN]), float(bar[VOLUME])
        cap = int(volume * self._config.simulation.participation_pct / 100)
        shares = min(resting.remaining, cap - self._used.get(order.symbol, 0))
        price = fill_price(reference, order.side.sign, max(shares, 0), volume, self._config.costs)
        if order.entry:
            shares = min(shares, self._affordable(price, block, t))
        reports: list[Report] = []
        if shares > 0:
            self._used[order.symbol] = self._used.get(order.symbol, 0) + shares
            reports.append(self._fill(resting, shares, reference, price, ts_ns, forced=False))
        if order.entry and resting.remaining:
            reports.append(self._cancel(resting, ts_ns, "the rest of an entry after its first bar"))
        return reports

    def _match_last(self, resting: _Resting, block: Block, t: int) -> list[Report]:
        order = resting.order
        close = float(block.bars[t, self._column[order.symbol], CLOSE])
        price = close * (1 + order.side.sign * self._config.costs.forced_close_bps * 1e-4)
        shares = resting.remaining
        return [self._fill(resting, shares, close, price, block.ts_ns(t), forced=True)]

    def _affordable(self, price: float, block: Block, t: int) -> int:
        # gross positions never exceed the account; a dollar is kept for the fees of the fill
        free = self._cash_micro / MICRO - 1.0
        for symbol, shares in self._shares.items():
            if shares < 0:
                free += 2 * shares * float(block.bars[t, self._column[symbol], OPEN])
        return max(0, int(free / price))

    def _fill(
        self,
        resting: _Resting,
        shares: int,
        reference: float,
        price: float,
        ts_ns: int,
        *,
        forced: bool,
    ) -> OrderFilled:
        order = resting.order
        price_micro = max(1, round(price * MICRO))
        value = shares * price_micro
        assert self._fees is not None
        fee = self._fees.charge(order.side, shares, value)
        self._cash_micro -= order.side.sign * value + fee
        self._shares[order.symbol] += order.side.sign * shares
        resting.remaining -= shares
        if resting.remaining == 0:
            del self._orders[order.order_id]
        return OrderFilled(
            ts_ns=ts_ns,
            order_id=order.order_id,
            symbol=order.symbol,
            side=order.side,
            shares=shares,
            price_micro=price_micro,
            fee_micro=fee,
            slippage_micro=order.side.sign * (value - shares * round(reference * MICRO)),
            final=resting.remaining == 0,
            forced=forced,
        )

    def _cancel(self, resting: _Resting, ts_ns: int, reason: str) -> OrderCanceled:
        order = resting.order
        del self._orders[order.order_id]
        return OrderCanceled(
            ts_ns=ts_ns, order_id=order.order_id, symbol=order.symbol, reason=reason
        )


def _exits_first(resting: _Resting) -> tuple[bool, str, str]:
    order = resting.order
    return order.entry, order.symbol, order.order_id
