"""The folder of a run: a new one, or the one that was named; nothing of the user's is ever lost.

KEY INPUT: --out, --overwrite, the runs folder.
KEY OUTPUT: a folder of our own to write into; what it held before is kept until the new run stands.
"""

import contextlib
import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import orjson

from engine.errors import BadInputError, DiskError
from engine.records.warmup import BACKTEST
from engine.records.warmup import NAME as WARMUP
from tui.claim import claim

JOURNALS = tuple(
    f"{name}.jsonl" for name in ("signals", "decisions", "trades", "positions", "events")
)
FILES = (*JOURNALS, "summary.json", "manifest.json")
ASIDE = ".previous"
_BESIDE = (WARMUP, BACKTEST)
"""What a run has beside its files, if sessions before it were backtested."""


@contextlib.contextmanager
def run_folder(out: Path | None, runs_dir: str, epoch: str, *, overwrite: bool) -> Iterator[Path]:
    """Yield the run's folder, made; what an --overwrite replaces comes back if the run is refused.

    It is claimed while the body runs: of two runs that are given one folder the second is refused
    before it touches anything. Raises BadInputError for that, for a folder that holds a run
    (without `overwrite`), files that are not a run's, or that cannot be made.
    """
    fresh = out is None or not out.exists()
    folder = _new_folder(Path(runs_dir), epoch) if out is None else _made(out)
    with claim(folder):
        held = _allowed(folder, overwrite=overwrite)
        _move(held, folder, folder / ASIDE)
        try:
            yield folder
        except (BadInputError, DiskError, OSError, KeyboardInterrupt, SystemExit) as error:
            # a run that stands is kept; so is half a journal that was interrupted, unless it would
            # replace a whole run
            kept = isinstance(error, KeyboardInterrupt) and not held and _begun(folder)
            if kept or (folder / "summary.json").exists():
                shutil.rmtree(folder / ASIDE, ignore_errors=True)
            else:
                _undo(folder, held, fresh=fresh)
            raise
        shutil.rmtree(folder / ASIDE, ignore_errors=True)


def _allowed(folder: Path, *, overwrite: bool) -> list[str]:
    """Return the files of a run that may be replaced."""
    _probe(folder)
    held = [name for name in FILES if (folder / name).exists()]
    if held and not overwrite:
        raise BadInputError(f"{folder}: holds a run; choose another --out, or --overwrite")
    if held and not _ours(folder, held):
        names = ", ".join(held)
        raise BadInputError(f"{folder}: holds {names}, not of a run; choose another --out")
    beside = [name for name in _BESIDE if (folder / name).exists()]
    if beside and not held:
        raise BadInputError(
            f"{folder}: holds {', '.join(beside)}, not of a run; choose another --out"
        )
    check_backtest(folder)
    return held + beside


def check_backtest(folder: Path) -> None:
    """Raise BadInputError if files that are not a run's lie where its backtest is kept."""
    there = folder / BACKTEST
    others = sorted(p.name for p in there.glob("*") if not _of_backtest(p.name))
    if others:
        raise BadInputError(
            f"{there}: holds {', '.join(others)}, not of a run; choose another --out"
        )


def _of_backtest(name: str) -> bool:
    return name.startswith("state-") or name.removesuffix(".tmp") in FILES


def _begun(folder: Path) -> bool:
    return any((folder / name).exists() for name in JOURNALS)


def _undo(folder: Path, held: list[str], *, fresh: bool) -> None:
    for name in (*FILES, WARMUP):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / BACKTEST, ignore_errors=True)
    _move(held, folder / ASIDE, folder)
    if fresh:
        with contextlib.suppress(FileNotFoundError):  # who deleted it has done so already
            folder.rmdir()


def _new_folder(runs: Path, epoch: str) -> Path:
    stamp = f"{dt.datetime.now(dt.UTC):%Y%m%d-%H%M%S}-{epoch}"
    _made(runs)
    for n in range(1000):
        folder = runs / (f"{stamp}-{n}" if n else stamp)
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        except OSError as error:
            raise _unfit(runs, error) from None
        return folder
    raise BadInputError(f"{runs}: too many runs started at once")


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unfit(folder, error) from None
    return folder


def _probe(folder: Path) -> None:
    probe = folder / ".rotor"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise _unfit(folder, error) from None


def _unfit(folder: Path, error: OSError) -> BadInputError:
    return BadInputError(f"{folder}: is no folder that can be written ({error})")


def _ours(folder: Path, held: list[str]) -> bool:
    """Return whether what the folder holds was written by a run, whole or not."""
    if "manifest.json" in held:
        try:
            manifest = orjson.loads((folder / "manifest.json").read_bytes())
        except orjson.JSONDecodeError:
            return False
        return isinstance(manifest, dict) and "epoch" in manifest
    return "summary.json" not in held


def _move(names: list[str], origin: Path, target: Path) -> None:
    if not names:
        return
    target.mkdir(exist_ok=True)
    for name in names:
        (origin / name).replace(target / name)
    if origin.name == ASIDE:
        shutil.rmtree(origin)
