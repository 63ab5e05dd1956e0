"""The inbox: what is approved is executed once, on its terms; everything else is refused."""

import pytest

from actors.views import view_of
from engine.events import (
    MICRO,
    Approve,
    CardClosed,
    CardOffered,
    CardRefused,
    CommandGiven,
    Decided,
    Decision,
    Dismiss,
    Gate,
    Halt,
    Liquidate,
    Order,
    OrderSubmitted,
    Snooze,
)
from engine.learning.signals import STALE, WARM
from tests.actors.floor import Floor, bar, quiet, wish
from tests.bars import config

NAMES = ("AAA", "BBB", "CCC", "DDD")
ASK = ("inbox.mode=approve", "rotation.cooldown_minutes=10", "risk.max_gross_exposure_pct=100")


def floor(*sets, **options):
    return Floor(config(*ASK, *sets), NAMES, **options)


def flat_bars(price=50.0):
    return [bar(price)] * len(NAMES)


def entries(trader):
    return [
        event.order for _, event in trader.events(OrderSubmitted)
        if isinstance(event.order, Order) and event.order.entry
    ]  # fmt: skip


def offered(trader, *names, minutes=1, price=50.0):
    """Play minutes in which `names` are wanted; return the last card."""
    for _ in range(minutes):
        trader.frame(flat_bars(price), wish(NAMES, *names))
    cards = trader.events(CardOffered)
    return cards[-1][1].card if cards else None


def reasons(trader):
    return [event.reason for _, event in trader.events(CardRefused)]


def test_nothing_is_bought_without_approval():
    """An hour of wishes makes cards, not orders; the refusal is told once."""
    trader = floor()
    card = offered(trader, "BBB", minutes=60)

    assert card.symbol == "BBB"
    assert not entries(trader)
    assert trader.desk.refusals.by_gate()["inbox"] >= 50
    told = [e for _, e in trader.events(Decided) if e.gate is Gate.INBOX]
    assert told[0].reason == "it waits in the inbox for approval"


def test_a_card_tells_what_is_decided_about():
    """Size and what binds it, legs, reward to risk, evidence, heat after, expiry."""
    trader = floor()
    card = offered(trader, "BBB")

    assert card.shares * card.limit_micro / MICRO <= 34_000
    assert card.binding == "slot_share"
    assert card.limit_micro == 50_250_000
    assert card.stop_micro == pytest.approx(50.25e6 * 0.985, abs=1)
    assert card.target_micro == pytest.approx(50.25e6 * 1.03, abs=1)
    assert card.reward_to_risk == pytest.approx(2.0)
    assert card.heat_micro == card.risk_micro == pytest.approx(card.shares * 50.25e6 * 0.015, abs=2)
    assert card.evidence == "no outcomes yet"
    assert card.expires_ns == trader.session.open_ns + 6 * 60 * 10**9


def test_approval_executes_exactly_the_card():
    """The shares, limit and legs of the card, at the end of the minute, filled at the next open."""
    trader = floor()
    card = offered(trader, "BBB")
    trader.command(Approve(card=card.id, version=1), "ann")
    trader.frame(flat_bars(50.1), wish(NAMES, "BBB"))
    trader.frame(flat_bars(50.1), wish(NAMES, "BBB"))

    (order,) = entries(trader)
    assert (order.symbol, order.shares, order.limit_micro) == ("BBB", card.shares, card.limit_micro)
    assert order.signal == card.signal
    assert trader.state.ledger.positions["BBB"].shares == card.shares
    (closed,) = [e for _, e in trader.events(CardClosed)]
    assert (closed.status, closed.actor) == ("approved", "ann")
    decided = [e for _, e in trader.events(Decided) if e.decision is Decision.ENTER_LONG]
    assert decided[0].reason.startswith(f"Approved by ann: card {card.id} version 1")


def test_two_approvals_make_one_order():
    """A12: of two at once the second is refused; so is one that comes later."""
    trader = floor()
    card = offered(trader, "BBB")
    trader.command(Approve(card=card.id, version=1), "ann")
    trader.command(Approve(card=card.id, version=1), "bob")
    trader.frame(flat_bars(), wish(NAMES, "BBB"))
    trader.command(Approve(card=card.id, version=1), "cat")
    for _ in range(3):
        trader.frame(flat_bars(), wish(NAMES, "BBB"))

    assert len(entries(trader)) == 1
    assert reasons(trader) == ["it was approved by ann already", "it is gone: approved by ann"]


