"""Every kind of order, minute by minute, without sockets: what the simulator does not have too."""

import numpy as np
import pytest

from actors.exchange.order import Force, Kind, Status
from actors.exchange.refusal import Refusal
from actors.exchange.tickets import Change
from engine.events import MICRO, Side
from engine.trading.costs import fill_price
from tests.actors.exchange.test_matching import ticket, to_minute
from tests.actors.exchange.venue import floor_of, quiet_market
from tests.bars import config, flat

BUY, SELL = Side.BUY, Side.SELL
NONE = (np.nan,) * 5


@pytest.fixture
def tape(tmp_path):
    """Make a floor at minute 1 of a session whose AAA is flat at 50 but for some minutes."""

    def make(rows, *sets):
        bars = flat(390, 50.0)
        for minute, row in rows.items():
            bars[minute] = row
        floor = floor_of(quiet_market(tmp_path, AAA=bars), *sets)
        to_minute(floor, 0)
        to_minute(floor, 1)
        return floor

    return make


def submit(floor, side, shares, **more):
    """Submit an order in AAA for the account `key`."""
    return floor.broker.submit(account(floor), ticket("AAA", side, shares, **more))


def account(floor):
    return floor.account("key", "secret")


def fills(floor):
    """(minute, shares, price in micro-dollars) of every fill."""
    start = floor.market.session.open_ns
    return [
        ((x.ts_ns - start) // 60_000_000_000, x.shares, x.price_micro)
        for x in account(floor).executions
    ]


def paid(reference, sign, shares, volume=1e6):
    return round(fill_price(reference, sign, shares, volume, config().costs) * MICRO)


def usd(price):
    return round(price * MICRO)


def limit(price, **more):
    return {"kind": Kind.LIMIT, "limit_micro": usd(price), **more}


def test_a_limit_through_the_quote_fills_now_and_another_rests(tape):
    """At the market's price if that is within the limit; else at the limit or better, later."""
    floor = tape({3: (49.6, 50.2, 49.5, 50.0, 1e6)})
    now = submit(floor, BUY, 100, **limit(50.1))
    rests = submit(floor, BUY, 100, **limit(49.8))
    assert (now.status, rests.status) == (Status.FILLED, Status.NEW)
    to_minute(floor, 2)
    to_minute(floor, 3)
    assert rests.live
    to_minute(floor, 4)
    assert fills(floor) == [(1, 100, paid(50.0, 1, 100)), (3, 100, usd(49.6))]


def test_a_limit_between_quote_and_impact_is_not_filled_at_the_open(tape):
    """The price with its impact is beyond the limit: it rests, or is cancelled at once."""
    floor = tape({1: (50.0, 50.0, 50.0, 50.0, 10_000)})
    price = fill_price(50.0, 1, 1000, 10_000, config().costs)
    ioc = submit(floor, BUY, 1000, **limit(50.01, force=Force.IOC))
    assert price > 50.01
    assert (ioc.status, fills(floor)) == (Status.CANCELED, [])


def test_immediate_orders_take_what_they_get(tape):
    """IOC: the share of the bar that may be had, the rest cancelled; FOK: all or nothing."""
    floor = tape({1: (50.0, 50.0, 50.0, 50.0, 1000)})
    fok = submit(floor, BUY, 101, force=Force.FOK)
    ioc = submit(floor, BUY, 60, force=Force.IOC)
    more = submit(floor, BUY, 60, force=Force.IOC)
    none = submit(floor, BUY, 60, force=Force.IOC)
    assert [o.filled for o in (fok, ioc, more, none)] == [0, 60, 40, 0]
    assert {o.status for o in (fok, more, none)} == {Status.CANCELED}
    to_minute(floor, 2)
    assert submit(floor, BUY, 101, force=Force.FOK).status is Status.FILLED


def test_without_a_bar_immediate_orders_are_cancelled_and_market_orders_wait(tape):
    """The market order goes at the next open there is."""
    floor = tape({1: NONE, 2: NONE})
    ioc, waits = submit(floor, BUY, 10, force=Force.IOC), submit(floor, BUY, 10)
    assert (ioc.status, waits.status) == (Status.CANCELED, Status.NEW)
    to_minute(floor, 2)
    assert waits.live
    to_minute(floor, 3)
    assert fills(floor) == [(3, 10, paid(50.0, 1, 10))]


def test_orders_before_the_bell_wait_for_it(tmp_path):
    """Accepted, then new and filled at the open; immediate ones are cancelled."""
    floor = floor_of(quiet_market(tmp_path))
    market, early = submit(floor, BUY, 10), submit(floor, BUY, 10, **limit(51))
    ioc, low = submit(floor, BUY, 10, force=Force.IOC), submit(floor, BUY, 10, **limit(49))
    assert [o.status for o in (market, early, low)] == [Status.ACCEPTED] * 3
    assert ioc.status is Status.CANCELED
    to_minute(floor, 0)
    assert [o.status for o in (market, early, low)] == [Status.FILLED, Status.FILLED, Status.NEW]
    assert [minute for minute, *_ in fills(floor)] == [0, 0]


def test_simple_stops_sell_at_the_worse_of_open_and_level(tape):
    """A buy stop above enters; a sell stop below leaves; a gap fills at the open."""
    floor = tape({2: (50.0, 50.6, 50.0, 50.5, 1e6), 4: (48.0, 48.5, 47.9, 48.1, 1e6)})
    enters = submit(floor, BUY, 100, kind=Kind.STOP, stop_micro=usd(50.5))
    for minute in (2, 3):
        to_minute(floor, minute)
    assert enters.status is Status.FILLED
    submit(floor, SELL, 100, kind=Kind.STOP, stop_micro=usd(49))
    for minute in (4, 5):
        to_minute(floor, minute)
    assert fills(floor) == [(2, 100, paid(50.5, 1, 100)), (4, 100, paid(48.0, -1, 100))]


def test_a_stop_limit_rests_as_a_limit_when_the_market_ran_past_it(tape):
    """Touched with a gap beyond its limit it waits until the price comes back."""
    floor = tape({2: (48.0, 48.2, 47.5, 48.0, 1e6), 3: (48.0, 49.1, 48.0, 49.0, 1e6)})
    submit(floor, BUY, 100)
    stop = submit(
        floor, SELL, 100, kind=Kind.STOP_LIMIT, stop_micro=usd(49.5), limit_micro=usd(49.0)
    )
    to_minute(floor, 2)
    to_minute(floor, 3)
    assert (stop.status, stop.triggered) == (Status.NEW, True)
    to_minute(floor, 4)
    assert fills(floor)[1] == (3, 100, usd(49.0))


def test_a_stop_limit_within_its_limit_fills_as_a_stop(tape):
    """No gap: half spread and impact off the level."""
    floor = tape({2: (50.0, 50.0, 49.4, 49.6, 1e6)})
    submit(floor, BUY, 100)
    submit(floor, SELL, 100, kind=Kind.STOP_LIMIT, stop_micro=usd(49.5), limit_micro=usd(49.0))
    for minute in (2, 3):
        to_minute(floor, minute)
    assert fills(floor)[1] == (2, 100, paid(49.5, -1, 100))


def bracket(**more):
    legs = {"order_class": "bracket", "target_micro": usd(51), "loss_micro": usd(49)}
    return {**legs, **more}


def test_the_legs_of_a_bracket_sleep_until_its_entry_is_over(tape):
    """Held until then; of an entry that was cut short they protect what there is."""
    floor = tape({1: (50.0, 50.0, 50.0, 50.0, 400), 3: (50.0, 51.2, 48.0, 50.0, 1e6)})
    entry = submit(floor, BUY, 100, **limit(50.2, **bracket()))
    target, stop = entry.legs
    assert (entry.filled, target.status, stop.status) == (40, Status.HELD, Status.HELD)
    assert account(floor).held("AAA") == 0
    floor.broker.cancel(account(floor), entry)
    assert (entry.status, target.status, stop.status) == (
        Status.CANCELED, Status.NEW, Status.HELD,
    )  # fmt: skip
    assert (target.shares, stop.shares, account(floor).held("AAA")) == (40, 40, 40)
    for minute in (2, 3, 4):
        to_minute(floor, minute)
    # the bar touches both: stop first
    assert fills(floor)[1] == (3, 40, paid(49.0, -1, 40))
    assert (target.status, stop.status) == (Status.CANCELED, Status.FILLED)


def test_a_bracket_whose_entry_never_filled_leaves_nothing(tape):
    """Cancelled, its legs go with it; so they do at the close."""
    floor = tape({})
    one = submit(floor, BUY, 100, **limit(40, **bracket(target_micro=usd(41), loss_micro=usd(39))))
    two = submit(floor, BUY, 100, **limit(41, **bracket(target_micro=usd(42), loss_micro=usd(39))))
    floor.broker.cancel(account(floor), one)
    assert {o.status for o in (one, *one.legs)} == {Status.CANCELED}
    for minute in range(2, 391):
        to_minute(floor, minute)
    assert {o.status for o in (two, *two.legs)} == {Status.EXPIRED}


def test_an_oto_wakes_its_only_leg(tape):
    """Entry, then a stop at rest."""
    floor = tape({2: (50.0, 50.0, 48.9, 49.0, 1e6)})
    entry = submit(floor, BUY, 100, order_class="oto", loss_micro=usd(49))
    (stop,) = entry.legs
    assert (stop.status, account(floor).held("AAA")) == (Status.NEW, 100)
    to_minute(floor, 2)
    to_minute(floor, 3)
    assert fills(floor)[1] == (2, 100, paid(49.0, -1, 100))


def test_an_entry_at_rest_and_its_legs_may_share_a_bar(tape):
    """The legs are active in the bar of their entry, as in a replay."""
    floor = tape({2: (50.0, 50.0, 48.5, 48.6, 1e6)})
    submit(floor, BUY, 100, **limit(49.5, **bracket()))
    to_minute(floor, 2)
    to_minute(floor, 3)
    assert fills(floor) == [(2, 100, usd(49.5)), (2, 100, paid(49.0, -1, 100))]


def test_a_short_is_sold_covered_and_never_turned_round(tape):
    """Selling without shares opens a short; buying covers at most what is short."""
    floor = tape({})
    submit(floor, SELL, 100)
    assert account(floor).shares("AAA") == -100
    with pytest.raises(Refusal, match="requested: 150, available: 100"):
        submit(floor, BUY, 150)
    submit(floor, BUY, 100)
    assert account(floor).holdings == {}


def test_replacing_a_dormant_leg_keeps_it_dormant(tape):
    """Before the entry is filled, its stop may be moved; then it protects at the new level."""
    floor = tape({2: (49.0, 50.0, 48.5, 50.0, 1e6), 4: (50.0, 50.0, 47.9, 48.0, 1e6)})
    entry = submit(floor, BUY, 100, **limit(49.5, **bracket()))
    change = {"shares": None, "force": None, "limit_micro": None, "client_id": None}
    moved = floor.broker.replace(
        account(floor), entry.legs[1], Change(stop_micro=usd(48), **change)
    )
    assert (moved.status, entry.legs[1], moved.dormant) == (Status.HELD, moved, True)
    for minute in (2, 3, 4, 5):
        to_minute(floor, minute)
    assert fills(floor) == [(2, 100, usd(49.0)), (4, 100, paid(48.0, -1, 100))]
    assert entry.legs[0].status is Status.CANCELED


def test_replacing_an_entry_takes_its_legs_along(tape):
    """They sleep on behind the new one."""
    floor = tape({2: (49.0, 50.0, 48.9, 50.0, 1e6)})
    entry = submit(floor, BUY, 100, **limit(40, **bracket(loss_micro=usd(39))))
    change = {"shares": None, "force": None, "stop_micro": None, "client_id": None}
    made = floor.broker.replace(account(floor), entry, Change(limit_micro=usd(49.5), **change))
    assert entry.status is Status.REPLACED
    to_minute(floor, 2)
    assert {leg.status for leg in made.legs} == {Status.HELD}
    to_minute(floor, 3)
    assert made.status is Status.FILLED
    assert [leg.status for leg in made.legs] == [Status.NEW, Status.HELD]


def test_the_books_of_a_position_that_is_built_and_sold_in_parts(tape):
    """Cost is the average; the last share leaves nothing behind."""
    floor = tape({2: (52.0, 52.0, 52.0, 52.0, 1e6)})
    submit(floor, BUY, 100)
    to_minute(floor, 2)
    submit(floor, BUY, 50)
    held = account(floor).holdings["AAA"]
    first, second = (x.price_micro for x in account(floor).executions)
    assert (held.shares, held.cost_micro) == (150, 100 * first + 50 * second)
    submit(floor, SELL, 75)
    assert held.cost_micro == (100 * first + 50 * second) // 2
    submit(floor, SELL, 75)
    assert account(floor).holdings == {}
    flow = sum(-x.order.side.sign * x.shares * x.price_micro for x in account(floor).executions)
    assert (
        account(floor).cash_micro == account(floor).start_micro + flow - account(floor).fees_micro
    )
