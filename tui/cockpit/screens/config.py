"""Screen 7: the settings in force, and what a reload would change, before it does.

KEY INPUT: ConfigView, asked for.
KEY OUTPUT: the difference or what is wrong with the file; all settings; `reload` after `y`.

Nothing is applied before `y`, and only the difference that was shown: the file is read again first.
"""

import textwrap
from typing import Any, ClassVar

from textual.app import ComposeResult

from actors.cockpit.asked import ChangeView, ConfigView
from actors.cockpit.views import CockpitView
from engine.errors import RotorError
from tui.cockpit import format as fmt
from tui.cockpit.asking import asked
from tui.cockpit.screens.sheets import AskingScreen, SheetScreen
from tui.cockpit.widgets.column import Column
from tui.cockpit.widgets.lines import rule
from tui.cockpit.widgets.panel import Panel, Told
from tui.cockpit.widgets.sheet import Sheet

Setting = tuple[str, str, str]
MOST_CHANGES = 6
"""Shown; the rest is counted."""
MOST_WRONG = 8
"""Lines of what is wrong with a file."""

COLUMNS: tuple[Column[Setting], ...] = (
    Column(field="key", heading="SETTING", width=39, left=True, words=True,
           value=lambda s: s[0], cell=lambda s: s[0]),
    Column(field="from", heading="FROM", width=7, left=True, words=True,
           value=lambda s: s[2] or "default", cell=lambda s: (s[2] or "default", "muted")),
    Column(field="value", heading="IN FORCE", width=0, left=True, words=True,
           value=lambda s: s[1], cell=lambda s: s[1]),
)  # fmt: skip


class ConfigScreen(SheetScreen, AskingScreen):
    """Settings, and their change."""

    number: ClassVar[str] = "7"
    title_word: ClassVar[str] = "Config"

    def __init__(self) -> None:
        super().__init__()
        self._answer: ConfigView | None = None
        self._undoing = False
        self._confirmed: tuple[ChangeView, ...] = ()

    def body(self) -> ComposeResult:
        """Lay out crumb, difference, settings, history."""
        yield Panel(id="crumb")
        yield Panel(id="difference")
        yield Panel(id="settings-rule")
        yield Sheet[Setting](COLUMNS, lambda s: s[0])
        yield Panel(id="reloads")

    def draw_body(self, view: CockpitView) -> None:  # noqa: ARG002 - asked, not pulled
        """Draw what does not wait for an answer."""
        self.draw_rest()

    async def ask(self) -> None:
        """Ask for the settings, and read the file."""
        self._answer = await asked(self.cockpit.source, ConfigView, "config")

    def draw_answer(self) -> None:
        """Draw what was answered."""
        self.sheet.give(self._answer.settings if self._answer is not None else ())
        self.draw_rest()

    def draw_rest(self) -> None:
        """Draw crumb, difference, history."""
        answer, width = self._answer, self.size.width
        self.draw_crumb(f"{len(answer.changes)} differences" if answer is not None else "")
        place = self.query_one("#difference", Panel)
        lines = self._difference(answer, width)
        place.styles.height = len(lines)
        place.tell(lines)
        settings = rule("In force", "/ filters", width)
        self.query_one("#settings-rule", Panel).tell([settings])
        told = _history(answer, width) if answer is not None else []
        self.query_one("#reloads", Panel).tell(told)

    def read(self) -> None:
        """Read the file again and show the difference."""
        self._undoing = False
        self.ask_now()

    def apply(self) -> None:
        """Apply the difference shown, or undo the last reload if that was asked for."""
        if self._undoing:
            self._undoing = False
            self._give({"verb": "reload", "revert": True})
        elif self._answer is None or self._answer.error or not self._answer.changes:
            self.cockpit.say("nothing to apply: the file is in force, or cannot be", "error")
        else:
            self._confirmed = self._answer.changes
            self._worker = self.run_worker(self._apply, group="ask", exclusive=True)

    async def _apply(self) -> None:
        try:
            await self.ask()
        except RotorError as error:
            self.cockpit.say(f"{error}; nothing was applied", "error")
            return
        self.draw_answer()
        if (
            self._answer is not None
            and self._answer.changes == self._confirmed
            and not self._answer.error
        ):
            self._give({"verb": "reload"})
        else:
            self.cockpit.say("the file has changed since: look again, then y", "error")

    def keep(self) -> None:
        """Leave all as it is."""
        self._undoing = False
        self.cockpit.say("nothing applied; the settings in force stay")
        self.draw_rest()

    def undo(self) -> None:
        """Show what `y` takes back: the last reload."""
        if self._answer is None or not self._answer.can_revert:
            self.cockpit.say("nothing was reloaded that could be taken back", "error")
            return
        self._undoing = True
        self.draw_rest()

    def on_resize(self) -> None:
        """Fold anew for another width."""
        self.call_after_refresh(self.draw_rest)

    def on_screen_suspend(self) -> None:
        """Take `u` back: `y` never undoes what another screen has come between."""
        self._undoing = False

    def _give(self, request: dict[str, Any]) -> None:
        self.cockpit.give(request)
        self.set_timer(0.5, self.ask_now)

    def _difference(self, answer: ConfigView | None, width: int) -> list[Told]:
        if self.trouble:
            return [rule("Reload", "", width), *_folded(" ✗ ", self.trouble, "danger", width), ""]
        if answer is None:
            return [((" asking the session…", "muted"),)]
        if self._undoing:
            newest = answer.history[0] if answer.history else "the last reload"
            return [
                rule("Undo", "y takes it back, n keeps it", width),
                *_folded(" ", f"takes back: {newest}", "warning", width),
            ]
        if answer.error:
            return [
                rule("Reload", "the old configuration stays", width),
                *_wrong(answer.error, width),
                "   Nothing was changed. Mend the line; it is read again every few seconds.",
                *_rows(answer, width),
            ]
        if not answer.changes:
            said = (
                "the file says what is in force" if answer.can_reload else "no reload in a replay"
            )
            return [rule("Reload", said, width)]
        return _changes(answer, width)