def test_an_expired_card_makes_no_order():
    """After its minutes it is void, and approving it says so."""
    trader = floor("inbox.expiry_minutes=2")
    card = offered(trader, "BBB")
    for _ in range(2):
        trader.frame(flat_bars(), quiet(NAMES))
    trader.command(Approve(card=card.id, version=1), "ann")
    for _ in range(3):
        trader.frame(flat_bars(), quiet(NAMES))

    assert not entries(trader)
    (closed,) = [e for _, e in trader.events(CardClosed)]
    assert (closed.status, closed.reason) == ("expired", "nobody decided in 2 minutes")
    assert reasons(trader) == ["it is gone: expired (nobody decided in 2 minutes)"]


def test_the_last_minute_still_counts():
    """Approved in its last minute a card is executed."""
    trader = floor("inbox.expiry_minutes=2")
    card = offered(trader, "BBB")
    trader.frame(flat_bars(), quiet(NAMES))
    trader.command(Approve(card=card.id), "ann")
    trader.frame(flat_bars(), wish(NAMES, "BBB"))

    assert len(entries(trader)) == 1


def test_changed_terms_make_a_new_version():
    """A price beyond the limit renews the card; the old version can no longer be approved."""
    trader = floor()
    card = offered(trader, "BBB")
    renewed = offered(trader, "BBB", price=51.0)
    trader.command(Approve(card=card.id, version=1), "ann")
    trader.frame(flat_bars(51.0), wish(NAMES, "BBB"))

    assert (renewed.id, renewed.version) == (card.id, 2)
    assert renewed.limit_micro > card.limit_micro
    assert not entries(trader)
    assert reasons(trader) == ["version 1 is stale: the terms changed, see 2"]


def test_what_the_market_has_overtaken_is_refused():
    """Approved, but within the minute the price left the limit, or the signal turned."""
    for price, signals, words in (
        (52.0, wish(NAMES, "BBB"), "stale: the price, 52.00, is beyond the limit 50.25"),
        (50.0, quiet(NAMES), "stale: the signal no longer points that way"),
    ):
        trader = floor()
        card = offered(trader, "BBB")
        trader.command(Approve(card=card.id, version=1), "ann")
        trader.frame(flat_bars(price), signals)

        assert not entries(trader)
        (closed,) = [e for _, e in trader.events(CardClosed)]
        assert (closed.status, closed.reason, closed.actor) == ("refused", words, "ann")


def test_risk_is_asked_again():
    """A16: an approval passes the same checks: a halt, or an account that allows less, refuses."""
    trader = floor()
    card = offered(trader, "BBB")
    trader.command(Halt(reason="lunch"), "bob")
    trader.command(Approve(card=card.id, version=1), "ann")
    trader.frame(flat_bars(), wish(NAMES, "BBB"))
    assert trader.events(CardClosed)[-1][1].reason == "halted by bob: lunch"

    trader = floor("rotation.max_positions=2", "risk.max_position_pct=60")
    offered(trader, "AAA", "BBB")
    for name in ("AAA", "BBB"):
        trader.command(Approve(card=name), "ann")
    trader.frame(flat_bars(), wish(NAMES, "AAA", "BBB"))
    assert len(entries(trader)) == 2
    assert trader.state.cash >= 0

    trader = floor("rotation.max_positions=1", "risk.max_position_pct=60")
    offered(trader, "AAA", "BBB")
    trader.command(Approve(card="AAA"), "ann")
    trader.frame(flat_bars(), wish(NAMES, "AAA", "BBB"))
    assert len(entries(trader)) == 1


def test_dismissed_and_snoozed_cards_stay_away():
    """Dismissed for the cooldown, snoozed for as long as was said; both are recorded."""
    for command, minutes in ((Dismiss(card="BBB"), 10), (Snooze(card="BBB", minutes=3), 3)):
        trader = floor()
        offered(trader, "BBB")
        trader.command(command, "ann")
        offered(trader, "BBB", minutes=minutes)
        assert len(trader.events(CardOffered)) == 1
        offered(trader, "BBB")

        assert len(trader.events(CardOffered)) == 2
        assert not entries(trader)
        closed = trader.events(CardClosed)[0][1]
        assert (closed.actor, closed.hidden_minutes) == ("ann", minutes)
        assert [event.command for _, event in trader.events(CommandGiven)] == [command]


