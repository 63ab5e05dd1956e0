"""What feeds the cockpit: told of every page, it builds views for whoever looks.

KEY INPUT: a desk's pages, live, taken again after a restart, or replayed at a pace.
KEY OUTPUT: CockpitView; what did not change is the same object as before.

Pages are remembered as they come; a view is built only when it is asked for.
"""

import logging
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any

from actors.cockpit.alerts import alert_views
from actors.cockpit.cards import card_views, closed_views
from actors.cockpit.figures import curve_view, stats_view
from actors.cockpit.flatten import Flattening
from actors.cockpit.health import health_view, measure
from actors.cockpit.log import Listening, Log
from actors.cockpit.memory import Memory
from actors.cockpit.money import header_view, money_view
from actors.cockpit.positions import position_views
from actors.cockpit.risk import risk_view
from actors.cockpit.scene import About, Outside, Scene
from actors.cockpit.signals import signal_views
from actors.cockpit.views import CockpitView, FlattenView, HeaderView
from actors.desk import Desk
from engine.market.frames import Session
from engine.records.page import Page
from engine.trading.frame import FrameView

HEALTH_SECONDS = 2.0
Parts = dict[str, Any]


class Cockpit:
    """One session as its viewers see it."""

    def __init__(self, desk: Desk, about: About, outside: Outside) -> None:
        self.about = about
        self.outside = outside
        self.log = Log()
        self.viewers = 0
        self._desk = desk
        self.memory = Memory(desk, len(about.symbols), outside.now_ns, self.log)
        self._frame: FrameView | None = None
        self._begun = False
        self._pages = 0
        self._parts: Parts = {}
        self._view: CockpitView | None = None
        self._stamp: tuple[object, ...] = ()
        self._health_at = float("-inf")
        measure(outside)

    def go_on(self, log: Log) -> None:
        """Append to the log of the sessions before."""
        self.log = self.memory.log = log

    def page(self, page: Page) -> None:
        """Take a page as soon as it is closed."""
        self.memory.close(page)
        self._begun |= page.trading
        self._frame = self._desk.seen(page)
        self._pages += page.trading
        if page.trading and self.about.mode != "replay":
            took = self.outside.frame_ms[-1] if self.outside.frame_ms else None
            self.log.page(page, self.outside.now_ns(), took)

    @asynccontextmanager
    async def hearing(self) -> AsyncIterator[None]:
        """Take what is logged into the log of the session for as long as the body runs."""
        heard = Listening(self.log, self.outside.now_ns)
        root = logging.getLogger()
        root.addHandler(heard)
        try:
            yield
        finally:
            root.removeHandler(heard)

    def flat(self) -> bool:
        """Return whether a liquidation is over: the broker has confirmed it."""
        now = self.flattening()
        return now is None or now.confirmed_ns is not None

    @contextmanager
    def viewed(self) -> Iterator[None]:
        """Count a viewer for as long as the body runs."""
        self.viewers += 1
        try:
            yield
        finally:
            self.viewers -= 1

    def scene(self) -> Scene | None:
        """Return the session as it is now; None before its first page."""
        page = getattr(self._desk, "page", None)
        if page is not None and page.trading:
            self._begun = True
            self.memory.catch_up(page)
            self.memory.slots.settle(self._desk.state.ledger.positions)
        if self._frame is None and self._begun:
            self._frame = self._desk.unseen()
        if self._frame is None or not self._begun:
            return None
        memory = self.memory
        return Scene(
            self.about, self.outside, self._desk, self._frame, memory.day, memory.slots,
            memory.orders,
        )  # fmt: skip

    def view(self) -> CockpitView | None:
        """Return the newest view; None before anything can be shown."""
        scene = self.scene()
        session = scene.day.session if scene is not None else self.about.session
        if session is None or scene is None:
            return None
        header = self._header(session, scene)
        flatten = self._flatten(scene, header.now_ns)
        if self._stale(flatten):
            self._build(scene)
        self._quick(header, flatten)
        return self._assemble(header)

    def _stale(self, flatten: FlattenView | None) -> bool:
        showing = None if flatten is None else flatten.confirmed_ns
        stamp = (
            self.memory.taken, self._pages, id(self._desk.config), flatten is None, showing,
        )  # fmt: skip
        if stamp == self._stamp and not self.memory.orders.unsettled:
            return False
        self._stamp = stamp
        return True

    def _build(self, scene: Scene) -> None:
        memory, state = self.memory, scene.state
        positions = position_views(scene, memory.flattening.now, memory.trips)
        self._keep(
            money=money_view(scene, positions),
            max_positions=scene.config.rotation.max_positions,
            positions=positions,
            signals=signal_views(scene, memory.barred),
            decisions=memory.feed.views(),
            orders=memory.orders.views(memory.slots.of, self.outside.carrying),
            curve=curve_view(scene),
            stats=stats_view(scene),
            risk=risk_view(scene),
            message=memory.lane.message,
            inbox=card_views(state),
            inbox_closed=closed_views(state),
            trades=tuple(reversed(memory.trades)),
        )

    def _quick(self, header: HeaderView, flatten: FlattenView | None) -> None:
        """Build what the clock and the machinery change, bars or not."""
        self._keep(
            flatten=flatten,
            alerts=alert_views(header, flatten, self._desk, self.outside),
            transport=self.outside.transport(),
        )
        seconds = time.monotonic()
        if seconds < self._health_at + HEALTH_SECONDS:
            return
        self._health_at = seconds
        rows = self.memory.feed.rows
        incidents = tuple(f"{r.symbol}: {r.words}" for r in rows if r.label in ("HEALTH", "RISK"))
        self._keep(
            health=health_view(self.about, self.outside, self._desk, incidents, self.log.total)
        )

    def _header(self, session: Session, scene: Scene) -> HeaderView:
        return header_view(
            self.about, self.outside, self._desk, session, scene.day.last_bar_ns,
            warming=False, viewers=self.viewers, now_ns=self.outside.now_ns(),
        )  # fmt: skip

    def flattening(self) -> Flattening | None:
        """Return the liquidation by hand that is not over yet, or was not long ago."""
        scene = self.scene()
        if scene is not None:
            self._flatten(scene, self.outside.now_ns())
        return None if scene is None else self.memory.flattening.now

    def _flatten(self, scene: Scene, now_ns: int) -> FlattenView | None:
        shown = self.memory.flattening
        if shown.now is None:
            return None
        state = scene.state
        held = {symbol: state.ledger.positions[symbol].shares for symbol in state.leaves}
        shown.now.observe(now_ns, held, self.outside.carrying, self.outside.flat_since)
        if shown.over(now_ns):
            shown.now = None
            return None
        return shown.now.view(now_ns, held, self.outside.carrying)

    def _keep(self, **parts: object) -> None:
        for name, part in parts.items():
            if name not in self._parts or self._parts[name] != part:
                self._parts[name] = part

    def _assemble(self, header: HeaderView) -> CockpitView:
        last = self._view
        changed = last is None or any(
            getattr(last, name) is not part for name, part in self._parts.items()
        )
        if last is not None and not changed:
            if header == last.header:
                return last
            grown = _but_the_clock(header) != _but_the_clock(last.header)
            self._view = replace(last, header=header, sequence=last.sequence + grown)
        else:
            sequence = 1 if last is None else last.sequence + 1
            self._view = CockpitView(sequence=sequence, header=header, **self._parts)
        return self._view


def _but_the_clock(header: HeaderView) -> HeaderView:
    return replace(header, now_ns=0, data_age_s=None)
