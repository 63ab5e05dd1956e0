"""A finished run in the cockpit: what a screen asks for is of the minute that is shown."""

import datetime as dt
import json
from collections import deque
from dataclasses import replace

import numpy as np
import pytest
import trio
import trio.testing

from actors.cockpit.cockpit import Cockpit
from actors.cockpit.log import Log
from actors.cockpit.scene import About, Outside
from actors.cockpit.showing import Showing
from actors.history import History
from actors.live import LivePlan, live
from actors.pacing import Pacing
from actors.player import Player
from actors.recovery import again
from actors.standing import Place, Standing
from actors.system import Parts, replay
from actors.views import Views
from engine.errors import BadInputError
from engine.market.calendar import sessions_between
from engine.market.frames import MINUTE_NS
from engine.market.synth import generate
from engine.records.inputs import NAME, Frame, read_log
from engine.records.manifest import read_manifest
from engine.records.recorded import Recorded, read_recorded
from tests.actors.simulated_venue import Latencies, open_venue, start_cash
from tests.bars import SIX, config
from tests.engine.records.store.folders import write_run
from tests.patience import patience
from tui.history import learn
from tui.kept import Kept, Stood
from tui.live_folder import begin, recording_of
from tui.recorded import Viewing, load, open_run
from tui.verify import replayed

SETS = (
    "rotation.min_hold_minutes=2", "rotation.max_hold_minutes=10", "rotation.cooldown_minutes=2",
    "rotation.min_edge_bps=-50", "learning.warm_rows=50", "risk.stop_loss_pct=0.3",
)  # fmt: skip
HALF_DAY = dt.date(2025, 7, 3)
WAYS = Latencies(way=0.0, event=0.0, bars=0.0, twice=0.0, lost=0.0, silent=0.0)


@pytest.fixture(scope="module")
def replayed_run(tmp_path_factory):
    """Two traded sessions, replayed."""
    return write_run(tmp_path_factory.mktemp("runs") / "one", sessions=2)


@pytest.fixture(scope="module")
def live_run(tmp_path_factory):
    """A half day, traded live before a simulated venue."""
    folder = tmp_path_factory.mktemp("runs") / "live"
    days = sessions_between(HALF_DAY - dt.timedelta(days=2), HALF_DAY)[-2:]
    (*warmup, (session, bars)) = [
        (day, np.asarray(made)) for day, made in generate(days, symbols=SIX, seed=5, signal=3.0)
    ]
    settings = config(*SETS)
    cash = start_cash(settings)
    history = History(config=settings, symbols=SIX, sessions=warmup, capital_micro=cash)
    learned, taught = trio.run(learn, history, folder, lambda _: None)
    manifest = begin(folder, settings, "PA1", session, SIX, cash, taught)

    async def main():
        venue, clock = open_venue(session, SIX, bars, warmup, settings, 0, WAYS)
        plan = LivePlan(
            config=settings, symbols=SIX, session=session, venue=venue, clock=clock,
            folder=folder, epoch=manifest["epoch"], cash_micro=cash, learned=learned,
            views=Views(), reread=lambda: settings,
        )  # fmt: skip
        async with trio.open_nursery() as nursery:
            nursery.start_soon(venue.run)
            await trio.testing.wait_all_tasks_blocked()
            await live(plan, trio.Event(), lambda: None)
            nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    return folder


def questions(cockpit):
    """Return what the screens would ask of a cockpit."""
    asked = [{"what": "symbol", "symbol": symbol} for symbol in SIX]
    asked += [{"what": "analytics", "by": "symbol"}, {"what": "log"}]
    rows = len(cockpit.memory.feed.rows)
    asked += [{"what": "explain", "kind": "decision", "id": str(n)} for n in range(rows)]
    return asked + [{"what": "explain", "kind": "signal", "id": symbol} for symbol in SIX]


