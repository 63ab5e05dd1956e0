"""The run's files: rows in order of time, each file a chain of checksums.

KEY INPUT: pages.
KEY OUTPUT: signals, decisions, trades, positions and events .jsonl; one SHA-256 over all.

After each frame with records in a file, its head becomes SHA-256(head + the frame's bytes); the
frame's last record carries it as "chain". Records hold no run id, path, block size, host, version
or wall time, so that the same decisions give the same bytes.
"""

import hashlib
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import orjson

from engine.events import Decided, Decision, FillBusted, FillCorrected
from engine.records.event_rows import event_tail
from engine.records.growing import GrowingFile, Room, no_room
from engine.records.page import Page, Trade
from engine.records.rows import (
    decision_body,
    frame_rows,
    mend_row,
    position_rows,
    signal_rows,
    trade_row,
    trade_tail,
)

Level = Literal["full", "trades", "none"]
FILES: dict[Level, tuple[str, ...]] = {
    "full": ("signals", "decisions", "trades", "positions", "events"),
    "trades": ("decisions", "trades", "events"),
    "none": (),
}
VERSION = 1
GENESIS = bytes(32)


class ChainedFile:
    """One .jsonl file: frames are appended to a buffer, the buffer is written per page."""

    def __init__(self, path: Path, room: Room = no_room) -> None:
        self._file = GrowingFile(path, new=True, room=room)
        self._head = GENESIS

    @property
    def head(self) -> bytes:
        """Return the checksum of everything so far."""
        return self._head

    def frame(self, rows: list[bytes]) -> None:
        """Append the records of one frame, at least one."""
        body = b"\n".join(rows)
        self._head = hashlib.sha256(self._head + body).digest()
        self._file.append(body[:-1])
        self._file.append(b',"chain":"%b"}\n' % self._head.hex().encode())

    def move(self, path: Path) -> None:
        """Put it elsewhere on its disk, in the place of what may lie there."""
        self._file.path.replace(path)
        self._file.path = path

    def flush(self) -> None:
        """Hand the buffer to the operating system."""
        self._file.flush()

    def sync(self) -> None:
        """Make what was written durable."""
        self._file.sync()

    def close(self) -> None:
        """Make it durable and close it."""
        try:
            self.sync()
        finally:
            self._file.close()


class Journal:
    """All files of a run, at one of three levels."""

    def __init__(
        self,
        folder: Path | None,
        level: Level,
        epoch: str,
        first_ts_ns: int,
        room: Room = no_room,
    ) -> None:
        """Make the files in `folder` (level none: nothing is made); `room` is for a full disk.

        Raises BadInputError if one of them exists already.
        """
        self.level = level
        self._files: dict[str, ChainedFile] = {}
        self._seq = 0
        if level == "none":
            return
        assert folder is not None
        folder.mkdir(parents=True, exist_ok=True)
        for name in FILES[level]:
            self._files[name] = ChainedFile(folder / f"{name}.jsonl", room)
        head = {"type": "journal", "version": VERSION, "epoch": epoch, "level": level}
        self._files["events"].frame([self._event(first_ts_ns, orjson.dumps(head)[1:])])

    def write(self, page: Page) -> None:
        """Append a page's records."""
        if not self._files:
            return
        if page.trading and self.level == "full":
            self._bulk("signals", signal_rows(page))
            self._bulk("positions", [[row] for row in position_rows(page)])
        self._entries(page)
        for file in self._files.values():
            file.flush()

    def move(self, folder: Path) -> None:
        """Put all files into another folder of their disk, in the place of what may lie there."""
        for name, file in self._files.items():
            file.move(folder / f"{name}.jsonl")

    def sync(self) -> None:
        """Make everything written so far durable."""
        for file in self._files.values():
            file.sync()

    def close(self) -> None:
        """Make everything durable and close the files."""
        for file in self._files.values():
            file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def sha256(self) -> str | None:
        """Return one hash over level, file names and heads; None at level none."""
        if not self._files:
            return None
        return combine(self.level, {name: file.head for name, file in self._files.items()})

    @property
    def heads(self) -> dict[str, str]:
        """Return each file's checksum so far."""
        return {name: file.head.hex() for name, file in self._files.items()}

    def _bulk(self, name: str, frames: list[list[bytes]]) -> None:
        file = self._files[name]
        for rows in frames:
            file.frame(rows)

    def _entries(self, page: Page) -> None:
        bars = frame_rows(page) if self.level == "full" else None
        entries = iter(page.entries)
        entry = next(entries, None)
        frames = range(len(page.block)) if bars else sorted({t for t, _ in page.entries})
        for t in frames:
            ts_ns = page.block.ts_ns(t)
            events: list[bytes] = []
            decisions: list[bytes] = []
            trades: list[bytes] = []
            if bars:
                events.append(self._event(ts_ns, bars[t]))
            while entry is not None and entry[0] == t:
                what = entry[1]
                if isinstance(what, Trade):
                    trades.append(trade_row(what))
                    events.append(self._event(ts_ns, trade_tail(what)))
                elif isinstance(what, FillBusted | FillCorrected):
                    trades.append(mend_row(what))
                    events.append(self._event(ts_ns, event_tail(what)))
                elif not isinstance(what, Decided):
                    events.append(self._event(ts_ns, event_tail(what)))
                elif what.decision is not Decision.HOLD or self.level == "full":
                    body = decision_body(what)
                    decisions.append(b'{"timestamp_ms":%d,%b' % (ts_ns // 1_000_000, body))
                    events.append(self._event(ts_ns, b'"type":"decided",' + body))
                entry = next(entries, None)
            for name, rows in (("events", events), ("decisions", decisions), ("trades", trades)):
                if rows:
                    self._files[name].frame(rows)

    def _event(self, ts_ns: int, tail: bytes) -> bytes:
        seq = self._seq
        self._seq += 1
        return b'{"seq":%d,"timestamp_ms":%d,%b' % (seq, ts_ns // 1_000_000, tail)


def combine(level: str, heads: dict[str, bytes]) -> str:
    """Return the run's one hash, of its files' heads in a fixed order."""
    parts = [level.encode()]
    for name in FILES[level]:  # type: ignore[index]
        parts += [name.encode(), heads[name]]
    return hashlib.sha256(b"|".join(parts)).hexdigest()
