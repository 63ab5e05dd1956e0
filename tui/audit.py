"""`rotor audit`: prove on the user's own bars that nothing looks ahead.

KEY INPUT: a Request, how many moments to try.
KEY OUTPUT: for each moment whether a record up to it changed when all later bars became noise, and
whether block sizes and the scan leave one journal.
"""

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from actors.learned import take_over_prices
from actors.system import Plan, run
from engine.errors import BadInputError
from engine.market.calendar import session_on
from engine.market.frames import MINUTE_NS, Arrays, Block, Floats
from engine.market.grid import session_blocks
from engine.market.sources import SessionBars
from engine.records.journal import FILES
from tui.history import learn_first
from tui.prepare import Prepared, Request, prepare

VARIANTS = {"block 390": (390, True), "block 7": (7, True), "block 1": (1, True),
            "no scan": (390, False)}  # fmt: skip
MOST_SESSIONS = 20


def audit_command(request: Request, points: int) -> int:
    """Run `rotor audit`; return 0 if both hold, else 1."""
    if points < 1:
        raise BadInputError(f"--points {points}: try at least one moment")
    prepared = prepare(request)
    if len(prepared.dates) > MOST_SESSIONS:
        prepared = replace(prepared, dates=prepared.dates[:MOST_SESSIONS])
        print(  # noqa: T201
            f"audit: the first {MOST_SESSIONS} sessions, to {prepared.dates[-1]}", file=sys.stderr
        )
    with tempfile.TemporaryDirectory(prefix="rotor-audit-") as scratch:
        result = _audit(prepared, points, Path(scratch))
    if request.json:
        sys.stdout.buffer.write(orjson.dumps(result, option=orjson.OPT_INDENT_2) + b"\n")
    else:
        _print(result)
    return 0 if result["causal"] and result["block_independent"] else 1


