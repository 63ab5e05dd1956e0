"""Signal quality at work: what such signals did decides whether they are traded."""

import numpy as np
import pytest

from engine.events import (
    MICRO,
    Calibrated,
    CardOffered,
    Decided,
    Decision,
    Gate,
    Liquidate,
    OrderSubmitted,
    RoundTripClosed,
    ShadowClosed,
)
from engine.learning.signals import CONFIDENCE
from engine.records.summary import summarise
from engine.trading.quality import Quality
from engine.trading.refusals import gate_words
from tests.actors.floor import Floor, bar, quiet, wish
from tests.bars import config

NAMES = ("AAA",)
SETS = (
    "quality.min_win_rate=0.55", "rotation.min_hold_minutes=0", "rotation.max_hold_minutes=20",
    "rotation.cooldown_minutes=0", "learning.horizons=[20]", "risk.max_consecutive_losses=1000000",
    "risk.daily_loss_pct=100", "risk.drawdown_pct=100",
)  # fmt: skip


def days(trader, sessions, *, low=0.35, high=0.85):
    """Mornings fall and the signal is unsure; afternoons rise and it is sure; both say LONG."""
    for _ in range(sessions):
        price = 50.0
        for minute in range(390):
            falling = minute < 195
            nxt = price * (1 - 2e-4 if falling else 1 + 2e-4)
            signals = wish(NAMES, "AAA", probability=0.9)
            signals[:, CONFIDENCE] = low if falling else high
            trader.frame([bar(price, close=nxt)], signals)
            price = nxt


def entries_by_half(trader, session):
    found = {"morning": 0, "afternoon": 0}
    for ts_ns, event in trader.events(Decided):
        if event.decision is Decision.ENTER_LONG and trader.sessions[session].open_ns <= ts_ns < (
            trader.sessions[session].close_ns
        ):
            minute = (ts_ns - trader.sessions[session].open_ns) // (60 * 10**9)
            found["morning" if minute < 190 else "afternoon"] += 1
    return found


@pytest.fixture(scope="module")
def week():
    trader = Floor(config(*SETS), NAMES)
    days(trader, 5)
    return trader


def test_a_planted_bad_bucket_stops_being_traded(week):
    """At first both are traded; then the bucket that loses is refused, the other goes on."""
    assert min(entries_by_half(week, 0).values()) >= 5
    assert entries_by_half(week, 4)["morning"] == 0
    assert entries_by_half(week, 4)["afternoon"] >= 5


def test_it_is_shown_as_rejected(week):
    """The decision says how such signals did; the calibration tells the verdict of each bucket."""
    told = [e for _, e in week.events(Decided) if e.gate is Gate.QUALITY]
    assert "such signals of AAA (confidence 0.35) win" in told[-1].reason
    assert "less than 55%" in told[-1].reason

    cells = {cell[2]: cell[6] for cell in week.events(Calibrated)[-1][1].cells}
    assert cells == {3: "reject", 8: "pass"}


def test_a_rejected_bucket_goes_on_gathering_evidence(week):
    """Shadows of the refused signals close every day, so that it can earn its way back."""
    last = [
        e for ts_ns, e in week.events(ShadowClosed) if ts_ns >= week.sessions[4].open_ns
    ]  # fmt: skip

    assert sum(e.signal.confidence == 0.35 for e in last) >= 5
    assert {e.signal.verdict for e in last} == {"reject", "pass"}


def test_a_round_trip_carries_its_signal(week):
    """From the signal to the outcome: id, confidence, verdict, reasons, excursions."""
    orders = {
        e.order.signal.id for _, e in week.events(OrderSubmitted)
        if getattr(e.order, "signal", None)
    }  # fmt: skip
    trips = [e for _, e in week.events(RoundTripClosed)]

    assert [e.number for e in trips] == list(range(1, len(trips) + 1))
    assert {e.trip.signal.id for e in trips} == orders
    for e in trips:
        assert e.trip.entry_reason.startswith("Entering (rank=1")
        assert e.trip.exit_reason
        assert e.mae <= 0.0 <= e.mfe
        gross = e.trip.exit_price / e.trip.entry_price - 1
        assert e.mae - 1e-8 <= gross <= e.mfe + 1e-8


