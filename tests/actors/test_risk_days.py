"""Five days with risk at work: the daily-loss breaker trips where an independent count says."""

import numpy as np
import pytest

from actors.system import run
from engine.market.frames import CLOSE
from engine.records.reading import read_rows
from tests.actors.test_system import plan
from tests.bars import SIX, config, synth_blocks

LIMIT = 0.004
DAYS = 5


@pytest.fixture(scope="module")
def days(tmp_path_factory):
    """Five generated sessions, traded with a narrow daily-loss limit and no other breaker."""
    blocks = synth_blocks(DAYS + 1, signal=0.0, seed=3)
    cfg = config(
        f"risk.daily_loss_pct={100 * LIMIT}", "risk.max_consecutive_losses=1000",
        "risk.drawdown_pct=100", "rotation.min_edge_bps=-100", "learning.warm_rows=100",
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("days")
    outcome = run(plan(blocks, folder, cfg=cfg, trade_from=blocks[1].session.date))
    return blocks[1:], folder, outcome


def independent(blocks, folder):
    """Return the UTC ms of each session's first close below the limit, from fills and bars."""
    trades = iter([*read_rows(folder / "trades.jsonl"), {"timestamp_ms": 2**62}])
    trade, cash, held = next(trades), 100_000.0, np.zeros(len(SIX))
    trips = []
    for block in blocks:
        opened, found = cash, None
        for t in range(len(block)):
            ms = block.ts_ns(t) // 1_000_000
            while trade["timestamp_ms"] <= ms:
                sign = 1 if trade["action"] == "ENTRY" else -1
                cash -= sign * trade["value"] + trade["costs"]
                held[SIX.index(trade["symbol"])] += sign * trade["shares"]
                trade = next(trades)
            closes = np.nan_to_num(block.bars[t, :, CLOSE])
            if found is None and cash + held @ closes < opened * (1 - LIMIT):
                found = ms
        assert not held.any()
        trips.append(found)
    return trips


def test_the_daily_loss_trips_where_it_must(days):
    """Realised and unrealised equity against the session's opening equity (A8)."""
    blocks, folder, outcome = days
    tripped = [
        row["timestamp_ms"]
        for row in read_rows(folder / "events.jsonl")
        if row["type"] == "breaker_tripped"
    ]
    expected = [ms for ms in independent(blocks, folder) if ms is not None]

    assert len(expected) >= 2
    assert tripped == expected
    assert [trip.ts_ns // 1_000_000 for trip in outcome.stats.trips] == expected


def test_it_blocks_entries_lets_exits_go_and_re_arms(days):
    """From the trip to the close nothing is decided to enter; the next session opens re-armed."""
    blocks, folder, _ = days
    rows = list(read_rows(folder / "events.jsonl"))
    closes = [block.session.close_ns // 1_000_000 for block in blocks]
    exits = 0
    for ms in (row["timestamp_ms"] for row in rows if row["type"] == "breaker_tripped"):
        close = next(close for close in closes if close > ms)
        after = [row for row in rows if ms <= row["timestamp_ms"] < close]
        assert not [r for r in after if r["type"] == "decided" and r["decision"] in (2, 3)]
        exits += sum(r["type"] == "order_filled" and r["side"] == "SELL" for r in after)
        refused = [r for r in after if r["type"] == "decided" and r.get("gate") == "daily_loss"]
        assert all("daily loss" in r["reason"] and r["advice"] for r in refused)
        rearmed = [r for r in rows if r["type"] == "breaker_rearmed" and r["timestamp_ms"] > ms]
        if close != closes[-1]:
            assert rearmed[0]["timestamp_ms"] == blocks[closes.index(close) + 1].ts_ns(0) // 10**6
    assert exits > 0


def test_the_summary_counts_its_refusals(days):
    """Refusals by the breaker stand in the counts."""
    assert days[2].stats.refusals["daily_loss"] > 0


@pytest.mark.parametrize("options", [{"block_size": 1}, {"block_size": 7, "scan": False}])
def test_breakers_stops_and_commands_do_not_depend_on_blocks(days, tmp_path, options):
    """One journal with breakers at work, whatever the blocks and the scan."""
    blocks, _, outcome = days
    cfg = config(
        f"risk.daily_loss_pct={100 * LIMIT}", "risk.max_consecutive_losses=1000",
        "risk.drawdown_pct=100", "rotation.min_edge_bps=-100", "learning.warm_rows=100",
    )  # fmt: skip
    again = run(
        plan(
            synth_blocks(DAYS + 1, signal=0.0, seed=3), tmp_path, cfg=cfg,
            trade_from=blocks[0].session.date, **options,
        )
    )  # fmt: skip

    assert again.journal_sha256 == outcome.journal_sha256
