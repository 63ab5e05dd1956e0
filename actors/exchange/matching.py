"""Matching: the simulator's rules (engine/simulation/broker.py), order by order.

KEY INPUT: an account's orders, the market's bars.
KEY OUTPUT: fills and ends, booked in the account.

An order that arrives in minute m is filled at m's open under the rule for the whole bar: spread,
impact by its share of the bar's volume, at most `[simulation] participation_pct` of it, shared by
all fills of the minute. What rests (limits, stops, legs) is tested against bar m at its end, by
symbol, also if it arrived during m. The rest of a market order or of a touched stop goes at the
next opens. Fills at a bar's end are stamped a microsecond before the minute ends: inside it.
"""

from collections.abc import Callable, Iterable
from itertools import pairwise

from actors.exchange.account import Account
from actors.exchange.market import Market, MarketBar
from actors.exchange.order import Force, Kind, Order, Status
from engine.config import Config
from engine.events import MICRO
from engine.market.frames import MINUTE_NS
from engine.trading.costs import fill_price
from engine.trading.legs import stop_touched, target_touched

LAST_NS = 1_000
"""How long before its end a fill in a bar is stamped."""


class Matching:
    """The rules; accounts are independent of each other, as if each were alone."""

    def __init__(self, market: Market, config: Config) -> None:
        self.market = market
        self.pieces: Callable[[], int] = lambda: 1
        """Into how many executions the next fill is cut; the faults' to set."""
        self.thinning: Callable[[], float] = lambda: 1.0
        """The share of the usual volume that can be had; the faults' to set."""
        self.postpones: Callable[[Account, Order, int, float], bool] = lambda *_: False
        """Whether the fill of an entry is told only after its cancellation; the faults' to set."""
        self._costs = config.costs
        self._simulation = config.simulation

    def arrive(self, account: Account, order: Order, now_ns: int) -> None:
        """Match an order that was just taken: fill it, let it rest, or cancel it."""
        market = self.market
        if not market.open:
            if order.force.immediate:
                account.end(order, Status.CANCELED, now_ns)
            return
        comes_in = order.kind in (Kind.MARKET, Kind.LIMIT) and order.twin is None
        if comes_in and market.bar(order.symbol, market.minute) is not None:
            self._at_open(account, order, now_ns)
        if order.live and order.force.immediate:
            account.end(order, Status.CANCELED, now_ns)
        self.settle(account, order, now_ns)

    def open_minute(self, account: Account, now_ns: int) -> None:
        """Fill what has waited for the running minute's open: exits, then entries, by symbol."""
        waiting = [o for o in account.live() if self._waits(o)]
        for order in sorted(waiting, key=lambda o: (o.opens, o.symbol, o.sequence)):
            if order.live and self.market.bar(order.symbol, self.market.minute) is not None:
                self._at_open(account, order, now_ns)
                self.settle(account, order, now_ns)

    def end_minute(self, account: Account, minute: int) -> None:
        """Test what rests against the bar of a minute that is over."""
        stamp = self.market.start_ns(minute) + MINUTE_NS - LAST_NS
        for order in sorted(account.live(), key=lambda o: (o.symbol, o.sequence)):
            bar = self.market.bar(order.symbol, minute)
            if bar is None or not self._rests(order):
                continue
            stop, target = _levels(order)
            self._test(account, stop, target, bar, stamp)
            self.settle(account, order, stamp)

    def fill_late(
        self, account: Account, order: Order, shares: int, price: float, now_ns: int
    ) -> None:
        """Fill an entry after all that was reported canceled, as far as the account covers."""
        shares = min(shares, self._covered(account, price))
        if shares > 0 and self.market.open:
            order.late = True
            self._fill(account, order, shares, price, now_ns)

    def expire(self, account: Account, now_ns: int) -> None:
        """End the day orders at the close; positions stay."""
        for order in account.live():
            if order.force is Force.DAY and order.submitted_ns < self.market.session.close_ns:
                account.end(order, Status.EXPIRED, now_ns)

    def settle(self, account: Account, order: Order, now_ns: int) -> None:
        """Wake or end the legs of an entry that is over."""
        if order.live or not order.legs or order.twin is not None:
            return
        for leg in order.legs:
            if not order.filled or order.status is Status.REPLACED:
                account.end(leg, Status.CANCELED, now_ns)
            elif leg.live:
                leg.shares = order.filled
        live = [leg for leg in order.legs if leg.live]
        if live and live[0].status is Status.HELD:
            # the stop of a pair stays held: it is at the market when it is touched
            live[0].status = Status.NEW
            account.tell("new", live[0], now_ns)

    def _waits(self, order: Order) -> bool:
        if order.dormant or order.status is Status.PENDING_CANCEL:
            return False
        early = order.status is Status.ACCEPTED and order.kind is Kind.LIMIT and order.twin is None
        return order.at_market or early

    def _rests(self, order: Order) -> bool:
        if not order.live or order.dormant or order.at_market:
            return False
        # a pair is tested once, as its limit
        return not (order.twin is not None and order.twin.live and order.kind is not Kind.LIMIT)

    def _at_open(self, account: Account, order: Order, now_ns: int) -> None:
        bar = self.market.bar(order.symbol, self.market.minute)
        assert bar is not None
        if order.status is Status.ACCEPTED:
            order.status = Status.NEW
            account.tell("new", order, now_ns)
        sign = order.side.sign
        shares = min(order.remaining, self._room(account, order.symbol, bar.volume))
        price = fill_price(bar.open, sign, max(shares, 0), bar.volume, self._costs)
        if order.limit_micro is not None and sign * (price - order.limit_micro / MICRO) > 0:
            return
        covered = self._covered(account, price) if order.opens else order.remaining
        shares = min(shares, covered)
        if order.force is Force.FOK and shares < order.remaining:
            return
        entry = shares > 0 and order.opens and order.force.immediate
        if entry and self.postpones(account, order, shares, price):
            return
        if shares > 0:
            self._fill(account, order, shares, price, now_ns)
        if order.kind is Kind.MARKET and order.live and covered < order.remaining + shares:
            account.end(order, Status.CANCELED, now_ns)

    def _test(
        self,
        account: Account,
        stop: Order | None,
        target: Order | None,
        bar: MarketBar,
        stamp: int,
    ) -> None:
        direction = -_either(stop, target).side.sign
        level, goal = _micro(stop, stop=True), _micro(target, stop=False)
        stopped = stop is not None and stop_touched(direction, bar.high, bar.low, level)
        reached = target is not None and target_touched(direction, bar.high, bar.low, goal)
        if stopped and reached:
            assert stop is not None
            assert target is not None
            gap = stop_touched(direction, bar.open, bar.open, level)
            beyond = target_touched(direction, bar.open, bar.open, goal)
            first = self._simulation.both_touched == "stop"
            stopped = gap or (not beyond and first)
            if not stopped:
                self._reach(account, target, bar, stamp)
                # what the target left goes by the stop, which the bar touched too
                stopped = stop.live
            reached = False
        if stopped and stop is not None:
            self._stop(account, stop, bar, stamp)
        elif reached and target is not None:
            self._reach(account, target, bar, stamp)

    def _stop(self, account: Account, order: Order, bar: MarketBar, stamp: int) -> None:
        sign, level = order.side.sign, _micro(order, stop=True) / MICRO
        # a gap fills at the open; the trade that touched it was one share at least
        reference = sign * max(sign * bar.open, sign * level)
        shares = max(1, min(order.remaining, self._room(account, order.symbol, bar.volume)))
        price = fill_price(reference, sign, shares, bar.volume, self._costs)
        order.triggered = True
        order.status = Status.PARTIALLY_FILLED if order.filled else Status.NEW
        if order.twin is not None:
            account.end(order.twin, Status.CANCELED, stamp)
        if order.limit_micro is not None and sign * (price - order.limit_micro / MICRO) > 0:
            return
        if order.opens:
            shares = min(shares, self._covered(account, price))
        if shares > 0:
            self._fill(account, order, shares, price, stamp)

    def _reach(self, account: Account, order: Order, bar: MarketBar, stamp: int) -> None:
        sign, level = order.side.sign, _micro(order, stop=False) / MICRO
        price = sign * min(sign * bar.open, sign * level)
        shares = min(order.remaining, self._room(account, order.symbol, bar.volume))
        if order.opens:
            shares = min(shares, self._covered(account, price))
        if shares > 0:
            self._fill(account, order, shares, price, stamp)

    def _room(self, account: Account, symbol: str, volume: float) -> int:
        cap = int(volume * self._simulation.participation_pct / 100 * self.thinning())
        return cap - account.used.get(symbol, 0)

    def _covered(self, account: Account, price: float) -> int:
        # gross positions never exceed the account; a dollar is kept for the fees of the fill
        free = account.cash_micro / MICRO - 1.0
        for symbol in self.market.symbols:
            shares = account.shares(symbol)
            if shares < 0:
                free += 2 * shares * self.market.opening(symbol, self.market.minute)
        return max(0, int(free / price))

    def _fill(self, account: Account, order: Order, shares: int, price: float, ts_ns: int) -> None:
        price_micro = max(1, round(price * MICRO))
        pieces = self.pieces()
        cuts = [shares * i // pieces for i in range(pieces + 1)]
        for before, after in pairwise(cuts):
            if after > before:
                account.book(order, after - before, price_micro, ts_ns)
        twin = order.twin
        if twin is None or not twin.live:
            return
        twin.shares = twin.filled + order.remaining
        if not order.remaining:
            account.end(twin, Status.CANCELED, ts_ns)


def cancel_all(account: Account, orders: Iterable[Order], now_ns: int) -> None:
    """Cancel orders, each with its twin and with legs that have nothing to close."""
    for order in orders:
        idle = order.legs if order.twin is None and not order.filled else []
        for one in (order, *idle, *([order.twin] if order.twin else [])):
            account.end(one, Status.CANCELED, now_ns)


def _levels(order: Order) -> tuple[Order | None, Order | None]:
    """Return (stop, target) of a resting order and its twin."""
    twin = order.twin if order.twin is not None and order.twin.live else None
    if order.kind is Kind.LIMIT or order.triggered:
        return (twin, order) if twin is not None else (None, order)
    return order, twin


def _either(stop: Order | None, target: Order | None) -> Order:
    chosen = stop or target
    assert chosen is not None
    return chosen


def _micro(order: Order | None, *, stop: bool) -> int:
    level = None if order is None else order.stop_micro if stop else order.limit_micro
    return 0 if level is None else level
