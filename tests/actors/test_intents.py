"""One intent, however the broker's events come: each share once."""

import random

from hypothesis import given
from hypothesis import strategies as st

from actors.intents import Intent
from actors.transitions import may_follow
from actors.venue import BrokerOrder, Status, Update
from engine.events import Decision, Leg, OcoOrder, Order, Side
from engine.trading.approval import approve_exit

EXIT = Order("out", "AAA", Side.SELL, 100, entry=False, decision=Decision.EXIT)
LEGS = OcoOrder("legs", "AAA", Side.SELL, 100, 9_000_000, 11_000_000, 0.0)


def shown(filled=0, status=Status.WORKING, *, broker_id="b", client_id="out", value=0, legs=()):
    return BrokerOrder(
        client_id=client_id, broker_id=broker_id, symbol="AAA", side=Side.SELL, kind="market",
        shares=100, filled=filled, filled_price_micro=round(value / filled) if filled else None,
        status=status, said=str(status), stop_micro=None, limit_micro=None, updated_ns=7,
        replaces="", legs=legs,
    )  # fmt: skip


def fill(shares, price, filled, *, name, value, status=Status.PARTIAL):
    return Update("fill", 5, name, shares, price, shown(filled, status, value=value), None)


@st.composite
def days(draw):
    """Fills of an order of 100, and the order in which what tells of them arrives."""
    pieces = draw(st.lists(st.integers(1, 60), min_size=1, max_size=5))
    total, value, updates = 0, 0, []
    for i, piece in enumerate(pieces):
        shares = min(piece, 100 - total)
        if not shares:
            break
        price = draw(st.integers(9_000_000, 11_000_000))
        total, value = total + shares, value + shares * price
        updates.append(fill(shares, price, total, name=f"x{i}", value=value))
    seed = draw(st.integers(0, 2**16))
    return updates, shown(total, Status.CANCELED, value=value), total, value, seed


@given(days())
def test_each_share_is_told_once(day):
    """Events late, twice, out of order or never, snapshots between: the sum is the broker's."""
    updates, last, total, value, seed = day
    rnd = random.Random(seed)
    intent = Intent(approve_exit(EXIT, 100))
    intent.carried_by(shown())
    coming = [u for u in updates if rnd.random() > 0.2] + rnd.choices(updates, k=2)
    rnd.shuffle(coming)
    told = []
    for update in coming:
        one = intent.heard(update)
        told += [one] if one else []
        if rnd.random() < 0.2:
            told += intent.shown(update.order)
    told += intent.shown(last)
    late = [intent.heard(update) for update in updates]

    assert late == [None] * len(updates)
    assert sum(one.shares for one in told) == total == intent.filled
    # a missing event's price is an average: exact to half a micro-dollar a share
    assert abs(sum(one.shares * one.price_micro for one in told) - value) <= 100 * len(updates)
    assert intent.over


@given(days())
def test_whole_events_in_order_are_exact(day):
    """Nothing is lost or rounded where every event comes."""
    updates, last, _, value, _ = day
    intent = Intent(approve_exit(EXIT, 100))
    intent.carried_by(shown())
    told = [one for one in map(intent.heard, updates) if one]
    assert sum(one.shares * one.price_micro for one in told) == value
    assert intent.shown(last) == []


def test_the_root_of_an_oco_is_the_target_its_leg_the_stop():
    """A moved stop, which stands beside the root, is a stop."""
    intent = Intent(approve_exit(LEGS, 100))
    stop = shown(broker_id="s", client_id="theirs")
    intent.carried_by(shown(broker_id="t", client_id="legs", legs=(stop,)))
    intent.carried_by(shown(broker_id="s2", client_id="legs-9100000"))

    assert {c.broker_id: c.leg for c in intent.carriers.values()} == {
        "t": Leg.TARGET, "s": Leg.STOP, "s2": Leg.STOP,
    }  # fmt: skip
    assert intent.root_id == "t"


def test_fills_that_the_log_knows_are_not_told_again():
    """After a restart a snapshot brings only what is new."""
    intent = Intent(approve_exit(EXIT, 100), restored=True)
    intent.filled = intent.known_filled = 40
    intent.known_value_micro = 40 * 10_000_000
    (one,) = intent.shown(shown(100, Status.FILLED, value=40 * 10_000_000 + 60 * 12_000_000))

    assert (one.shares, one.price_micro) == (60, 12_000_000)
    assert intent.filled == 100


def test_a_stop_that_was_replaced_unheard_holds_nothing_up():
    """The whole shows the new stop alone: the old one is over, though no event said so."""
    intent = Intent(approve_exit(LEGS, 100))
    old = shown(broker_id="s", client_id="theirs")
    intent.carried_by(shown(broker_id="t", client_id="legs", legs=(old,)))
    new = shown(broker_id="s2", client_id="legs-1", status=Status.CANCELED)
    intent.shown(shown(broker_id="t", client_id="legs", status=Status.CANCELED, legs=(new,)))

    assert intent.over


@st.composite
def courses(draw):
    """The events of one order from taken to over, each with the order as it was after it."""
    filled = value = 0
    early = draw(st.sampled_from([[], [Status.PENDING], [Status.PENDING, Status.WORKING]]))
    updates = [Update(str(status), 5, "", 0, 0, shown(status=status), None) for status in early]
    pieces = draw(st.lists(st.integers(1, 30), max_size=3))
    for i, shares in enumerate(pieces):
        filled, value = filled + shares, value + shares * 10_000_000
        updates.append(fill(shares, 10_000_000, filled, name=f"x{i}", value=value))
    ends = [Status.CANCELED, Status.EXPIRED, Status.REPLACED]
    end = draw(st.sampled_from([*ends, Status.FILLED if pieces else Status.REJECTED]))
    updates.append(Update(str(end), 5, "", 0, 0, shown(filled, end, value=value), None))
    return updates, draw(st.permutations(updates)), draw(st.integers(0, 2**16))


def end_of(updates):
    intent = Intent(approve_exit(EXIT, 100))
    intent.carried_by(shown(status=Status.PENDING))
    told = [one for one in map(intent.heard, updates) if one]
    (carrier,) = intent.carriers.values()
    return carrier.status, carrier.seen, intent.over, sum(one.shares for one in told)


@given(courses())
def test_in_whatever_order_events_come_the_end_is_one(course):
    """Late and twice: a status never goes back, and no share is lost or told again."""
    updates, shuffled, seed = course
    twice = [*shuffled, *random.Random(seed).choices(updates, k=3)]

    assert end_of(updates) == end_of(shuffled) == end_of(twice)
    assert end_of(updates)[2]


def test_what_would_lead_back_is_counted():
    """An order that is over is not new again."""
    intent = Intent(approve_exit(EXIT, 100))
    intent.carried_by(shown())
    intent.heard(Update("canceled", 5, "", 0, 0, shown(status=Status.CANCELED), None))
    intent.heard(Update("new", 5, "", 0, 0, shown(status=Status.WORKING), None))
    intent.heard(Update("canceled", 5, "", 0, 0, shown(status=Status.CANCELED), None))

    assert (intent.over, intent.ignored) == (True, 1)


@given(st.sampled_from(Status), st.sampled_from(Status), st.sampled_from(Status))
def test_the_table_only_goes_forward(one, two, three):
    """No status comes back, by whatever way; nothing follows an end."""
    assert not may_follow(one, one)
    assert not (one.final and may_follow(one, two))
    if may_follow(one, two) and may_follow(two, three):
        assert may_follow(one, three)
