"""A live session under many interleavings of its tasks, answers, events and bars: one journal.

The suite tries ten seeds, two hundred at night; `make interleavings` (or ROTOR_SEEDS=1000) a
thousand.
"""

import os
from itertools import islice

import orjson
import pytest

from actors.learned import take_over_prices
from actors.system import Plan, run
from engine.events import MICRO
from engine.market.grid import Gridder
from engine.records.journal import FILES
from tests.actors.interleavings import SETS, Ran, canonical, difference, learned, market, play
from tests.actors.simulated_venue import Latencies
from tests.bars import SIX, config
from tests.budget import PROFILE

SEEDS = int(os.environ.get("ROTOR_SEEDS", "8" if PROFILE == "ci" else "200"))
FOUND = (18, 2020)
"""Seeds that have found something once."""
FAST = Latencies(way=0.0, event=0.0, bars=0.0, twice=0.0, lost=0.0, silent=0.0)


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """The session in which nothing takes any time."""
    folder = tmp_path_factory.mktemp("first")
    return play(0, folder / "run", latencies=FAST)


def test_a_seed_fixes_an_interleaving_and_another_makes_another(tmp_path):
    """Trio still listens to the private names that make its scheduler follow a seed."""
    one, again, other = (play(3, tmp_path / "a"), play(3, tmp_path / "b"), play(4, tmp_path / "c"))

    assert one.files == again.files
    assert one.files["inputs"] != other.files["inputs"]


@pytest.mark.parametrize("seed", sorted({*range(1, SEEDS + 1), *FOUND}))
def test_whatever_comes_first_the_journal_is_one(tmp_path, first, seed):
    """Same decisions, fills and records; no order arrives twice; the day ends flat."""
    ran = play(seed, tmp_path / "run")

    assert difference(canonical(first), canonical(ran)) == ""
    assert (ran.held, ran.twice) == (0, 0)
    assert ran.fills > 60


@pytest.mark.parametrize("seed", range(3))
def test_the_ledger_is_the_venues_to_the_cent(tmp_path, seed):
    """With fees, which are booked in the order in which fills are heard of."""
    ran = play(seed, tmp_path / "run", sets=("costs.fees=true",))

    closed = orjson.loads(ran.files["events"].splitlines()[-1])
    assert closed["type"] == "session_closed"
    assert round(closed["equity"] * MICRO) == ran.cash_micro


def test_a_replay_of_the_same_bars_decides_the_same(tmp_path, first):
    """Live, over a venue with the simulator's rules, is the replay."""
    (session, bars), _ = market()
    settings = config(*SETS)

    def blocks(skip):
        signs = [settings.universe.sign(symbol) for symbol in SIX]
        gridder = take_over_prices(learned(*SETS), Gridder(SIX, signs, settings.risk.max_jump_pct))
        return islice(iter([gridder.block(session, 0, bars)]), skip, None)

    plan = Plan(
        config=settings, symbols=SIX, open_blocks=blocks, trade_from=None,
        range_label="", first_ts_ns=session.open_ns, folder=tmp_path / "replay",
        learned=learned(*SETS),
        level="full", executor="inline",
    )  # fmt: skip
    run(plan)
    files = {name: (plan.folder / f"{name}.jsonl").read_bytes() for name in FILES["full"]}
    replayed = canonical(Ran(files, 0, 0, 0, 0))
    lived = canonical(first)

    for name in ("signals", "decisions", "positions"):
        assert lived[name] == replayed[name]
    told = ("symbol", "action", "price", "shares", "decision", "reason", "pnl")
    assert _told(lived, told) == _told(replayed, told)


def _told(journal, names):
    rows = map(orjson.loads, journal["trades"])
    return [(row["timestamp_ms"], *(row.get(name) for name in names)) for row in rows]