def test_excursions_are_those_of_the_bars():
    """MAE and MFE from the lows and highs while it was held, in and out of blocks."""
    sets = ("quality.min_win_rate=0", "rotation.max_hold_minutes=6", "risk.trailing_stop_pct=0")
    trader = Floor(config(*SETS, *sets), NAMES)
    signals = wish(NAMES, "AAA")
    trader.frame([bar(50.0)], signals)
    path = [(49.8, 50.2), (49.6, 50.1), (49.9, 50.4), (49.9, 50.2), (49.9, 50.1), (49.9, 50.1)]
    for low, high in path:
        trader.frame([bar(50.0, low=low, high=high)], signals)
    for _ in range(3):
        trader.frame([bar(50.0)], signals)

    (closed,) = [e for _, e in trader.events(RoundTripClosed)][:1]
    entry = closed.trip.entry_price
    assert closed.mae == pytest.approx(49.6 / entry - 1, abs=1e-8)
    assert closed.mfe == pytest.approx(50.4 / entry - 1, abs=1e-8)


@pytest.mark.parametrize(("policy", "shares"), [("allow", 663), ("shrink", 331), ("hide", 0)])
def test_the_policy_for_what_is_unproven(policy, shares):
    """Allowed whole, at half the size, or not at all."""
    trader = Floor(config("quality.min_win_rate=0.55", f"quality.unproven={policy}"), NAMES)
    for _ in range(2):
        trader.frame([bar(50.0)], wish(NAMES, "AAA"))

    bought = [e.order.shares for _, e in trader.events(OrderSubmitted)][:1]
    assert sum(bought) == pytest.approx(shares, abs=15)
    if policy == "hide":
        (told,) = [e for _, e in trader.events(Decided)]
        assert told.gate is Gate.UNPROVEN
        assert "are unproven" in told.reason


def test_the_track_record_shrinks_what_loses():
    """On, a symbol whose trades lose is bought in smaller size, never below half; off, never."""
    sizes = {}
    for on in ("on", "off"):
        trader = Floor(config(*SETS, "quality.min_win_rate=0", f"quality.track_record={on}"), NAMES)
        days(trader, 1, low=0.9, high=0.9)
        orders = [e.order for _, e in trader.events(OrderSubmitted)]
        sizes[on] = [o.value_micro for o in orders if getattr(o, "entry", False)]

    mornings = {on: values[:9] for on, values in sizes.items()}
    assert mornings["on"][8] < 0.75 * mornings["off"][8]
    assert mornings["on"][8] >= 0.49 * mornings["off"][8]
    assert sizes["on"][0] == sizes["off"][0]


def test_excursions_hold_what_every_part_was_sold_for():
    """A part sold below the bar's low, by its impact, was under water as far as that."""
    sets = ("quality.min_win_rate=0", "costs.impact_bps=100", "risk.trailing_stop_pct=0")
    trader = Floor(config(*SETS, *sets), NAMES)
    trader.frame([bar(50.0)], wish(NAMES, "AAA"))
    trader.frame([bar(50.0)], wish(NAMES, "AAA"))
    trader.command(Liquidate())
    thin = bar(50.0, volume=2000)
    for minute in range(8):
        trader.frame([thin if minute < 3 else bar(50.5)], quiet(NAMES))

    parts = [fill.price_micro / MICRO for fill in trader.fills()[1:]]
    ((_, closed),) = trader.events(RoundTripClosed)
    assert len(parts) == 4
    assert closed.mae == pytest.approx(min(parts) / closed.trip.entry_price - 1, abs=1e-8)
    assert closed.mae <= closed.trip.exit_price / closed.trip.entry_price - 1


PAYING = ("quality.min_win_rate=0.55", *SETS[1:])


