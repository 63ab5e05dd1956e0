"""A bar that the price check does not believe is not marked, learned, ranked or traded on."""

import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from actors.recovery import Recording, take_again
from actors.system import Plan, run
from actors.trader import Frame
from engine.events import BreakerTripped, Decided, Gate, OcoOrder, OrderSubmitted
from engine.market.frames import AGE, CLOSE, PRESENT
from engine.market.grid import Gridder
from engine.records.manifest import write_manifest
from engine.records.recorded import read_recorded, whole_rows
from tests.actors.floor import bar
from tests.actors.test_by_hand import AAA, FLAT, agrees, holding, legs, shares_of
from tests.bars import SIX, config, session, synth_blocks
from tests.budget import examples

UP = [bar(50.2), bar(50)]


def gridded(rows, jump=25.0):
    """The bars of one symbol, and which minutes were doubted."""
    bars = np.array(rows, float)[:, None]
    block = Gridder("A", [1.0], jump).block(session(), 0, bars)
    return block.bars[:, 0], [doubt.t for doubt in block.doubts]


def priced(*closes):
    return [[c, c, c, c, 100.0] for c in closes]


DOUBTED = {
    "half of it": ([50, 25, 50, 50], [1], [50, 50, 50, 50]),
    "a new level": ([50, 25, 25, 25], [1], [50, 50, 25, 25]),
    "a new level that moves": ([50, 25, 26, 20], [1], [50, 50, 26, 20]),
    "twice nonsense": ([50, 25, 0.5, 50], [1, 2], [50, 50, 50, 50]),
    "nonsense, then a level": ([50, 0.5, 25, 25], [1, 2], [50, 50, 50, 25]),
    "a gap between": ([50, 25, np.nan, 25], [1], [50, 50, 50, 25]),
    "the first bar of the day": ([25, 50, 50, 50], [1], [25, 25, 50, 50]),
    "at the limit": ([50, 62.5, 50, 50], [], [50, 62.5, 50, 50]),
}


@pytest.mark.parametrize("case", DOUBTED)
def test_a_jump_is_doubted_until_the_next_bar_confirms_it(case):
    """In the frame it counts as absent: the last believed price, a minute older (12)."""
    closes, doubted, believed = DOUBTED[case]
    bars, found = gridded(priced(*closes))

    assert (found, bars[:, CLOSE].tolist()) == (doubted, believed)
    assert [t for t in range(4) if not bars[t, PRESENT]] == sorted(
        {*doubted, *(t for t in range(4) if closes[t] != closes[t])}
    )
    assert all(bars[t, AGE] > 0 for t in doubted)


def test_a_crossed_bar_is_never_believed_and_confirms_nothing():
    """High below low, a price of zero, a volume below zero."""
    rows = priced(50, 50, 50, 50, 25)
    rows[1][1:3] = 49, 51
    rows[2][2] = 0
    rows[3][4] = -1
    assert gridded(rows)[1] == [1, 2, 3, 4]
    assert gridded(rows, np.inf)[1] == []


def test_a_night_is_no_jump():
    """Nor is what was doubted yesterday confirmed today."""
    gridder = Gridder("A", [1.0], 25.0)
    yesterday = np.array(priced(50, 50, 25))[:, None]
    assert [d.t for d in gridder.block(session(), 0, yesterday).doubts] == [2]
    today = np.array(priced(50, 25, 50))[:, None]
    assert [d.t for d in gridder.block(session(), 0, today).doubts] == [1]


# --- the desk -----------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [0.5, 0.01, 2.0])
@pytest.mark.parametrize("scan", [True, False])
def test_one_bad_bar_of_a_held_symbol_sells_nothing(factor, scan):
    """Neither marked nor traded on: the `prices` breaker alone trips, the legs stay (12)."""
    place = holding()
    place.desk._scan = scan
    place.frame(UP, AAA)
    equity, level = place.state.equity, place.state.legs[0].stop_micro
    bad = [bar(50.2 * factor), bar(50)]
    # a predictor that were given the bar would expect it to fall; it is not given it
    events = place.frame(bad, AAA)

    assert place.block.bars[0, 0, PRESENT] == 0.0
    assert place.state.equity == pytest.approx(equity)
    assert [e.breaker for e in events if isinstance(e, BreakerTripped)] == [Gate.PRICES]
    assert [e for e in events if isinstance(e, OrderSubmitted)] == []
    after = place.play([UP] * 5, AAA)
    assert [e.breaker for e in after if isinstance(e, BreakerTripped)] == []
    assert [e for e in after if isinstance(e, OrderSubmitted)] == []
    assert (shares_of(place), legs(place)["AAA"]) == (place.state.legs[0].remaining,) * 2
    assert place.state.legs[0].stop_micro >= level
    assert place.state.risk.peak == pytest.approx(place.state.equity)
    agrees(place)


def test_a_level_that_is_confirmed_is_marked_and_traded_on():
    """The second bar there is the market: its stop is filled."""
    place = holding()
    place.frame([bar(30), bar(50)], AAA)
    assert shares_of(place) > 0
    events = place.frame([bar(30), bar(50)], AAA)

    assert shares_of(place) == 0
    assert [e.decision for e in events if isinstance(e, Decided)][0].name.endswith("STOP")


