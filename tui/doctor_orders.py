"""`rotor doctor --orders`: orders of one share on paper, held against what our exchange says.

KEY INPUT: keys of a paper account, a symbol; or a local exchange.
KEY OUTPUT: Findings; a file with what differs, without keys and account number.

The same script runs on our exchange, in this process, and every answer and event of the two is
compared: fields, types, words of status and kind, HTTP statuses, the order of events.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import trio

from actors.venue import Unreachable
from engine.config import Config
from engine.errors import BadInputError
from engine.market.frames import MINUTE_NS
from tui.findings import Finding, bad, ok, warning
from tui.shapes import Difference, differences, redacted, shape

if TYPE_CHECKING:
    from actors.alpaca.keys import Keys
    from actors.alpaca.orders_script import Played
    from actors.alpaca.practice import Said

Json = dict[str, Any]
_OPENING_SECONDS = 20.0
_MINUTES = 1.5
"""After the bell, when the script runs on our exchange."""
_SLOWLY = 0.001
"""Our exchange's pace: no minute ends while the script runs."""
_SHOWN = 12
"""Differences that are printed; the file has them all."""
_LOOK_SECONDS = 0.01
_REHEARSED = "rehearsed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for."""

    keys: "Keys"
    endpoint: str | None
    symbol: str
    price: float
    """A share's, about."""
    trading: bool
    """Whether the market is open."""
    account: str
    """Its number, which no file may hold."""
    out: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One run of the script."""

    played: "Played"
    said: "list[Said]"
    events: list[Json]
    symbol: str


def plan(wanted: Wanted) -> str:
    """Return what will be sent, in words, to be agreed to."""
    share = f"one share of {wanted.symbol}, about ${wanted.price:,.2f}"
    lines = [
        f"On paper account {wanted.account}, {share}:",
        f"  a limit at half its price: placed, moved, cancelled (${wanted.price / 2:,.2f})",
    ]
    if wanted.trading:
        lines += [
            "  one share bought, with stop and target as an OCO; the stop moved, one leg cancelled",
            "  the share sold again; whatever goes wrong, it is cancelled and sold",
        ]
    else:
        lines.append("  nothing is bought: the market is closed; run it again while it is open")
    lines.append(f"What differs from our exchange goes into {wanted.out}.")
    return "\n".join(lines)


async def examine_orders(wanted: Wanted) -> tuple[list[Finding], list[Difference]]:
    """Run the script on both, compare, write the file; return what was found."""
    try:
        theirs = await record(wanted.keys, wanted.endpoint, wanted.symbol, wanted.price,
                              trading=wanted.trading)  # fmt: skip
    except Unreachable as error:
        return [bad("orders", f"nothing was sent: {error}", "mend it and run it again")], []
    ours = await rehearsed(wanted.symbol, round(wanted.price, 2), trading=wanted.trading)
    found = list(compared(theirs, ours))
    if found or theirs.played.trouble:
        _write(wanted, theirs, ours, found)
    return list(_findings(wanted, theirs, found)), found


async def record(
    keys: "Keys", endpoint: str | None, symbol: str, price: float, *, trading: bool
) -> Recorded:
    """Run the script; raises Unreachable if the order stream does not stand."""
    from actors.alpaca.orders_script import OrdersScript
    from actors.alpaca.practice import Practice
    from actors.session_clock import WallClock

    practice = Practice(keys, endpoint, WallClock().now_ns)
    played = None
    async with trio.open_nursery() as nursery:
        with trio.move_on_after(_OPENING_SECONDS):
            await nursery.start(practice.listen)
        if practice.up:
            played = await OrdersScript(practice, symbol, price, trading=trading).run()
        nursery.cancel_scope.cancel()
    if played is None:
        raise Unreachable(f"the order stream does not stand: {practice.broke or 'no answer'}")
    return Recorded(played=played, said=practice.said, events=practice.events, symbol=symbol)


async def rehearsed(symbol: str, price: float, *, trading: bool) -> Recorded:
    """Run the script on our exchange, in this process, a minute and a half after the bell."""
    from actors.alpaca.keys import Keys
    from actors.exchange.floor import Floor
    from actors.exchange.market import Market
    from actors.exchange.server import run_exchange
    from actors.exchange.still import DAY, StillMarket

    config = Config()
    floor = Floor(Market(StillMarket(symbol, price), DAY, config), config, speed=_SLOWLY)
    if trading:
        floor.clock.jump(floor.market.session.open_ns + round(_MINUTES * MINUTE_NS))
    async with trio.open_nursery() as nursery:
        url = await nursery.start(partial(run_exchange, floor, 0))
        while trading and not floor.market.open:  # noqa: ASYNC110 - the market has no event
            await trio.sleep(_LOOK_SECONDS)
        keys = Keys(_REHEARSED, _REHEARSED)
        done = await record(keys, url, symbol, price, trading=trading)
        nursery.cancel_scope.cancel()
    return done


def compared(theirs: Recorded, ours: Recorded) -> Iterator[Difference]:
    """Tell what differs: answers step by step, then the events of each order."""
    answers, here = _answers(theirs), _answers(ours)
    for place in dict.fromkeys((*here, *answers)):
        if place not in answers or place not in here:
            there = "was asked" if place in answers else "was not asked"
            yield Difference(place, there, "was asked" if place in here else "was not asked")
            continue
        (status, body), (known, expected) = answers[place], here[place]
        if status != known:
            yield Difference(place, f"answers {status}", f"answers {known}")
        yield from differences(place, body, expected)
    events, known_events = _events(theirs), _events(ours)
    for name in dict.fromkeys((*known_events, *events)):
        told, expected = events.get(name, []), known_events.get(name, [])
        said, words = ([event for event, _ in each] for each in (told, expected))
        if said != words:
            yield Difference(f"events of {name}", f"tells {_list(said)}", f"tells {_list(words)}")
        for event in dict.fromkeys(said):
            if event in words:
                first, second = dict(reversed(told))[event], dict(reversed(expected))[event]
                yield from differences(f"event {event} of {name}", first, second)


def _answers(run: Recorded) -> dict[str, tuple[int, Any]]:
    """Return (status, shape) by step and request; the last of several alike."""
    return {
        f"{said.step}: {said.method} {said.path.replace(run.symbol, 'SYMBOL')}": (
            said.status,
            shape(said.body, symbol=run.symbol),
        )
        for said in run.said
        if said.step != "clean up"
    }


def _events(run: Recorded) -> dict[str, list[tuple[str, Any]]]:
    """Return (event, shape) by order, in the order in which they came."""
    found: dict[str, list[tuple[str, Any]]] = defaultdict(list)
    legs = {
        str(leg.get("id")): "a leg"
        for said in run.said
        if isinstance(said.body, dict)
        for leg in said.body.get("legs") or ()
    }
    for told in run.events:
        order = told.get("order")
        if not isinstance(order, dict):
            continue
        name = run.played.names.get(str(order.get("client_order_id"))) or legs.get(
            str(order.get("id")), ""
        )
        if name:
            found[name].append((str(told.get("event")), shape(told, symbol=run.symbol)))
    return found


def _list(events: Sequence[str]) -> str:
    return ", ".join(events) or "nothing"


def _findings(wanted: Wanted, run: Recorded, found: list[Difference]) -> Iterator[Finding]:
    if run.played.trouble:
        todo = f"look at the account; {wanted.out} has every answer"
        yield bad("orders", "; ".join(run.played.trouble), todo)
        return
    said = f"{len(run.played.steps)} steps, {len(run.events)} events"
    if not wanted.trading:
        todo = "run it again while the market is open"
        yield warning("orders", f"{said}; the market is closed: nothing was bought", todo)
    if found:
        words = "; ".join(difference.words for difference in found[:_SHOWN])
        more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        todo = f"send {wanted.out} to the maintainers of Rotor: it has no keys, no account number"
        yield warning("exchange", f"{len(found)} differences: {words}{more}", todo)
    elif wanted.trading:
        yield ok("orders", f"{said}; flat again, and our exchange says the same")


def _write(wanted: Wanted, theirs: Recorded, ours: Recorded, found: list[Difference]) -> None:
    keys = wanted.keys
    secret = tuple(text for text in (wanted.account, keys.key_id, keys.secret) if text)
    told = {
        "rotor": version("rotor"),
        "made": f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%SZ}",
        "broker": "Alpaca, paper" if wanted.endpoint is None else "a local exchange",
        "trouble": theirs.played.trouble,
        "differences": [difference._asdict() for difference in found],
        "answers": [asdict(said) for said in theirs.said],
        "events": theirs.events,
        "our_answers": [asdict(said) for said in ours.said],
        "our_events": ours.events,
    }
    text = orjson.dumps(redacted(told, secret), option=orjson.OPT_INDENT_2)
    try:
        wanted.out.write_bytes(text + b"\n")
    except OSError as error:
        raise BadInputError(f"--out {wanted.out}: {error.strerror}") from None
