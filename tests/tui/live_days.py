"""`rotor live` from its folder to its summary in this process, on a simulated venue."""

from contextlib import asynccontextmanager
from types import SimpleNamespace

import trio
import trio.testing

from actors import heartbeat
from actors.alerts import make_alerter
from actors.session_clock import pause
from actors.venue import Account
from engine.config import Alerts
from engine.market.frames import MINUTE_NS
from tests.actors.interleavings import SETS, market
from tests.actors.simulated_venue import Latencies, open_venue, start_cash
from tests.bars import SIX, config
from tui import live_folder, live_session, verify_files, warmup
from tui.live_session import LiveRequest, LiveSession
from tui.money import LOWERED

AT_ONCE = Latencies(way=0.0, event=0.0, bars=0.0, twice=0.0, lost=0.0, silent=0.0)
MINUTES = 40


class Day:
    """One account's day; sessions begin, are killed, and go on."""

    def __init__(self, folder, venue, clock, settings, session):
        self.folder, self.venue, self.clock = folder, venue, clock
        self._settings, self._session = settings, session
        self.real = False
        """With real money; nothing watches over it."""
        self.accepted = tuple(LOWERED)
        """What config.toml accepts of its settings."""

    def session(self):
        """Return a session in the folder, as after a start of the process."""
        settings = self._settings
        live = settings.live.model_copy(update={"accept": self.accepted})
        settings = settings.model_copy(update={"live": live})
        return LiveSession(
            request=LiveRequest(json=True, config=self._written(), real=self.real),
            config=settings, venue=self.venue, clock=self.clock, time=None,
            account=account_of(self.venue, settings), session=self._session, symbols=SIX,
            folder=self.folder, alerter=make_alerter("test", Alerts(bell=False)),
            seat=None,
        )  # fmt: skip

    def _written(self):
        path = self.folder.with_name("config.toml")
        path.write_text(f"[live]\naccept = {list(self.accepted)}\n")
        return path

    async def trade(self, stop=None):
        """Trade to the end, or until `stop` is set; return the exit code."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return await self.session().trade(trio.Event() if stop is None else stop, lambda: None)

    async def killed(self, when=lambda _held: True, after=12):
        """Trade until so many minutes are over and what is held is as wanted, and break off."""
        self.folder.mkdir(parents=True, exist_ok=True)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.trade)
            await self.clock.sleep_until(self._session.open_ns + after * MINUTE_NS + MINUTE_NS // 2)
            while not when(self.held):
                assert self.clock.now_ns() < self._session.close_ns, "it was never so"
                await pause(self.clock, 60.0)
            nursery.cancel_scope.cancel()

    @property
    def open_ns(self):
        """Return when the session begins."""
        return self._session.open_ns

    @property
    def close_ns(self):
        """Return when the session is over."""
        return self._session.close_ns

    @property
    def held(self):
        """Return what the venue holds: shares by symbol."""
        return {symbol: holding.shares for symbol, holding in self.venue.books.holdings.items()}


def account_of(venue, settings):
    """Return the account as the broker shows it."""
    cash = start_cash(settings)
    return Account(
        number=venue.books.number, cash_micro=cash, equity_micro=cash, buying_power_micro=cash,
        blocked="", shorting=True, multiplier=1.0,
    )  # fmt: skip


@asynccontextmanager
async def day(folder, *sets):
    """Run a venue's day for as long as the body runs."""
    (session, bars), earlier = market(MINUTES)
    settings = config(*SETS, "database.url=", *sets)
    venue, clock = open_venue(session, SIX, bars, earlier, settings, 0, AT_ONCE)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(venue.run)
        yield Day(folder, venue, clock, settings, session)
        nursery.cancel_scope.cancel()


def lived(act, monkeypatch):
    """Run an async function on Trio's mock clock; the sessions before warm its learners."""
    known = {s.date: s for s in (market(MINUTES)[0][0], *(s for s, _ in market(MINUTES)[1]))}

    async def warmup_bars(*_):
        return list(market(MINUTES)[1])

    async def parity(_folder):
        return {"compared": False, "why": "not asked here"}

    monkeypatch.setattr(live_session, "warmup_bars", warmup_bars)
    monkeypatch.setattr(live_session, "parity", parity)
    monkeypatch.setattr(live_session, "gc", SimpleNamespace(collect=int, freeze=int, unfreeze=int))
    monkeypatch.setattr(heartbeat, "_write", lambda *_: None)
    monkeypatch.setattr(LiveSession, "_duty", lambda _: None)
    monkeypatch.setattr(live_session, "_watched", lambda _: ())
    for module in (warmup, live_folder, verify_files):
        monkeypatch.setattr(module, "session_on", known.get)
    return trio.run(act, clock=trio.testing.MockClock(autojump_threshold=0))
