"""The cockpit's core: pulls views, gives requests, tells answers, switches screens.

KEY INPUT: a Source, the user's settings.
KEY OUTPUT: what is on the terminal; requests to the session, with who gave them and where.
"""

import asyncio
import getpass
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from textual import events
from textual.app import App
from textual.binding import BindingType
from textual.filter import NoColor
from textual.screen import Screen
from textual.timer import Timer

from actors.cockpit.views import CockpitView
from engine.errors import RotorError
from tui.cockpit import command, keys, news, theme
from tui.cockpit import format as fmt
from tui.cockpit.collector import Collector
from tui.cockpit.said import Kind, Said
from tui.cockpit.screens import NAMES, load_all, opener
from tui.cockpit.screens.base import CockpitScreen
from tui.cockpit.screens.dialog import Dialog
from tui.cockpit.screens.field import Field
from tui.cockpit.settings import Settings, last_theme
from tui.cockpit.source import Json, Source

SAID_SECONDS = 8.0
READY_SECONDS = 0.1
"""Between two screens that are made ready at the start."""
IDLE_SECONDS = 0.5
"""After the last key, in which another may follow."""
SLOW_SECONDS = 0.3
"""An answer that takes longer is announced."""
KEY_FIRST_SECONDS = 0.1
"""So long after a key a view that is due waits for its next turn, once: the answer comes first."""
NARROW = 120
"""Columns below which a screen has one column of panels."""
Told = str | Callable[[Json], str]
"""What is said once a request is accepted."""


