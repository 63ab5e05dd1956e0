"""`rotor doctor`: is everything there that a session needs, and what is to be done if not.

KEY INPUT: the environment, the configuration, an account.
KEY OUTPUT: a line per check: ok, warning or bad; exit code 1 if something is bad. With --orders,
after asking, orders on paper (tui/doctor_orders.py).

The gate to real money asks the same questions (tui/gate.py).
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import trio

from actors.crew import innermost
from engine.config import Config
from engine.errors import BadInputError, ConfigError, RotorError
from engine.records.overrides import Kind
from tui.doctor_ask import check_orders, order_findings
from tui.doctor_machine import examine_machine
from tui.doctor_venue import Now, Patient, examine_venue
from tui.exchange_control import control_state
from tui.findings import Finding, as_json, bad, green, ok, show, warning
from tui.layered import kind_of, lying_over, read_settings, read_text
from tui.money import money_findings
from tui.output import print_json
from tui.prepare import symbols_of
from tui.private import exposed, records
from tui.shapes import Difference
from tui.venues import REHEARSAL, check_loopback, keys_for, venue_at


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorRequest:
    """What the user asked for."""

    endpoint: str | None = None
    real: bool = False
    symbols: str | None = None
    config: Path | None = None
    profile: str | None = None
    sets: tuple[str, ...] = ()
    json: bool = False
    orders: bool = False
    yes: bool = False
    out: Path | None = None

    @property
    def kind(self) -> Kind:
        """Return whose overrides hold."""
        return kind_of(self.endpoint, real=self.real)


def doctor_command(request: DoctorRequest) -> int:
    """Run `rotor doctor`; return the exit code."""
    check_orders(request)
    try:
        findings = trio.run(examine, request)
        differences: list[Difference] = []
        if request.orders and green(findings):
            more, differences = trio.run(order_findings, request)
            findings += more
    except BaseExceptionGroup as group:
        raise innermost(group) from None
    if request.json:
        told = [difference._asdict() for difference in differences]
        print_json(as_json(findings) | ({"differences": told} if request.orders else {}))
    else:
        show(findings)
    return 0 if green(findings) else 1


async def examine(request: DoctorRequest) -> list[Finding]:
    """Return all findings; raises BadInputError for options that make no sense."""
    if request.endpoint is not None:
        check_loopback(request.endpoint)
    config, findings = examine_config(request)
    wanted = symbols_of(request.symbols)
    symbols = tuple(sorted(wanted or config.universe.symbols))
    found = _keys_finding(request)
    findings += [*found, *_private(request, config)]
    if green(found):
        keys = keys_for(request.endpoint, real=request.real)
        patient = Patient(
            venue=venue_at(request.endpoint, keys, real=request.real, live=config.live),
            config=config,
            symbols=symbols,
            now=_wall if request.endpoint is None else partial(_exchange, request.endpoint),
            real=request.real,
            endpoint=request.endpoint,
        )
        findings += await examine_venue(patient)
    return findings + await trio.to_thread.run_sync(examine_machine, config)


def examine_config(request: DoctorRequest) -> tuple[Config, list[Finding]]:
    """Return the configuration, or the defaults in place of one that is wrong, and the findings."""
    try:
        settings = read_settings(request, Path())
        over = list(lying_over(request, settings))
    except ConfigError as error:
        todo = "mend it; below, the defaults were taken in its place"
        return Config(), [bad("config", str(error), todo)]
    config, said = settings.config, "; ".join(("valid", *over))
    found = [ok("config", said)]
    if settings.idle:
        idle = ", ".join(settings.idle)
        todo = "nothing: they are for what is not built yet"
        found = [warning("config", f"{said}; without effect: {idle}", todo)]
    if request.real:
        found += money_findings(config, read_text(request.config)[1])
    return config, found


def _private(request: DoctorRequest, config: Config) -> Iterator[Finding]:
    for said in (*exposed(config, request.config), *records(config)):
        words, _, todo = said.rpartition(": ")
        yield warning("private", words, todo)


def _keys_finding(request: DoctorRequest) -> list[Finding]:
    from actors.alpaca.keys import NoKeysError, find_keys

    try:
        _, where = find_keys(paper=not request.real)
    except BadInputError as error:
        if request.endpoint is None or request.real or not isinstance(error, NoKeysError):
            return [bad("keys", str(error), "make a pair on the broker's dashboard and set it")]
        return [ok("keys", f"none; on a local exchange the pair {REHEARSAL!r} will do")]
    return [ok("keys", where)]


async def _wall() -> int:
    return time.time_ns()


async def _exchange(endpoint: str) -> int:
    ask: Callable[[], int] = partial(_told, endpoint)
    return await trio.to_thread.run_sync(ask, abandon_on_cancel=True)


def _told(endpoint: str) -> int:
    state = control_state(endpoint)
    if not isinstance(state.get("now"), int):
        raise RotorError(f"{endpoint}: no exchange answers there")
    now: int = state["now"]
    return now


def clock_of(now_ns: Callable[[], int]) -> Now:
    """Return a session clock's time as the doctor asks for it."""

    async def now() -> int:
        return now_ns()

    return now
