"""Each part of the cockpit's view against the state of the desk it shows."""

from dataclasses import fields

import numpy as np
import pytest
import trio

from actors.cockpit.flatten import Flattening
from actors.cockpit.health import measure
from actors.cockpit.scene import Outside
from actors.mailbox import Mailbox
from engine.events import Decided, Decision, Halt, Liquidate, Resume, RoundTripClosed
from engine.records.metrics import MINUTES_A_YEAR, daily_returns, sharpe, trade_figures
from tests.actors.cockpit.watched import SYMBOLS, Watched, holding, prices, two
from tests.actors.floor import bar, quiet, wish


@pytest.fixture
def floor():
    """AAA and BBB are held, up and down."""
    return holding()


def test_the_money_is_the_ledgers(floor):
    """Equity is cash and shares at their last prices; the day is realised plus unrealised."""
    money, state = floor.view.money, floor.state

    assert money.equity_usd == state.equity
    assert money.equity_usd == state.ledger.equity({"AAA": 51.0, "BBB": 49.8})
    assert money.cash_usd == state.cash
    assert money.day_usd == pytest.approx(money.realised_usd + money.unrealised_usd, abs=1e-9)
    assert money.day_usd == pytest.approx(state.equity - 100_000, abs=0.005)
    assert money.drawdown_pct == pytest.approx(100 * (state.equity / state.risk.peak - 1))
    assert money.max_drawdown_pct == pytest.approx(-100 * floor.desk.stats.max_drawdown)
    assert len(money.equity_spark) == 16
    assert money.equity_spark[-1] == state.equity


def test_a_position_is_the_books(floor):
    """Shares, prices, legs, excursions of a position are those that the desk has."""
    aaa, bbb = floor.view.positions
    held, legs = floor.state.ledger.positions["AAA"], floor.state.legs[0]

    assert (aaa.symbol, aaa.side, aaa.shares, aaa.slot) == ("AAA", "long", held.shares, 0)
    assert aaa.entry_usd == pytest.approx(held.entry_price)
    assert aaa.pnl_usd == pytest.approx(held.shares * (51 - held.entry_price), abs=0.005)
    assert aaa.stop_usd == legs.stop_micro / 1e6
    assert aaa.target_usd == legs.order.target_micro / 1e6
    assert aaa.stop_trailing == legs.moved
    assert 0 == aaa.gauge_entry < aaa.gauge_last < 1  # the trailing stop is above the entry
    assert aaa.stop_pct == pytest.approx(100 * (1 - aaa.stop_usd / 51))
    assert (aaa.mfe_pct > 0, bbb.mae_pct < 0) == (True, True)
    assert (aaa.rank, bbb.rank, aaa.bars_held) == (1, 2, 1)
    assert aaa.spark == (50, 50, 51)
    assert aaa.state == "held"


def test_a_position_keeps_its_slot_and_an_entry_takes_the_first_free(floor):
    """BBB stays on the second line when AAA is gone, and CCC takes the first."""
    floor.command(Liquidate(symbol="AAA"))
    floor.frame(prices(51, 49.8, 50), two())
    assert floor.view.flatten is not None
    floor.now_ns += 11 * 10**9
    alone = floor.view.positions
    both = wish(SYMBOLS, "BBB", "CCC")
    floor.play([prices(51, 49.8, 50)] * 2, both)

    assert [(p.symbol, p.slot) for p in alone] == [("BBB", 1)]
    assert [(p.symbol, p.slot) for p in floor.view.positions] == [("CCC", 0), ("BBB", 1)]


def test_the_ladder_is_ranked_first_and_then_in_the_order_of_the_universe(floor):
    """Ranked by rank; a neutral symbol stands below, and says so."""
    aaa, bbb, ccc = floor.view.signals
    frame = floor.cockpit.scene().frame

    assert (aaa.symbol, aaa.rank, aaa.why, aaa.held) == ("AAA", 1, "held", True)
    assert (bbb.symbol, bbb.rank) == ("BBB", 2)
    assert (ccc.symbol, ccc.rank, ccc.why, ccc.strength) == ("CCC", None, "neutral", 0.0)
    for row in (aaa, bbb, ccc):
        signal = frame.signal(SYMBOLS.index(row.symbol))
        assert (row.probability, row.edge_bps) == (signal.probability, signal.edge_bps)
        assert (row.win_rate, row.verdict) == (signal.win_rate, signal.verdict)


