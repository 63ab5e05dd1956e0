"""Fills that are undone or corrected, in the database: what it shows as held is what is held."""

import pytest

from engine.events import MICRO, OrphanFound
from engine.records.manifest import write_manifest
from engine.records.store.database import Store
from engine.records.store.follow import catch_up, register
from engine.records.store.queries import rows, runs, trips
from engine.records.store.tables import ActiveRiskPosition
from tests.actors.test_by_hand import AAA, FLAT, QUIET, enter, fresh, journal
from tests.actors.test_by_hand import trips as ended
from tests.actors.test_doubted_bars import manifest
from tests.actors.test_undone_fills import busted, canceled, corrected, entered, sold, told
from tests.bars import config


@pytest.fixture(params=[16_000_000, 1_000], ids=["at-once", "in-pieces"])
def shown(request, tmp_path, monkeypatch):
    """Play something on a session that holds AAA; what database and book hold in the end."""
    monkeypatch.setattr("engine.records.store.taking.CHUNK", request.param)

    def ask(act, begin=enter):
        place, folder = fresh(), tmp_path / "run"
        folder.mkdir()
        with journal(place, folder):
            begin(place)
            act(place)
        write_manifest(folder, manifest(config()))
        with Store(f"sqlite:///{tmp_path}/rotor.db") as store:
            register(store, folder)
            catch_up(store, folder)
            key = runs(store)[-1]["id"]
            there = rows(store, ActiveRiskPosition, run=key, status="active")
            kept = [(t.direction, t.entry_micro, t.pnl_micro) for t in trips(store, [key])]
        trades = place.desk.stats.round_trips
        assert kept == [(t.direction, t.entry_micro, t.pnl_micro) for t in trades]
        return (
            {
                r["symbol"]: (r["direction"] * r["shares"], r["entry_micro"] / r["opened_shares"])
                for r in there
            },
            {
                p.symbol: (p.quantity, pytest.approx(p.entry_price * MICRO))
                for p in place.state.ledger.held
            },
        )

    return ask


def test_a_busted_exit_shows_the_position_again_at_its_cost(shown):
    """And not as something that was bought at the exit's price."""

    def act(place):
        exit_ = sold(place)
        place.frame(FLAT, AAA, [busted(place, exit_)])

    database, book = shown(act)
    assert database == book != {}


def test_one_that_is_sold_again_is_held_no_more(shown):
    """Its round trip is there once."""

    def act(place):
        exit_ = sold(place)
        place.frame(FLAT, AAA, [busted(place, exit_)])
        sold(place)

    assert shown(act) == ({}, {})


def test_a_busted_entry_is_held_no_more(shown):
    """Though no round trip has ended it; the next purchase is a position of its own."""

    def act(place):
        place.frame(FLAT, QUIET, [busted(place, place.fills()[0])])

    assert shown(act) == ({}, {})


def test_a_busted_part_of_an_entry_leaves_the_rest(shown):
    """At what the rest has cost."""

    def begin(place):
        order = entered(place)
        first = told(place, order, 100, 50.0, final=False)
        place.frame(FLAT, AAA, [first, told(place, order, 60, 50.2, final=False)])
        place.frame(FLAT, AAA, [busted(place, first)])

    database, book = shown(lambda _: None, begin)
    assert database == book == {"AAA": (60, pytest.approx(50.2 * MICRO))}


def test_a_busted_entry_whose_exit_has_filled_is_short_until_it_is_bought_back(shown):
    """The round trip that is told again does not end the short."""
    covered = []

    def act(place):
        entry = place.fills()[0]
        sold(place)
        covered.extend(ended(place.frame(FLAT, QUIET, [busted(place, entry)])))

    assert shown(act) == ({}, {})
    assert [trip.direction for trip in covered] == [-1]


@pytest.mark.parametrize("open_", [True, False])
def test_a_corrected_entry_costs_its_new_price(shown, open_):
    """Of a position that is held, or whose round trip is told again."""

    def act(place):
        entry = place.fills()[0]
        if not open_:
            sold(place)
        place.frame(FLAT, AAA if open_ else QUIET, [corrected(place, entry, 49.9, 0)])

    database, book = shown(act)
    assert database == book
    assert bool(book) is open_


def test_a_corrected_fill_of_before_leaves_what_is_held_now(shown):
    """Its round trip is told again, and ends nothing."""

    def act(place):
        entry = place.fills()[0]
        sold(place)
        enter(place)
        place.frame(FLAT, AAA, [corrected(place, entry, 49.9, 0)])

    database, book = shown(act)
    assert database == book != {}


def test_an_entry_reported_canceled_and_filled_after_all_is_held(shown):
    """And is no exit of nothing."""

    def begin(place):
        order = entered(place)
        place.frame(FLAT, QUIET, [canceled(order)])
        place.frame(FLAT, AAA, [told(place, order, order.shares, 50.0)])

    database, book = shown(lambda _: None, begin)
    assert database == book != {}


def test_what_is_adopted_after_a_bust_is_shown_alone(shown):
    """The unique row of its symbol is free."""

    def act(place):
        place.frame(FLAT, QUIET, [busted(place, place.fills()[0])])
        orphan = OrphanFound(
            ts_ns=0, symbol="AAA", shares=7, price_micro=50 * MICRO, fee_micro=0, paid=False
        )
        place.frame(FLAT, QUIET, [orphan])

    assert shown(act) == ({"AAA": (7, 50.0 * MICRO)},) * 2
