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

from actors.presence import HeldError, locked, now, runtime_folder
from actors.recovery import Recording
from engine.config import Config
from engine.errors import BadInputError, DamagedError
from engine.market.calendar import session_on
from engine.market.frames import Session
from engine.records.inputs import NAME as INPUTS
from engine.records.manifest import NAME, read_manifest, write_manifest, write_summary
from engine.records.recorded import config_of
from engine.records.store.url import without_password
from tui.code import fingerprint, versions
from tui.run_folder import FILES
from tui.warmup import Warmup, read_warmup, write_warmup

Json = dict[str, Any]


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


def broken_off(out: Path | None, config: Config) -> bool:
    """Return whether a session that has not ended lies where that of an account is looked for."""
    runs = Path(config.records.runs_dir)
    folders = runs.glob(f"live-*-{config.live.account}") if out is None else [out]
    return any(map(_broken_off, folders))


def _broken_off(folder: Path) -> bool:
    if not (folder / NAME).exists():
        return bool(held(folder))
    try:
        return not _over(read_manifest(folder))
    except DamagedError:
        return True


def _over(manifest: Json) -> bool:
    return manifest.get("ended") is not None and not manifest["interrupted"]


def begin(
    folder: Path,
    config: Config,
    account: str,
    session: Session,
    symbols: tuple[str, ...],
    cash_micro: int,
    warmup: Warmup,
    kept: str = "",
) -> Json:
    """Make the folder of a session that begins; return its manifest.

    `kept` names what lies in the folder of a session of before, whose place this one takes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    seal = write_warmup(folder, warmup)
    capital = {"starting_capital": cash_micro / 1_000_000}
    simulation = config.simulation.model_copy(update=capital)
    config = config.model_copy(update={"simulation": simulation})
    shown = config.model_dump()
    shown["database"]["url"] = without_password(shown["database"]["url"])
    shown["alerts"] = config.alerts.shown()
    name = folder.resolve().name
    manifest = {
        "run_id": f"{name}-after-{kept}" if kept else name,
        "command": "live",
        "strategy": config.strategy.name,
        "level": "full",
        "account": account,
        "symbols": list(symbols),
        "from": str(session.date),
        "to": str(session.date),
        "warmup": [str(day.date) for day, _ in warmup],
        "warmup_sha256": seal,
        "epoch": secrets.token_hex(4),
        "cash_micro": cash_micro,
        "profile": config.profile.name,
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
    manifest |= {"kept": kept} if kept else {}
    write_manifest(folder, manifest)
    return manifest


def resume(folder: Path, account: str, session: Session, symbols: tuple[str, ...]) -> Json | None:
    """Return the manifest of a session that goes on; None for a folder without one.

    Raises BadInputError if it is another's, or over; DamagedError if that cannot be told.
    """
    if not (folder / NAME).exists():
        left = held(folder)
        if left:
            raise DamagedError(f"{folder / NAME}: is missing, though {', '.join(left)} lie there")
        return None
    manifest = read_manifest(folder)
    ours = {"account": account, "symbols": list(symbols), "from": str(session.date)}
    for key, value in {"command": "live", **ours}.items():
        if manifest.get(key) != value:
            raise BadInputError(
                f"{folder}: holds a run of another {key} ({manifest.get(key)}, not {value}); "
                "choose another --out"
            )
    if _over(manifest):
        raise BadInputError(f"{folder}: this session is over; its summary lies there")
    return manifest


def reopen(folder: Path, manifest: Json) -> Json:
    """Note that a session that had ended early goes on; return its manifest."""
    if manifest.get("ended") is None:
        return manifest
    manifest = {key: value for key, value in manifest.items() if key not in _OF_THE_END}
    manifest["ended"] = None
    write_manifest(folder, manifest)
    return manifest


_OF_THE_END = {
    "interrupted", "journal_sha256", "heads", "inputs_sha256", "summary_sha256", "scores",
    "earned_slope",
}  # fmt: skip


def recording_of(folder: Path, manifest: Json) -> Recording:
    """Return a live session as its folder has it; raises BadInputError if it cannot be told."""
    session = session_on(dt.date.fromisoformat(manifest["from"]))
    cash_micro = manifest.get("cash_micro")
    if session is None or cash_micro is None:
        raise DamagedError(f"{folder / NAME}: is no manifest of a live session")
    return Recording(
        config=config_of(manifest),
        symbols=tuple(manifest["symbols"]),
        session=session,
        epoch=manifest["epoch"],
        cash_micro=cash_micro,
        warmup=tuple(read_warmup(folder, manifest)),
    )


def end(folder: Path, manifest: Json, ended: Json, summary: Json) -> None:
    """Write how a session ended."""
    seal = write_summary(folder, summary)
    stamp = {"ended": dt.datetime.now(dt.UTC).isoformat(), "summary_sha256": [seal]}
    write_manifest(folder, manifest | ended | stamp)