def test_a_share_split_costs_nothing():
    """Twice the shares at half the price: no deposit, no loss, legs at half their levels."""
    place = holding("rotation.max_hold_minutes=390")
    before = shares_of(place)
    place.frame(FLAT, AAA)
    start, stop = place.desk.stats.starting_micro, place.state.legs[0].stop_micro
    half = [bar(25), bar(50)]
    place.frame(half, AAA)
    events = place.frame(half, AAA, [place.by_hand("AAA", before)])

    position = place.state.ledger.positions["AAA"]
    assert (position.shares, position.entry_price) == (2 * before, pytest.approx(25, abs=0.02))
    assert place.desk.stats.starting_micro == start
    assert place.state.risk.tripped.keys() <= {Gate.PRICES}
    (again,) = [e.order for e in events if isinstance(e, OrderSubmitted)]
    assert isinstance(again, OcoOrder)
    assert (again.shares, again.stop_micro) == (2 * before, stop // 20_000 * 10_000)
    agrees(place)


def test_the_same_shares_transferred_in_are_no_split():
    """The price says so."""
    place = holding()
    before = shares_of(place)
    place.frame(FLAT, AAA, [place.by_hand("AAA", before)])

    assert (shares_of(place), place.state.ledger.beside["AAA"].shares) == (before, before)
    assert place.desk.stats.starting_micro == place.start + round(before * 50 * 1e6)


# --- one mechanism for replay and live ----------------------------------------------------------


def spoiled(spots, bars):
    """Bars of which some are multiplied, or crossed."""
    bars = bars.copy()
    for minute, column, factor in spots:
        row = bars[minute, column]
        row[:4] *= factor or 1.0
        if factor == 0.0:
            row[1], row[2] = row[2] * 0.99, row[1] * 1.01
    return bars


def plan(blocks, folder, cfg, **options):
    return Plan(
        config=cfg, symbols=blocks[0].symbols, open_blocks=lambda skip: iter(blocks[skip:]),
        trade_from=None, range_label="", first_ts_ns=blocks[0].session.open_ns, folder=folder,
        level="full", executor="inline", **options,
    )  # fmt: skip


SPOTS = st.lists(
    st.tuples(
        st.integers(0, 389), st.integers(0, 5), st.sampled_from([0.0, 0.5, 0.01, 0.97, 1.03, 2.0])
    ),
    min_size=1, max_size=30,
)  # fmt: skip


@examples(0.12)
@given(seed=st.integers(0, 99), spots=SPOTS)
def test_one_journal_whatever_the_blocks(seed, spots):
    """Minute by minute, in sevens, a session at once; and again from the run's own records."""
    jump = 2.5
    cfg = config(
        "learning.warm_rows=50", f"risk.max_jump_pct={jump}", "rotation.min_edge_bps=-20",
    )  # fmt: skip
    blocks = synth_blocks(
        2, seed=seed, signal=3.0, max_jump_pct=jump, spoil=partial(spoiled, spots)
    )
    assert any(block.doubts for block in blocks)
    with tempfile.TemporaryDirectory() as scratch:
        hashes = {
            run(plan(blocks, Path(scratch, str(size)), cfg, block_size=size)).journal_sha256
            for size in (1, 7, 390)
        }
        folder = Path(scratch, "7")
        told = [row for row in whole_rows(folder / "events.jsonl") if row.get("doubted")]
        write_manifest(folder, manifest(cfg))
        again = list(read_recorded(folder).blocks())
        hashes.add(run(plan(again, Path(scratch, "again"), cfg)).journal_sha256)

    assert len(hashes) == 1
    assert sum(len(row["doubted"]) for row in told) == sum(len(b.doubts) for b in blocks)


def manifest(cfg):
    return {
        "run_id": "7", "command": "replay", "strategy": "rotation", "level": "full",
        "symbols": list(SIX), "from": "2025-07-02", "to": "2025-07-03", "epoch": "0" * 8,
        "started": "2025-07-04T12:00:00+00:00", "config_sha256": cfg.sha256(),
        "config": cfg.model_dump(mode="json"),
    }  # fmt: skip


def test_live_and_replay_doubt_alike(tmp_path):
    """The same bars given minute by minute to the live trader: the same signals, byte for byte."""
    jump, day = 2.5, session()
    spots = [(30, 0, 0.5), (31, 0, 0.5), (90, 3, 2.0), (200, 2, 0.0)]
    cfg = config("learning.warm_rows=50", f"risk.max_jump_pct={jump}")
    raw = []

    def kept(bars):
        raw.append(spoiled(spots, bars))
        return raw[-1]

    blocks = synth_blocks(1, first=day.date, max_jump_pct=jump, spoil=kept)
    run(plan(blocks, tmp_path / "replay", cfg))
    recording = Recording(
        config=cfg, symbols=SIX, session=day, epoch="0" * 8, cash_micro=10**11, learned=None
    )
    inputs = [Frame(minute, raw[0][minute]) for minute in range(day.minutes)]
    trio.run(take_again, recording, inputs, tmp_path / "live")

    assert len(blocks[0].doubts) == 4
    for name in ("signals.jsonl",):
        replayed = (tmp_path / "replay" / name).read_bytes()
        assert (tmp_path / "live" / name).read_bytes() == replayed