def _wrong(error: str, width: int) -> list[Told]:
    """Return what is wrong, then where, cut on the left: the end of a path is what tells."""
    where, *wrong = error.splitlines()
    if not wrong:  # not TOML at all: the file's name, and the line at the end
        return _folded(" ✗ ", where, "danger", width)
    place = where if len(where) < width - 4 else f"…{where[4 - width :]}"
    told = [line for one in wrong for line in _folded(" ✗ ", one.strip(), "danger", width)]
    more: list[Told] = ["   …"] if len(told) > MOST_WRONG else []
    return [*told[:MOST_WRONG], *more, f"   {place}"]


def _folded(mark: str, words: str, style: str, width: int) -> list[Told]:
    """Return words in as many lines as they need, a mark before the first."""
    wide = max(1, width - len(mark) - 1)
    lines = textwrap.wrap(words, wide, break_on_hyphens=False)
    return [((f"{' ' * len(mark) if at else mark}{line}", style),) for at, line in enumerate(lines)]


def _changes(answer: ConfigView, width: int) -> list[Told]:
    return [
        rule("Reload would change", "nothing is applied until y", width),
        *_rows(answer, width),
        (("  y apply at the next minute   n keep the old   u undo the last reload", "info"),),
    ]


def _rows(answer: ConfigView, width: int) -> list[Told]:
    if not answer.changes:
        return []
    wide = min(48, max(20, width - 44))
    more = len(answer.changes) - MOST_CHANGES
    return [
        ((f"  {'KEY':<{wide}}{'NOW':>10}  {'NEW':>10}  TAKES EFFECT", "muted"),),
        *(
            (
                ("~ ", "warning"),
                f"{fmt.words(change.key, wide)}",
                f"{fmt.words(change.old, 10).strip():>10} →{fmt.words(change.new, 10).strip():>10}",
                (f"  {change.kind}", "muted"),
            )
            for change in answer.changes[:MOST_CHANGES]
        ),
        *([f"  and {more} more"] if more > 0 else []),
    ]


def _history(answer: ConfigView, width: int) -> list[Told]:
    told = answer.history or ("no reload in this session",)
    undoes = "u undoes the newest" if answer.can_revert else ""
    return [rule("Reloads", undoes, width), *(f" {line}" for line in told)]
