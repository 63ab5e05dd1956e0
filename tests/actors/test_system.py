"""The whole actor tree on generated bars."""

import datetime as dt
import signal
import tempfile
from pathlib import Path

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.desk import Given
from actors.system import Plan, epoch_of, replay, run
from engine.config import Learning, Universe
from engine.errors import RotorError, SourceError
from engine.events import MICRO, Halt, Liquidate, Resume
from engine.learning.judge import Judge
from engine.learning.predictors import make_predictor
from engine.learning.signals import CONFIDENCE, Context
from engine.market.frames import OPEN
from engine.market.grid import Gridder
from engine.records.journal import Journal
from engine.records.reading import journal_sha256, read_rows
from engine.records.summary import sentences, summarise
from tests.bars import SIX, UNGUARDED, config, synth_blocks
from tests.budget import examples

HALF_DAY = dt.date(2025, 7, 1)
EVE = dt.date(2025, 7, 2)
"""The day before a half day."""


def plan(blocks, folder=None, *, cfg=None, level="full", **options):
    return Plan(
        config=cfg or config(),
        symbols=blocks[0].symbols,
        open_blocks=lambda skip: iter(blocks[skip:]),
        trade_from=options.pop("trade_from", None),
        range_label="",
        first_ts_ns=blocks[0].session.open_ns,
        folder=folder,
        level=level if folder else "none",
        executor=options.pop("executor", "inline"),
        **options,
    )


@pytest.fixture(scope="module")
def blocks():
    """Six symbols with a planted signal; the third session is a half day."""
    return synth_blocks(6, signal=2.0, seed=5, first=HALF_DAY)


@pytest.fixture(scope="module")
def full(blocks, tmp_path_factory):
    """One run with a full journal."""
    folder = tmp_path_factory.mktemp("full")
    return folder, run(plan(blocks, folder))


def rows(folder, name):
    return list(read_rows(folder / f"{name}.jsonl"))


@pytest.mark.parametrize(
    "options",
    [
        {"block_size": 1},
        {"block_size": 7},
        {"block_size": 390},
        {"scan": False},
        {"block_size": 11, "scan": False},
        {"executor": "threads"},
    ],
)
def test_one_journal_whatever_the_blocks_the_scan_and_the_executor(blocks, full, tmp_path, options):
    """Nothing depends on block size, scan or threads; two runs are equal."""
    assert run(plan(blocks, tmp_path / "x", **options)).journal_sha256 == full[1].journal_sha256