def answers(cockpit):
    return [Showing(cockpit, None).answer(asked) for asked in questions(cockpit)]


def stopped_replay(folder, place):
    """Return the cockpit of a replay that has no later bars than those of a minute."""
    recorded = read_recorded(folder)
    days = [n for n, (s, _) in enumerate(recorded.sessions) if s.date >= recorded.trade_from]
    cut = days[place.session]
    session, bars = recorded.sessions[cut]
    recorded.sessions = [*recorded.sessions[:cut], (session, bars[: place.minute + 1])]
    found = []
    plan = replace(
        replayed(recorded, None), pacing=Pacing(None), screen=lambda c, _: found.append(c)
    )
    trio.run(lambda: replay(plan, signals=False))
    return found[0]


def stopped_live(folder, place):
    """Return the cockpit of a live session that has no later inputs than a minute's bars."""
    recording = recording_of(folder, read_manifest(folder))
    inputs = read_log(folder / NAME, SIX).inputs
    last = next(n for n, x in enumerate(inputs) if x == frame_of(inputs, place.minute))
    now, found = recording.session.open_ns, []

    def opened(trader, learners):
        about = About(mode="replay", symbols=SIX, run_id="live", session=recording.session)
        outside = Outside(now_ns=lambda: now, learners=learners)
        found.append(Cockpit(trader.desk, about, outside))
        trader.closed = found[0].page

    async def taken(given):
        nonlocal now
        if isinstance(given, Frame):
            now = recording.session.open_ns + (given.minute + 1) * MINUTE_NS

    class Nowhere:
        async def send(self, _):
            await trio.lowlevel.checkpoint()

    trio.run(again, recording, inputs[: last + 1], Nowhere(), opened, taken)
    return found[0]


def frame_of(inputs, minute):
    return next(x for x in inputs if isinstance(x, Frame) and x.minute == minute)


async def standing_at(run, places):
    """Return what is answered at each place, in their order, and how often the run began."""
    begun = []

    async def rerun(tell, since):
        begun.append(1)
        await run.rerun(tell, since)

    async with trio.open_nursery() as nursery:
        standing = Standing(rerun)
        nursery.start_soon(standing.run)
        told = [answers(await standing.at(place)) for place in places]
        nursery.cancel_scope.cancel()
    return told, len(begun)


def test_a_minute_of_a_replayed_run_is_told_as_it_was_then(replayed_run):
    """Closes, marks, rows learned, the log: those of a session that was stopped there."""
    places = [Place(0, 30), Place(0, 30), Place(0, 300), Place(1, 5), Place(0, 120)]
    told, begun = trio.run(standing_at, open_run(replayed_run), places)

    for place, found in zip(places, told, strict=True):
        assert found == answers(stopped_replay(replayed_run, place)), place
        symbol = found[0]
        assert len(symbol["closes_usd"]) == place.minute + 1
        assert all(minute <= place.minute for minute, *_ in symbol["marks"])
    rows = [found[0]["rows_learned"] for found in told]
    assert rows[0] == rows[1] < rows[4] < rows[2] < rows[3]
    assert begun == 2  # only for going back


def test_a_minute_of_a_live_run_is_told_as_it_was_then(live_run):
    """The learners of a live recording are asked, too."""
    places = [Place(0, 12), Place(0, 90), Place(0, 209), Place(0, 60)]
    told, begun = trio.run(standing_at, open_run(live_run), places)

    for place, found in zip(places, told, strict=True):
        assert found == answers(stopped_live(live_run, place)), place
        assert len(found[0]["closes_usd"]) == place.minute + 1
        assert found[0]["rows_learned"] > 0
        assert found[0]["forecasts"]
        assert [row["horizon"] for row in found[len(SIX)]["ic"]] == [15, 30, 60]
    assert any(told[2][n]["marks"] for n in range(len(SIX)))
    assert begun == 2