def test_a_change_of_rank_stands_for_its_minute(floor):
    """BBB overtakes AAA by one rank; a minute later nothing has changed."""
    floor.frame(prices(51, 49.8, 50), two(strong=0.7, weak=0.8))
    now = [(row.symbol, row.rank_change) for row in floor.view.signals]
    floor.frame(prices(51, 49.8, 50), two(strong=0.7, weak=0.8))

    assert now == [("BBB", 1), ("AAA", -1), ("CCC", 0)]
    assert [row.rank_change for row in floor.view.signals] == [0, 0, 0]


@pytest.mark.parametrize(
    ("sets", "signals", "word"),
    [
        ((), wish(SYMBOLS, "CCC", bps=-5000.0), "edge<-100.0"),
        (("rotation.min_strength_to_enter=0.9",), wish(SYMBOLS, "CCC"), "strng<.900"),
        ((), wish(SYMBOLS, "CCC", probability=0.2), "short off"),
        ((), quiet(SYMBOLS), "neutral"),
    ],
)
def test_why_a_symbol_is_not_traded(sets, signals, word):
    """The first gate that refuses it, in at most 11 characters."""
    floor = Watched(*sets)
    floor.frame(prices(50, 50, 50), signals)

    said = {row.symbol: row.why for row in floor.view.signals}["CCC"]
    assert said == word
    assert len(said) <= 11


def test_why_tells_of_full_slots_of_cooldown_and_of_a_halt(floor):
    """What the book says of a candidate, and what blocks all."""
    third = two()
    third[2] = wish(SYMBOLS, "CCC", probability=0.7005)[2]
    floor.frame(prices(51, 49.8, 50), third)
    slots = {row.symbol: row.why for row in floor.view.signals}
    floor.command(Liquidate(symbol="AAA"))
    floor.frame(prices(51, 49.8, 50), two())
    barred = {row.symbol: row.why for row in floor.view.signals}
    floor.command(Halt(reason="lunch"))
    floor.frame(prices(51, 49.8, 50), two())
    halted = {row.symbol: row.why for row in floor.view.signals}

    assert slots["CCC"].startswith(("Δ ", "slots full"))
    assert barred["AAA"].startswith("barred ")
    assert halted["AAA"] == "halted"
    assert halted["BBB"] == "held"


def test_decisions_are_told_in_words_with_their_fills(floor):
    """An entry names shares, rank, strength, edge and what bound it; an exit what it brought."""
    floor.command(Liquidate(symbol="AAA"), actor="tui:ann@dashboard")
    floor.frame(prices(51, 49.8, 50), two())
    refused, sold, command, *_, first = floor.view.decisions
    (trip,) = [e.trip for _, e in floor.events(RoundTripClosed)]

    assert (first.label, first.symbol) == ("ENTER", "AAA")
    assert first.text.startswith("long 676: rank 1, strength ")
    assert "size bound by position" in first.text
    assert (command.label, command.text) == ("MANUAL", "liquidate AAA, by ann")
    assert (sold.label, sold.symbol) == ("MANUAL", "AAA")
    assert (refused.label, refused.text) == ("REFUSE", "in cooldown after its last exit")
    assert sold.text == (
        f"676 @ {trip.exit_price:.2f} {trip.pnl_micro / 1e6:+,.2f}: liquidated by tui:ann@dashboard"
    )
    assert [row.id for row in floor.view.decisions] == sorted(
        (row.id for row in floor.view.decisions), reverse=True
    )


def test_every_decision_but_hold_is_told_once(floor):
    """The feed has the journal's decisions, in their order."""
    floor.play([prices(51, 49.8, 50)] * 3, quiet(SYMBOLS))
    told = [r.decided for r in floor.cockpit.memory.feed.rows if r.decided is not None]

    assert told == [e for _, e in floor.events(Decided) if e.decision is not Decision.HOLD]