def test_exits_never_wait():
    """A position that was approved leaves at its stop, and by hand, without asking."""
    trader = floor()
    offered(trader, "BBB")
    trader.command(Approve(card="BBB"), "ann")
    for _ in range(2):
        trader.frame(flat_bars(), wish(NAMES, "BBB"))
    assert "BBB" in trader.state.ledger.positions
    trader.frame([bar(50.0, low=48.0)] * 4, wish(NAMES, "BBB"))
    assert "BBB" not in trader.state.ledger.positions

    trader = floor()
    offered(trader, "BBB")
    trader.command(Approve(card="BBB"), "ann")
    for _ in range(2):
        trader.frame(flat_bars(), wish(NAMES, "BBB"))
    trader.command(Liquidate(), "ann")
    for _ in range(2):
        trader.frame(flat_bars(), wish(NAMES, "BBB"))
    assert not trader.state.ledger.positions


def test_a_rotation_is_approved_with_what_it_sells():
    """The card names the position that leaves; approving it sells and buys."""
    trader = floor("rotation.max_positions=1", "rotation.min_hold_minutes=0")
    offered(trader, "AAA")
    trader.command(Approve(card="AAA"), "ann")
    trader.frame(flat_bars(), wish(NAMES, "AAA"))
    trader.frame(flat_bars(), wish(NAMES, "AAA"))
    signals = wish(NAMES, "AAA", probability=0.6)
    signals[1] = wish(NAMES, "BBB", probability=0.9)[1]
    trader.frame(flat_bars(), signals)
    card = trader.events(CardOffered)[-1][1].card
    assert (card.symbol, card.rotates_out) == ("BBB", "AAA")
    assert "AAA" in trader.state.ledger.positions

    trader.command(Approve(card="BBB", version=card.version), "ann")
    for _ in range(2):
        trader.frame(flat_bars(), signals)
    assert list(trader.state.ledger.positions) == ["BBB"]


@pytest.mark.parametrize("scan", [True, False])
def test_scan_or_not(scan):
    """The same events whether or not frames are passed over, expiry included."""
    histories = []
    for skip in (scan, not scan):
        trader = floor("inbox.expiry_minutes=3", scan=skip)
        for minute in range(40):
            wanted = minute % 13 < 2
            if minute == 14:
                trader.command(Approve(card="BBB"), "ann")
            trader.frame(flat_bars(), wish(NAMES, "BBB") if wanted else quiet(NAMES))
        histories.append([repr(event) for event in trader.history])

    assert histories[0] == histories[1]


def test_unknown_cards_are_refused():
    """Nothing by that name: it is recorded, nothing else happens."""
    trader = floor()
    trader.frame(flat_bars(), quiet(NAMES))
    trader.command(Approve(card="BBB"), "ann")
    trader.frame(flat_bars(), quiet(NAMES))

    assert reasons(trader) == ["there is no such card"]


def test_the_view_shows_cards():
    """What a screen shows: the terms, how long they hold, who has approved."""
    trader = floor()
    offered(trader, "BBB")
    view = view_of(trader.state, trader.block, 0, config())
    (card,) = view.inbox

    assert (card.symbol, card.minutes_left, card.approved_by) == ("BBB", 5, "")
    assert card.limit == 50.25


LATE = ("session.no_entries_before_close_minutes=0", "inbox.expiry_minutes=120")


@pytest.mark.parametrize("minute", range(384, 390))
def test_an_approval_in_the_last_minutes_never_leaves_the_book_open(minute):
    """Whenever it is approved: the session closes flat, and nothing had to be forced."""
    trader = floor(*LATE)
    for now in range(390):
        if now == minute:
            trader.command(Approve(card="BBB"), "ann")
        trader.frame(flat_bars(), wish(NAMES, "BBB"))

    assert not trader.state.ledger.positions
    assert not any(fill.forced for fill in trader.fills())
    assert len(entries(trader)) == (minute <= 386)


