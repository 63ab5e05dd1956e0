"""One live session under a seed: the scheduler's choices, all latencies, and so the interleaving.

    python -m tests.actors.interleavings 1000     # seeds 0…999 against the first

Trio's order of running what is ready is random on purpose. Two private names of Trio make it
follow a seed; `test_interleavings.py` fails when a new Trio no longer listens to them.
"""

import gc
import random
import shutil
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import orjson
import trio
import trio.testing
from trio._core import _run

from actors.history import History, run_pass
from actors.live import LivePlan, live
from actors.views import Views
from engine.market.calendar import sessions_between
from engine.market.synth import generate
from engine.records.journal import FILES
from tests.actors.simulated_venue import USUAL, cut, open_venue, start_cash
from tests.bars import DAY, SIX, config

MINUTES = 80
SETS = (
    "learning.warm_rows=50", "learning.horizons=[5]", "session.no_entries_before_close_minutes=10",
    "rotation.min_hold_minutes=3", "rotation.max_hold_minutes=20", "rotation.cooldown_minutes=3",
    "rotation.min_strength_to_enter=0.001", "rotation.min_strength_to_hold=0.0005",
    "rotation.rotation_strength_delta=0.001", "rotation.min_edge_bps=-100",
    "risk.stop_loss_pct=0.4", "risk.take_profit_pct=0.5", "risk.trailing_stop_pct=0.3",
    "risk.max_consecutive_losses=1000", "risk.risk_per_trade_pct=10", "risk.max_heat_pct=100",
    "costs.fees=false", "simulation.starting_capital=1000000",
)  # fmt: skip
"""Much trading: stops, targets, rotations, and exits in more than one piece."""


@dataclass(frozen=True)
class Ran:
    """What one interleaving left behind."""

    files: dict[str, bytes]
    """inputs.jsonl and the journal's files."""
    fills: int
    held: int
    """Positions that the venue holds at the end."""
    cash_micro: int
    """Of the venue."""
    twice: int
    """Orders that reached the venue more than once."""


@contextmanager
def seeded(seed):
    """Let Trio's scheduler follow a seed; nothing may run in a thread."""
    before = _run._ALLOW_DETERMINISTIC_SCHEDULING, _run._r
    _run._ALLOW_DETERMINISTIC_SCHEDULING, _run._r = True, random.Random(seed)
    threads, trio.to_thread.run_sync = trio.to_thread.run_sync, _no_thread
    try:
        yield
    finally:
        trio.to_thread.run_sync = threads
        _run._ALLOW_DETERMINISTIC_SCHEDULING, _run._r = before


async def _no_thread(work, *args, **kwargs):
    # a mock clock jumps while a thread works
    raise AssertionError(f"{work} was given to a thread")


@cache
def market(minutes=MINUTES, seed=5):
    """Return the traded session and its bars, and the session before it, cut short."""
    days = [cut(s, minutes) for s in sessions_between(DAY, DAY.replace(day=30))[:3]]
    made = [(day, np.asarray(bars)) for day, bars in generate(days, symbols=SIX, seed=seed)]
    return made[-1], tuple(made[:-1])


@cache
def learned(*sets):
    """Return what a pass over the sessions before it teaches, under settings."""
    (_, _), warmup = market()
    settings = config(*sets)
    history = History(
        config=settings, symbols=SIX, sessions=warmup, capital_micro=start_cash(settings)
    )
    return trio.run(run_pass, history, None).learned


