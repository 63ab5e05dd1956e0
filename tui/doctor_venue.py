"""What the doctor asks of the broker: account, margin, clock, calendar, data feed, symbols.

KEY INPUT: a venue, a configuration, the time that a session would go by.
KEY OUTPUT: Findings; what is not answered is a finding too.
"""

import datetime as dt
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from actors.market_facts import Asset, MarketDay, Settings
from actors.venue import Account, Denied, Holding, Unreachable
from engine.config import Config
from engine.events import MICRO
from engine.market.calendar import NEW_YORK, sessions_between
from engine.market.frames import Session
from tui.findings import Finding, bad, ok, warning

if TYPE_CHECKING:
    from actors.alpaca.venue import AlpacaVenue

SKEW_WARN_SECONDS, SKEW_BAD_SECONDS = 1.0, 5.0
FREE_PLAN_SYMBOLS = 30
"""That Alpaca's free plan streams on iex."""
MARGIN_USD = 2_000
"""Equity below which no account lends or shorts."""
DAYS_AHEAD = 10
_NS = 1_000_000_000
_ASK_AGAIN = "check the network and the broker's status page, then ask again"

Now = Callable[[], Awaitable[int]]
"""The time that a session goes by, UTC ns: the wall's, or an exchange's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """What is examined."""

    venue: "AlpacaVenue"
    config: Config
    symbols: tuple[str, ...]
    now: Now
    real: bool
    endpoint: str | None


async def examine_venue(patient: Patient) -> list[Finding]:
    """Return the findings about the broker, all of them, whatever fails."""
    try:
        account = await patient.venue.account()
    except Denied as error:
        todo = "set the keys of this very account; paper and real money have keys of their own"
        if patient.real:
            todo += " (those of paper begin with PK), and --live takes the real ones"
        return [bad("account", f"refused: {error}", todo)]
    except Unreachable as error:
        return [bad("account", f"no answer: {error}", _ASK_AGAIN)]
    found = [*account_findings(account, patient)]
    for check, examine in _CHECKS.items():
        try:
            found += await examine(patient, account)
        except Unreachable as error:  # Denied too
            found.append(bad(check, f"no answer: {error}", _ASK_AGAIN))
    return found


def account_findings(account: Account, patient: Patient) -> Iterator[Finding]:
    """Say whether the account may trade, and whether it is the one that is meant."""
    kind = "real money" if patient.real else "paper"
    kind = f"on {patient.endpoint}" if patient.endpoint else kind
    if account.blocked:
        todo = "see the broker's dashboard: it must be ACTIVE and free to trade"
        yield bad("account", f"{account.number} ({kind}): {account.blocked}", todo)
    else:
        yield ok("account", f"{account.number} ({kind}): active, free to trade")
    if patient.real:
        yield gate_finding(account, patient.config)


def gate_finding(account: Account, config: Config) -> Finding:
    """Say whether `[live] account` names this account."""
    wanted = config.live.account
    if not wanted:
        todo = f'to trade its real money: [live] account = "{account.number}" in config.toml'
        return bad("real money", "[live] account is empty", todo)
    if wanted != account.number:
        todo = "use the keys of the account that is meant, or name this one"
        said = f"[live] account is {wanted}, but the keys are account {account.number}'s"
        return bad("real money", said, todo)
    return ok("real money", f"[live] account is {account.number}")


async def margin(patient: Patient, account: Account) -> list[Finding]:
    """Say what the account lends and allows, against what the configuration would use."""
    config, settings = patient.config, await patient.venue.facts.settings()
    equity = account.equity_micro / MICRO
    lent = 100 * _multiplier(account, settings)
    most = config.risk.max_gross_exposure_pct
    shorts = account.shorting and not (settings and settings.no_shorting)
    said = (
        f"equity ${equity:,.2f}, multiplier {account.multiplier:g}, "
        f"shorting {'allowed' if shorts else 'not allowed'}"
    )
    found = []
    if settings and settings.suspended:
        found.append(bad("margin", "trading is suspended in the account's settings", "lift it"))
    if equity <= 0:
        found.append(bad("margin", said, "deposit: there is nothing to trade with"))
    if config.rotation.allow_short and not shorts:
        todo = "set rotation.allow_short=false (the inverse ETFs are the shorts)"
        if equity < MARGIN_USD:
            todo += f", or hold ${MARGIN_USD:,} and more"
        found.append(bad("margin", said, todo))
    if most > lent:
        said_most = f"{said}; risk.max_gross_exposure_pct is {most:g}, the account lends {lent:g}"
        found.append(warning("margin", said_most, f"set it to {lent:g} or less: orders would fail"))
    return found or [ok("margin", said)]


def _multiplier(account: Account, settings: Settings | None) -> float:
    set_ = settings.max_multiplier if settings else None
    return account.multiplier if set_ is None else min(account.multiplier, set_)


async def positions(patient: Patient, _: Account) -> list[Finding]:
    """Say what the account holds already."""
    held = {h.symbol: h for h in await patient.venue.holdings() if h.shares or h.fraction}
    working = len(await patient.venue.orders())
    orders = f", {working} open orders" if working else ""
    if not held:
        return [ok("positions", f"none{orders}")]
    shown = ", ".join(_shown(holding) for _, holding in sorted(held.items()))
    if not any(holding.shares for holding in held.values()):
        return [ok("positions", f"holds {shown}, which no session counts or sells{orders}")]
    todo = "nothing, if a session is to be taken up again; else close them, or use another account"
    return [warning("positions", f"holds {shown}{orders}", todo)]


def _shown(holding: Holding) -> str:
    """Return a position in words, the part of a share that is beside whole ones too."""
    if not holding.shares:
        return f"a part of a share of {holding.symbol}"
    part = " and a part of a share" if holding.fraction else ""
    return f"{holding.shares:,} {holding.symbol}{part}"


async def clock(patient: Patient, _: Account) -> list[Finding]:
    """Say how far our clock is from the broker's: the least that explains its answer."""
    before = await patient.now()
    theirs = (await patient.venue.facts.clock()).now_ns
    after = await patient.now()
    skew = max(0, before - theirs, theirs - after) / _NS
    said = f"{skew:.2f} s from the broker's"
    todo = "set this machine's clock by NTP (timedatectl set-ntp true, or chronyd)"
    if skew > SKEW_BAD_SECONDS:
        return [bad("clock", said, todo)]
    return [warning("clock", said, todo) if skew > SKEW_WARN_SECONDS else ok("clock", said)]


