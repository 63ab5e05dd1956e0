"""What the screens with a sheet of rows share: filter, order, export; and asking the session.

KEY INPUT: keys, by the app; the session's answers.
KEY OUTPUT: the rows shown, a CSV file, or words that say why not.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from textual.worker import Worker

from actors.cockpit.views import CockpitView
from engine.errors import BadInputError, RotorError
from tui.cockpit import format as fmt
from tui.cockpit.screens.base import CockpitScreen
from tui.cockpit.widgets.lines import Line, rule
from tui.cockpit.widgets.panel import Panel
from tui.cockpit.widgets.sheet import Sheet

EVERY_SECONDS = 3.0
MINUTE_NS = 60_000_000_000


def crumb(where: str, facts: Sequence[str], width: int) -> Line:
    """Return row 3: where one is, and facts, cut where there is no room for all."""
    told = " · ".join(fact for fact in facts if fact)
    return rule(where, fmt.words(told, max(0, width - len(where) - 7)).rstrip(), width)


def write_export(screen: CockpitScreen, text: str, rows: int) -> str:
    """Write an export named after the screen and the session's time; say so, or why not."""
    view = screen.cockpit.view
    time = fmt.minute(view.header.now_ns).replace(":", "-") if view else "now"
    path = Path(f"{screen.title_word.lower()}-{time}.csv")
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        return f"✗ {path}: {error.strerror}; nothing was written"
    return f"wrote {path}, {rows} rows"


class SheetScreen(CockpitScreen):
    """A screen whose rows are in one sheet."""

    @property
    def sheet(self) -> Sheet[Any]:
        """Return the sheet that filter, order and export act on."""
        return self.query_one(Sheet)

    def filter_rows(self, words: str) -> str:
        """Show only the rows that match."""
        try:
            said = self.sheet.filter_rows(words)
        except BadInputError as error:
            return f"✗ {error}"
        self.draw_rest()
        return said

    def order(self, turn: bool) -> None:  # noqa: FBT001 - as the action gives it
        """Order by the next column, or turn the direction."""
        self.sheet.order(turn=turn)
        self.draw_rest()

    def export(self) -> str:
        """Write what is shown as CSV into the folder that the program was started in."""
        return write_export(self, self.sheet.csv(), len(self.sheet.shown))

    def draw_rest(self) -> None:
        """Draw what depends on filter, order or cursor."""

    def on_sheet_moved(self, event: Sheet.Moved) -> None:
        """Draw what depends on the cursor."""
        event.stop()
        self.draw_rest()

    def on_sheet_opened(self, event: Sheet.Opened) -> None:
        """Open the row under the cursor."""
        event.stop()
        self.open_row()

    @property
    def crumb_words(self) -> str:
        """Return where one is."""
        return f"{self.number} {self.title_word}"

    def draw_crumb(self, fact: str) -> None:
        """Draw row 3: where one is; the sheet's order and filter, and a fact."""
        facts = [
            f"sort {self.sheet.order_words}" if self.sheet.ordered_by else "",
            f"filter {self.sheet.words or 'none'}",
            fact,
        ]
        self.query_one("#crumb", Panel).tell([crumb(self.crumb_words, facts, self.size.width)])


class AskingScreen(CockpitScreen):
    """A screen that asks the session when it is opened, and every few seconds while it is seen."""

    trouble = ""
    """Why the last question was not answered."""
    _worker: Worker[None] | None = None
    _asked_at: tuple[int, int] | None = None
    """The session and minute of a replay for which it asked last."""

    def draw(self, view: CockpitView) -> None:
        """Show a view; of another minute of a replay, what is asked for is another, too."""
        super().draw(view)
        at = view.transport
        place = None if at is None else (at.session_index, at.minute)
        if at is not None and place != self._asked_at:
            self._asked_at = place
            if at.playing:
                self.ask_if_idle()
            else:
                self.ask_now()

    def on_mount(self) -> None:
        """Begin to ask."""
        self.set_interval(EVERY_SECONDS, self.ask_if_idle)

    def on_screen_resume(self) -> None:
        """Ask as soon as the screen is seen."""
        self.ask_now()

    def ask_if_idle(self) -> None:
        """Ask again, unless nobody looks or the last question is still open."""
        if self.is_current and (self._worker is None or self._worker.is_finished):
            self.ask_now()

    def ask_now(self) -> None:
        """Ask, whatever question is still open."""
        self._worker = self.run_worker(self._ask, group="ask", exclusive=True)

    async def _ask(self) -> None:
        try:
            await self.ask()
        except RotorError as error:
            self.trouble = str(error)
        else:
            self.trouble = ""
        if self.is_running and self.app.is_running:  # not in the middle of an end
            self.draw_answer()

    async def ask(self) -> None:
        """Ask, and keep the answer. Raises RotorError with the session's words."""
        raise NotImplementedError

    def draw_answer(self) -> None:
        """Draw what was answered, or the trouble."""
        raise NotImplementedError
