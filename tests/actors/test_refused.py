"""What the broker refuses: exits are sent again, entries stop, the account is asked once."""

from functools import partial

import pytest
import trio
import trio.testing

from actors.desk import Outgoing
from actors.orphans import Books
from actors.venue import Account, Rejected
from engine.events import (
    Decision,
    ExitRefused,
    OcoOrder,
    Order,
    OrderCanceled,
    OrderRejected,
    RefusalKind,
    Side,
)
from engine.trading.approval import approve_exit
from tests.actors.executing import answering, executing, hold

EXIT = Order("out", "TQQQ", Side.SELL, 10, entry=False, decision=Decision.EXIT)
LEGS = OcoOrder("legs", "TQQQ", Side.SELL, 10, 79_000_000, 82_000_000, 0.0)
HALTED = Rejected("trading is halted", kind=RefusalKind.NOT_TRADABLE)
RESTRICTED = Rejected("account is restricted from trading", 40310000, RefusalKind.RESTRICTED)
HELD = Books({"TQQQ": 10})


@pytest.fixture
def mock_clock():
    """Time jumps: the plugin uses this clock."""
    return trio.testing.MockClock(autojump_threshold=0)


def _at(venue, clock, moments, answers):
    """Note when each order is submitted; answer from a list, then as the venue does."""
    really = venue.submit

    async def submit(approved):
        moments.append(clock.now_ns() / 1e9)
        return answers.pop(0) if answers else await really(approved)

    venue.submit = submit


async def test_a_refused_exit_is_sent_again_after_1_2_4_and_so_on_up_to_60_seconds(mock_clock):
    """By the same id; told at the 1st, 2nd, 4th, 8th refusal: the log does not fill."""
    told, moments = [], []
    async with executing(told, lambda: HELD) as (execution, venue):
        hold(venue, "TQQQ", 10, 80.0)
        _at(venue, venue.clock, moments, [HALTED] * 9)
        await execution.send(Outgoing((), (approve_exit(EXIT, 10),)), [])
        await trio.sleep(400)

    waits = [round(b - a) for a, b in zip(moments, moments[1:], strict=False)]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    refused = [report for report in told if isinstance(report, ExitRefused)]
    assert [report.tries for report in refused] == [1, 2, 4, 8]
    assert {(r.order_id, r.reason, r.kind) for r in refused} == {
        ("out", "trading is halted", RefusalKind.NOT_TRADABLE)
    }
    assert not [r for r in told if isinstance(r, OrderRejected)]


async def test_it_is_not_sent_again_once_the_shares_are_gone(mock_clock):
    """Somebody has sold them meanwhile: another try might sell short."""
    told = []
    async with executing(told, lambda: HELD) as (execution, venue):
        hold(venue, "TQQQ", 10, 80.0)
        sent = answering(venue, [HALTED] * 9)
        await execution.send(Outgoing((), (approve_exit(EXIT, 10),)), [])
        await trio.sleep(2.5)
        venue.books.holdings.clear()
        await trio.sleep(400)

    assert sent == ["out"] * 2
    assert [r.reason for r in told if isinstance(r, OrderCanceled)] == ["the broker holds none"]


async def test_in_the_last_two_minutes_it_is_every_five_seconds_and_ends_at_the_close(mock_clock):
    """Also where it began before; after the close nothing is sent."""
    told, moments = [], []
    async with executing(told, lambda: HELD) as (execution, venue):
        hold(venue, "TQQQ", 10, 80.0)
        close = venue.market.session.close_ns
        await venue.clock.sleep_until(close - 150 * 10**9)
        _at(venue, venue.clock, moments, [HALTED] * 100)
        await execution.send(Outgoing((), (approve_exit(EXIT, 10),)), [])
        await trio.sleep(300)

    left = [round(close / 1e9 - moment) for moment in moments]
    assert left[:5] == [150, 149, 147, 143, 135]
    assert left[5:8] == [120, 115, 110]
    assert left[-1] > 0
    assert isinstance(told[-1], OrderRejected)


async def test_a_restricted_account_is_asked_once_and_its_words_are_told(mock_clock):
    """Whatever else is refused later."""
    told, asked = [], []
    async with executing(told, lambda: HELD) as (execution, venue):
        hold(venue, "TQQQ", 10, 80.0)
        venue.account = partial(_blocked, asked)
        answering(venue, [RESTRICTED] * 4)
        await execution.send(Outgoing((), (approve_exit(EXIT, 10),)), [])
        await trio.sleep(120)

    words = "account is restricted from trading (trading blocked)"
    assert {r.reason for r in told if isinstance(r, ExitRefused)} == {words}
    assert len(asked) == 1


async def _blocked(asked):
    asked.append(1)
    return Account(
        number="1", cash_micro=0, equity_micro=0, buying_power_micro=0, blocked="trading blocked",
        shorting=False, multiplier=1.0,
    )  # fmt: skip


async def test_legs_wait_for_a_rate_limit_and_for_nothing_else(mock_clock):
    """They are refused for good after some seconds: then the position is sold."""
    told = []
    limited = Rejected("too many requests", 429, RefusalKind.RATE)
    async with executing(told, lambda: HELD) as (execution, venue):
        hold(venue, "TQQQ", 10, 80.0)
        sent = answering(venue, [limited] * 2)
        await execution.send(Outgoing((), (approve_exit(LEGS, 10),)), [])
        await trio.sleep(30)
        assert sent == ["legs"] * 3
        assert told == []

        sent = answering(venue, [HALTED])
        again = LEGS._replace(order_id="again")
        await execution.send(Outgoing((), (approve_exit(again, 10),)), [])
        await trio.sleep(30)

    assert "again" in sent
    assert any(isinstance(r, OrderRejected) and r.kind is HALTED.kind for r in told)