class Core(App[None], inherit_bindings=False):
    """One session on one terminal."""

    SCREENS: ClassVar[dict[str, Callable[[], Screen[Any]]]] = {name: opener(name) for name in NAMES}
    BINDINGS: ClassVar[list[BindingType]] = [*keys.everywhere()]
    CSS_PATH: ClassVar = ["app.tcss", "dialogs.tcss", "screens/screens.tcss"]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (NARROW, "-wide"), (150, "-splendid")]  # noqa: RUF012 - as in App
    VERTICAL_BREAKPOINTS = [(0, "-short"), (36, "-tall"), (48, "-grand")]  # noqa: RUF012
    ESCAPE_TO_MINIMIZE = False
    NOTIFICATION_TIMEOUT = news.SECONDS
    PRELOAD: ClassVar[bool] = True
    """Mount every screen soon after the start, so that the key that first opens one is quick."""

    def __init__(self, source: Source, own: Settings | None = None) -> None:
        super().__init__()
        if self.no_color:
            self._filters = [NoColor()]  # Textual's own turns colours into greys
        self.source = source
        self.settings = own or Settings()
        self.view: CockpitView | None = None
        self.said: Said | None = None
        self.user = getpass.getuser()
        self._before: list[str] = []
        self._news = news.News()
        self._toasts: deque[float] = deque(maxlen=news.MOST)
        self._forget: Timer | None = None
        self._key_at = 0.0
        self._put_off = False
        self._collector = Collector()
        self.set_keymap(self.settings.keys)
        self.set_class(self.settings.ascii, "-ascii")
        names = [known.name for known in theme.THEMES]
        for known in theme.THEMES:
            self.register_theme(known)
        kept = last_theme()
        self.theme = kept if kept in names else names[0]

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return our own colours, which the stylesheet needs before our theme is set."""
        return theme.VARIABLES

    # what screens and widgets read

    @property
    def ascii(self) -> bool:
        """Tell whether only ASCII may be drawn."""
        return self.settings.ascii

    @property
    def low_bandwidth(self) -> bool:
        """Tell whether curves are left out."""
        return self.settings.low_bandwidth

    @property
    def readonly(self) -> bool:
        """Tell whether nothing may be changed from here."""
        header = self.view.header if self.view is not None else None
        return self.settings.readonly or bool(header and (header.readonly or header.recorded))

    @property
    def shown(self) -> CockpitScreen | None:
        """Return the screen below all dialogs."""
        for screen in reversed(self.screen_stack):
            if isinstance(screen, CockpitScreen):
                return screen
        return None

    @property
    def actor(self) -> str:
        """Return who gives commands, and where, for the journal."""
        return f"tui:{self.user}@{self.shown.word if self.shown else ''}"

    # pulling

    async def on_mount(self) -> None:
        """Begin with the dashboard, and to pull."""
        load_all()
        await self.push_screen("dashboard")
        if self.PRELOAD:
            self.run_worker(self._make_ready(), group="ready")
        self.set_interval(self.settings.pull_seconds, self._pull_in_turn)
        self.pull()

    async def _make_ready(self) -> None:
        """Mount every screen, then put what is loaded out of the collector's sight."""
        for name in NAMES:
            await asyncio.sleep(READY_SECONDS)  # keys and views come first
            if not self.is_screen_installed(name):  # it was left meanwhile
                return
            _, mounted = self._get_screen(name)
            await mounted
        self._collector.put_off()

    def on_unmount(self) -> None:
        """Give the process its collector back."""
        self._collector.give_back()

    def _pull_in_turn(self) -> None:
        quiet = self._loop_time() - self._key_at
        if quiet < KEY_FIRST_SECONDS and not self._put_off:
            self._put_off = True  # once, however fast one types
            return
        self._put_off = False
        self.pull()
        if quiet > IDLE_SECONDS:
            self._collector.tidy()

    def pull(self) -> None:
        """Draw the newest view, if it is another one; else only what moves with the clock."""
        view = self.source.latest()
        if view is None or not self.is_running:
            return
        before, self.view = self.view, view
        if before is None or before.sequence != view.sequence:
            self._tell_news(view)
        if before is not None and view.message != before.message:
            self._superseded(view)
        if self.shown is not None and self.shown.is_mounted:
            self.shown.draw(view)
        if isinstance(self.screen, Dialog) and self.screen.is_mounted:
            self.screen.redraw(view)

    def _superseded(self, view: CockpitView) -> None:
        # the session's own word on what we asked is newer than "sent"
        message = view.message
        if self.said is not None and message is not None and message.actor == self.actor:
            self.unsay()

    def _tell_news(self, view: CockpitView) -> None:
        for toast in self._news.of(view, f"tui:{self.user}@"):
            now = self._loop_time()
            if len(self._toasts) == news.MOST and now - self._toasts[0] < news.SECONDS:
                return
            self._toasts.append(now)
            text, title = (
                fmt.drawable(words, only_ascii=self.ascii) for words in (toast.text, toast.title)
            )
            if self.size.width < NARROW:  # there it has one line
                text, title = f"{title} · {text}" if text else title, ""
            self.notify(text, title=title, severity=toast.severity, markup=False)

    @staticmethod
    def _loop_time() -> float:
        return asyncio.get_running_loop().time()

    def terminal_gone(self) -> None:
        """Leave a session that does without: one in another process, or a replay."""
        replayed = self.view is not None and self.view.transport is not None
        if self.source.attached or replayed:
            self.exit()

    # answers

    def say(self, text: str, kind: Kind = "done") -> None:
        """Put an answer in the lane, for 8 seconds or until the next key."""
        self.said = Said(text, kind)
        if self._forget is not None:
            self._forget.stop()
        self._forget = self.set_timer(SAID_SECONDS, self.unsay)
        self._draw_lane()

    def unsay(self) -> None:
        """Take the answer out of the lane."""
        if self.said is not None:
            self.said = None
            self._draw_lane()

    def _draw_lane(self) -> None:
        if self.is_running and self.shown is not None and self.shown.is_mounted:
            self.shown.draw_lane()

    async def on_event(self, event: events.Event) -> None:
        """Take the last answer away when a key is pressed; who types fast loses no letter."""
        if isinstance(event, events.Key):
            self._key_at = self._loop_time()
            if not event.is_forwarded:
                self.unsay()
            elif isinstance(self.screen, Field) and self.screen.takes(event):
                return
        await super().on_event(event)

    # requests

    async def asked(self, request: Mapping[str, Any]) -> Json:
        """Give a request with our name on it; raises RotorError with what is wrong."""
        return await self.source.ask({**request, "actor": self.actor})

    def give(
        self,
        request: Mapping[str, Any],
        told: Told = "",
        *,
        meanwhile: str = "",
        looks: bool = False,
    ) -> None:
        """Give a request to the session; its answer, or what is wrong, is told in the lane.

        `meanwhile` is told while the answer takes its time. `looks`: it changes nothing that is
        traded, so that a recorded run takes it too.
        """
        if self.settings.readonly or (self.readonly and not looks):
            self.say("read-only: nothing sent", "error")
            return
        self.run_worker(self._give(dict(request), told, meanwhile), group="give")

    async def _give(self, request: Json, told: Told, meanwhile: str) -> None:
        what = command.words(request)
        wait = meanwhile or f"{what}: no answer yet"
        slow = self.set_timer(SLOW_SECONDS, lambda: self.say(wait, "note"))
        try:
            answer = await self.asked(request)
        except RotorError as error:
            self.say(f"{what}: {error}", "error")
        else:
            said = told(answer) if callable(told) else told
            self.say((said or f"{what}: sent") + self._later(request))
        finally:
            slow.stop()

    def _later(self, request: Json) -> str:
        transport = self.view.transport if self.view is not None else None
        if transport is None or transport.playing or request["verb"] == "transport":
            return ""
        return "; takes effect when the replay goes on"

    # screens

    def action_open(self, name: str) -> None:
        """Show a screen."""
        current = self.shown
        if current is None or current.word == name or self.screen is not current:
            return
        self._before.append(current.word)
        del self._before[:-8]
        self.switch_screen(name)

    def open_symbol(self, symbol: str) -> None:
        """Show a symbol in detail."""
        screen = self.get_screen("symbol")
        screen.show_symbol(symbol)  # type: ignore[attr-defined]
        self.action_open("symbol")

    async def action_back(self) -> None:
        """Close the innermost thing, or go back to the screen before."""
        if self.shown is None or self.shown.close_one():
            return
        if self._before:
            self.switch_screen(self._before.pop())
        elif self.shown.word != "dashboard":
            self.switch_screen("dashboard")

    def _call(self, method: str, *args: object) -> None:
        """Let the screen do what only some screens can."""
        found = getattr(self.shown, method, None)
        if found is not None:
            found(*args)

    def keys_of(self, id_: str) -> list[str]:
        """Return the keys that do it, as Textual names them."""
        return keys.keys_of(keys.BY_ID[id_], self.settings.keys)

    def key_shown(self, id_: str) -> str:
        """Return the key that does it, as people write it."""
        return keys.shown(id_, self.settings.keys)
