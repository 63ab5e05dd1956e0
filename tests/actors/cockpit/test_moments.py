"""Every time that a user reads is when it happened, by the clock above."""

from engine.events import Approve, Dismiss, Halt, Liquidate
from tests.actors.cockpit.watched import MINUTE, Watched, holding, prices, two
from tests.actors.floor import bar, quiet

ASK = ("inbox.mode=approve", "inbox.expiry_minutes=3")


def minutes(floor, count=1, values=(50, 50, 50), signals=None):
    """Play minutes; return the clock at their end."""
    floor.play([prices(*values)] * count, two() if signals is None else signals)
    return floor.now_ns


def closed(floor, symbol):
    return next(card for card in floor.view.inbox_closed if card.symbol == symbol)


def test_a_card_is_void_when_it_said():
    """`until 09:34`, and once it is gone `expired at 09:34`."""
    floor = Watched(*ASK)
    offered_ns = minutes(floor)
    card = floor.view.inbox[0]
    minutes(floor, 3)
    gone = closed(floor, card.symbol)

    assert floor.view.decisions[-1].at_ns == offered_ns
    assert card.expires_ns == offered_ns + 3 * MINUTE
    assert (gone.status, gone.at_ns) == ("expired", card.expires_ns)


def test_a_card_is_approved_at_a_minutes_end_and_dismissed_within_one():
    """An approval is carried out when the minute ends; a dismissal is at once."""
    floor = Watched(*ASK)
    minutes(floor)
    floor.command(Approve(card="AAA"))
    floor.command(Dismiss(card="BBB"))
    before_ns = floor.now_ns
    minutes(floor)

    assert closed(floor, "AAA").at_ns == floor.now_ns
    assert closed(floor, "BBB").at_ns == before_ns


def test_what_a_bar_decides_is_told_at_its_end_and_filled_after():
    """Decision and order at 09:31, fill and legs in the minute that follows."""
    floor = Watched()
    decided_ns = minutes(floor)
    (first, *_), orders = floor.view.decisions, floor.view.orders
    assert {order.sent_ns for order in orders} == {first.at_ns} == {decided_ns}

    minutes(floor)
    legs = [order for order in floor.view.orders if order.type == "stop"]
    assert {order.sent_ns for order in legs} == {decided_ns}
    minutes(floor, values=(40, 50, 50))
    (trip,) = floor.view.trades
    stop = next(d for d in floor.view.decisions if d.label in ("STOP", "TRAIL"))
    assert trip.in_ns == decided_ns
    assert trip.out_ns == stop.at_ns == floor.now_ns - MINUTE


def test_a_command_is_told_when_it_was_given():
    """Halt and liquidation stand with the minute in which they came."""
    floor = holding()
    given_ns = floor.now_ns
    floor.command(Halt(reason=""))
    floor.command(Liquidate(symbol="AAA"))
    minutes(floor, values=(51, 49.8, 50))
    view = floor.view

    assert view.header.halted_ns == given_ns
    told = {d.label: d.at_ns for d in view.decisions}
    assert told["HALT"] == told["MANUAL"] == given_ns


def test_a_breaker_tripped_when_its_minute_was_over():
    """Its row, its alert and its line in the feed say the same."""
    floor = Watched("risk.daily_loss_pct=0.1")
    minutes(floor, 2)
    floor.frame([bar(50, close=49.5), bar(50), bar(50)], two())
    view = floor.view

    assert view.risk.breakers[0].since_ns == view.alerts[0].since_ns == floor.now_ns
    assert next(d for d in view.decisions if d.label == "RISK").at_ns == floor.now_ns


def test_times_never_go_back():
    """Neither the log's nor the feed's lines."""
    floor = Watched("risk.daily_loss_pct=0.1", *ASK)
    minutes(floor, 3)
    floor.command(Approve(card="AAA"))
    minutes(floor, 2)
    floor.command(Liquidate())
    floor.frame([bar(50, close=45), bar(50), bar(50)], quiet(floor.state.symbols))
    minutes(floor, 4)

    for times in (
        [decision.at_ns for decision in reversed(floor.view.decisions)],
        [line.ns for line in floor.cockpit.log.view("").lines],
    ):
        assert times == sorted(times)
        assert len(set(times)) > 3
