"""Run folders for tests of the store: real ones, made by the real actor tree."""

import datetime as dt
import hashlib
from collections import Counter

import orjson
import pytest
from sqlalchemy import select
from sqlmodel import SQLModel

from actors.desk import Given
from actors.system import Plan, run
from engine.events import Approve, Halt, Liquidate, Resume
from engine.records.journal import FILES, GENESIS, combine
from engine.records.manifest import write_manifest, write_summary
from engine.records.store import tables
from engine.records.store.follow import finish, register
from engine.records.summary import learning_figures, summarise
from tests.bars import config, synth_blocks
from tui.code import fingerprint

assert tables
on_both = pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)
"""For a test of what SQLite and PostgreSQL do differently."""
SETS = (
    "rotation.min_hold_minutes=5", "rotation.max_hold_minutes=40", "rotation.cooldown_minutes=3",
    "rotation.min_edge_bps=-50", "learning.warm_rows=50", "risk.max_consecutive_losses=4",
    "risk.stop_loss_pct=0.3", "risk.take_profit_pct=0.4", "risk.trailing_stop_pct=0.3",
)  # fmt: skip


def write_run(
    folder, *sets, sessions=3, seed=4, kind="replay", ended="2025-08-01T12:00:00+00:00",
    strategy="rotation-ewrls", commands=True, warmup=1,
):  # fmt: skip
    """Replay a few generated sessions into `folder`, as rotor replay would; return the folder."""
    cfg = config(*SETS, f"strategy.name={strategy}", *sets)
    blocks = synth_blocks(sessions + warmup, seed=seed, signal=3.0)
    dates = [block.session.date for block in blocks]
    given = [
        (200, Halt(reason="lunch")), (205, Resume()), (215, Approve(card="TQQQ")),
        (240, Approve(card="SSO")), (250, Liquidate()), (251, Resume()),
    ]  # fmt: skip
    plan = Plan(
        config=cfg,
        symbols=blocks[0].symbols,
        open_blocks=lambda skip: iter(blocks[skip:]),
        trade_from=dates[warmup],
        range_label=f"{dates[warmup]}..{dates[-1]}",
        first_ts_ns=blocks[0].ts_ns(0),
        folder=folder,
        level="full",
        commands=tuple(
            Given(blocks[warmup].ts_ns(minute), command, "test") for minute, command in given
        )
        if commands
        else (),
    )
    outcome = run(plan)
    manifest = {
        "run_id": folder.name, "command": kind, "strategy": strategy, "level": "full",
        "symbols": list(blocks[0].symbols), "from": str(dates[warmup]), "to": str(dates[-1]),
        "epoch": "0" * 8, "config_sha256": cfg.sha256(), "config": cfg.model_dump(mode="json"),
        "started": "2025-08-01T11:00:00+00:00", "ended": ended, "interrupted": False,
        "journal_sha256": outcome.journal_sha256, "heads": outcome.heads,
        "code": fingerprint(cfg.learning.predictor),
        "scores": {s: list(scores) for s, scores in outcome.scores.items()},
    }  # fmt: skip
    if ended:
        summary = summarise(outcome.stats, cfg) | {
            "learning": learning_figures(outcome.scores, outcome.slope.pooled),
            "journal_sha256": outcome.journal_sha256,
        }
        manifest["summary_sha256"] = [write_summary(folder, summary)]
    write_manifest(folder, manifest)
    return folder


def change_manifest(folder, **changes):
    """Rewrite some fields of a run's manifest, and its checksum."""
    manifest = orjson.loads((folder / "manifest.json").read_bytes())
    manifest.pop("checksum")
    write_manifest(folder, manifest | changes)


def seal(folder):
    """Make all checksums of a spoilt run anew, as a skilled forger would."""
    heads = {}
    for name in FILES["full"]:
        path = folder / f"{name}.jsonl"
        head, frame, out = GENESIS, [], []
        for line in path.read_bytes().splitlines():
            body, mark, _ = line.partition(b',"chain":"')
            frame.append(body + b"}" if mark else body)
            if mark:
                head = hashlib.sha256(head + b"\n".join(frame)).digest()
                out += [*frame[:-1], body + b',"chain":"' + head.hex().encode() + b'"}']
                frame = []
        path.write_bytes(b"\n".join([*out, b""]))
        heads[name] = head
    named = {name: head.hex() for name, head in heads.items()}
    change_manifest(folder, journal_sha256=combine("full", heads), heads=named)


def every_row(store):
    """Count all rows of all tables but their surrogate keys, runs by their folders."""
    found = {}
    with store.read() as connection:
        runs = SQLModel.metadata.tables["runs"]
        names = dict(connection.execute(select(runs.c.id, runs.c.folder)).all())
        for name, table in SQLModel.metadata.tables.items():
            run = [table.c.run] if "run" in table.c else []
            others = [column for column in table.c if column.name not in ("id", "run")]
            found[name] = Counter(
                (*(names[key] for key in row[: len(run)]), *row[len(run) :])
                for row in connection.execute(select(*run, *others))
            )
    return found


def read_whole(store, folder):
    """Read a run from its first row to its end; return every row of the database."""
    register(store, folder)
    finish(store, folder)
    return every_row(store)


def moment(text):
    """Return a UTC moment."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)
