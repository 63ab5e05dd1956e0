"""A trading floor without Trio: the real desk, walk and simulated broker, frame by frame."""

import datetime as dt

import numpy as np

from actors.desk import Desk, Given
from actors.predictor import Answer
from actors.supervisor import _send, _walk
from engine.events import MICRO, TradedByHand
from engine.learning.signals import (
    CONFIDENCE,
    EXPECTED,
    FORECASTS,
    PROBABILITY,
    SIGNAL_FIELDS,
    WARM,
    neutral,
)
from engine.learning.slope import EarnedSlope
from engine.market.calendar import sessions_between
from engine.market.grid import Gridder
from engine.records.page import Trade
from engine.records.stats import RunStats
from engine.simulation.broker import SimulatedBroker
from engine.trading.ledger import Ledger
from engine.trading.state import State


class DirectPort:
    """The broker port without mailboxes; none of its methods ever waits."""

    def __init__(self, account):
        self.account = account

    async def submit(self, orders):
        self.account.submit(orders)

    async def cancel(self, order_ids):
        self.account.cancel(order_ids)

    async def replace(self, stops):
        self.account.replace(stops)

    async def match(self, block, t):
        return self.account.match(block, t)

    async def close_bar(self, block, t):
        return self.account.close_bar(block, t)


def at_once(coroutine):
    """Run a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise AssertionError("it waited")


def quiet(symbols):
    """Return the signals (S, 6) of predictors that are warm and expect nothing."""
    values = np.zeros((len(symbols), SIGNAL_FIELDS))
    values[:, PROBABILITY] = 0.5
    values[:, CONFIDENCE] = 1.0
    values[:, WARM] = 1.0
    return values


def wish(symbols, *names, probability=0.7, bps=80.0):
    """Return signals in which `names` are to rise."""
    values = quiet(symbols)
    for name in names:
        values[symbols.index(name), [PROBABILITY, EXPECTED]] = probability, bps / 1e4
    return values


class Floor:
    """One account; `frame` plays a minute and returns what happened in it."""

    def __init__(self, cfg, symbols, *, first=dt.date(2025, 4, 2), scan=True):
        self.symbols = tuple(symbols)
        self.account = SimulatedBroker(cfg, self.symbols)
        self.start = round(cfg.simulation.starting_capital * MICRO)
        state = State(
            "0" * 8, self.symbols, Ledger(self.start), cfg.rotation.cooldown_minutes,
            cfg.universe.twins,
        )  # fmt: skip
        names = [("x",)] * len(self.symbols)
        slope = EarnedSlope(self.symbols, min_sessions=cfg.quality.min_shadow_sessions)
        self.desk = Desk(cfg, state, RunStats(self.start), slope, names, scan=scan)
        signs = [cfg.universe.sign(s) for s in self.symbols]
        self.gridder = Gridder(self.symbols, signs, cfg.risk.max_jump_pct)
        self.desk.leap = self.gridder.leap
        self.sessions = sessions_between(first, first + dt.timedelta(days=60))
        self.day, self.minute = 0, 0
        self.closed = lambda _page: None
        """Told of every page."""
        self.history = []
        """(ts_ns, event or Trade), of all frames."""

    @property
    def state(self):
        return self.desk.state

    @property
    def session(self):
        return self.sessions[self.day]

    def command(self, command, actor="test"):
        """Give a command that takes effect before the next frame."""
        ts_ns = self.session.open_ns + self.minute * 60 * 10**9
        self.desk.give(Given(ts_ns, command, actor))

    def frame(self, bars, signals, reports=()):
        """Play one minute of (S, 5) bars and (S, 6) signals, with reports; return its events."""
        self.block = self.gridder.block(self.session, self.minute, np.asarray(bars, float)[None])
        explained = tuple(self._handed(row) for row in signals)
        self.desk.open_block(self.block, [Answer(explained, ())], trading=True)
        if reports:
            at_once(_send(DirectPort(self.account), self.desk.fold(0, reports)))
        at_once(_walk(self.desk, self.block, DirectPort(self.account)))
        page = self.desk.close_block()
        self.closed(page)
        self.history += [(self.block.ts_ns(t), what) for t, what in page.entries]
        self.minute += 1
        if self.minute == self.session.minutes:
            self.day, self.minute = self.day + 1, 0
        return [what for _, what in page.entries]

    def _handed(self, row):
        """Return what a predictor would have handed on, the same for every horizon."""
        handed = neutral(1, 1, horizons=len(self.desk.config.learning.horizons))
        handed.values[0, :FORECASTS] = row[:FORECASTS]
        handed.expected[:] = row[EXPECTED]
        return handed

    def by_hand(self, symbol, shares, price=0.0, *, fee=0, order_id="theirs", left=False):
        """Let somebody else trade in the account, without a price by a transfer; the report."""
        price_micro = round(price * MICRO)
        self.account._shares[symbol] += shares
        self.account._cash_micro -= shares * price_micro + fee
        return TradedByHand(
            ts_ns=self.session.open_ns + self.minute * 60 * 10**9, order_id=order_id * bool(price),
            symbol=symbol, shares=shares, price_micro=price_micro, fee_micro=fee,
            unpriced=not price, left=left,
        )  # fmt: skip

    def play(self, bars, signals):
        """Play minutes of (T, S, 5) bars with the same signals; return all events."""
        return [event for row in bars for event in self.frame(row, signals)]

    def events(self, kind):
        """Return (ts_ns, event) of one kind."""
        return [(ts_ns, what) for ts_ns, what in self.history if isinstance(what, kind)]

    def fills(self):
        """Return the fills so far."""
        return [what.fill for _, what in self.history if isinstance(what, Trade)]


def bar(price, *, low=None, high=None, close=None, volume=1e6):
    """Return one bar that opens at `price`."""
    close = price if close is None else close
    low = min(price, close) if low is None else low
    high = max(price, close) if high is None else high
    return [price, high, low, close, volume]
