"""The palette: every action by its words, with its key beside it, so that it teaches.

KEY INPUT: what is typed, loosely.
KEY OUTPUT: the action is run; a risky one still asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip

from tui.cockpit import format as fmt
from tui.cockpit.keys import TABLE, works
from tui.cockpit.screens.dialog import beneath

if TYPE_CHECKING:
    from tui.cockpit.app import Cockpit

WIDE = 50
"""Of the words, so that the keys stand in a column."""
NOT_OFFERED = {"open", "back", "palette", "quit.always", "confirm.yes", "confirm.keep"}


class Offer(NamedTuple):
    """One line of the palette."""

    words: str
    key: str
    does: Callable[[], object]

    @property
    def line(self) -> str:
        """Return the words with the key beside them."""
        return f"{self.words:<{WIDE}}{self.key:>6}"


class Palette(CommandPalette):
    """Textual's, above a screen that goes on to be seen."""

    def __init__(self) -> None:
        super().__init__(id="--command-palette", placeholder="what to do")

    def render_lines(self, crop: Region) -> list[Strip]:
        """Show the screen underneath."""
        return beneath(self, crop)


class Actions(Provider):
    """What can be done here."""

    async def discover(self) -> Hits:
        """Offer everything while nothing is typed."""
        for offer in self._offers():
            yield DiscoveryHit(self._content(offer), offer.does, offer.words)

    async def search(self, query: str) -> Hits:
        """Offer what matches, the best first."""
        matcher = self.matcher(query)
        for offer in self._offers():
            score = matcher.match(offer.words)
            if score > 0:
                yield Hit(score, self._content(offer), offer.does, offer.words)

    def _content(self, offer: Offer) -> Content:
        only_ascii = cast("Cockpit", self.app).ascii
        return Content(fmt.drawable(offer.line, only_ascii=only_ascii))

    def _offers(self) -> Iterator[Offer]:
        app = cast("Cockpit", self.app)
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
