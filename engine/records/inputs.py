"""The log of a live session: all that the trader was given, durable before it acts.

KEY INPUT: frames, reports, commands, as the supervisor takes them; beside them what was sent, and
the quote that each order met.
KEY OUTPUT: inputs.jsonl in the run's folder, a chain of checksums line by line; the inputs again.

The trader is a function of its inputs: fed with them anew it comes to the same state, the same
orders, the same ids. So this file is what a killed session goes on from.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson

from engine.errors import BadInputError
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

Json = dict[str, Any]
NAME = "inputs.jsonl"


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

    def __init__(self, path: Path, symbols: tuple[str, ...], head: str = "") -> None:
        self._file = path.open("ab")
        self._symbols = symbols
        self._head = head
        self._dirty = bool(head)  # a killed process may have written what is not on the disk yet

    def append(self, given: Input) -> None:
        """Append an input; it is durable after the next `sync`."""
        self.note(_row(given, self._symbols))

    def note(self, row: Json) -> None:
        """Append a row of another kind, such as what was sent."""
        body = orjson.dumps(row)
        self._head = hashlib.sha256(self._head.encode() + body).hexdigest()
        self._file.write(body[:-1] + b',"chain":"' + self._head.encode() + b'"}\n')
        self._dirty = True

    def flush(self) -> None:
        """Hand what was appended to the operating system: it survives the process."""
        self._file.flush()

    def sync(self) -> None:
        """Make durable what was appended."""
        if self._dirty:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._dirty = False

    def close(self) -> None:
        """Make it durable and close it."""
        self.sync()
        self._file.close()


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
    before: dict[str, int] | None = None
    """What had been filled of others' orders before the session, by broker id; None: not noted."""


def read_log(path: Path, symbols: tuple[str, ...]) -> Logged:
    """Read a log; a torn last line is left out.

    Raises BadInputError, naming the line, where the chain does not hold.
    """
    inputs: list[Input] = []
    sent: set[str] = set()
    met: dict[str, Met] = {}
    head, size = "", 0
    before: dict[str, int] | None = None
    for number, line, row in _lines(path):
        cut = line.rindex(b',"chain":"')
        head = hashlib.sha256(head.encode() + line[:cut] + b"}").hexdigest()
        if row.get("chain") != head:
            raise BadInputError(f"{path}, line {number}: was changed (its checksum does not hold)")
        size += len(line)
        match row["in"]:
            case "sent":
                sent.add(row["order_id"])
            case "before":
                before = row["filled"]
            case "quote":
                met[row["order_id"]] = Met(*(row[name] for name in Met._fields))
            case _:
                inputs.append(_input(row, symbols))
    return Logged(tuple(inputs), frozenset(sent), met, head, size, before)


def _lines(path: Path) -> Iterator[tuple[int, bytes, Json]]:
    if not path.exists():
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                yield number, line, orjson.loads(line)
            except ValueError as error:
                raise BadInputError(f"{path}, line {number}: is no JSON ({error})") from None


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
            raise BadInputError(f"inputs.jsonl holds {kind!r}, which this Rotor does not know")


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
