"""The cockpit's app: what each key does, and the command line's words for the same.

KEY INPUT: keys, lines, clicks.
KEY OUTPUT: what they ask for; requests to the session.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

from textual import on

from engine.errors import BadInputError
from tui.cockpit import command, theme
from tui.cockpit.screens.explain import Explain
from tui.cockpit.screens.help import Help
from tui.cockpit.screens.palette import Act, Palette
from tui.cockpit.screens.prompt import Filter, Prompt
from tui.cockpit.settings import keep_theme
from tui.cockpit.source import Json
from tui.cockpit.trading import NEW_YORK, Trading
from tui.cockpit.widgets.footer import Footer

SPEEDS = (1, 2, 5, 10, 30, 60, 120, 300, None)
"""Minutes per minute; None: as fast as it goes."""


class Cockpit(Trading):
    """One session on one terminal."""

    ENABLE_COMMAND_PALETTE = False  # Textual's takes a tenth of a second to open

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lines: list[str] = []
        self._filter_words: list[str] = []

    def action_palette(self) -> None:
        """Offer every action by its words."""
        if self.screen is self.shown:
            self.push_screen(Palette(), self._chosen)

    def _chosen(self, does: Act | None) -> None:
        if does is not None:
            self.call_next(does)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Leave a replay's keys alone where there is no replay."""
        if action in ("transport", "speed", "goto"):
            return self.view is not None and self.view.transport is not None
        return True

    @on(Footer.Pressed)
    async def _pressed(self, event: Footer.Pressed) -> None:
        if event.action:
            await self.run_action(event.action)

    # replay

    def action_transport(self, do: str) -> None:
        """Play, pause, step."""
        view = self.view
        if do == "play" and view and view.transport and view.transport.playing:
            do = "pause"
        self.move(do)

    def action_speed(self, step: int) -> None:
        """Go faster or slower."""
        transport = self.view.transport if self.view is not None else None
        if transport is None:
            return
        now = transport.speed
        if step > 0:
            above = [speed for speed in SPEEDS if speed is None or (now and speed > now)]
            self.move("speed", above[0] or "max")
        else:
            below = [speed for speed in SPEEDS if speed and (now is None or speed < now)]
            self.move("speed", below[-1] if below else 1)

    def action_goto(self) -> None:
        """Ask for a time to go to."""
        self._ask_line("goto ")

    def move(self, do: str, to: str | int | None = None) -> None:
        """Move a replay."""
        if self.view is None or self.view.transport is None:
            self.say("there is no replay to move", "error")
            return
        request: Json = {"verb": "transport", "do": do}
        if do in ("speed", "seek"):
            request["to"] = to
        signs = {"play": "► ", "pause": "‖ "}
        said = signs.get(do, "") + command.words(request)

        def told(answer: Json) -> str:
            short = answer.get("short")
            return f"{said}: {short}" if short else said

        self.give(request, told, looks=True)

    # rows

    def action_explain(self) -> None:
        """Tell all about the row under the cursor."""
        row = self.shown.selected if self.shown is not None else None
        if row is None:
            self.say("nothing is selected: nothing to explain", "error")
        else:
            self.explain(row.kind, row.id)

    def explain(self, kind: str, id_: str) -> None:
        """Tell all about a row."""
        self.push_screen(Explain(kind, id_))

    def action_filter(self) -> None:
        """Ask for words to filter the rows by."""
        words = self.shown.filtered if self.shown is not None else ""
        self.push_screen(Filter(self._filter_words, words), self._filter_done)

    def _filter_done(self, words: str | None) -> None:
        self.filter_rows(words or "")

    def filter_rows(self, words: str) -> None:
        """Filter the rows and say what is left."""
        left = self.filtered(words)
        self.say(f"filter {left}" if words else "filter none", "note")

    def filtered(self, words: str) -> str:
        """Filter the rows of the screen; return what is left in words."""
        if self.shown is None:
            return ""
        self.shown.filtered = words
        return self.shown.filter_rows(words)

    def action_open_row(self) -> None:
        """Open the row under the cursor."""
        self._call("open_row")

    def action_order(self, turn: bool) -> None:  # noqa: FBT001 - Textual's actions take positions
        """Order the rows by the next column, or turn the direction."""
        self._call("order", turn)

    def action_export(self) -> None:
        """Write the rows as CSV."""
        if self.shown is not None:
            self.say(self.shown.export())

    def action_zoom(self) -> None:
        """Give the focused panel all the room."""
        self._call("zoom")

    def action_match(self, step: int) -> None:
        """Go to the next or previous match."""
        self._call("next_match" if step > 0 else "previous_match")

    # the rest

    def action_command(self) -> None:
        """Ask for a command."""
        self._ask_line()

    def _ask_line(self, words: str = "") -> None:
        self.push_screen(Prompt(self._lines, words), self.run_line)

    def run_line(self, line: str | None) -> None:
        """Do what a line says, or say what was wanted."""
        try:
            command.run(self, line or "")
        except BadInputError as error:
            self.say(f":{line} - {error}", "error")

    def action_help(self) -> None:
        """Tell what the keys do here."""
        if self.shown is not None:
            self.push_screen(Help(self.shown))

    def action_next_theme(self) -> None:
        """Put on the next theme."""
        names = [known.name for known in theme.THEMES]
        self.wear(names[(names.index(self.theme) + 1) % len(names)])

    def wear(self, name: str) -> None:
        """Put on a theme, and keep it for the next time."""
        self.theme = name
        keep_theme(name)
        self.say(f"theme: {name.removeprefix('rotor-')}")

    def action_picture(self) -> None:
        """Write the screen as SVG."""
        word = self.shown.word if self.shown is not None else "screen"
        now = self.view.header.now_ns if self.view is not None else 0
        clock = datetime.fromtimestamp(now / 1e9, NEW_YORK)
        self.say(self.save_screenshot(f"rotor-{word}-{clock:%H-%M-%S}.svg", str(Path.cwd())))