def noise_after(
    sessions: Iterator[SessionBars], moment_ns: int, seed: int
) -> Iterator[SessionBars]:
    """Replace every bar that starts after `moment_ns` by a random walk with random gaps."""
    rng = np.random.default_rng(seed)
    price = np.array([])
    for session, bars in sessions:
        if len(price) == 0:
            price = np.full(bars.shape[1], 50.0)
        start = min(session.minutes, max(0, (moment_ns - session.open_ns) // MINUTE_NS + 1))
        known = bars[:start, :, 3]
        for s in range(bars.shape[1]):
            closes = known[~np.isnan(known[:, s]), s]
            price[s] = closes[-1] if len(closes) else price[s]
        noisy = bars.copy()
        noisy[start:] = _noise(rng, session.minutes - start, price)
        yield SessionBars(session, noisy)


def _noise(rng: np.random.Generator, minutes: int, price: Floats) -> Floats:
    shape = (minutes, len(price))
    closes = price * np.exp(np.cumsum(0.003 * rng.standard_normal(shape), axis=0))
    opens = closes * np.exp(0.001 * rng.standard_normal(shape))
    high = np.maximum(opens, closes) * (1 + 0.001 * rng.random(shape))
    low = np.minimum(opens, closes) * (1 - 0.001 * rng.random(shape))
    volume = np.round(np.exp(rng.uniform(3, 12, shape)))
    bars = np.stack([opens, high, low, closes, volume], axis=2)
    bars[rng.random(shape) < 0.1] = np.nan
    return bars


def _audit(prepared: Prepared, points: int, scratch: Path) -> dict[str, Any]:
    steps = points + len(VARIANTS)
    learned, _ = learn_first(prepared, None, _tell)
    hashes = {}
    for i, (name, (block, scan)) in enumerate(VARIANTS.items()):
        _tell(f"audit {i + 1}/{steps}: {name}")
        hashes[name] = _run(prepared, learned, scratch / name, block=block, scan=scan)
    moments = []
    for i, moment_ns in enumerate(_moments(prepared, points)):
        _tell(f"audit {len(VARIANTS) + i + 1}/{steps}: noise after a moment")
        folder = scratch / f"noise {i}"
        _run(prepared, learned, folder, moment_ns=moment_ns, seed=i)
        moments.append(_compare(scratch / "block 390", folder, moment_ns))
    _tell("")
    return {
        "sessions": len(prepared.dates),
        "symbols": prepared.source.symbols,
        "causal": all(moment["same"] for moment in moments),
        "moments": moments,
        "block_independent": len(set(hashes.values())) == 1,
        "journal_sha256": hashes,
    }


def _run(
    prepared: Prepared, learned: Arrays | None, folder: Path, *, block: int = 390,
    scan: bool = True, moment_ns: int | None = None, seed: int = 0,
) -> str | None:  # fmt: skip
    def open_blocks(skip: int) -> Iterator[Block]:
        if moment_ns is None:
            return prepared.open_blocks(skip, learned=learned)
        dates = prepared.dates
        sessions = noise_after(prepared.source.sessions(dates[0], dates[-1]), moment_ns, seed)
        gridder = take_over_prices(learned, prepared.gridder())
        return islice(session_blocks(sessions, gridder), skip, None)

    plan = Plan(
        config=prepared.config, symbols=prepared.source.symbols, open_blocks=open_blocks,
        trade_from=None, range_label=prepared.range_label, learned=learned,
        first_ts_ns=prepared.first_ts_ns, folder=folder, level="full", block_size=block, scan=scan,
    )  # fmt: skip
    outcome = run(plan)
    if outcome.stats.interrupted:
        raise KeyboardInterrupt
    return outcome.journal_sha256


def _moments(prepared: Prepared, points: int) -> list[int]:
    # spread over the traded minutes, off the round ones
    frames = []
    for day in prepared.dates:
        session = session_on(day)
        assert session is not None
        frames += [session.open_ns + m * MINUTE_NS for m in range(session.minutes - 1)]
    return [frames[(2 * i + 1) * len(frames) // (2 * points)] for i in range(points)]


def _compare(original: Path, noisy: Path, moment_ns: int) -> dict[str, Any]:
    moment = str(np.datetime64(moment_ns, "ns").astype("datetime64[m]")) + "Z"
    records = 0
    for name in FILES["full"]:
        ours = _rows_until(original / f"{name}.jsonl", moment_ns)
        theirs = _rows_until(noisy / f"{name}.jsonl", moment_ns)
        records += len(ours)
        for row, (a, b) in enumerate(zip([*ours, b""], [*theirs, b""], strict=False), start=1):
            if a != b:
                first = {"file": f"{name}.jsonl", "row": row, "was": a.decode(), "is": b.decode()}
                return {"t": moment, "records": records, "same": False, "first_change": first}
    return {"t": moment, "records": records, "same": True, "first_change": None}


def _rows_until(path: Path, moment_ns: int) -> list[bytes]:
    with path.open("rb") as lines:
        return [x for x in lines if orjson.loads(x)["timestamp_ms"] <= moment_ns // 1_000_000]


def _tell(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)  # noqa: T201


def _print(result: dict[str, Any]) -> None:
    sessions, symbols = result["sessions"], ", ".join(result["symbols"])
    lines = [f"Audited {sessions} sessions of {symbols}."]
    for moment in result["moments"]:
        if moment["same"]:
            lines.append(f"  noise after {moment['t']}: {moment['records']:,} records unchanged")
        else:
            first = moment["first_change"]
            lines.append(f"  noise after {moment['t']}: CHANGED {first['file']} row {first['row']}")
            lines += [f"    was {first['was'].strip()}", f"    is  {first['is'].strip()}"]
    lines.append(
        "Nothing looks ahead: no record up to any of these moments depends on a later bar."
        if result["causal"]
        else "SOMETHING LOOKS AHEAD: the predictor, or Rotor itself, sees bars before their time."
    )
    if result["block_independent"]:
        lines.append(f"One journal for {', '.join(result['journal_sha256'])}.")
    else:
        lines.append("THE JOURNAL DEPENDS ON HOW BARS ARE CUT INTO BLOCKS:")
        lines += [f"  {name}: {value}" for name, value in result["journal_sha256"].items()]
    print("\n".join(lines))  # noqa: T201
