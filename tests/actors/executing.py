"""Execution on a simulated venue, without a trader."""

from contextlib import asynccontextmanager

import trio

from actors.exchange.account import Holding
from actors.execution import Execution
from actors.orphans import Books
from engine.events import (
    MICRO,
    CashMoved,
    FillBusted,
    FillCorrected,
    OrderFilled,
    OrphanFound,
    Side,
    TradedByHand,
)
from tests.actors.interleavings import market
from tests.actors.simulated_venue import Latencies, open_venue
from tests.bars import SIX, config

AT_ONCE = Latencies(way=0.0, event=0.0, bars=0.0, twice=0.0, lost=0.0, silent=0.0)


@asynccontextmanager
async def executing(
    told,
    book=lambda: Books({}),
    begin=lambda _execution, _venue: None,
    met=lambda *_: None,
    **named,
):
    """Run execution on a venue that holds nothing, half a minute before the bell; yields both.

    `begin` is called with both before it runs.
    """
    (session, bars), warmup = market()
    venue, clock = open_venue(session, SIX, bars, warmup, config(), 0, AT_ONCE)
    execution = Execution(venue, clock, config(), session, told.extend, book, met, **named)
    begin(execution, venue)
    async with trio.open_nursery() as nursery:
        await nursery.start(execution.run, SIX)
        await trio.sleep(1)
        yield execution, venue
        nursery.cancel_scope.cancel()


def answering(venue, answers):
    """Let what is submitted be answered from a list, then by the venue; the ids that were sent."""
    sent, really = [], venue.submit

    async def submit(approved):
        sent.append(approved.order.order_id)
        return answers.pop(0) if answers else await really(approved)

    venue.submit = submit
    return sent


def hold(venue, symbol, shares, price, *, paid=True):
    """Let the venue hold a position, as if by hand."""
    cost = abs(shares) * round(price * MICRO)
    venue.books.holdings[symbol] = Holding(shares, cost)
    if paid:
        side = Side.BUY if shares > 0 else Side.SELL
        fee = venue.books._fees.charge(side, abs(shares), cost)
        venue.books.cash_micro -= side.sign * cost + fee


def sell_by_hand(venue, symbol, price):
    """Let the venue hold a position no more, as if it was sold by hand, fees and all."""
    shares = venue.books.holdings.pop(symbol).shares
    value = shares * round(price * MICRO)
    venue.books.cash_micro += value - venue.books._fees.charge(Side.SELL, shares, value)


class Taken(list):
    """What was told, and the book of a trader that takes it at once."""

    def __init__(self, **shares):
        super().__init__()
        self.shares = dict(shares)
        self.cash_micro = None

    def extend(self, reports):
        """Take reports."""
        for report in reports:
            self.append(report)
            self._book(report)

    def books(self):
        """Return what is held."""
        return Books({s: n for s, n in self.shares.items() if n}, self.cash_micro)

    def _book(self, report):
        match report:
            case OrderFilled() | FillBusted():
                sign = -1 if isinstance(report, FillBusted) else 1
                self._move(report.symbol, sign * report.side.sign * report.shares)
                value = report.side.sign * report.shares * report.price_micro
                self._pay(-sign * (value + report.fee_micro))
            case FillCorrected():
                more = report.shares * (report.new_price_micro - report.price_micro)
                fees = report.new_fee_micro - report.fee_micro
                self._pay(-report.side.sign * more - fees)
            case TradedByHand() | OrphanFound():
                self._move(report.symbol, report.shares)
                self._pay(report.deposit_micro - report.shares * report.price_micro)
                self._pay(-report.fee_micro)
            case CashMoved():
                self._pay(report.amount_micro)

    def _move(self, symbol, shares):
        self.shares[symbol] = self.shares.get(symbol, 0) + shares

    def _pay(self, micro):
        if self.cash_micro is not None:
            self.cash_micro += micro