def test_an_oco_order_is_two_rows_and_the_fills_are_there(floor):
    """Legs rest for both positions; the entries are filled at their average."""
    orders = floor.view.orders
    working = [(o.symbol, o.type, o.state, o.purpose) for o in orders if o.state == "working"]
    entries = [o for o in orders if o.purpose.startswith("entry")]

    trailing = "stop, trailing 1.0%"
    assert working == [
        ("AAA", "stop", "working", trailing), ("AAA", "limit", "working", "target, OCO"),
        ("BBB", "stop", "working", trailing if floor.state.legs[1].moved else "stop"),
        ("BBB", "limit", "working", "target, OCO"),
    ]  # fmt: skip
    assert [(o.state, o.filled == o.shares) for o in entries] == [("filled", True)] * 2
    assert entries[-1].price_usd == pytest.approx(floor.fills()[0].price_micro / 1e6)


def test_the_figures_are_those_of_the_run(floor):
    """Statistics, curve and marks of the only session are the run's own."""
    floor.command(Liquidate(symbol="BBB"))
    floor.frame(prices(51, 49.8, 50), two())
    view, stats, desk = floor.view, floor.view.stats, floor.desk
    figures = trade_figures(desk.stats.round_trips)

    assert (stats.bars, stats.fills, stats.opened) == (4, desk.stats.fills, 2)
    assert stats.symbol_bars == desk.stats.symbol_bars
    assert (stats.round_trips, stats.losses) == (1, figures.losses)
    assert stats.refusals == int(desk.refusals.counts.sum())
    assert stats.sharpe == sharpe(
        daily_returns([100_000, *desk.stats.minute_equity]), MINUTES_A_YEAR
    )
    assert list(view.curve.equity_usd) == desk.stats.minute_equity
    assert view.curve.marks == ((1, True), (1, True), (3, False))
    assert view.curve.minutes == 390
    open_fees = sum(lot.fee_micro for lot in floor.state.ledger.positions["AAA"].lots) / 1e6
    realised = pytest.approx(figures.total_pnl - open_fees, abs=0.011)  # two figures are rounded
    assert view.money.realised_usd == realised


def test_risk_is_measured_against_its_limits(floor):
    """Heat is what the stops would cost, exposure the gross; all breakers are listed."""
    view, plain = floor.view, floor.desk.view()
    limits = {limit.name: limit for limit in view.risk.limits}

    assert limits["heat"].measure == pytest.approx(100 * plain.heat / plain.equity)
    assert limits["exposure"].measure == view.money.exposure_pct
    assert limits["losses"].limit == 3
    assert len(view.risk.breakers) == 8
    assert not any(breaker.tripped for breaker in view.risk.breakers)


def test_a_tripped_breaker_is_an_alert_and_stands_first():
    """It says why, since when, and how it re-arms."""
    floor = Watched("risk.daily_loss_pct=0.1")
    floor.play([prices(50, 50, 50)] * 2, two())
    floor.frame([bar(50, close=49.5), bar(50), bar(50)], two())
    first, *rest = floor.view.risk.breakers

    assert (first.name, first.tripped, first.rearms) == (
        "daily loss",
        True,
        "with the next session",
    )
    assert first.since_ns == floor.now_ns  # the end of the minute that tripped it
    assert not any(breaker.tripped for breaker in rest)
    (alert,) = floor.view.alerts
    assert alert.text.startswith("no entries: daily loss")
    assert floor.view.header.trading_mode == "REDUCE_ONLY"
    assert floor.view.header.blocked_by


def test_a_liquidation_is_shown_until_ten_seconds_after_it_is_flat(floor):
    """Its steps, what was sold and at which price; the closed positions stay meanwhile."""
    floor.command(Liquidate(), actor="tui:ann@dashboard")
    floor.frame(prices(51, 49.8, 50), two())
    view = floor.view
    floor.now_ns += 11 * 10**9

    assert (view.flatten.scope, view.flatten.by) == ("all", "ann")
    assert [step.state for step in view.flatten.steps] == ["done"] * 4
    assert (view.flatten.steps[1].done, view.flatten.steps[1].total) == (4, 4)
    assert view.flatten.confirmed_ns is not None
    assert [line.split()[0] for line in view.flatten.lines] == ["AAA", "BBB"]
    assert [(p.symbol, p.shares, p.state) for p in view.positions] == [
        ("AAA", 0, "flat"), ("BBB", 0, "flat"),
    ]  # fmt: skip
    assert floor.view.flatten is None
    assert floor.view.positions == ()
    assert floor.view.header.halted_by == "tui:ann@dashboard"


