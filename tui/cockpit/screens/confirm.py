"""The dialog before anything risky: what will be sent, line by line, and one key that sends it.

KEY INPUT: a command; the session's word on what it would send now, asked anew with every view.
KEY OUTPUT: True for `y`; any other key, the mouse, or 20 seconds leave everything as it is.

Opening it sends nothing: entries are frozen by the command itself, as its first effect, so that
there is nothing to undo when the answer is no.
"""

import asyncio
import textwrap
from typing import ClassVar

from textual import events

from actors.cockpit.asked import ConfirmView
from actors.cockpit.views import CockpitView
from engine.errors import BadInputError, RotorError
from tui.cockpit.asking import asked
from tui.cockpit.screens.dialog import Dialog
from tui.cockpit.source import Json, Source

SECONDS = 20
WIDE, WIDEST = 58, 72
"""Of the lines; of what would be sent, where that is much."""
AROUND = 6
"""Lines of the screen that the frame leaves free, or needs itself."""
CHANGED = "what would be sent has changed (*): look again"
DEAD_SECONDS = 0.5
"""For which `y` does nothing after what would be sent has changed."""


class Confirm(Dialog[bool]):
    """One question."""

    DEFAULT_CLASSES: ClassVar = "confirm"

    def __init__(self, command: Json, sends: str, known: ConfirmView | None = None) -> None:
        super().__init__()
        self.command = command
        self._yes = sends
        """What `y` does, in words."""
        self._fixed = known is not None
        self._asked: ConfirmView | None = known
        self._first: frozenset[str] = frozenset(known.sends if known else ())
        """What it would have sent when it was opened; what differs is marked."""
        self._note = ""
        self._fits = True
        """Whether all that would be sent is in sight."""
        self._dead_until = 0.0
        self._left = SECONDS
        self._sequence: int | None = None

    async def ask(self, source: Source) -> None:
        """Take the session's word; raises RotorError if it has none, or nothing is to be sent."""
        if self._fixed:
            return
        found = await asked(source, ConfirmView, "confirm", command=self.command)
        if found.gone:
            raise BadInputError(found.gone)
        before, self._asked = self._asked, found
        if before is None:
            self._first = frozenset(found.sends)
        elif before.sends != found.sends:
            self._dead_until = self._now() + DEAD_SECONDS
            self._note = CHANGED

    def on_mount(self) -> None:
        """Show what would be sent."""
        self.set_interval(1, self._count)
        view = self.cockpit.view
        self.query_one("#frame").set_class(self._mode() == "LIVE", "-live")
        self._write()
        if self._asked is None and view is not None:
            self.redraw(view)

    def on_resize(self) -> None:
        """Lay out what would be sent for another window."""
        self._write()

    def redraw(self, view: CockpitView) -> None:
        """Ask again what would be sent, if the session has moved."""
        if self._fixed or view.sequence == self._sequence:
            return
        self._sequence = view.sequence
        self.run_worker(self._again(), group="ask", exclusive=True)

    async def _again(self) -> None:
        try:
            await self.ask(self.cockpit.source)
        except RotorError as error:
            self._leave(str(error))
        else:
            self._write()

    def _leave(self, why: str) -> None:
        if self.is_current:
            self.cockpit.say(why, "error")
            self.dismiss(result=False)

    async def on_key(self, event: events.Key) -> None:
        """Send with the confirming key alone; leave with any other."""
        event.stop()
        event.prevent_default()
        if event.key not in self.cockpit.keys_of("confirm.yes"):
            self.dismiss(result=False)
        elif self._asked is not None and self._now() >= self._dead_until:
            self.dismiss(result=self.readable())
        # else what one has read is not what would be sent: the note says so

    def _count(self) -> None:
        self._left -= 1
        if self._left <= 0:
            self.dismiss(result=False)
            return
        self._write()

    def _write(self) -> None:
        title = self._asked.title if self._asked else "One moment"
        note = self._note or f"closes by itself in {self._left} s"
        self.frame(f"{title} · {self._mode()}", note, list(self._lines()))

    def _lines(self) -> list[str]:
        asked = self._asked
        if asked is None:
            return ["asking the session what it would send"]
        money = []
        if self._mode() == "LIVE":
            account = self.cockpit.view.header.account if self.cockpit.view else ""
            money = ["", f"   R E A L   M O N E Y   ·   account {account}"]
        steps = [
            line for i, step in enumerate(asked.then, 1) for line in _folded(f"{i}  {step}", 3)
        ]
        facts = [line for fact in asked.facts for line in _folded(fact, 2)]
        yes = self.cockpit.key_shown("confirm.yes")
        last = f"{yes}  {self._yes:<19} any other key  leave it"
        rest = [*money, *_apart(steps), *_apart(facts), "", last]
        high = self.size.height - AROUND
        sends = self._sends(asked, high - len(rest))
        if not self._fits:
            rest = [line for line in rest if line]
            sends = self._sends(asked, high - len(rest))
        return [*sends, *rest]

    def _sends(self, asked: ConfirmView, room: int) -> list[str]:
        """All that would be sent; in columns if else the key that sends it were out of sight."""
        sends = [f"{line}{' ' if line in self._first else '*'}" for line in asked.sends]
        wide = max(map(len, sends), default=0) + 1
        about = (*asked.about, *("" for _ in sends))
        self._fits = True
        if len(sends) <= room:
            return [line.ljust(wide) + more for line, more in zip(sends, about, strict=False)]
        width, columns = _columns(len(sends), wide, room)
        self.query_one("#frame").set_class(width > WIDE, "-wide")
        rows = [sends[at : at + columns] for at in range(0, len(sends), columns)]
        lines = ["".join(line.ljust(width // columns) for line in row) for row in rows]
        self._fits = len(lines) <= room
        if self._fits:
            return lines
        seen = lines[: max(room - 1, 0)]
        return [*seen, f"… and {len(sends) - len(seen) * columns} more: too many for this window"]

    def readable(self) -> bool:
        """Tell whether all that would be sent can be read; if not, say so."""
        if not super().readable():
            return False
        self._write()  # the window may be another one since
        if not self._fits:
            self.cockpit.say("not sent: more than this window shows; enlarge it", "error")
        return self._fits

    def _mode(self) -> str:
        view = self.cockpit.view
        return view.header.mode.upper() if view is not None else ""

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


def _columns(count: int, wide: int, room: int) -> tuple[int, int]:
    """Return the width and the columns, as few as there is room for, of so many entries."""
    for width in (WIDE, WIDEST):
        for columns in range(2, width // wide + 1):
            if count <= columns * room:
                return width, columns
    return WIDEST, max(1, WIDEST // wide)


def _folded(words: str, indent: int) -> list[str]:
    """Nothing of what would be done is cut off."""
    return textwrap.wrap(words, WIDE, subsequent_indent=" " * indent)


def _apart(lines: list[str]) -> list[str]:
    return ["", *lines] if lines else []
