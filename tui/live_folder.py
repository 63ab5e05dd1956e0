"""The folder of a live session: made once a day and account, found again after a kill.

KEY INPUT: account, date, symbols, configuration.
KEY OUTPUT: a folder with manifest and warm-up bars; BadInputError for one that is another's.
"""

import datetime as dt
import hashlib
import os
import platform
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from actors.presence import HeldError, locked, now, runtime_folder
from actors.recovery import Recording
from engine.config import Config
from engine.errors import BadInputError
from engine.market.calendar import session_on
from engine.market.frames import Floats, Session
from engine.records.inputs import NAME as INPUTS
from engine.records.recorded import read_manifest
from engine.records.store.url import without_password
from tui.code import fingerprint, versions
from tui.replay import write_json
from tui.run_folder import FILES

Json = dict[str, Any]
WARMUP = "warmup.npz"


@contextmanager
def account_lock(account: str, endpoint: str | None, folder: Path) -> Iterator[None]:
    """Hold the account for as long as the body runs; raises BadInputError if another does."""
    where = hashlib.sha256((endpoint or "").encode()).hexdigest()[:8]
    path = runtime_folder() / f"account-{account}-{where}.lock"
    ours = {"pid": os.getpid(), "since": now(), "run_dir": str(folder.resolve())}
    with ExitStack() as held:
        try:
            held.enter_context(locked(path, ours))
        except HeldError as taken:
            raise BadInputError(
                f"account {account}: another Rotor trades on it on this machine, process "
                f"{taken.holder.get('pid', 'unknown')}, {taken.holder.get('run_dir', '')}; "
                "rotor status shows it"
            ) from None
        yield


def live_folder(out: Path | None, config: Config, account: str, date: dt.date) -> Path:
    """Return where the session's records go: --out, or a folder named after date and account."""
    return out or Path(config.records.runs_dir, f"live-{date:%Y%m%d}-{account}")


def held(folder: Path) -> list[str]:
    """Return the files of a run that a folder holds."""
    return [name for name in (*FILES, INPUTS) if (folder / name).exists()]


def clear(folder: Path) -> None:
    """Take a run away."""
    for name in held(folder):
        (folder / name).unlink()


def begin(
    folder: Path,
    config: Config,
    account: str,
    session: Session,
    symbols: tuple[str, ...],
    cash_micro: int,
    warmup: list[tuple[Session, Floats]],
) -> Json:
    """Make the folder of a session that begins; return its manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_warmup(folder, warmup)
    capital = {"starting_capital": cash_micro / 1_000_000}
    simulation = config.simulation.model_copy(update=capital)
    config = config.model_copy(update={"simulation": simulation})
    shown = config.model_dump()
    shown["database"]["url"] = without_password(shown["database"]["url"])
    shown["alerts"] = config.alerts.shown()
    manifest = {
        "run_id": folder.resolve().name,
        "command": "live",
        "strategy": config.strategy.name,
        "level": "full",
        "account": account,
        "symbols": list(symbols),
        "from": str(session.date),
        "to": str(session.date),
        "warmup": [str(day.date) for day, _ in warmup],
        "epoch": secrets.token_hex(4),
        "cash_micro": cash_micro,
        "config_sha256": config.sha256(),
        "config": shown,
        "host": platform.node(),
        "python": platform.python_version(),
        "versions": versions(),
        "code": fingerprint(config.learning.predictor),
        "cpus": os.cpu_count(),
        "started": dt.datetime.now(dt.UTC).isoformat(),
        "ended": None,
    }
    write_json(folder / "manifest.json", manifest)
    return manifest


def resume(folder: Path, account: str, session: Session, symbols: tuple[str, ...]) -> Json | None:
    """Return the manifest of a session that goes on; None for a folder without one.

    Raises BadInputError if it is another's, or over.
    """
    if not (folder / "manifest.json").exists():
        return None
    manifest = read_manifest(folder)
    ours = {"account": account, "symbols": list(symbols), "from": str(session.date)}
    for key, value in {"command": "live", **ours}.items():
        if manifest.get(key) != value:
            raise BadInputError(
                f"{folder}: holds a run of another {key} ({manifest.get(key)}, not {value}); "
                "choose another --out"
            )
    if manifest["ended"] is not None and not manifest["interrupted"]:
        raise BadInputError(f"{folder}: this session is over; its summary lies there")
    return manifest


def read_warmup(folder: Path) -> list[tuple[Session, Floats]]:
    """Return the bars that warmed the learners when the session began."""
    with np.load(folder / WARMUP) as arrays:
        found = []
        for name in arrays.files:
            session = session_on(dt.date.fromisoformat(name))
            assert session is not None
            found.append((session, arrays[name]))
    return found


def recording_of(folder: Path, manifest: Json) -> Recording:
    """Return a live session as its folder has it."""
    session = session_on(dt.date.fromisoformat(manifest["from"]))
    assert session is not None
    return Recording(
        config=Config.model_validate(manifest["config"]),
        symbols=tuple(manifest["symbols"]),
        session=session,
        epoch=manifest["epoch"],
        cash_micro=manifest["cash_micro"],
        warmup=tuple(read_warmup(folder)),
    )


def _write_warmup(folder: Path, warmup: list[tuple[Session, Floats]]) -> None:
    scratch = folder / f"{WARMUP}.tmp"
    with scratch.open("wb") as file:
        np.savez(file, allow_pickle=False, **{str(session.date): bars for session, bars in warmup})
    scratch.replace(folder / WARMUP)


def end(folder: Path, manifest: Json, ended: Json, summary: Json) -> None:
    """Write how a session ended."""
    write_json(folder / "summary.json", summary)
    stamp = {"ended": dt.datetime.now(dt.UTC).isoformat()}
    write_json(folder / "manifest.json", manifest | ended | stamp)
