"""A live session's cockpit after a restart: what the log's inputs make of it again."""

from dataclasses import replace

import pytest
import trio
import trio.testing

from actors.live import LivePlan, live
from actors.views import Views
from engine.market.frames import MINUTE_NS
from engine.records.journal import FILES
from tests.actors.interleavings import SETS, Ran, canonical, difference, learned, market
from tests.actors.simulated_venue import Latencies, open_venue, start_cash
from tests.bars import SIX, config

FAST = Latencies(way=0.0, event=0.0, bars=0.0, twice=0.0, lost=0.0, silent=0.0)
COMPARED = (
    "money", "max_positions", "positions", "signals", "decisions", "curve", "stats", "risk",
    "inbox", "inbox_closed", "trades",
)  # fmt: skip
"""All that follows from inputs alone; the rest is of the clock, the links and the machine."""


def play(folder, *, until=None, watch=False, at_start=None, acts=()):
    """Trade a session, or the minutes up to `until`; return its last view and the views seen.

    `acts`: (minute, command) given through the socket's own way.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (session, bars), warmup = market()
    settings = config(*SETS)
    seen, taught = [], learned(*SETS)

    async def main():
        venue, clock = open_venue(session, SIX, bars, warmup, settings, 0, FAST)
        stop = trio.Event()
        opened = []
        plan = LivePlan(
            config=settings, symbols=SIX, session=session, venue=venue, clock=clock,
            folder=folder, epoch="0" * 8, cash_micro=start_cash(settings), learned=taught,
            views=Views(), reread=lambda: settings, screen=lambda c, a: opened.append((c, a)),
        )  # fmt: skip

        async def look():
            while True:
                seen.append(opened[0][0].view())
                await trio.sleep(7.0)

        async def act(minute, request):
            await clock.sleep_until(session.open_ns + minute * MINUTE_NS + 30 * 10**9)
            await opened[0][1](request)

        async def leave():
            await clock.sleep_until(session.open_ns + until * MINUTE_NS + 20 * 10**9)
            stop.set()

        def ready():
            if at_start is not None:
                at_start(opened[0][0].view())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(venue.run)
            await trio.testing.wait_all_tasks_blocked()
            if until is not None:
                nursery.start_soon(leave)
            for minute, request in acts:
                nursery.start_soon(act, minute, request)
            if watch:
                nursery.start_soon(_after, opened, look)
            await live(plan, stop, ready)
            nursery.cancel_scope.cancel()
        return opened[0][0].view()

    return trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0)), seen


def left(folder):
    """Return what a session left, whose order within a minute is Trio's choice."""
    names = ("inputs", *FILES["full"])
    files = {name: (folder / f"{name}.jsonl").read_bytes() for name in names}
    return Ran(files=files, fills=0, held=0, cash_micro=0, twice=0)


async def _after(opened, look):
    while not opened:  # noqa: ASYNC110
        await trio.sleep(1.0)
    await look()


@pytest.mark.parametrize("minute", [1, 17, 44])
def test_a_restart_shows_what_was_shown_before(tmp_path, minute):
    """Positions on their slots, decisions with their numbers, the curve, the figures."""
    before, _ = play(tmp_path / "run", until=minute)
    again = []
    play(tmp_path / "run", until=minute + 1, at_start=again.append)
    (after,) = again

    assert before.stats.bars == minute
    for name in COMPARED:
        assert getattr(after, name) == getattr(before, name), name
    assert [(o.id, o.filled) for o in after.orders] == [(o.id, o.filled) for o in before.orders]
    if before.message is not None:
        assert after.message == replace(before.message, ns=after.message.ns)


def test_whether_somebody_looks_makes_no_difference(tmp_path):
    """The journal of a session that is looked at is that of one that is not; so is the view."""
    unseen, _ = play(tmp_path / "unseen")
    seen, views = play(tmp_path / "seen", watch=True)

    one, other = (canonical(left(tmp_path / name)) for name in ("unseen", "seen"))
    assert difference(one, other) == ""
    assert len({view.sequence for view in views if view is not None}) > 80
    assert (seen.money, seen.stats) == (unseen.money, unseen.stats)


def test_a_liquidation_ends_when_the_broker_says_so(tmp_path):
    """Frozen, cancelled, sold as the market takes it, asked: each step in its time."""
    request = {"verb": "liquidate", "actor": "tui:ann@dashboard"}
    _, views = play(tmp_path / "run", until=30, watch=True, acts=[(20, request)])
    shown = [view.flatten for view in views if view is not None and view.flatten is not None]
    last = shown[-1]

    assert last.by == "ann"
    assert [step.state for step in last.steps] == ["done"] * 4
    assert last.started_ns == views[-1].header.open_ns + 20 * MINUTE_NS + 30 * 10**9
    assert 0 <= last.confirmed_ns - last.steps[2].at_ns <= 2 * 10**9
    assert shown[0].steps[2].state == "running"
    assert last.steps[2].done == last.steps[2].total > 0
    assert views[-1].flatten is None
    assert views[-1].header.trading_mode == "REDUCE_ONLY"


def test_a_session_is_stopped_flat(tmp_path):
    """`stop` with `flatten`: everything is sold, confirmed, and then it ends."""
    request = {"verb": "stop", "how": "flatten", "actor": "tui:ann@quit"}
    view, _ = play(tmp_path / "run", acts=[(20, request)])

    assert not any(position.shares for position in view.positions)
    assert 20 <= view.stats.bars < 25
    assert view.header.halted_by == "tui:ann@quit"


def test_a_session_is_left_with_its_stops(tmp_path):
    """`stop` with `leave`: nothing is sold."""
    view, _ = play(tmp_path / "run", acts=[(20, {"verb": "stop", "how": "leave"})])

    assert view.stats.bars <= 21
    assert any(position.shares for position in view.positions)


def test_two_liquidations_at_once_are_both_followed_until_the_broker_says_so(tmp_path):
    """The second does not take the first one's place; one panel ends when both are flat."""
    before, _ = play(tmp_path / "before", until=20)
    one, two = sorted(position.symbol for position in before.positions)[:2]
    acts = [(20, {"verb": "liquidate", "symbol": symbol, "actor": "x"}) for symbol in (one, two)]
    _, views = play(tmp_path / "run", until=40, watch=True, acts=acts)
    shown = [view.flatten for view in views if view is not None and view.flatten is not None]

    assert {flatten.scope for flatten in shown[1:]} == {f"{one}, {two}"}
    assert [line.split()[0] for line in shown[-1].lines] == [one, two]
    assert [step.state for step in shown[-1].steps] == ["done"] * 4
    assert shown[-1].confirmed_ns - shown[-1].steps[2].at_ns <= 2 * 10**9
