"""The palette: every action that works here, found by its words, with the key that does it.

KEY INPUT: the table of keys, the newest view, the words that are typed.
KEY OUTPUT: what was chosen; the key beside it is there to be learnt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import groupby
from typing import ClassVar, NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.fuzzy import FuzzySearch
from textual.message import Message
from textual.widgets import Input

from tui.cockpit.keys import TABLE, works
from tui.cockpit.screens.field import Field
from tui.cockpit.widgets.panel import Panel, Told

NOT_OFFERED = {"open", "back", "palette", "quit.always", "confirm.yes", "confirm.keep"}
PAGE = 8
Act = Callable[[], object]


class Offer(NamedTuple):
    """One line of the palette."""

    words: str
    key: str
    does: Act


class Offers(Panel):
    """Those that match."""

    class Clicked(Message):
        """A line was clicked."""

        def __init__(self, y: int) -> None:
            super().__init__()
            self.y = y

    def on_click(self, event: events.Click) -> None:
        """Choose the line."""
        event.stop()
        self.post_message(self.Clicked(event.y))


class Palette(Field[Act | None]):
    """What can be done here."""

    BINDINGS: ClassVar = [
        Binding("escape,ctrl+p", "close", "close"),
        Binding("up", "move(-1)", "before"),
        Binding("down", "move(1)", "next"),
        Binding("pageup", f"move(-{PAGE})", "far before"),
        Binding("pagedown", f"move({PAGE})", "far on"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._search = FuzzySearch()
        self._found: list[tuple[Offer, frozenset[int]]] = []
        """Each with the places of its words that match."""
        self._at = 0
        self._top = 0

    def compose(self) -> ComposeResult:
        """Lay out the line and the offers."""
        with Vertical(id="palette"):
            yield self.line(hint="what to do")
            yield Offers(id="offers")

    def on_mount(self) -> None:
        """Begin to type."""
        self.query_one(Input).focus()

    def on_resize(self) -> None:
        """Offer everything there is room for."""
        self.call_after_refresh(self._find, self.query_one(Input).value)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Offer what matches, the best first."""
        self._find(event.value)

    def on_input_submitted(self) -> None:
        """Take the offer under the cursor."""
        if self._found:
            self.dismiss(self._found[self._at][0].does)

    def on_offers_clicked(self, event: Offers.Clicked) -> None:
        """Take the offer that was clicked."""
        at = self._top + event.y
        if at < len(self._found):
            self.dismiss(self._found[at][0].does)

    def action_close(self) -> None:
        """Leave everything as it was."""
        self.dismiss(None)

    def action_move(self, rows: int) -> None:
        """Move the cursor."""
        self._at = max(0, min(self._at + rows, len(self._found) - 1))
        self._draw()

    def _find(self, typed: str) -> None:
        self._found = [(offer, frozenset()) for offer in self._offers()]
        if words := typed.strip():
            matches = [(offer, *self._search.match(words, offer.words)) for offer, _ in self._found]
            best = sorted((one for one in matches if one[1] > 0), key=lambda one: -one[1])
            self._found = [(offer, frozenset(places)) for offer, _, places in best]
        self._at = self._top = 0
        self._draw()

    def _draw(self) -> None:
        panel = self.query_one(Offers)
        width, height = panel.size
        self._top = max(min(self._top, self._at), self._at - height + 1, 0)
        shown = enumerate(self._found[self._top : self._top + height], self._top)
        lines = [_line(*found, width, under_cursor=n == self._at) for n, found in shown]
        panel.tell(lines or [(("nothing matches", "muted"),)])

    def _offers(self) -> Iterator[Offer]:
        app = self.cockpit
        here = app.shown.word if app.shown is not None else ""
        for position in app.view.positions if app.view is not None else ():
            if position.state != "flat":
                does = partial(app.liquidate, position.symbol)
                yield Offer(f"Liquidate {position.symbol}", "", does)
        for key in TABLE:
            if not key.does or key.id in NOT_OFFERED or (key.where and here not in key.where):
                continue
            if not works(key, app.view):
                continue
            words = f"Screen: {key.words}" if key.id.startswith("screen.") else key.words
            run = partial(app.run_action, key.does)
            yield Offer(words[0].upper() + words[1:], app.key_shown(key.id), run)
        for symbol in (signal.symbol for signal in app.view.signals) if app.view else ():
            yield Offer(f"Symbol {symbol}", "", partial(app.open_symbol, symbol))


def _line(offer: Offer, places: frozenset[int], width: int, *, under_cursor: bool) -> Told:
    matches = groupby(enumerate(offer.words), key=lambda letter: letter[0] in places)
    words = [
        ("".join(letter for _, letter in part), "bold info" if match else "")
        for match, part in matches
    ]
    gap = " " * max(1, width - len(offer.words) - len(offer.key) - 2)
    return ("▸ " if under_cursor else "  ", *words, gap, (offer.key, "muted"))
