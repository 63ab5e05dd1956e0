"""What every key does here and everywhere, made from the keys that are bound now.

KEY INPUT: the screen beneath, the user's own keys.
KEY OUTPUT: an overlay.
"""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from textual.binding import Binding

from tui.cockpit.keys import BY_ID, DIALOGS, SCREENS, TABLE, Key, keys_of, sign, works
from tui.cockpit.screens.base import CockpitScreen
from tui.cockpit.screens.dialog import Dialog

KEYS_WIDE, WIDE = 8, 37
NO_YES = ("halt", "reload", "config.undo")
_TOGETHER = {f"screen.{name}" for name in SCREENS.values()} | {"quit.always"}


class Help(Dialog[None]):
    """The keys, in words."""

    size_class = "-wide"
    BINDINGS: ClassVar = [
        Binding("escape,q,question_mark", "close", "close"),
        Binding("down,j", "scroll('down')", "on"),
        Binding("up,k", "scroll('up')", "back"),
    ]

    def __init__(self, beneath: CockpitScreen) -> None:
        super().__init__()
        self._beneath = beneath

    def on_mount(self) -> None:
        """Show the keys."""
        own, word = self.cockpit.settings.keys, self._beneath.word
        here = [key for key in TABLE if word in key.where]
        every = [
            key
            for key in TABLE
            if not key.where and key.id not in _TOGETHER and works(key, self.cockpit.view)
        ]
        off = self.cockpit.readonly
        lines = [
            f"Here: {word.capitalize()}",
            *_columns([*_rows(here, own, off=off), *self._extra()]),
            "",
            "Everywhere",
            *_columns([("1 … 9", "screens"), *_rows(every, own, off=off)]),
        ]
        self.frame("Help", "esc closes", lines)

    def _extra(self) -> Iterable[tuple[str, str]]:
        """Yield what the screen binds beyond the table."""
        for _, binding, enabled, _ in self._beneath.active_bindings.values():
            known = binding.id in BY_ID or DIALOGS in (binding.id or "")
            if binding.id and binding.show and not known and enabled:
                yield sign(binding.key), binding.description

    def action_close(self) -> None:
        """Close it."""
        self.dismiss(None)

    def action_scroll(self, way: str) -> None:
        """Show more where the terminal is small."""
        frame = self.query_one("#frame")
        move = frame.scroll_down if way == "down" else frame.scroll_up
        move(animate=False)


def _rows(keys: Iterable[Key], own: Mapping[str, str], *, off: bool) -> list[tuple[str, str]]:
    rows = []
    for key in keys:
        signs = " ".join(sign(name) for name in keys_of(key, own))
        signs = signs if len(signs) < KEYS_WIDE else signs.partition(" ")[0]
        yes = " y" if key.asks and key.id not in NO_YES else ""
        words = f"({key.words})" if off and key.changes else key.words
        rows.append((f"{signs}{yes}", words))
    return rows


def _columns(rows: list[tuple[str, str]]) -> list[str]:
    """Lay rows out in two columns, read downwards."""
    cells = [f"{keys:<{KEYS_WIDE}} {words}"[: WIDE - 1] for keys, words in rows]
    half = (len(cells) + 1) // 2
    right = [*cells[half:], ""]
    return [f"{left:<{WIDE}}{right[i]}".rstrip() for i, left in enumerate(cells[:half])]
