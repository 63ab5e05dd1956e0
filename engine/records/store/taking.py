"""Taking a journal's next whole frames into the database, once their checksums were asked.

KEY INPUT: a connection in a transaction, a run folder.
KEY OUTPUT: its rows, and how far the journal was read; nothing of a frame that was changed.
"""

import io
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, select, update

from engine.errors import BadInputError, DamagedError
from engine.records.reading import Chain, head_at
from engine.records.store.aggregates import refresh
from engine.records.store.batch import Batch
from engine.records.store.handlers import HANDLERS
from engine.records.store.tables import Run

CHUNK = 16_000_000
"""Bytes of a journal read in one transaction, at most; a frame is never cut."""
_RUNS: Any = Run.__table__  # type: ignore[attr-defined]
_TYPE = b'"type":"'
_CHAINED = b'"}\n'


def here(folder: Path) -> Any:
    """Return the condition that a run lies in a folder."""
    return _RUNS.c.folder == str(folder.resolve())


def reached(connection: Connection, folder: Path) -> tuple[int, int]:
    """Return a run's key and how far its journal was read; its row is locked."""
    row = connection.execute(
        select(_RUNS.c.id, _RUNS.c.read_bytes).where(here(folder)).with_for_update()
    ).one_or_none()
    if row is None:
        raise BadInputError(
            f"{folder}: the database does not know this run; rotor rebuild {folder}"
        )
    return row[0], row[1]


def read_on(connection: Connection, folder: Path) -> int | None:
    """Read the next whole frames; return how many rows were taken, None if there are none."""
    run, start = reached(connection, folder)
    path = folder / "events.jsonl"
    lines, end = _frames(path, start)
    if end == start:
        return None
    _check_chain(path, start, lines)
    batch = Batch(connection, run)
    taken = _take(batch, lines, folder, start)
    batch.write()
    known = _RUNS.c.id == run
    connection.execute(update(_RUNS).where(known).values(read_bytes=end))
    live = select(_RUNS.c.strategy).where(known, _RUNS.c.kind == "live")
    strategy = connection.execute(live).scalar()
    if strategy is not None:
        refresh(connection, strategy)
    return taken


def _check_chain(path: Path, start: int, lines: bytes) -> None:
    """Raise DamagedError if what follows a byte is not the file's chain going on."""
    head = head_at(path, start)
    chain = Chain(head or b"")
    for number, line in enumerate(io.BytesIO(lines), start=1):
        if head is None or not chain.holds(line):
            raise DamagedError(
                f"{path}, line {_line_at(path, start) + number}: was changed after it was written "
                f"(its checksum does not hold); rotor verify {path.parent}"
            )


def _line_at(path: Path, start: int) -> int:
    """Return how many lines stand before a byte."""
    with path.open("rb") as file:
        return file.read(start).count(b"\n")


def _frames(path: Path, start: int) -> tuple[bytes, int]:
    """Return the bytes of whole frames from `start` on, and where they end.

    Raises DamagedError if the file has become shorter than what was read of it.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            if size < start:
                raise DamagedError(
                    f"{path}: has {size:,} bytes, of which {start:,} were read before: records are "
                    f"missing; rotor verify {path.parent}"
                )
            file.seek(start)
            found = file.read(CHUNK)
            end = _last_frame(found)
            while end == 0 and (more := file.read(CHUNK)):
                found += more
                end = _last_frame(found)
    except FileNotFoundError:
        if start:
            raise DamagedError(f"{path}: is missing; rotor verify {path.parent}") from None
        return b"", start
    return found[:end], start + end


def _last_frame(found: bytes) -> int:
    # the last line of a frame ends with its checksum
    at = len(found)
    while (at := found.rfind(_CHAINED, 0, at)) >= 0:
        if found[at - 74 : at - 64] == b',"chain":"':
            return at + len(_CHAINED)
    return 0


def _take(batch: Batch, lines: bytes, folder: Path, start: int) -> int:
    kinds = {kind.encode() for kind in HANDLERS}
    taken = 0
    for line in lines.splitlines(keepends=True):
        at = line.find(_TYPE, 0, 80)
        kind = line[at + len(_TYPE) : line.find(b'"', at + len(_TYPE))]
        if at < 0 or kind in kinds:
            try:
                batch.take(orjson.loads(line))
            except (KeyError, TypeError, ValueError) as error:
                why = f"no {error}" if isinstance(error, KeyError) else str(error)
                raise BadInputError(
                    f"{folder}/events.jsonl, byte {start}: {line[:60]!r}: {why}; "
                    f"rotor verify {folder}"
                ) from None
            taken += 1
        start += len(line)
    return taken
