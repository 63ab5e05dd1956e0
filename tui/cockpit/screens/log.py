"""Screen 9: events and diagnostics, newest last, filtered by the session itself.

KEY INPUT: LogView, asked for with the filter's words and the least level.
KEY OUTPUT: lines, the one under the cursor in full; a CSV file.

`n` and `N` go to the next and the previous line that matches the last filter, also when it is
cleared; without one, to the next warning or error.
"""

import csv
import io
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from actors.cockpit.asked import LogLine, LogView
from actors.cockpit.filtering import parse
from actors.cockpit.log import FIELDS, matches
from actors.cockpit.views import CockpitView
from engine.errors import BadInputError
from tui.cockpit import format as fmt
from tui.cockpit.asking import asked
from tui.cockpit.screens.cells import utc
from tui.cockpit.screens.sheets import AskingScreen, crumb, write_export
from tui.cockpit.widgets.lines import rule
from tui.cockpit.widgets.panel import Panel, Told
from tui.cockpit.widgets.tape import Tape

LEVELS = ("info", "warning", "error")
_OF_LEVEL = {"info": "", "warning": "!level:info", "error": "level:error"}
"""The words of a filter for the least level."""
_STYLES = {"warning": "warning", "error": "danger"}


class LogScreen(AskingScreen):
    """What happened, line by line."""

    number: ClassVar[str] = "9"
    title_word: ClassVar[str] = "Log"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "follow", "follow", id="log.follow"),
        Binding("v", "level", "level", id="log.level"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._log: LogView | None = None
        self._words = ""
        self._sought = ""
        self._level = LEVELS[0]

    def body(self) -> ComposeResult:
        """Lay out crumb, lines, the line in full."""
        yield Panel(id="crumb")
        yield Tape(id="tape")
        yield Panel(id="line")

    @property
    def tape(self) -> Tape:
        """Return the lines."""
        return self.query_one(Tape)

    def draw_body(self, view: CockpitView) -> None:  # noqa: ARG002 - asked, not pulled
        """Draw what does not wait for an answer."""
        self._draw_rest()

    async def ask(self) -> None:
        """Ask for the newest lines that match."""
        self._log = await asked(
            self.cockpit.source, LogView, "log", filter=f"{self._words} {_OF_LEVEL[self._level]}"
        )

    def draw_answer(self) -> None:
        """Draw what was answered."""
        lines = self._log.lines if self._log is not None else ()
        self.tape.give([(line.id, _line(line)) for line in lines])
        self._draw_rest()

    def filter_rows(self, words: str) -> str:
        """Ask for the lines that match; refuse words that mean nothing at once."""
        try:
            parse(words, (), FIELDS)
        except BadInputError as error:
            return f"✗ {error}"
        self._words = words.strip()
        self._sought = self._words or self._sought
        self.ask_now()
        return self._words

    def export(self) -> str:
        """Write the lines shown as CSV."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(("time", "level", "actor", "text"))
        lines = self._log.lines if self._log is not None else ()
        writer.writerows((utc(line.ns), line.level, line.actor, line.text) for line in lines)
        return write_export(self, out.getvalue(), len(lines))

    def action_follow(self) -> None:
        """Go to the newest line and follow, or stop where one is."""
        if self.tape.follows:
            self.tape.action_move(-1)
        else:
            self.tape.action_follow()

    def action_level(self) -> None:
        """Show warnings and errors only, then errors only, then all."""
        self._level = LEVELS[(LEVELS.index(self._level) + 1) % len(LEVELS)]
        self.ask_now()
        self._draw_rest()

    def next_match(self) -> None:
        """Go to the next match."""
        self._match(1)

    def previous_match(self) -> None:
        """Go to the previous match."""
        self._match(-1)

    def _match(self, step: int) -> None:
        lines = self._log.lines if self._log is not None else ()
        terms = parse(self._sought, (), FIELDS)
        at = self.tape.cursor + step
        while 0 <= at < len(lines):
            line = lines[at]
            if matches(line, terms) if terms else line.level != "info":
                self.tape.move_to(at)
                return
            at += step
        sought = self._sought or "warning or error"
        where = "later" if step > 0 else "earlier"
        self.cockpit.say(f"no {where} line with {sought}", "note")

    def on_tape_moved(self, event: Tape.Moved) -> None:
        """Draw the line under the cursor in full."""
        event.stop()
        self._draw_rest()

    def _draw_rest(self) -> None:
        log, tape, width = self._log, self.tape, self.size.width
        new = tape.new_below
        facts = [
            "follow on" if tape.follows else f"paused, {new} new ↓" if new else "paused",
            f"level {self._level}{'+' if self._level != LEVELS[-1] else ''}",
            f"filter {self._words or 'none'}",
        ]
        if log is not None:
            shown = f"{log.matching:,} of " if log.matching != log.total else ""
            facts.append(f"{shown}{log.total:,} lines")
        title = f"{self.number} {self.title_word}"
        self.query_one("#crumb", Panel).tell([crumb(title, facts, width)])
        self.query_one("#line", Panel).tell(self._detail(width))

    def _detail(self, width: int) -> list[Told]:
        if self.trouble:
            return [rule("Log", "", width), ((f" ✗ {self.trouble}", "danger"),)]
        lines = self._log.lines if self._log is not None else ()
        if not lines:
            return [rule("no line", "", width)]
        line = lines[min(self.tape.cursor, len(lines) - 1)]
        title = rule(f"{fmt.tenths(line.ns)} {line.level} {line.actor}", f"line {line.id}", width)
        room = max(1, width - 2)
        chunks = [line.text[at : at + room] for at in range(0, len(line.text), room)]
        return [title, *(f" {chunk}" for chunk in chunks)]


def _line(line: LogLine) -> Told:
    return (
        (f" {fmt.clock(line.ns)} ", "muted"),
        (f"{line.level:<7} ", _STYLES.get(line.level, "muted")),
        (f"{fmt.words(line.actor, 14)} ", "muted"),
        line.text,
    )
