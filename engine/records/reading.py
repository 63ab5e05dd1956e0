"""Reading a run's files back: rows, and whether their chain of checksums holds.

KEY INPUT: the .jsonl files of journal.py, the run's manifest.
KEY OUTPUT: rows; each file's head, or where and how it is damaged.

Whoever reads a journal asks `sound_journal` first. A torn end is told apart from damage: a kill
leaves one, and what follows the last whole frame is no record yet.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from engine.errors import DamagedError
from engine.records.journal import FILES, GENESIS, Level, combine
from engine.records.manifest import SUMMARY

Json = dict[str, Any]
_CHAIN = b',"chain":"'
_CHAIN_LENGTH = len(_CHAIN) + 64 + len(b'"}')
_MOMENT = re.compile(rb'"timestamp_ms":(\d{1,15})')


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


def read_rows(path: Path) -> Iterator[Json]:
    """Yield the rows of a file; the last of a frame has the field `chain`."""
    with path.open("rb") as lines:
        for line in lines:
            yield orjson.loads(line)


class Chain:
    """A file's checksums, followed line by line from a frame's end on."""

    def __init__(self, head: bytes = GENESIS) -> None:
        self.head = head
        self.frames = 0
        self.open_lines = 0
        """Of the frame that is not whole yet."""
        self._rows: list[bytes] = []

    def holds(self, line: bytes) -> bool:
        """Take the next whole line; return False if its frame is not as it was written."""
        row = line[:-1]
        self.open_lines += 1
        if not row[-_CHAIN_LENGTH:].startswith(_CHAIN):
            self._rows.append(row)
            return True
        self._rows.append(row[:-_CHAIN_LENGTH] + b"}")
        self.head = hashlib.sha256(self.head + b"\n".join(self._rows)).digest()
        self._rows, self.open_lines, self.frames = [], 0, self.frames + 1
        return self.head.hex().encode() == row[-66:-2]


def verify_chain(path: Path) -> ChainReport:
    """Compute a file's chain anew; a torn end is told apart from tampering."""
    chain, offset, whole, first = Chain(), 0, 0, 1
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            offset += len(line)
            if not line.endswith(b"\n"):
                break
            if not chain.holds(line):
                return ChainReport(chain.frames - 1, chain.head, tampered_line=first)
            if not chain.open_lines:
                whole, first = offset, number + 1
    torn = whole if whole != path.stat().st_size else None
    return ChainReport(chain.frames, chain.head, torn_at=torn)


def head_at(path: Path, offset: int) -> bytes | None:
    """Return the checksum that stands before a byte, behind a whole frame; None for no such."""
    if offset == 0:
        return GENESIS
    with path.open("rb") as file:
        file.seek(max(0, offset - 67))
        end = file.read(67)
    try:
        return bytes.fromhex(end[:64].decode()) if end.endswith(b'"}\n') else None
    except ValueError:
        return None


def sound_journal(folder: Path, manifest: Json) -> dict[str, ChainReport]:
    """Return the chain of each of a run's journal files.

    Raises DamagedError, naming file and line, for what is missing, cut or changed. Of a run that
    did not end an unfinished frame is no damage, nor that nothing was written yet.
    """
    reports, found = ask_journal(folder, manifest)
    if found:
        raise DamagedError(f"{found[0]}; put it back from a copy; rotor verify {folder}")
    return reports


def ask_journal(folder: Path, manifest: Json) -> tuple[dict[str, ChainReport], list[str]]:
    """Return the chain of each file that is there, and all that is wrong, in sentences."""
    level: Level = manifest["level"]
    ended = manifest.get("ended") is not None
    paths = {name: folder / f"{name}.jsonl" for name in FILES[level]}
    there = {name: path for name, path in paths.items() if path.is_file()}
    if not ended and not any(path.stat().st_size for path in there.values()):
        return {}, []
    reports = {name: verify_chain(path) for name, path in there.items()}
    found = [f"{paths[name]}: is missing" for name in paths.keys() - there.keys()]
    found += [words for name, path in there.items() if (words := _wrong(path, reports[name]))]
    if found or not ended or level == "none":
        return reports, found
    if not ended_so(reports, manifest):
        found += _not_those(folder, reports, manifest)
    return reports, found


def ended_so(reports: dict[str, ChainReport], manifest: Json) -> bool:
    """Return whether whole files are those that a run left when it ended."""
    heads = {name: report.head for name, report in reports.items()}
    whole = all(report.torn_at is None for report in reports.values())
    return whole and combine(manifest["level"], heads) == manifest.get("journal_sha256")


def sound_summary(folder: Path, manifest: Json) -> bytes | None:
    """Return a run's summary.json as it was written; None for a run that has not ended.

    Raises DamagedError if it is missing, or not the one that the manifest names.
    """
    if manifest.get("ended") is None:
        return None
    path = folder / SUMMARY
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DamagedError(f"{path}: is missing though the run ended ({error.strerror})") from None
    names = manifest.get("summary_sha256")
    if names is not None and hashlib.sha256(data).hexdigest() not in names:
        raise DamagedError(f"{path}: was changed after it was written (its checksum does not hold)")
    return data


def last_ms(path: Path) -> int:
    """Return the latest moment of which a file has a record that can be read; 0 for none."""
    latest = 0
    with path.open("rb") as lines:
        for line in lines:
            moment = _MOMENT.search(line)
            latest = max(latest, int(moment[1]) if moment else 0)
    return latest


def _wrong(path: Path, report: ChainReport) -> str:
    if report.tampered_line is None:
        return ""
    return (
        f"{path}, line {report.tampered_line}: was changed after it was written (its checksum "
        "does not hold)"
    )


def _not_those(folder: Path, reports: dict[str, ChainReport], manifest: Json) -> list[str]:
    """Return what is wrong with files that are not as the run left them when it ended."""
    found, names = [], manifest.get("heads") or {}
    for name, report in reports.items():
        path = folder / f"{name}.jsonl"
        if report.torn_at is not None:
            rest = path.stat().st_size - report.torn_at
            found.append(f"{path}: the last {rest:,} bytes were not finished, though the run ended")
        elif report.head.hex() != names.get(name, report.head.hex()):
            with path.open("rb") as lines:
                there = sum(1 for _ in lines)
            found.append(
                f"{path}, line {there}: ends here, but is not the file that the manifest names: "
                "records are missing or were replaced"
            )
    words = "the files are whole, but not those that the manifest names"
    return found or [f"{folder}: {words}"]


def journal_sha256(folder: Path) -> str | None:
    """Return a run's one hash from its files; None if any of them is not whole."""
    level: Level = "full" if (folder / "signals.jsonl").exists() else "trades"
    reports = {name: verify_chain(folder / f"{name}.jsonl") for name in FILES[level]}
    if not all(report.whole for report in reports.values()):
        return None
    return combine(level, {name: report.head for name, report in reports.items()})
