"""The log of a live session: all that the trader was given, durable before it acts.

KEY INPUT: frames, reports, commands, as the supervisor takes them; beside them what was sent, and
the quote that each order met.
KEY OUTPUT: inputs.jsonl in the run's folder, a chain of checksums line by line; the inputs again.

The trader is a function of its inputs: fed with them anew it comes to the same state, the same
orders, the same ids. So this file is what a killed session goes on from.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson

from engine.errors import BadInputError, DamagedError
from engine.events import (
    CashMoved,
    Command,
    ExitRefused,
    FillBusted,
    FillCorrected,
    Leg,
    NotFlat,
    OrderCanceled,
    OrderFilled,
    OrderRejected,
    OrphanFound,
    RefusalKind,
    Report,
    Side,
    StreamLost,
    StreamRestored,
    TradedByHand,
)
from engine.market.frames import Floats
from engine.records.command_rows import command_of, command_row
from engine.records.growing import GrowingFile, Room, no_room

Json = dict[str, Any]
NAME = "inputs.jsonl"
_CHAIN = b',"chain":"'


MUTE = "the bar stream is mute"
"""It stands, and tells nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A minute's bars."""

    minute: int
    bars: Floats
    """(S, 5) OHLCV, NaN where there was none."""
    late: bool = False
    """True if it was learned of after its time: nothing is decided in it."""
    backfilled: bool = False
    """True if bars of it came by REST after a gap of the stream."""
    mute: str = ""
    """Why the stream has told nothing for more than a minute: nothing is opened in it."""


class Told(NamedTuple):
    """What the broker reported."""

    reports: tuple[Report, ...]


class Said(NamedTuple):
    """What an operator commanded."""

    command: Command
    actor: str


class Reloaded(NamedTuple):
    """New settings, whole and validated."""

    actor: str
    config: Json
    changes: tuple[tuple[str, Any, Any], ...]


class Met(NamedTuple):
    """The quote that let an order go, or refused it. The trader knows of it by its report alone."""

    symbol: str
    bid: float
    ask: float
    at_ns: int
    streamed: bool


Input = Frame | Told | Said | Reloaded
_REPORTS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        OrderFilled,
        OrderCanceled,
        OrderRejected,
        ExitRefused,
        StreamLost,
        StreamRestored,
        OrphanFound,
        NotFlat,
        TradedByHand,
        FillBusted,
        FillCorrected,
        CashMoved,
    )
}


def sent_row(order_id: str) -> Json:
    """Return the note that an order is about to be sent."""
    return {"in": "sent", "order_id": order_id}


def before_row(filled: Mapping[str, int]) -> Json:
    """Return the note of what had been filled of others' orders before the session."""
    return {"in": "before", "filled": dict(filled)}


class InputLog:
    """The log, open for appending."""

    def __init__(
        self, path: Path, symbols: tuple[str, ...], head: str = "", room: Room = no_room
    ) -> None:
        """Go on from a checksum; `room` is for a full disk."""
        self.path = path
        self._file = GrowingFile(path, new=False, room=room)
        self._symbols = symbols
        self.head = head
        self._dirty = bool(head)  # a killed process may have written what is not on the disk yet

    def append(self, given: Input) -> None:
        """Append an input; it is durable after the next `sync`."""
        self.note(_row(given, self._symbols))

    def note(self, row: Json) -> None:
        """Append a row of another kind, such as what was sent."""
        body = orjson.dumps(row)
        self.head = hashlib.sha256(self.head.encode() + body).hexdigest()
        self._file.append(body[:-1] + _CHAIN + self.head.encode() + b'"}\n')
        self._dirty = True

    def flush(self) -> None:
        """Hand what was appended to the operating system: it survives the process."""
        self._file.flush()

    def sync(self) -> None:
        """Make durable what was appended."""
        if self._dirty:
            self._file.sync()
            self._dirty = False

    def close(self) -> None:
        """Make it durable and close it."""
        try:
            self.sync()
        finally:
            self._file.close()

    @property
    def in_place(self) -> bool:
        """Return whether the file is still where it was opened."""
        return self._file.in_place


@dataclass(frozen=True, slots=True)
class Logged:
    """What a log holds."""

    inputs: tuple[Input, ...]
    sent: frozenset[str]
    """Ids of the orders that were about to be sent."""
    met: dict[str, Met]
    """By order id: the quote that it met last."""
    head: str
    """The checksum to go on from."""
    size: int
    """Bytes of whole lines; what follows was torn off."""
    lines: int = 0
    """Whole lines, of all kinds."""
    before: dict[str, int] | None = None
    """What had been filled of others' orders before the session, by broker id; None: not noted."""