async def calendar(patient: Patient, _: Account) -> list[Finding]:
    """Hold our calendar of the next days against the broker's."""
    today = dt.datetime.fromtimestamp(await patient.now() / _NS, NEW_YORK).date()
    last = today + dt.timedelta(days=DAYS_AHEAD)
    ours = {s.date: s for s in sessions_between(today, last)}
    theirs = {day.date: day for day in await patient.venue.facts.calendar(today, last)}
    differing = [d for d in sorted(ours | theirs) if not _same(ours.get(d), theirs.get(d))]
    if differing:
        day = differing[0]
        mine = _hours(ours.get(day))
        said = f"{day}: ours says {mine}, the broker's {_hours(theirs.get(day))}"
        todo = "do not trade that day before rotor, or exchange_calendars, is updated"
        return [bad("calendar", said, todo)]
    half = [f"{d:%a %d %b} until {_time(s.close_ns)}" for d, s in ours.items() if s.minutes < 390]
    said = f"today, {today}: {_hours(ours.get(today))}"
    if today not in ours and ours:
        said += f"; next session {min(ours)}"
    return [ok("calendar", said + (f"; half days: {', '.join(half)}" if half else ""))]


def _same(ours: Session | None, theirs: MarketDay | None) -> bool:
    if ours is None or theirs is None:
        return ours is None and theirs is None
    return (ours.open_ns, ours.close_ns) == (theirs.open_ns, theirs.close_ns)


def _hours(day: Session | MarketDay | None) -> str:
    return "no session" if day is None else f"{_time(day.open_ns)} to {_time(day.close_ns)}"


def _time(ns: int) -> str:
    return f"{dt.datetime.fromtimestamp(ns / _NS, NEW_YORK):%H:%M}"


async def feed(patient: Patient, _: Account) -> list[Finding]:
    """Say whether the data feed answers for this plan, and streams so many symbols."""
    name, symbols = patient.config.live.feed, patient.symbols
    try:
        quotes = await patient.venue.quotes(symbols)
    except Denied as error:
        todo = (
            "set live.feed=iex, or subscribe to Algo Trader Plus" if name == "sip" else _ASK_AGAIN
        )
        return [bad("feed", f"{name}: refused: {error}", todo)]
    said = f"{name}: {len(quotes)} of {len(symbols)} symbols have a quote"
    if name == "iex" and len(symbols) > FREE_PLAN_SYMBOLS:
        todo = f"trade {FREE_PLAN_SYMBOLS} at most (--symbols), or subscribe and set live.feed=sip"
        words = f"{said}; the free plan streams {FREE_PLAN_SYMBOLS} symbols"
        return [(warning if patient.endpoint else bad)("feed", words, todo)]
    return [ok("feed", said)]


async def symbols(patient: Patient, _: Account) -> list[Finding]:
    """Say whether every symbol may be traded."""
    assets = await patient.venue.facts.assets(patient.symbols)
    config = patient.config
    wrong = {s: _wrong(assets.get(s), shorts=config.rotation.allow_short) for s in patient.symbols}
    faults = [f"{symbol} {why}" for symbol, why in wrong.items() if why]
    if faults:
        todo = "leave them out: --symbols, or [universe] symbols"
        return [bad("symbols", "; ".join(faults), todo)]
    return [ok("symbols", f"{', '.join(patient.symbols)}: tradable")]


def _wrong(asset: Asset | None, *, shorts: bool) -> str:
    if asset is None:
        return "is unknown to the broker"
    if not asset.tradable or asset.status != "active":
        return f"cannot be traded ({asset.status})"
    return "cannot be shorted" if shorts and not asset.shortable else ""


_CHECKS = {
    "margin": margin,
    "positions": positions,
    "clock": clock,
    "calendar": calendar,
    "feed": feed,
    "symbols": symbols,
}
