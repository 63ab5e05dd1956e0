"""Whole days on which the account is not as it should be: what is sent, what is said, how it ends.

Alerts stand on stderr as they come, as with --headless.
"""

from collections import Counter

import orjson
import pytest
import trio

from actors.venue import Holding, Rejected
from engine.events import OcoOrder, RefusalKind
from engine.market.frames import MINUTE_NS
from tests.actors.executing import sell_by_hand
from tests.tui.live_days import day, lived
from tui.live_report import report

RESTRICTED = Rejected("account is restricted from trading", 40310000, RefusalKind.RESTRICTED)
HALTED = Rejected("trading of this asset is halted", 40310000, RefusalKind.NOT_TRADABLE)
WASH = Rejected("potential wash trade detected", 40310000, RefusalKind.WASH_TRADE)
MEDDLED = 12
"""Minutes after the bell at which it happens."""


class Ended:
    """A day that is over."""

    def __init__(self, here, code, said):
        self.here, self.code = here, code
        self.summary, self.err = orjson.loads(said.out), said.err

    def rows(self, kind):
        """Return the journal's events of a kind."""
        lines = (self.here.folder / "events.jsonl").read_bytes().splitlines()
        return [row for row in map(orjson.loads, lines) if row["type"] == kind]

    def entered(self):
        """Return the symbols that were bought, entry by entry."""
        return [row["symbol"] for row in self.rows("order_submitted") if row["side"] == "BUY"]


