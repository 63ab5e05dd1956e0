"""Reading a run's files back: rows, and whether their chain of checksums holds.

KEY INPUT: a .jsonl file of journal.py.
KEY OUTPUT: its rows; its head, or where and how it is broken.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from engine.records.journal import FILES, GENESIS, Level, combine

_CHAIN = b',"chain":"'
_CHAIN_LENGTH = len(_CHAIN) + 64 + len(b'"}')


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What became of one file's chain."""

    frames: int
    head: bytes
    torn_at: int | None = None
    """Byte offset behind the last whole frame, when an unfinished one follows it."""
    tampered_line: int | None = None
    """1-based line of the first frame whose checksum is not that of its records."""

    @property
    def whole(self) -> bool:
        """Return whether every byte of the file is covered by its chain."""
        return self.torn_at is None and self.tampered_line is None


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file; the last of a frame has the field `chain`."""
    with path.open("rb") as lines:
        for line in lines:
            yield orjson.loads(line)


def verify_chain(path: Path) -> ChainReport:
    """Compute a file's chain anew; a torn end is told apart from tampering."""
    head, frames, offset, whole = GENESIS, 0, 0, 0
    rows: list[bytes] = []
    first = 1
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            offset += len(line)
            if not line.endswith(b"\n"):
                break
            row = line[:-1]
            if row[-_CHAIN_LENGTH:].startswith(_CHAIN):
                claimed = row[-66:-2]
                rows.append(row[:-_CHAIN_LENGTH] + b"}")
                head = hashlib.sha256(head + b"\n".join(rows)).digest()
                if head.hex().encode() != claimed:
                    return ChainReport(frames, head, tampered_line=first)
                frames, whole, rows, first = frames + 1, offset, [], number + 1
            else:
                rows.append(row)
    torn = whole if whole != path.stat().st_size else None
    return ChainReport(frames, head, torn_at=torn)


def journal_sha256(folder: Path) -> str | None:
    """Return a run's one hash from its files; None if any of them is not whole."""
    level: Level = "full" if (folder / "signals.jsonl").exists() else "trades"
    reports = {name: verify_chain(folder / f"{name}.jsonl") for name in FILES[level]}
    if not all(report.whole for report in reports.values()):
        return None
    return combine(level, {name: report.head for name, report in reports.items()})
