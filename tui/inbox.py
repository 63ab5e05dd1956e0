"""`rotor inbox`: the cards of a running session, over its control socket.

KEY INPUT: a session, a card's id or symbol.
KEY OUTPUT: the cards; for decisions, what became of them and an exit code.
"""

import os
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from engine.errors import BadInputError
from tui.find_session import BusyError, GoneError, find_session, said_of, who
from tui.output import print_json
from tui.session import ask

Json = dict[str, Any]
_POLL_SECONDS = 0.1


def list_cards(session: str | None, *, json: bool) -> int:
    """Print the open cards and the last closed ones."""
    view = ask(find_session(session), {"verb": "inbox"})
    cards, closed = view.get("inbox", []), view.get("inbox_closed", [])
    if json:
        about = {key: view[key] for key in ("session", "account_kind", "run_dir")}
        print_json({**about, "inbox": cards, "closed": closed})
        return 0
    console = Console()
    console.print(said_of(view), highlight=False, markup=False, soft_wrap=True)
    if not cards:
        console.print("nothing waits for approval")
    else:
        console.print(_table(cards))
    for card in closed[-5:]:
        by = f" by {card['actor']}" if card["actor"] else ""
        words = f"{card['card']} v{card['version']}: {card['status']}{by}"
        console.print(f"{words}  {card['reason']}".rstrip(), style="dim", highlight=False)
    return 0


def show_card(name: str, session: str | None, *, json: bool) -> int:
    """Print one card whole."""
    card = _find(ask(find_session(session), {"verb": "inbox"}), name)
    if json:
        print_json(card)
        return 0
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for row in _rows(card):
        table.add_row(*row)
    Console().print(table)
    return 0


def decide(
    request: Json,
    name: str,
    version: int | None,
    session: str | None,
    timeout: float,
    *,
    json: bool,
) -> int:
    """Approve, dismiss or snooze a card; wait for what comes of it. 1 if it was refused."""
    path = find_session(session, changes=True)
    view = ask(path, {"verb": "inbox"})
    card = _find(view, name)
    actor = f"cli:{who()}:{os.getpid()}"  # two of one person are told apart
    asked = card["version"] if version is None else version
    ask(path, request | {"card": card["card"], "version": asked, "actor": actor})
    if sys.stderr.isatty():
        print(f"{request['verb']}: accepted, waiting for the minute to end", file=sys.stderr)  # noqa: T201
    found = _outcome(path, card["card"], actor, view["timestamp_ms"], timeout)
    done = found.get("status") in ("approved", "dismissed", "snoozed") and found["actor"] == actor
    if json:
        about = {key: view[key] for key in ("session", "account_kind", "run_dir")}
        told = {"verb": request["verb"], "card": card["card"], "confirmed": done}
        print_json({**about, **told, **found})
    else:
        words = f"{said_of(view)}\n{_words(request['verb'], card, found)}"
        Console().print(words, highlight=False, markup=False, soft_wrap=True)
    return 0 if done else 1


def _outcome(path: Path, card: str, actor: str, since_ms: int, timeout: float) -> Json:
    """Wait until the card is closed, or our command refused."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        try:
            view = ask(path, {"verb": "inbox"})
        except GoneError:
            return {"status": "ended", "reason": "the session ended meanwhile", "actor": ""}
        except BusyError:
            continue
        for event in view["inbox_refused"]:
            if (event["card"], event["actor"]) == (card, actor):
                return {"status": "refused", **event}
        for event in view["inbox_closed"]:
            if event["card"] == card and event["timestamp_ms"] > since_ms:
                return dict(event)
        time.sleep(_POLL_SECONDS)
    return {"status": "unknown", "reason": "not confirmed in time; ask again", "actor": ""}


def _words(verb: str, card: Json, found: Json) -> str:
    what = f"{card['symbol']} ({card['card']} version {card['version']})"
    reason = f": {found['reason']}" if found["reason"] else ""
    return f"{verb} {what}: {found['status']}{reason}"


def _find(view: Json, name: str) -> Json:
    cards: list[Json] = view.get("inbox", [])
    for card in cards:
        if name.upper() in (card["card"].upper(), card["symbol"]):
            return card
    there = ", ".join(card["symbol"] for card in cards) or "none"
    raise BadInputError(f"{name}: no such card waits; there are: {there}")


def _table(cards: list[Json]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("Symbol")
    table.add_column("Side")
    for column in ("Shares", "Limit", "Stop", "Target", "R:R", "Conf", "Left"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("Evidence", overflow="fold")
    for card in cards:
        table.add_row(
            card["symbol"],
            card["direction"],
            f"{card['shares']:,}",
            f"{card['limit']:.2f}",
            f"{card['stop']:.2f}",
            f"{card['target']:.2f}",
            f"{card['reward_to_risk']:.1f}",
            f"{card['confidence']:.2f}",
            f"{card['minutes_left']}m",
            card["evidence"],
        )
    return table


def _rows(card: Json) -> list[tuple[str, str]]:
    rows = [
        ("Card", f"{card['card']}  version {card['version']}"),
        (
            "Entry",
            f"{card['direction']} {card['shares']:,} {card['symbol']}",
        ),
        ("Limit", f"{card['limit']:.2f}"),
        ("Size by", f"{card['binding']}; ${card['risk']:,.0f} at risk if the stop holds"),
        ("Stop", f"{card['stop']:.2f}"),
        ("Target", f"{card['target']:.2f}  (reward to risk {card['reward_to_risk']:.2f})"),
        ("Signal", f"confidence {card['confidence']:.2f}, {card['verdict']}"),
        ("Expected", f"{100 * card['win_rate']:.0f}% of such signals win"),
        ("Evidence", card["evidence"]),
        ("Heat after", f"${card['heat_after']:,.0f} of ${card['heat_limit']:,.0f}"),
        ("Expires", f"in {card['minutes_left']} minutes"),
    ]
    if card["rotates_out"]:
        rows.insert(3, ("Sells", f"{card['rotates_out']} to make room"))
    if card["approved_by"]:
        rows.append(("Approved", f"by {card['approved_by']}; executed when the minute ends"))
    return rows