def test_no_card_outlives_the_last_minute_for_entries():
    """However long its expiry: it is void when entries end, and says so, the same day."""
    trader = floor("inbox.expiry_minutes=120")
    for minute in range(390):
        if minute == 359:
            trader.command(Approve(card="BBB"), "ann")
        trader.frame(flat_bars(), wish(NAMES, "BBB") if minute == 350 else quiet(NAMES))

    assert not entries(trader)
    ((ts_ns, closed),) = trader.events(CardClosed)
    assert closed.reason == "nobody decided before entries end for the day"
    assert ts_ns == trader.sessions[0].open_ns + 358 * 60 * 10**9
    assert reasons(trader) == [f"it is gone: expired ({closed.reason})"]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [(WARM, 0.0, "the predictor is not warm yet"), (STALE, 9.0, "the signal is 9 minutes old")],
)
def test_a_signal_that_is_no_more_is_not_approved(field, value, words):
    """Approved, but the predictor is cold or its forecast is old: refused, with the reason."""
    trader = floor()
    offered(trader, "BBB")
    trader.command(Approve(card="BBB"), "ann")
    signals = wish(NAMES, "BBB")
    signals[1, field] = value
    trader.frame(flat_bars(), signals)

    assert not entries(trader)
    assert trader.events(CardClosed)[-1][1].reason == words


def test_the_legs_are_the_cards():
    """Whatever the configuration or the ATR says by then: stop and target of the card, or none."""
    trader = floor()
    card = offered(trader, "BBB")
    sets = ("risk.stop_loss_pct=4", "risk.take_profit_pct=20", "risk.risk_per_trade_pct=50")
    trader.desk.reload(config(*ASK, *sets, "risk.max_heat_pct=100"), "bob", [])
    trader.command(Approve(card=card.id, version=1), "ann")
    trader.frame(flat_bars(), wish(NAMES, "BBB"))

    (order,) = entries(trader)
    assert (order.protection.stop, order.protection.target) == (0.015, 0.03)
    assert order.value_micro == card.shares * card.sized_micro


def test_the_risk_is_that_of_the_cards_own_stop():
    """A calmer market does not make room: the card's wide stop is what would be lost."""
    trader = floor("risk.stop_loss_pct=4", "risk.max_heat_pct=2")
    card = offered(trader, "BBB")
    trader.desk.reload(config(*ASK, "risk.stop_loss_pct=1", "risk.max_heat_pct=1"), "bob", [])
    trader.command(Approve(card=card.id, version=1), "ann")
    trader.frame(flat_bars(), wish(NAMES, "BBB"))

    assert not entries(trader)
    assert trader.events(CardClosed)[-1][1].reason.startswith("stale: heat now allows")


def test_an_approved_card_binds_its_own_money_only():
    """What else the limits would allow it is left for the next card."""
    trader = floor("risk.max_position_pct=45", "rotation.max_positions=2")
    card = offered(trader, "AAA", "BBB")
    assert card.binding == "position_cap"
    trader.desk.reload(
        config(*ASK, "risk.max_position_pct=100", "rotation.max_positions=2"), "bob", []
    )
    for name in ("AAA", "BBB"):
        trader.command(Approve(card=name), "ann")
    trader.frame(flat_bars(), wish(NAMES, "AAA", "BBB"))

    assert [o.value_micro for o in entries(trader)] == [card.shares * card.sized_micro] * 2


def test_a_stop_on_the_price_itself_can_be_shown():
    """A stop nearer than a micro-dollar divides nothing by zero."""
    card = offered(floor("risk.stop_loss_pct=0.000000001"), "BBB")

    assert card.reward_to_risk > 0


def test_a_short_is_measured_at_what_it_would_be_worth_now():
    """A price that rose suits a short, and makes it larger than the card said: limits are asked."""
    trader = floor("rotation.allow_short=true", "risk.max_jump_pct=1000")
    falling = wish(NAMES, "BBB", probability=0.3, bps=-80.0)
    trader.frame(flat_bars(), falling)
    ((_, event),) = trader.events(CardOffered)
    trader.command(Approve(card="BBB"), "ann")
    trader.frame(flat_bars(80.0), falling)

    assert event.card.direction == -1
    assert not entries(trader)
    assert trader.events(CardClosed)[0][1].reason.startswith("stale: slot_share now allows")