def play(seed, folder, *, sets=(), latencies=USUAL):
    """Trade the session under a seed; return what it left."""
    folder.mkdir(parents=True)
    (session, bars), warmup = market()
    settings = config(*SETS, *sets)
    taught = learned(*SETS, *sets)

    async def main():
        venue, clock = open_venue(session, SIX, bars, warmup, settings, seed, latencies)
        plan = LivePlan(
            config=settings, symbols=SIX, session=session, venue=venue, clock=clock,
            folder=folder, epoch="0" * 8, cash_micro=start_cash(settings), learned=taught,
            views=Views(), reread=lambda: settings,
        )  # fmt: skip
        async with trio.open_nursery() as nursery:
            nursery.start_soon(venue.run)
            done = await live(plan, trio.Event(), lambda: None)
            nursery.cancel_scope.cancel()
        return venue, done

    with seeded(seed):
        venue, done = trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    names = ("inputs", *FILES["full"])
    return Ran(
        files={name: (folder / f"{name}.jsonl").read_bytes() for name in names},
        fills=done.outcome.stats.fills,
        held=len(venue.books.holdings),
        cash_micro=venue.books.cash_micro,
        twice=len(venue.orders_seen) - len(set(venue.orders_seen)),
    )


def canonical(ran):
    """Return the journal without what only tells in which order symbols' reports came.

    Within one minute rows are put in order of their symbol, each symbol's own order is kept. Order
    ids are numbered per symbol (they carry a number that counts all orders of the session),
    round trips not at all. Fees are off: which of two fills of one minute pays the next cent of
    the day follows their order.
    """
    ids = _names(ran)
    return {name: _canonical(ran.files[name], ids) for name in FILES["full"]}


def _canonical(data, ids):
    for old, new in ids.items():
        data = data.replace(old, new)
    rows = [orjson.loads(line) for line in data.splitlines()]
    for row in rows:
        row.pop("chain", None)
        row.pop("seq", None)
        row.pop("trip", None)
    keyed = sorted(rows, key=lambda row: (row["timestamp_ms"], _symbol(row)))
    return [orjson.dumps(row) for row in keyed]


def _symbol(row):
    return row.get("symbol") or row.get("order_id", "").partition("-")[0]


def _names(ran):
    """Return {order id: its number among the symbol's orders}."""
    seen = {}
    for line in ran.files["events"].splitlines():
        row = orjson.loads(line)
        order_id = row.get("order_id")
        if order_id:
            seen.setdefault(tuple(order_id.split("-")[-4:-2]), {})[order_id] = None
    names = {}
    for (symbol, side), ids in seen.items():
        ordered = sorted(ids, key=lambda i: int(i.split("-")[-2]))
        for n, order_id in enumerate(ordered):
            names[order_id.encode()] = f"{symbol}-{side}-no-{n}".encode()
    return names


def difference(one, other):
    """Return the first row that differs between two journals, in words; empty if none does."""
    for name in FILES["full"]:
        for a, b in zip(one[name], other[name], strict=False):
            if a != b:
                return f"{name}:\n  {a.decode()[:300]}\n  {b.decode()[:300]}"
        if len(one[name]) != len(other[name]):
            return f"{name}: {len(one[name])} rows and {len(other[name])}"
    return ""


def main():
    """Compare many seeds: COUNT [FIRST [SCRATCH FOLDER]]."""
    given = dict(enumerate(sys.argv))
    count, first = int(given.get(1, 1000)), int(given.get(2, 0))
    scratch = Path(tempfile.mkdtemp(prefix="rotor-seeds-", dir=given.get(3)))
    gc.collect()
    gc.freeze()  # a third of the time went into looking through what was imported
    began, wrong, orders = time.perf_counter(), [], set()
    reference = None
    for seed in range(first, first + count):
        folder = scratch / str(seed)
        ran = play(seed, folder)
        shutil.rmtree(folder)
        journal = canonical(ran)
        orders.add(hash(ran.files["inputs"]))
        reference = reference or journal
        found = difference(reference, journal)
        if found or ran.held or ran.twice:
            wrong.append(seed)
            _say(f"seed {seed}: held {ran.held}, twice {ran.twice}; {found}")
    scratch.rmdir()
    took = time.perf_counter() - began
    _say(
        f"{count} seeds in {took:.0f} s, {len(orders)} different logs of inputs, {ran.fills} fills "
        f"each: {len(wrong)} differ from the first {wrong[:20]}"
    )
    return 1 if wrong else 0


def _say(words):
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
