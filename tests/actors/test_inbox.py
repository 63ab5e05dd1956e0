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