def read_log(path: Path, symbols: tuple[str, ...]) -> Logged:
    """Read a log; a torn last line is left out, and no file is an empty log.

    Raises DamagedError, naming the line, where the chain does not hold.
    """
    inputs: list[Input] = []
    sent: set[str] = set()
    met: dict[str, Met] = {}
    head, size, number = "", 0, 0
    before: dict[str, int] | None = None
    for number, line, row in _lines(path):
        head = _chained(head, line)
        if not head or row.get("chain") != head:
            raise DamagedError(
                f"{path}, line {number}: was changed after it was written (its checksum does not "
                "hold)"
            )
        size += len(line)
        try:
            match row["in"]:
                case "sent":
                    sent.add(row["order_id"])
                case "before":
                    before = {str(order): int(filled) for order, filled in row["filled"].items()}
                case "quote":
                    met[row["order_id"]] = Met(*(row[name] for name in Met._fields))
                case _:
                    inputs.append(_input(row, symbols))
        except (AttributeError, BadInputError, LookupError, TypeError, ValueError) as error:
            raise DamagedError(
                f"{path}, line {number}: holds what this Rotor does not know ({error})"
            ) from None
    return Logged(tuple(inputs), frozenset(sent), met, head, size, number, before)


def _chained(head: str, line: bytes) -> str:
    """Return the checksum that a line's end should have; empty for a line without one."""
    body, mark, _ = line.rpartition(_CHAIN)
    return hashlib.sha256(head.encode() + body + b"}").hexdigest() if mark else ""


def _lines(path: Path) -> Iterator[tuple[int, bytes, Json]]:
    if not path.exists():
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                row = orjson.loads(line)
            except ValueError as error:
                raise DamagedError(f"{path}, line {number}: is no JSON ({error})") from None
            if not isinstance(row, dict):
                raise DamagedError(f"{path}, line {number}: is no input ({row!r:.40})")
            yield number, line, row


def _row(given: Input, symbols: tuple[str, ...]) -> Json:
    match given:
        case Frame():
            bars = {
                symbol: given.bars[s].tolist()
                for s, symbol in enumerate(symbols)
                if not np.isnan(given.bars[s, 0])
            }
            flags: Json = {"late": True} if given.late else {}
            flags |= {"backfilled": True} if given.backfilled else {}
            flags |= {"mute": given.mute} if given.mute else {}
            return {"in": "frame", "minute": given.minute, "bars": bars, **flags}
        case Told():
            return {"in": "told", "reports": [_report_row(report) for report in given.reports]}
        case Said():
            return {"in": "said", "actor": given.actor, **command_row(given.command)}
        case Reloaded():
            return {"in": "reloaded", **given._asdict()}


def _report_row(report: Report) -> Json:
    kind = type(report).__name__
    if isinstance(report, OrderFilled):
        return {"is": kind, **report._asdict()}
    return {"is": kind, **{name: getattr(report, name) for name in report.__slots__}}


def _input(row: Json, symbols: tuple[str, ...]) -> Input:
    match row["in"]:
        case "frame":
            bars = np.full((len(symbols), 5), np.nan)
            for symbol, bar in row["bars"].items():
                bars[symbols.index(symbol)] = bar
            late, backfilled = row.get("late", False), row.get("backfilled", False)
            mute = row.get("mute", "")  # true in logs of an earlier version
            return Frame(row["minute"], bars, late, backfilled, MUTE if mute is True else mute)
        case "told":
            return Told(tuple(_report(report) for report in row["reports"]))
        case "said":
            return Said(command_of(row), row["actor"])
        case "reloaded":
            changes = tuple((key, old, new) for key, old, new in row["changes"])
            return Reloaded(row["actor"], row["config"], changes)
        case kind:
            raise BadInputError(f"an input of kind {kind!r}")


def _report(row: Json) -> Report:
    kind = _REPORTS[row.pop("is")]
    if kind is OrderFilled:
        row["side"] = Side(row["side"])
        row["leg"] = Leg(row["leg"]) if row["leg"] else None
    elif "side" in row:
        row["side"] = Side(row["side"])
    if kind in (OrderRejected, ExitRefused):
        row["kind"] = RefusalKind(row.get("kind", RefusalKind.UNKNOWN))
    report: Report = kind(**row)
    return report