@pytest.fixture
def ended(tmp_path, monkeypatch, capfd):
    """Return a function that runs a day, given what happens to it in its middle."""

    def run(*sets, happens=None, before=lambda _venue: None):
        async def meddle(here):
            await here.clock.sleep_until(here.open_ns + MEDDLED * MINUTE_NS + MINUTE_NS // 2)
            assert here.held
            happens(here.venue)

        async def main():
            async with day(tmp_path / "run", *sets) as here, trio.open_nursery() as nursery:
                before(here.venue)
                if happens is not None:
                    nursery.start_soon(meddle, here)
                return here, await here.trade()

        here, code = lived(main, monkeypatch)
        return Ended(here, code, capfd.readouterr())

    return run


def refusing(venue, answer, what=lambda _order: True):
    """Let the venue refuse what is sent; the moments of what it refused."""
    really, moments = venue.submit, []

    async def submit(approved):
        if not what(approved.order):
            return await really(approved)
        moments.append(venue.clock.now_ns())
        return answer

    venue.submit = submit
    return moments


def lost(venue):
    """Let the account come back with nothing held and no order, and its first cash."""
    books = venue.books
    for order in books.live():
        books.forget(order, venue.clock.now_ns())
    books.holdings.clear()
    books.cash_micro = books.start_micro


def closed_by_hand(venue):
    """Let all that is held be sold from another program, and its legs be canceled."""
    for order in venue.books.live():
        if order.parent is None:
            venue._broker.cancel(venue.books, order)
    for symbol in list(venue.books.holdings):
        sell_by_hand(venue, symbol, venue._quote(symbol).bid)


@pytest.mark.parametrize("happens", [lost, closed_by_hand])
def test_what_is_held_no_more_is_not_sold(ended, happens):
    """Neither at once nor minute by minute, and never short; cash is the broker's (1, 3)."""
    held = []

    def begins(venue):
        held.extend(venue.books.holdings)
        happens(venue)
        submit = venue.submit

        async def never_short(approved):
            answer = await submit(approved)
            assert all(holding.shares > 0 for holding in venue.books.holdings.values())
            return answer

        venue.submit = never_short

    end = ended(happens=begins)
    begun = (end.here.open_ns + (MEDDLED + 1) * MINUTE_NS) // 10**6
    sent = [(row["symbol"], row["timestamp_ms"]) for row in end.rows("order_submitted")]
    cash = end.here.venue.books.cash_micro / 1e6

    assert [symbol for symbol, at in sent if symbol in held and at > begun] == []
    assert (end.code, end.summary["problems"]) == (0, [])
    assert end.summary["final_equity"] == pytest.approx(cash, abs=0.01)
    for symbol in held:
        assert f"rotor: {symbol}: -" in end.err


KEPT = (
    "risk.stop_loss_pct=20", "risk.take_profit_pct=20", "risk.trailing_stop_pct=20",
    "rotation.max_hold_minutes=390", "rotation.min_hold_minutes=39",
)  # fmt: skip
"""Nothing leaves before the close."""


def test_a_restricted_account_is_loud(ended):
    """Entries end, exits are tried ever more rarely, alerts as it happens, exit code 1 (4, 8)."""
    refused = []
    end = ended(*KEPT, happens=lambda venue: refused.append(refusing(venue, RESTRICTED)))
    moments = [at for at in refused[0] if at < end.here.close_ns - 2 * MINUTE_NS]
    first, last = end.err.index(RESTRICTED.reason), end.err.index("the close is near")

    assert len(end.here.held) == 3
    assert end.code == 1
    assert end.summary["problems"][0].startswith("THE BROKER STILL HOLDS")
    assert RESTRICTED.reason in end.summary["blocked_by"]
    assert end.entered()[-1] in end.here.held
    assert len(moments) < 60
    assert end.err.index("refused the exit") < last < len(end.err)
    assert first < last


def test_a_refused_stop_is_not_bought_again_and_again(ended):
    """Each entry is sold at once; after the third its symbol is entered no more (5)."""
    end = ended(
        before=lambda venue: refusing(venue, WASH, lambda order: isinstance(order, OcoOrder))
    )
    bought = Counter(end.entered())

    assert max(bought.values()) == 3
    assert (end.code, end.here.held) == (0, {})
    assert WASH.reason in end.err


@pytest.mark.parametrize(
    ("odd", "beside"),
    [
        (Holding("VTI", 0, None, 0, fraction=True), []),
        (Holding("KO", 7, None, 7, market_micro=70_000_000), ["7 KO"]),
    ],
)
def test_what_else_the_account_holds_is_no_alarm(ended, odd, beside):
    """A part of a share, or a row without its price, whose symbol is not traded (7, 9)."""

    def begins(venue):
        held, asked = venue.holdings, venue.quotes

        async def holdings():
            return [odd, *await held()]

        async def quotes(symbols):
            return await asked([s for s in symbols if s in venue.market.symbols])

        venue.holdings, venue.quotes = holdings, quotes

    end = ended(before=begins)

    assert (end.code, end.summary["problems"]) == (0, [])
    assert end.summary["confirmed_flat"] is True
    assert end.summary["held_beside"] == beside


def test_orders_that_rest_for_the_next_session_are_told(ended, capfd):
    """A halt into the close: what is held is named, and the legs that stay; first of all (16)."""

    def halted(venue):
        refusing(venue, HALTED, lambda order: not isinstance(order, OcoOrder))

    end = ended(*KEPT, happens=halted)
    held, rest = end.summary["problems"]
    shown = end.summary | {"blocked_since": None, "breaker_trips": []}
    report(shown, end.here.folder, json=False)
    said = capfd.readouterr().out.splitlines()

    assert end.code == 1
    for symbol, shares in end.here.held.items():
        assert f"{shares:,} {symbol}" in held
        assert f"SELL {shares:,} {symbol}" in rest
    assert rest.startswith("ORDERS REST FOR THE NEXT SESSION: ")
    assert said[:2] == [f"NOT AS IT SHOULD BE: {problem}" for problem in (held, rest)]


def test_a_session_that_is_stopped_may_leave_its_stops(tmp_path, monkeypatch, capfd):
    """It is interrupted, and goes on: its legs are no problem."""

    async def main():
        async with day(tmp_path / "run") as here, trio.open_nursery() as nursery:
            stop = trio.Event()
            nursery.start_soon(here.trade, stop)
            await here.clock.sleep_until(here.open_ns + MEDDLED * MINUTE_NS + MINUTE_NS // 2)
            assert here.held
            stop.set()

    lived(main, monkeypatch)
    (held,) = orjson.loads(capfd.readouterr().out)["problems"]
    assert held.startswith("THE BROKER STILL HOLDS")