def test_what_is_liquidated_meanwhile_is_followed_with_it(floor):
    """The first is not flat for the broker yet: the second is added, and both are confirmed."""
    floor.cockpit.outside.flat_since = lambda _: False
    floor.command(Liquidate(symbol="AAA"), actor="tui:ann@dashboard")
    floor.frame(prices(51, 49.8, 50), two())
    first = floor.view.flatten
    began = floor.now_ns
    floor.command(Liquidate(symbol="BBB"), actor="cli:bob")
    floor.frame(prices(51, 49.8, 50), two())
    both = floor.view.flatten
    floor.cockpit.outside.flat_since = lambda since: since > began
    done = floor.view.flatten

    assert (first.scope, first.by, first.steps[0].name) == ("AAA", "ann", "entries in AAA barred")
    assert (both.scope, both.by, both.steps[0].name) == ("AAA, BBB", "ann, bob", "entries barred")
    assert both.started_ns == first.started_ns
    assert (both.steps[1].done, both.steps[1].total) == (4, 4)
    assert both.steps[2].total > first.steps[2].total == first.steps[2].done > 0
    assert [line.split()[0] for line in both.lines] == ["AAA", "BBB"]
    assert both.confirmed_ns is None
    assert both.steps[3].state == "running"
    assert done.confirmed_ns == floor.now_ns
    assert {p.symbol for p in floor.view.positions if p.state == "flat"} == {"AAA", "BBB"}


def test_each_liquidation_has_its_own_minute_to_be_flat():
    """The alarm names what has been left for too long, and no more."""
    book = {"AAA": 10, "BBB": 20}
    flattening = Flattening()
    flattening.ask("AAA", "tui:ann@dashboard", 0, ())
    flattening.ask("BBB", "tui:ann@dashboard", 50 * 10**9, ())

    def left(seconds):
        view = flattening.view(seconds * 10**9, book, lambda _: "over")
        return view.left, view.left_ns

    assert left(55) == ("", None)
    assert left(70) == ("10 AAA", 0)
    assert left(111) == ("10 AAA, 20 BBB", 0)
    book["AAA"] = 0
    assert left(112) == ("20 BBB", 50 * 10**9)


def test_what_is_bought_again_is_no_part_of_the_liquidation():
    """AAA was confirmed flat and is entered again while BBB still sells; asked again, it is."""
    flattening, over = Flattening(), lambda _: "over"
    flattening.ask("AAA", "x", 0, ())
    flattening.ask("BBB", "x", 0, ())
    flattening.observe(1, {"BBB": 20}, over, lambda _: False)
    assert flattening.unconfirmed
    flattening.observe(2, {"BBB": 20}, over, lambda _: True)
    assert not flattening.unconfirmed
    flattening.observe(3, {"AAA": 7, "BBB": 20}, over, lambda _: True)
    told = flattening.view(3, {"AAA": 7, "BBB": 20}, over)
    assert [line.split()[:4] for line in told.lines] == [["BBB", "0", "of", "20"]]
    flattening.observe(4, {"AAA": 7}, over, lambda _: True)
    assert flattening.confirmed_ns == 4

    flattening.ask("AAA", "x", 5, ())
    flattening.observe(6, {"AAA": 7}, over, lambda _: True)
    assert flattening.view(6, {"AAA": 7}, over).steps[3].state == "waiting"


def test_after_one_is_flat_another_begins_anew(floor):
    """What is confirmed is over."""
    floor.command(Liquidate(symbol="AAA"))
    floor.frame(prices(51, 49.8, 50), two())
    assert floor.view.flatten.confirmed_ns is not None
    floor.command(Liquidate(symbol="BBB"))
    floor.frame(prices(51, 49.8, 50), two())

    assert floor.view.flatten.scope == "BBB"


def test_the_broker_has_the_last_word(floor):
    """Sold is not flat: until the broker has said so the last step runs."""
    floor.cockpit.outside.flat_since = lambda _: False
    floor.command(Liquidate())
    floor.frame(prices(51, 49.8, 50), two())
    asked = floor.view.flatten
    floor.cockpit.outside.flat_since = lambda _: True

    assert [step.state for step in asked.steps] == ["done", "done", "done", "running"]
    assert floor.view.flatten.confirmed_ns == floor.now_ns


