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

from engine.errors import BadInputError

JOURNALS = tuple(
    f"{name}.jsonl" for name in ("signals", "decisions", "trades", "positions", "events")
)
FILES = (*JOURNALS, "summary.json", "manifest.json")
ASIDE = ".previous"


@contextlib.contextmanager
def run_folder(out: Path | None, runs_dir: str, epoch: str, *, overwrite: bool) -> Iterator[Path]:
    """Yield the run's folder, made; what an --overwrite replaces comes back if the run is refused.

    Raises BadInputError for a folder that holds a run (without `overwrite`), files that are not a
    run's, or that cannot be made.
    """
    if out is None:
        folder = _new_folder(Path(runs_dir), epoch)
    else:
        folder = out
        _make(folder)
    held = [name for name in FILES if (folder / name).exists()]
    if held and not overwrite:
        raise BadInputError(f"{folder}: holds a run; choose another --out, or --overwrite")
    if held and not _ours(folder, held):
        names = ", ".join(held)
        raise BadInputError(f"{folder}: holds {names}, not of a run; choose another --out")
    _move(held, folder, folder / ASIDE)
    try:
        yield folder
    except (BadInputError, OSError):
        _undo(folder, held, fresh=out is None)
        raise
    except KeyboardInterrupt:
        # a run that stands is kept; so is half a journal, unless it would replace a whole run
        if not (folder / "summary.json").exists() and (held or not _begun(folder)):
            _undo(folder, held, fresh=out is None)
        else:
            shutil.rmtree(folder / ASIDE, ignore_errors=True)
        raise
    shutil.rmtree(folder / ASIDE, ignore_errors=True)


def _begun(folder: Path) -> bool:
    return any((folder / name).exists() for name in JOURNALS)


def _undo(folder: Path, held: list[str], *, fresh: bool) -> None:
    for name in FILES:
        (folder / name).unlink(missing_ok=True)
    _move(held, folder / ASIDE, folder)
    if fresh:
        folder.rmdir()


def _new_folder(runs: Path, epoch: str) -> Path:
    stamp = f"{dt.datetime.now(dt.UTC):%Y%m%d-%H%M%S}-{epoch}"
    _make(runs)
    for n in range(1000):
        folder = runs / (f"{stamp}-{n}" if n else stamp)
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise BadInputError(f"{runs}: too many runs started at once")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".rotor"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise BadInputError(f"{folder}: is no folder that can be written ({error})") from None


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
