"""`rotor exchange`: open the source, print how to trade on it, serve until Ctrl-C.

KEY INPUT: an ExchangeRequest.
KEY OUTPUT: a server on loopback; its URL on stdout once it listens.
"""

import math
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import orjson
import trio

from actors.exchange.fault import Fault
from actors.exchange.fault_kinds import KINDS
from actors.exchange.floor import Floor
from actors.exchange.market import Market
from actors.exchange.schedule import draw_schedule, read_script, read_seed
from actors.exchange.server import run_exchange
from engine.errors import BadInputError
from engine.market.sources import Source
from engine.records.overrides import Kind
from tui.prepare import demo_folder, open_bars, parse_date, read_config

_LEAVE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeRequest:
    """What the user asked for."""

    source: Path | None = None
    symbols: str | None = None
    date: str | None = None
    port: int = 8090
    pace: str | None = None
    speed: float | None = None
    faults: str | None = None
    config: Path | None = None
    profile: str | None = None
    sets: tuple[str, ...] = ()
    lenient: bool = False
    json: bool = False

    @property
    def kind(self) -> Kind:
        """Return whose overrides hold."""
        return "REHEARSAL"


def exchange_command(request: ExchangeRequest) -> int:
    """Run `rotor exchange`; return the exit code."""
    floor = open_floor(request)
    try:
        trio.run(_serve, floor, request)
    except* OSError as error:
        words = f"--port {request.port}: {_first(error)}; --port 0 picks a free one"
        raise BadInputError(words) from None
    return 0


def open_floor(request: ExchangeRequest) -> Floor:
    """Return the floor of a request; raises BadInputError for what cannot be used."""
    if request.pace is not None and request.speed is not None:
        raise BadInputError("--pace lockstep and --speed: choose one")
    if request.speed is not None and not 0 < request.speed < math.inf:
        raise BadInputError(f"--speed {request.speed:g}: a positive number, 1 is real time")
    path = request.source or demo_folder()
    config, _ = read_config(request, path)
    source = _open(path, request)
    date = parse_date(request.date, "--date") or source.session_dates()[-1]
    speed = None if request.pace == "lockstep" else request.speed or 1.0
    floor = Floor(Market(source, date, config), config, speed=speed)
    if request.faults is not None:
        floor.faults.add(_faults(request.faults, floor.market))
    return floor


def _faults(text: str, market: Market) -> list[Fault]:
    seed = read_seed(text)
    if seed is not None:
        return draw_schedule(seed[0], market.session, market.symbols, seed[1])
    return read_script(Path(text), market.session)


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _open(path: Path, request: ExchangeRequest) -> Source:
    wanted = None
    if request.symbols is not None:
        wanted = [part.strip().upper() for part in request.symbols.split(",") if part.strip()]
        if not wanted:
            raise BadInputError("--symbols: name at least one, such as --symbols TQQQ,SQQQ")
    source = open_bars(path, wanted, lenient=request.lenient)
    if not source.session_dates():
        raise BadInputError(f"{path}: no bar lies inside a session of the exchange")
    return source


async def _serve(floor: Floor, request: ExchangeRequest) -> None:
    stop = trio.Event()
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:
            url = await nursery.start(partial(run_exchange, floor, request.port, stop=stop))
            _announce(floor, url, request)
            nursery.start_soon(_stop_on, signals, stop)
            await stop.wait()
            nursery.cancel_scope.deadline = trio.current_time() + _LEAVE_SECONDS


async def _stop_on(signals: AsyncIterator[int], stop: trio.Event) -> None:
    async for _ in signals:
        stop.set()


def _announce(floor: Floor, url: str, request: ExchangeRequest) -> None:
    stream = url.replace("http", "ws", 1)
    urls = {
        "url": url,
        "market_stream": f"{stream}/v2/iex",
        "trade_stream": f"{stream}/stream",
        "control": f"{url}/control",
    }
    session, market = floor.market.session, floor.market
    if request.json:
        about = {
            **urls,
            "date": str(session.date),
            "symbols": list(market.symbols),
            "pace": "lockstep" if floor.clock.lockstep else floor.clock.speed,
            "faults": floor.faults.state(),
        }
        sys.stdout.buffer.write(orjson.dumps(about) + b"\n")
    else:
        pace = "in lockstep" if floor.clock.lockstep else f"at speed {floor.clock.speed:g}"
        lines = [
            f"Exchange of {session.date}, {pace}: {', '.join(market.symbols)}",
            f"  {url}  (any key pair is an account; Ctrl-C ends it)",
            f"  rotor live --endpoint {url}",
            f'  TradingClient("any", "keys", url_override="{url}")',
            f'  TradingStream("any", "keys", url_override="{urls["trade_stream"]}")',
            f'  StockDataStream("any", "keys", url_override="{urls["market_stream"]}")',
        ]
        lines += [f"  fault {_told(fault)}" for fault in floor.faults.schedule]
        sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _told(fault: Fault) -> str:
    shown = fault.shown()
    rest = {key: value for key, value in shown.items() if key not in ("kind", "at", "hits")}
    about = ", ".join(f"{key} {value}" for key, value in rest.items())
    return f"{shown['at']} {fault.kind}: {KINDS[fault.kind].words}" + (
        f" ({about})" if about else ""
    )