@pytest.mark.parametrize("name", ["replayed_run", "live_run"])
def test_the_views_are_those_of_every_minute(name, request):
    """One per minute of the session; its own trades, and the asked ones of the same minute."""
    run = open_run(request.getfixturevalue(name))
    views = trio.run(load, run, len(run.dates) - 1)

    assert [view.stats.bars for view in views] == list(range(1, views[0].curve.minutes + 1))
    assert views[-1].stats.round_trips > 0
    assert views[0].header.run_id in ("one", "live")


def test_a_session_is_begun_where_an_earlier_replay_stood(replayed_run, monkeypatch):
    """And then shows and answers what it does from the run's begin: log, money, learners."""
    run, begun = open_run(replayed_run), []
    blocks = Recorded.blocks

    def noted(of, skip, *, prices):
        begun.append(skip)
        return blocks(of, skip, prices=prices)

    monkeypatch.setattr(Recorded, "blocks", noted)

    def seen():
        views = [replace(view, sequence=0, health=None) for view in trio.run(load, run, 1)]
        return views, trio.run(standing_at, run, [Place(1, 200), Place(1, 30)])[0]

    whole = trio.run(load, open_run(replayed_run), 1)
    (views, told), again = seen(), seen()
    assert begun == [0, 0, 2, 2, 2, 2, 2]
    assert again == (views, told)
    assert views == [replace(view, sequence=0, health=None) for view in whole]
    assert told == [answers(stopped_replay(replayed_run, Place(1, minute))) for minute in (200, 30)]


def test_what_cannot_be_copied_is_begun_anew():
    """Such as a predictor of one's own that holds an open file."""
    kept = Kept(40)
    kept.keep(Stood(3, Parts((), None, lambda: 0), Log()))
    assert kept.latest(39) is None
    for session in range(40):
        kept.keep(Stood(session, Parts((), None, session), Log()))
    assert [kept.latest(session).session for session in (0, 2, 3, 38, 39)] == [0, 0, 3, 36, 39]