def cycles(trader, sessions, *, up=4e-3, down=-1.5e-3, low=0.35):
    """Every shadow of 21 minutes in turn gains a lot and loses a little."""
    for _ in range(sessions):
        price = 50.0
        for minute in range(390):
            step = (up if minute // 21 % 2 else down) / 21
            signals = wish(NAMES, "AAA", probability=0.9)
            signals[:, CONFIDENCE] = low
            trader.frame([bar(price, close=price * (1 + step))], signals)
            price *= 1 + step


@pytest.fixture(scope="module")
def paying():
    trader = Floor(config(*PAYING), NAMES)
    cycles(trader, 4)
    return trader


def test_a_bucket_that_wins_too_seldom_but_pays_goes_on(paying):
    """It is not refused, and every place that words its verdict says why."""
    last = paying.events(Calibrated)[-1][1].cells[0]
    assert last[5] < 0.55
    assert last[6] == "pass"
    assert last[8] > 0
    said = f"wins {100 * last[5]:.0f}%, pays {1e4 * last[7]:+.0f} bp"
    entered = [e for _, e in paying.events(Decided) if e.decision is Decision.ENTER_LONG]

    assert "such a signal wins" not in entered[0].reason
    assert " bp" in entered[-1].reason.split("; such a signal wins ")[1]
    assert not [e for _, e in paying.events(Decided) if e.gate is Gate.QUALITY]
    assert said in paying.desk.evidence.quality.words(0, 1, 0.35)
    asking = Floor(config(*PAYING, "inbox.mode=approve"), NAMES)
    cycles(asking, 4)
    card = asking.events(CardOffered)[-1][1].card
    assert card.signal.record in card.evidence
    assert card.signal.pays_bps == pytest.approx(10, abs=8)


def test_the_same_bucket_without_its_gain_is_rejected():
    """By `estimate`; `off` goes on with it, and says so at the reload in mid-run."""
    trader = Floor(config(*PAYING), NAMES)
    cycles(trader, 3, up=1.5e-3)
    quality = trader.desk.evidence.quality
    off = trader.desk.config.quality.model_copy(update={"reject": "off"})

    assert quality.verdict((0, 0, 3)).name == "REJECT"
    assert quality.pays_bps((0, 0, 3)) is None
    assert quality.under(off).verdict((0, 0, 3)).name == "PASS"
    assert quality.under(off).under(trader.desk.config.quality).verdict((0, 0, 3)).name == "REJECT"


def test_what_was_rejected_needs_more_to_return_than_to_stay():
    """A limit just below its rate does not take it back; the refusal names the rate that does."""
    trader = Floor(config(*PAYING), NAMES)
    cycles(trader, 3, up=1.5e-3)
    desk = trader.desk
    rate = round(desk.evidence.quality.rate((0, 0, 3)), 4)
    rules = desk.config.quality.model_copy(update={"min_win_rate": rate - 0.005})
    lower = desk.config.model_copy(update={"quality": rules})
    fresh = Quality(desk.evidence.calibration.fit, rules)
    desk.reload(lower, "test", ())

    assert fresh.verdict((0, 0, 3)).name == "PASS"
    assert desk.evidence.quality.verdict((0, 0, 3)).name == "REJECT"
    assert f"less than the {100 * (rate + 0.005):g}% at which" in gate_words(
        desk.seen(desk.page), 0, Gate.QUALITY, lower
    )


def test_the_summary_counts_the_shadows_of_what_was_refused(week):
    """Their number and mean are those of the shadows whose gate is quality, session by session."""
    found = [e for _, e in week.events(ShadowClosed) if e.gate is Gate.QUALITY]
    told = summarise(week.desk.stats, week.desk.config)["filter"]
    returns = np.array([e.net_return for e in found])

    assert len(found) >= 5
    assert {e.signal.verdict for e in found} == {"reject"}
    assert (told["shadows"], told["won"]) == (len(found), int((returns > 0).sum()))
    assert told["mean_bps"] == pytest.approx(1e4 * returns.mean(), rel=1e-9)
    assert told["rule"] == "estimate"