def test_messages_tell_fills_and_commands(floor):
    """The lane has the newest: a fill with its legs, then a command and who gave it."""
    floor.command(Halt(reason="lunch"), actor="tui:ann@dashboard")
    floor.frame(prices(51, 49.8, 50), two())
    message = floor.view.message
    floor.command(Resume(), actor="cli:bob")
    floor.frame(prices(51, 49.8, 50), two())

    assert message.text == "halted by ann; exits go on. h y resumes"
    assert message.actor == "tui:ann@dashboard"
    assert floor.view.message.text == "resumed by bob"
    assert floor.view.message.id > message.id


def test_round_trips_are_the_ledgers(floor):
    """A trade shows what the ledger says of it."""
    floor.command(Liquidate(symbol="AAA"))
    floor.frame(prices(51, 49.8, 50), two())
    (trade,) = floor.view.trades
    (closed,) = [e for _, e in floor.events(RoundTripClosed)]

    assert trade.pnl_usd == closed.trip.pnl_micro / 1e6
    assert (trade.label, trade.number, trade.shares) == ("MANUAL", 1, closed.trip.shares)
    assert trade.said_edge_bps == closed.trip.signal.edge_bps


def test_what_did_not_change_is_the_same_object(floor):
    """Without news it is the same view; after a minute only what changed is another object."""
    before = floor.view
    again = floor.view
    floor.frame(prices(51, 49.8, 50), two())
    after = floor.view
    same = {f.name for f in fields(after) if getattr(after, f.name) is getattr(before, f.name)}

    assert again is before
    assert after.sequence > before.sequence
    assert {"trades", "inbox", "decisions", "flatten", "alerts"} <= same
    assert "curve" not in same


def test_the_clock_alone_does_not_grow_the_sequence(floor):
    """A later clock gives a view of the same sequence with another header."""
    before = floor.view
    floor.now_ns += 10**9
    after = floor.view

    assert after.sequence == before.sequence
    assert after.header.now_ns == before.header.now_ns + 10**9
    assert after.signals is before.signals


async def test_how_long_an_actor_takes_is_measured_once_somebody_may_look():
    """From taking a message to asking for the next; a message that is not iterated over is not."""
    mailbox, asked = Mailbox("a→b", 4), Mailbox("b→a", 4)
    for number in range(3):
        await mailbox.send(number)
        await asked.send(number)
    mailbox.close_sender()
    async for number in mailbox:
        if number == 0:
            assert mailbox.durations is None
            measure(Outside(now_ns=lambda: 0, mailboxes=(mailbox, asked)))
        else:
            await trio.sleep(0.02)
    await asked.receive()

    assert mailbox.durations.percentile(50) >= 20
    assert asked.durations.percentile(99) is None


def test_a_session_begins_anew(floor):
    """The next day has its own curve, decisions and figures."""
    calm = quiet(SYMBOLS)
    while floor.day == 0:
        floor.frame(prices(51, 49.8, 50), calm)
    ended = floor.view
    floor.frame(prices(51, 49.8, 50), calm)
    view = floor.view

    assert ended.header.phase == "closed"
    assert ended.stats.round_trips == 2
    assert (view.stats.bars, view.stats.fills, view.trades, view.decisions) == (1, 0, (), ())
    assert view.money.day_usd == 0.0
    assert view.money.run_pct == pytest.approx(100 * (floor.state.equity / 100_000 - 1))
    assert view.header.session_date == str(floor.session.date)


def test_before_the_first_minute_nothing_is_said_of_yesterdays_signals(floor):
    """The new day's ladder waits for its first bar; last prices stand."""
    while floor.day == 0:
        floor.frame(prices(51, 49.8, 50), two())
    block = floor.gridder.block(floor.session, 0, np.full((1, 3, 5), np.nan))
    floor.desk.open_minutes(block, trading=True)
    rows = floor.view.signals

    assert [row.why for row in rows] == ["no bar yet"] * 3
    assert [row.rank for row in rows] == [None] * 3
    assert [row.last_usd for row in rows] == [50, 51, 49.8]
    assert floor.view.decisions == ()
    assert len(floor.view.money.equity_spark) == 16