@pytest.mark.parametrize("name", ["replayed_run", "live_run"])
def test_the_rows_add_up_to_the_header_in_every_minute(name, request):
    """Unrealised is the journal's, and the sum of the rows; with realised it is the day's."""
    folder = request.getfixturevalue(name)
    lines = (folder / "positions.jsonl").read_text().splitlines()
    journal = {row["timestamp_ms"]: row["total_unrealized_pnl"] for row in map(json.loads, lines)}
    views = trio.run(load, open_run(folder), 0)
    most = 0

    for view in views:
        money, rows = view.money, [row.pnl_usd for row in view.positions if row.state != "flat"]
        most = max(most, len(rows))
        assert round(sum(rows), 2) == money.unrealised_usd
        assert round(money.realised_usd + money.unrealised_usd, 2) == money.day_usd
        assert money.day_usd == pytest.approx(money.equity_usd - money.day_start_usd, abs=0.006)
        said = journal[(view.header.now_ns - MINUTE_NS) // 1_000_000]
        assert money.unrealised_usd == pytest.approx(said, abs=0.006 * len(rows))
    assert most > 1
    assert not views[-1].money.unrealised_usd
    trips = sum(trade.pnl_usd for trade in views[-1].trades)
    assert views[-1].money.realised_usd == pytest.approx(trips, abs=0.006)


def test_a_decision_that_was_not_made_yet_is_refused(replayed_run):
    """Whoever goes back cannot ask for what came later."""
    run = open_run(replayed_run)

    async def main():
        player, standing = Player(run.dates, lambda i: load(run, i)), Standing(run.rerun)
        viewing = Viewing(player, standing)
        with pytest.raises(BadInputError, match="is being read"):
            await viewing.answer({"verb": "show", "what": "log"})
        async with trio.open_nursery() as nursery:
            nursery.start_soon(player.run)
            nursery.start_soon(standing.run)
            await until(lambda: player.view() is not None)
            player.turn({"do": "seek", "to": "15:59"})
            await until(lambda: player.place.minute == 389)
            last = player.view().decisions[0].id
            asked = {"verb": "show", "what": "explain", "kind": "decision", "id": str(last)}
            assert (await viewing.answer(asked))["show"]["title"]
            player.turn({"do": "seek", "to": "10:00"})
            await until(lambda: player.place.minute == 30)
            with pytest.raises(BadInputError, match="there is no such decision"):
                await viewing.answer(asked)
            nursery.cancel_scope.cancel()

    trio.run(main)


async def until(condition):
    with trio.fail_after(patience(60)):
        while not condition():  # noqa: ASYNC110
            await trio.sleep(0.01)


class Counted:
    """Two sessions of 100 minutes, a second each; a session that nobody wants to see takes one."""

    def __init__(self):
        self.told = []
        self.begun = 0

    async def rerun(self, tell, since):
        self.begun += 1
        for session in range(2):
            for minute in range(100) if session >= since else (99,):
                await trio.sleep(1)
                self.told.append(Place(session, minute))
                await tell(Place(session, minute), self.told[-1])


async def test_the_newest_question_wins(nursery, autojump_clock):
    """Who waits for another minute is answered by the newest; no run is queued behind it."""
    run, answered = Counted(), []
    standing = Standing(run.rerun)
    nursery.start_soon(standing.run)

    async def ask(place):
        answered.append((place.minute, (await standing.at(place)).minute, trio.current_time()))

    for minute in (50, 60, 20, 80, 70):
        nursery.start_soon(ask, Place(0, minute))
        await trio.sleep(0.5)
    await trio.sleep(200)

    assert [one[:2] for one in sorted(answered)] == [(m, 70) for m in (20, 50, 60, 70, 80)]
    assert run.begun == 1
    assert len(run.told) == 71


async def test_going_on_costs_the_minutes_between_and_going_back_a_new_run(nursery, autojump_clock):
    """Asking twice costs nothing; a minute that is half over is not one that stands."""
    run = Counted()
    standing = Standing(run.rerun)
    nursery.start_soon(standing.run)
    took = deque()
    for place in ((0, 9), (0, 9), (0, 12), (1, 4), (1, 0), (0, 2), (1, 99)):
        began = trio.current_time()
        assert await standing.at(Place(*place)) == place
        took.append(trio.current_time() - began)
    assert list(took) == [10, 0, 3, 92, 2, 3, 197]

    nursery.start_soon(standing.at, Place(0, 50))
    await trio.sleep(10.5)
    assert await standing.at(Place(0, 9)) == (0, 9)  # it was told of, and left
    assert run.begun == 5


async def test_another_session_is_asked_for_on_the_way(nursery, autojump_clock):
    """One whose minutes the run goes over: it begins anew."""
    run = Counted()
    standing = Standing(run.rerun)
    nursery.start_soon(standing.run)
    nursery.start_soon(standing.at, Place(1, 50))
    await trio.sleep(0.5)
    assert await standing.at(Place(0, 50)) == (0, 50)
    assert run.begun == 2


def test_health_tells_how_long_the_actors_take(replayed_run):
    """Of those that take messages one by one, and of each symbol's predictor."""
    run = open_run(replayed_run)

    async def main():
        async with trio.open_nursery() as nursery:
            standing = Standing(run.rerun)
            nursery.start_soon(standing.run)
            found = (await standing.at(Place(0, 60))).view().health.actors
            nursery.cancel_scope.cancel()
        return {actor.name: actor for actor in found}

    actors = trio.run(main)
    for name in ("predictor TQQQ", "feed→predictor 0", "supervisor→broker", "supervisor→journal"):
        assert 0 <= actors[name].p50_ms <= actors[name].p99_ms, name
    assert actors["feed→predictor 0"].p99_ms > 0
    assert actors["control→supervisor"].p50_ms is None