@examples(0.3)
@given(
    seed=st.integers(0, 99),
    sets=st.fixed_dictionaries(
        {
            "rotation.allow_short": st.sampled_from(["true", "false"]),
            "rotation.max_positions": st.integers(1, 5),
            "rotation.cooldown_minutes": st.integers(0, 40),
            "rotation.min_hold_minutes": st.integers(0, 20),
            "rotation.max_hold_minutes": st.integers(20, 390),
            "rotation.min_rank_to_hold": st.integers(1, 6),
            "rotation.min_edge_bps": st.integers(-20, 5),
            "rotation.rotation_strength_delta": st.sampled_from([0, 0.01, 0.2]),
            "simulation.participation_pct": st.sampled_from([0.05, 1, 10]),
            "session.no_entries_before_close_minutes": st.integers(0, 60),
            "risk.stop_loss_pct": st.sampled_from([0.05, 0.3, 1.5, 100]),
            "risk.trailing_stop_pct": st.sampled_from([0, 0.05, 0.5, 100]),
            "risk.take_profit_pct": st.sampled_from([0.05, 0.5, 100]),
            "risk.stop_atr_multiple": st.sampled_from([0, 0, 3, 20]),
            "risk.daily_loss_pct": st.sampled_from([0.1, 0.5, 5]),
            "risk.drawdown_pct": st.sampled_from([0.3, 100]),
            "risk.drawdown_rearm": st.sampled_from(["manual", "session"]),
            "risk.max_consecutive_losses": st.sampled_from([1, 2, 1000]),
            "risk.consecutive_losses_rearm": st.sampled_from(["cooldown", "session", "manual"]),
            "risk.losses_cooldown_minutes": st.integers(1, 40),
            "risk.max_orders_per_minute": st.sampled_from([1, 3, 60]),
            "risk.max_jump_pct": st.sampled_from([25, 25, 25, 0.2]),
            "risk.max_correlation": st.sampled_from([0.5, 1]),
        }
    ),
    orders=st.lists(
        st.tuples(
            st.integers(0, 599),
            st.sampled_from([Resume(), Resume(), Liquidate(), Liquidate(symbol="TQQQ"), Halt()]),
        ),
        max_size=4,
    ),
    block_size=st.sampled_from([390, 17]),
)
def test_the_scan_passes_over_nothing_that_matters(seed, sets, orders, block_size):
    """Whatever the rules and commands, deciding every frame and scanning leave one journal."""
    blocks = synth_blocks(
        2, seed=seed, signal=3.0, symbols=(*SIX, "AAA", "BBB"), first=EVE,
        max_jump_pct=sets["risk.max_jump_pct"],
    )  # fmt: skip
    cfg = config("learning.warm_rows=50", *(f"{key}={value}" for key, value in sets.items()))
    commands = tuple(
        Given(blocks[minute // 390].ts_ns(minute % 390), command, "test")
        for minute, command in sorted(orders, key=lambda order: order[0])
    )
    with tempfile.TemporaryDirectory() as scratch:
        hashes = {
            run(
                plan(blocks, Path(scratch) / name, cfg=cfg, commands=commands, **options)
            ).journal_sha256
            for name, options in {
                "scan": {"block_size": block_size},
                "every": {"scan": False},
            }.items()
        }

    assert len(hashes) == 1


def test_many_symbols_share_actors_and_change_nothing(tmp_path):
    """Above a dozen symbols predictors are shared out; threads and block size change nothing."""
    names = tuple(f"S{i:03d}" for i in range(30))
    blocks = synth_blocks(3, symbols=names, signal=3.0)
    cfg = config("learning.warm_rows=100")
    hashes = {
        run(plan(blocks, tmp_path / str(i), cfg=cfg, executor=e, block_size=b)).journal_sha256
        for i, (e, b) in enumerate((("inline", 390), ("threads", 390), ("inline", 5)))
    }

    assert len(hashes) == 1


def test_flat_after_every_session_the_half_day_too(full):
    """The last minute of every session shows an empty book."""
    folder, outcome = full
    assert outcome.stats.round_trips
    last = {}
    for row in rows(folder, "positions"):
        last[row["timestamp_ms"] // 86_400_000] = row
    assert all(row["positions"] == [] for row in last.values())


def test_what_is_held_at_the_end_leaves_two_minutes_before_the_close(blocks, tmp_path):
    """Positions that no rule ended are sold at 15:58, on the half day at 12:58 (A9, B26, B27)."""
    cfg = config(
        "rotation.min_hold_minutes=390", "rotation.max_hold_minutes=390",
        "rotation.min_edge_bps=-100", "signal.buy_threshold=0", "signal.sell_threshold=0",
        *UNGUARDED,
    )  # fmt: skip
    run(plan(blocks, tmp_path / "eod", cfg=cfg))
    new_york = dt.timezone(dt.timedelta(hours=-4))
    leaving = {
        dt.datetime.fromtimestamp(row["timestamp_ms"] / 1000, new_york).strftime("%m-%d %H:%M")
        for row in rows(tmp_path / "eod", "trades")
        if row["action"] == "EXIT"
    }

    assert "07-03 12:58" in leaving
    assert {moment[6:] for moment in leaving if not moment.startswith("07-03")} <= {
        "15:58",
        "15:59",
    }
    assert "07-07 15:58" in leaving


def test_no_fill_at_the_bar_that_made_the_signal(full):
    """Every fill is later than the decision behind its order (B17)."""
    folder, _ = full
    sent = {}
    for row in rows(folder, "events"):
        if row["type"] == "order_submitted":
            # legs are sent at the entry's open and rest from its own bar on
            resting = row.get("class") == "oco"
            sent[row["order_id"]] = row["timestamp_ms"] - (1 if resting else 0)
        if row["type"] == "order_filled":
            assert row["timestamp_ms"] > sent[row["order_id"]]


def test_entries_fill_at_the_open_plus_costs(blocks, full):
    """A long entry pays more than the bar's open, an exit gets less; the slippage says how much."""
    folder, _ = full
    by_ms = {block.ts_ns(t) // 1_000_000: (block, t) for block in blocks for t in range(len(block))}
    for row in rows(folder, "trades"):
        if row.get("forced") or row.get("decision") in (5, 6, 8):
            continue
        block, t = by_ms[row["timestamp_ms"]]
        opened = block.bars[t, SIX.index(row["symbol"]), OPEN]
        paid = (row["price"] - opened) * (1 if row["action"] == "ENTRY" else -1)
        assert paid > 0
        assert row["slippage"] == pytest.approx(paid * row["shares"], abs=1e-6 * row["shares"])


def test_equity_is_cash_plus_positions_at_every_frame(full):
    """An independent book of the trades reproduces every row of positions.jsonl (A1, A23, B21)."""
    folder, outcome = full
    trades = iter([*rows(folder, "trades"), {"timestamp_ms": 2**62}])
    cash, held, trade = 100_000.0, {}, next(trades)
    for row in rows(folder, "positions"):
        while trade["timestamp_ms"] <= row["timestamp_ms"]:
            sign = 1 if trade["action"] == "ENTRY" else -1
            cash -= sign * trade["value"] + trade["costs"]
            held[trade["symbol"]] = held.get(trade["symbol"], 0) + sign * trade["shares"]
            trade = next(trades)
        shown = {p["symbol"]: p for p in row["positions"]}
        assert {s: n for s, n in held.items() if n} == {s: p["shares"] for s, p in shown.items()}
        equity = cash + sum(p["shares"] * p["current_price"] for p in shown.values())
        assert row["current_equity"] == pytest.approx(equity, abs=1e-5)
        pnl = sum(p["pnl"] for p in shown.values())
        assert row["total_unrealized_pnl"] == pytest.approx(pnl, abs=1e-5)
    assert outcome.stats.last_equity == pytest.approx(cash, abs=1e-5)


def test_profits_of_exits_add_up_to_the_change_of_cash(full):
    """Σ net profit of exits is the run's profit; costs are its fees."""
    folder, outcome = full
    trades = rows(folder, "trades")
    pnl = sum(row["pnl"] for row in trades if row["action"] == "EXIT")

    assert pnl == pytest.approx(outcome.stats.last_equity - 100_000, abs=1e-4)
    assert sum(row["costs"] for row in trades) == pytest.approx(
        outcome.stats.fee_micro / MICRO, abs=1e-6
    )
    assert sum(trip.pnl_micro for trip in outcome.stats.round_trips) == round(pnl * MICRO)


def test_every_decision_has_a_reason_and_a_time(full):
    """Decisions carry time, rank, strength and words; entries and exits both occur (B21)."""
    decisions = rows(full[0], "decisions")

    assert {0, 2, 12} <= {row["decision"] for row in decisions}
    assert all(row["reason"] and row["timestamp_ms"] and row["rank"] for row in decisions)
    assert all("gate" in row for row in decisions if row["decision"] == 12)


def test_signals_have_a_row_per_symbol_and_minute_that_vary(blocks, full):
    """Signals are complete and not constant (A5)."""
    signals = rows(full[0], "signals")

    assert len(signals) == sum(len(block) for block in blocks) * 6
    assert len({row["probability"] for row in signals}) > 1000
    assert signals[0]["bar_id"] == signals[0]["timestamp_ms"] // 60_000


def test_the_journal_is_whole_and_its_seq_has_no_gap(full):
    """The chain holds over all files, and events are numbered from 0 without a gap."""
    folder, outcome = full

    assert journal_sha256(folder) == outcome.journal_sha256
    assert [row["seq"] for row in rows(folder, "events")] == list(
        range(len(rows(folder, "events")))
    )


def test_a_smaller_journal_holds_the_same_trades(blocks, full, tmp_path):
    """Level trades leaves out signals and positions, none writes nothing, decisions stay."""
    outcome = run(plan(blocks, tmp_path / "t", level="trades"))

    assert (tmp_path / "t" / "trades.jsonl").read_bytes() == (full[0] / "trades.jsonl").read_bytes()
    assert not (tmp_path / "t" / "signals.jsonl").exists()
    assert outcome.journal_sha256 not in (None, full[1].journal_sha256)
    assert run(plan(blocks)).journal_sha256 is None


def test_order_ids_are_unique_and_made_of_the_epoch(full):
    """Ids begin with the hash of configuration, symbols and range, and never repeat."""
    ids = [r["order_id"] for r in rows(full[0], "events") if r["type"] == "order_submitted"]

    assert len(ids) == len(set(ids))
    assert all(i.startswith(epoch_of(config(), SIX, "")) and len(i) <= 128 for i in ids)


def test_warm_up_sessions_teach_and_do_not_trade(blocks, tmp_path):
    """Sessions before the first traded day are learned from, and nothing else."""
    day = blocks[3].session.date
    outcome = run(plan(blocks, tmp_path / "w", trade_from=day))

    assert outcome.stats.warmup_sessions == 3
    assert [x.date for x in outcome.stats.days] == [b.session.date for b in blocks[3:]]
    first = rows(tmp_path / "w", "signals")[0]
    assert first["timestamp_ms"] == blocks[3].session.open_ns // 1_000_000
    assert first["warm"]


def test_the_book_rotates_when_there_is_more_to_hold_than_slots(tmp_path):
    """With free choice among many symbols, rotations do happen (fact 7, B13)."""
    names = tuple(f"S{i:03d}" for i in range(12))
    blocks = synth_blocks(4, symbols=names, signal=4.0, seed=2)
    cfg = config(
        "learning.warm_rows=100", "rotation.rotation_strength_delta=0",
        "rotation.max_positions=2",
        "rotation.min_edge_bps=-100",
    )  # fmt: skip
    outcome = run(plan(blocks, tmp_path / "r", cfg=cfg))

    assert outcome.stats.rotations > 5
    released = [r for r in rows(tmp_path / "r", "events") if r["type"] == "order_released"]
    assert released
    most = max(len(row["positions"]) for row in rows(tmp_path / "r", "positions"))
    assert most == 2
    again = run(plan(blocks, tmp_path / "r1", cfg=cfg, block_size=1, scan=False))
    assert again.journal_sha256 == outcome.journal_sha256


def test_shorts_keep_the_books_too(tmp_path):
    """With allow_short both directions trade, and the books still add up."""
    blocks = synth_blocks(4, signal=3.0, seed=8)
    outcome = run(plan(blocks, tmp_path / "s", cfg=config("rotation.allow_short=true")))

    assert {trip.direction for trip in outcome.stats.round_trips} == {1, -1}
    total = sum(trip.pnl_micro for trip in outcome.stats.round_trips)
    assert total == round(outcome.stats.last_equity * MICRO) - 100_000 * MICRO


class Faulty:
    """An EWRLS learner that crashes when it is fed certain minutes, so many times."""

    def __init__(self, context, faults):
        self._inner = make_predictor("ewrls", context)
        self._faults = faults
        self.feature_names = self._inner.feature_names
        self.checkpoint, self.restore = self._inner.checkpoint, self._inner.restore
        self._symbol = context.symbol

    def process(self, block):
        for t in range(len(block)):
            left = self._faults.get((self._symbol, block.session.date, block.first + t), 0)
            if left and block.bars[t, SIX.index(self._symbol), 5]:
                self._faults[(self._symbol, block.session.date, block.first + t)] = left - 1
                raise ZeroDivisionError("a fault of the test")
        return self._inner.process(block)


def faulty(blocks, folder, minutes, *, block_size=390, times=99):
    day = blocks[1].session.date
    faults = {("TQQQ", day, m): times for m in minutes}
    return run(
        plan(blocks, folder, block_size=block_size, factory=lambda c: Faulty(c, faults)),
    )


@pytest.mark.parametrize("block_size", [1, 390])
def test_a_crashed_predictor_restarts_from_its_checkpoint(blocks, full, tmp_path, block_size):
    """One crash is told, costs that one frame, and the session goes on as if nothing had been."""
    outcome = faulty(blocks, tmp_path / "f", [200], block_size=block_size)
    events = rows(tmp_path / "f", "events")
    restarts = [r for r in events if r["type"] == "predictor_restarted"]

    assert [(r["symbol"], r["restarts"]) for r in restarts] == [("TQQQ", 1)]
    assert "a fault of the test" in restarts[0]["error"]
    assert restarts[0]["timestamp_ms"] == blocks[1].ts_ns(200) // 1_000_000
    assert outcome.stats.quarantined == []
    cold = [r for r in rows(tmp_path / "f", "signals") if r["symbol"] == "TQQQ" and not r["warm"]]
    clean = [r for r in rows(full[0], "signals") if r["symbol"] == "TQQQ" and not r["warm"]]
    assert len(cold) - len(clean) in (0, 1)
    others = [r for r in rows(full[0], "signals") if r["symbol"] == "SSO"]
    mine = [r for r in rows(tmp_path / "f", "signals") if r["symbol"] == "SSO"]
    assert [r["probability"] for r in mine] == [r["probability"] for r in others]


@pytest.mark.parametrize("block_size", [1, 390])
def test_three_crashes_within_the_hour_quarantine_the_symbol(blocks, tmp_path, block_size):
    """The third crash in 60 session minutes bars the symbol for the rest of the run."""
    outcome = faulty(blocks, tmp_path / "q", [100, 120, 140], block_size=block_size)
    day = blocks[1]

    assert outcome.stats.quarantined == [("TQQQ", day.ts_ns(140))]
    assert outcome.stats.restarts == 3
    after = [
        r
        for r in rows(tmp_path / "q", "trades")
        if r["symbol"] == "TQQQ"
        and r["action"] == "ENTRY"
        and r["timestamp_ms"] > day.ts_ns(141) // 1_000_000
    ]
    assert after == []
    assert len(outcome.stats.days) == len(blocks)


class Nan(Faulty):
    """An EWRLS learner whose confidence is not a number in certain minutes."""

    def process(self, block):
        signals = self._inner.process(block)
        for t in range(len(block)):
            if self._faults.get((self._symbol, block.session.date, block.first + t)):
                signals.values[t, CONFIDENCE] = np.nan
        return signals


def test_a_confidence_that_is_no_number_is_a_crash_with_a_name(blocks, tmp_path):
    """It quarantines the symbol; no index is made of it, and the summary says whose it was."""
    day = blocks[1]
    faults = {("TQQQ", day.session.date, m): 1 for m in range(120, 390)}
    made = plan(blocks, tmp_path / "n", factory=lambda c: Nan(c, faults))
    outcome = run(made)
    said = sentences(summarise(outcome.stats, made.config))

    assert outcome.stats.quarantined == [("TQQQ", day.ts_ns(120))]
    assert any("Nan hands on confidence nan in minute 120" in line for line in said)


def test_a_held_position_of_a_quarantined_symbol_is_closed_in_time(blocks, tmp_path):
    """It waits for max_cold_minutes, then leaves by risk exit if nothing else ended it before."""
    trades = [t for t in run(plan(blocks)).stats.round_trips if t.symbol == "TQQQ"]
    trip = max(trades, key=lambda t: t.bars_held)
    block = next(b for b in blocks if b.session.open_ns <= trip.entry_ts_ns < b.session.close_ns)
    minute = (trip.entry_ts_ns - block.session.open_ns) // 60_000_000_000
    faults = {("TQQQ", block.session.date, minute + 2 + k): 99 for k in range(3)}
    outcome = run(plan(blocks, tmp_path / "h", factory=lambda c: Faulty(c, faults)))
    mine = [t for t in outcome.stats.round_trips if t.entry_ts_ns == trip.entry_ts_ns]

    assert outcome.stats.quarantined
    assert [t.bars_held for t in mine if t.symbol == "TQQQ"][0] <= 2 + 3 + 15 + 3


def test_crashes_far_apart_are_forgiven(blocks, tmp_path):
    """Three crashes, each over an hour from the last, quarantine nobody."""
    outcome = faulty(blocks, tmp_path / "a", [50, 150, 250])

    assert outcome.stats.restarts == 3
    assert outcome.stats.quarantined == []


def test_a_fault_that_passes_is_restarted_once(blocks, tmp_path):
    """A crash that does not come again when the frames are fed once more costs one restart."""
    outcome = faulty(blocks, tmp_path / "o", [200], times=1)

    assert outcome.stats.restarts == 1


def test_a_feed_that_stumbles_starts_again_behind_what_it_delivered(blocks, full, tmp_path):
    """Reading errors are retried with back-off; nothing is delivered twice."""
    broken = [1]

    def open_blocks(skip):
        for i, block in enumerate(blocks[skip:], start=skip):
            if i == 3 and broken.pop() if broken else False:
                raise ConnectionError("the disk went away")
            yield block

    chosen = plan(blocks, tmp_path / "feed")
    outcome = run(
        Plan(**{f: getattr(chosen, f) for f in chosen.__slots__} | {"open_blocks": open_blocks})
    )

    assert outcome.journal_sha256 == full[1].journal_sha256


def test_a_feed_that_keeps_failing_gives_up(blocks):
    """After three crashes the run fails and says why; bad input fails at once."""
    calls = []

    def always(skip):
        calls.append(skip)
        raise ConnectionError("no disk")
        yield

    def bad(_skip):
        raise SourceError("row 5 is bad")
        yield

    chosen = plan(blocks)
    fields = {f: getattr(chosen, f) for f in chosen.__slots__}
    with pytest.raises(
        RotorError, match="the feed gave up after 3 crashes: ConnectionError: no disk"
    ):
        run(Plan(**fields | {"open_blocks": always}))
    assert calls == [0, 0, 0]
    with pytest.raises(SourceError, match="row 5"):
        run(Plan(**fields | {"open_blocks": bad}))


def test_an_unwritable_journal_stops_the_run(blocks, tmp_path, monkeypatch):
    """No audit, no trading: an error of the journal ends the run."""

    def full_disk(_self, _page):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Journal, "write", full_disk)
    with pytest.raises(OSError, match="No space left"):
        run(plan(blocks, tmp_path / "d"))


def test_ctrl_c_flushes_what_was_done(tmp_path):
    """SIGINT stops the feed at a block's border; files are whole, the outcome says so."""
    blocks, seen = synth_blocks(16), []

    def interrupt(block, _desk):
        seen.append(block)
        if len(seen) == 2:
            signal.raise_signal(signal.SIGINT)

    outcome = run(plan(blocks, tmp_path / "c", progress=interrupt))

    assert outcome.stats.interrupted
    assert 2 <= len(outcome.stats.days) < len(blocks)
    assert journal_sha256(tmp_path / "c") == outcome.journal_sha256


async def test_random_schedules_leave_one_journal(blocks, full, tmp_path, autojump_clock):
    """Trio's random scheduling order never shows: several interleavings, one journal."""
    for i in range(3):
        outcome = await replay(plan(blocks, tmp_path / str(i), block_size=64))
        assert outcome.journal_sha256 == full[1].journal_sha256


def test_mailboxes_are_bounded_and_counted(full):
    """Every message went through a bounded mailbox, and its figures are told."""
    boxes = {box.name: box for box in full[1].mailboxes}

    assert boxes["feed→supervisor"].sent == 6
    assert all(box.high_water <= box.capacity + 1 for box in boxes.values())


def test_learning_finds_what_is_planted_and_nothing_else():
    """The information coefficient grows with the planted signal; without one it is noise."""
    ics = {}
    for signal_ in (0.0, 2.0, 4.0):
        blocks = synth_blocks(40, signal=signal_, seed=11, symbols=("SSO", "SVIX", "TQQQ"))
        learners = [
            make_predictor("ewrls", _context(blocks, s)) for s in range(len(blocks[0].symbols))
        ]
        judge = Judge(range(len(learners)), Learning().horizons)
        for block in blocks:
            judge.take(block, [learner.process(block) for learner in learners])
        scores = [judge.scores(s)[:2] for s in range(len(learners))]
        ics[signal_] = np.mean([score.ic for two in scores for score in two])

    # 38 warm sessions hold about 500 independent half hours: a standard error of 0.045
    assert abs(ics[0.0]) < 0.09
    assert ics[2.0] > 0.09
    assert ics[4.0] > ics[2.0] + 0.03


def test_shuffled_labels_teach_nothing():
    """With the minutes of all sessions in random order nothing is found."""
    blocks = synth_blocks(40, signal=4.0, seed=11, symbols=("SSO", "TQQQ"))
    gridder = Gridder(("SSO", "TQQQ"), (1.0, 1.0))
    learner, judge = make_predictor("ewrls", _context(blocks, 1)), Judge((1,), Learning().horizons)
    bars = [block.bars[:, :, :5] for block in blocks]
    ratios = np.concatenate([b / np.vstack([b[:1, :, :1], b[:-1, :, 3:4]]) for b in bars])
    ratios = np.random.default_rng(0).permutation(ratios)
    at = 0
    for block in blocks:
        ratio = ratios[at : at + len(block)]
        at += len(block)
        steps = np.vstack([np.ones((1, 2)), np.cumprod(ratio[:, :, 3], axis=0)[:-1]])
        shuffled = ratio * (50.0 * steps)[:, :, None]
        shuffled[:, :, 4] = block.bars[:, :, 4]
        mixed = gridder.block(block.session, 0, shuffled)
        judge.take(mixed, [learner.process(mixed)])

    assert abs(np.mean([score.ic for score in judge.scores(0)])) < 0.1


def _context(blocks, column):
    symbols = blocks[0].symbols
    return Context(symbols[column], column, symbols, Universe().sign(symbols[column]))


def test_the_summary_of_the_journal_is_readable_json(full):
    """Rows are JSON objects, one a line."""
    for name in ("signals", "decisions", "trades", "positions", "events"):
        with (full[0] / f"{name}.jsonl").open("rb") as lines:
            assert all(isinstance(orjson.loads(line), dict) for line in lines)
