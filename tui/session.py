"""`rotor status | positions | liquidate | halt | resume | …`: one running session, from elsewhere.

KEY INPUT: a session (run id or folder), a verb.
KEY OUTPUT: what the session answers; for commands, whether it has taken effect.
"""

import getpass
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from actors.control import runtime_folder, socket_path
from engine.errors import BadInputError, RotorError
from tui.output import print_json
from tui.prepare import Request, read_config

Json = dict[str, Any]
_POLL_SECONDS = 0.1


def show(verb: str, session: str | None, *, json: bool) -> int:
    """Print the status or the positions of a session."""
    reply = ask(find_session(session), {"verb": verb})
    if json:
        print_json(reply)
    elif reply["state"] != "trading":
        Console().print(f"{reply['session']}: {reply['state']}")
    elif verb == "status":
        _print_status(reply)
    else:
        _print_positions(reply)
    return 0


def tell(request: Json, session: str | None, timeout: float, *, json: bool) -> int:
    """Give a session a command and wait until it has taken effect; 1 if it was not seen to."""
    path = find_session(session)
    before = ask(path, {"verb": "positions"})
    ask(path, request | {"actor": f"cli:{getpass.getuser()}"})
    verb = request["verb"]
    if sys.stderr.isatty():
        print(f"{verb}: accepted, waiting for the minute to end", file=sys.stderr)  # noqa: T201
    deadline = time.monotonic() + timeout
    after, done, ended = before, False, False
    while not (done or ended) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        try:
            after = ask(path, {"verb": "positions"})
        except RotorError:
            ended = True
        else:
            done = _took_effect(request, before, after)
    words = _outcome(request, after, done=done, ended=ended)
    if json:
        print_json({"verb": verb, "confirmed": done, "message": words, **after})
    else:
        Console().print(words)
        if done:
            _print_positions(after)
    return 0 if done else 1


def reload_settings(session: str | None, *, revert: bool, dry: bool, json: bool) -> int:
    """Have a session read its settings anew; show what changes."""
    actor = f"cli:{getpass.getuser()}"
    request = {"verb": "reload", "revert": revert, "dry": dry, "actor": actor}
    reply = ask(find_session(session), request)
    if json:
        print_json(reply)
        return 0
    if not reply["changes"]:
        Console().print("nothing changes")
        return 0
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("Key", "Was", "Is now" if not dry else "Would be", "Takes effect"):
        table.add_column(column, overflow="fold")
    for change in reply["changes"]:
        table.add_row(change["key"], str(change["old"]), str(change["new"]), change["class"])
    Console().print(table)
    return 0


def _took_effect(request: Json, before: Json, after: Json) -> bool:
    if after["state"] != "trading":
        return False
    if after["timestamp_ms"] <= before.get("timestamp_ms", -1):
        return False
    held = {position["symbol"] for position in after["positions"] if not position["stays"]}
    match request["verb"]:
        case "liquidate" if request["symbol"] is None:
            return not held and not after["working_orders"]
        case "liquidate":
            return request["symbol"] not in held
        case "acknowledge":
            orphans = [p for p in after["positions"] if p["orphan"]]
            held_by = {p["symbol"]: p["acknowledged_by"] for p in orphans}
            return bool(held_by.get(request["symbol"], "gone"))
        case "halt":
            return bool(after["halted"])
    return not after["halted"]


def _outcome(request: Json, after: Json, *, done: bool, ended: bool) -> str:
    verb = request["verb"]
    if ended:
        return f"{verb}: the session ended meanwhile; its summary says how"
    if not done:
        return f"{verb}: not confirmed in time; ask again with rotor status"
    if verb == "liquidate":
        return f"{request['symbol'] or 'everything'} is flat; mode {after['mode']}"
    blocked = after["blocked_by"]
    return f"{verb}: done, mode {after['mode']}{f' ({blocked})' if blocked else ''}"


def find_session(session: str | None) -> Path:
    """Return the socket of a session; raises BadInputError if it cannot be told which."""
    if session is not None:
        for folder in (Path(session), Path(_runs_dir(), session)):
            if folder.is_dir():
                return socket_path(folder)
        raise BadInputError(f"{session}: no such run folder, here or in {_runs_dir()}")
    living = living_sessions()
    if len(living) == 1:
        return next(iter(living))
    if not living:
        raise BadInputError("no session is running; one is started by: rotor replay --speed 60")
    listed = "\n  ".join(reply["run_dir"] for reply in living.values())
    raise BadInputError(f"several sessions are running; name one of:\n  {listed}")


def living_sessions() -> dict[Path, Json]:
    """Return the status of every session that answers, by its socket."""
    living = {}
    for path in sorted(runtime_folder().glob("*.sock")):
        try:
            living[path] = ask(path, {"verb": "status"})
        except RotorError:
            continue
    return living


def _runs_dir() -> str:
    return read_config(Request(), Path())[0].records.runs_dir


def ask(path: Path, request: Mapping[str, Any]) -> Json:
    """Ask a session; raises RotorError if it does not answer, BadInputError if it refuses."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as talk:
            talk.settimeout(10.0)
            talk.connect(str(path))
            talk.sendall(orjson.dumps(request) + b"\n")
            with talk.makefile("rb") as lines:
                line = lines.readline()
    except TimeoutError:
        raise RotorError("this session does not answer: is it stopped, or very busy?") from None
    except OSError:
        raise RotorError("this session is not running (nothing listens on its socket)") from None
    if not line:
        raise RotorError("the session closed the connection")
    reply: Json = orjson.loads(line)
    if not reply.pop("ok"):
        raise BadInputError(reply["error"])
    return reply


def _print_status(view: Json) -> None:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    clock = f"{view['date']}, minute {view['minute'] + 1} of {view['minutes']}"
    rows = [
        ("Session", f"{view['session']}  ({clock})"),
        ("Mode", view["mode"]),
        ("Entries", f"blocked: {view['blocked_by']}" if view["blocked_by"] else "allowed"),
        ("Equity", f"${view['equity']:,.2f}  (today {view['day_pnl']:+,.2f})"),
        ("Cash", f"${view['cash']:,.2f}"),
        ("Heat", f"${view['heat']:,.2f} of ${view['heat_limit']:,.2f}"),
        ("Positions", str(view["positions"])),
        ("Working orders", str(view["working_orders"])),
        ("Waiting cards", str(view["inbox"])),
        ("Losses in a row", str(view["losses_in_row"])),
    ]
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def _print_positions(view: Json) -> None:
    if not view["positions"]:
        Console().print("no positions")
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("Symbol")
    table.add_column("Side")
    for column in ("Shares", "Entry", "Last", "P&L", "P&L %", "Minutes", "Stop", "Target"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in view["positions"]:
        table.add_row(
            row["symbol"],
            row["direction"] + _marks(row),
            f"{row['shares']:,}",
            f"{row['entry_price']:.2f}",
            f"{row['price']:.2f}",
            f"{row['pnl']:+,.2f}",
            f"{100 * row['pnl_pct']:+.2f}%",
            str(row["bars_held"]),
            f"{row['stop']:.2f}" if row["stop"] else "–",
            f"{row['target']:.2f}" if row["target"] else "–",
        )
    Console().print(table)


def _marks(row: Json) -> str:
    marks = " orphan" if row["orphan"] else ""
    if row["orphan"] and not row["acknowledged_by"]:
        marks += ", not acknowledged"
    if row["stays"]:
        marks += ", left"
    return marks + (" leaving" if row["leaving"] else "")
