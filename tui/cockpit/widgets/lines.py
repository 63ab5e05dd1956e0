"""Text in lines, each drawn once and kept until it changes: what every panel is made of.

KEY INPUT: lines of pieces, a piece being text and the words of its style: `"bold profit"`.
KEY OUTPUT: strips on the terminal; only lines that changed are drawn again.

A style word is a token of the theme, or bold, dim, reverse. `live` is the one that draws nothing:
it marks a cell that is bold for a moment when its text changes.
"""

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from actors.cockpit.views import CockpitView
from tui.cockpit import format as fmt
from tui.cockpit import theme

Piece = tuple[str, str]
Line = tuple[Piece, ...]
ATTRIBUTES = {word: Style.parse(word) for word in ("bold", "dim", "reverse")} | {
    "live": Style.null()
}


def text_of(line: Line) -> str:
    """Return a line without its styles."""
    return "".join(text for text, _ in line)


def plain(text: str = "", style: str = "") -> Line:
    """Return a line of one piece."""
    return ((text, style),)


def spread(left: Line, right: Line, width: int) -> Line:
    """Return a line with one part at its left end and one at its right; the left one is cut."""
    room = max(width - len(text_of(right)), 0)
    kept = cut(left, room)
    return (*kept, (" " * (room - len(text_of(kept))), ""), *right)


def cut(line: Line, width: int) -> Line:
    """Return the line with no more than so many cells."""
    kept: list[Piece] = []
    for text, style in line:
        kept.append((text[: max(width, 0)], style))
        width -= len(text)
    return tuple(kept)


def bar(fraction: float, width: int, style: str) -> tuple[Piece, ...]:
    """Return a bar in half cells, what is left of it muted."""
    text = fmt.bar(fraction, width)
    filled = text.rstrip("┄")
    return (filled, style), (text[len(filled) :], "muted")


def rule(left: str, right: str, width: int, *, bold: bool = False) -> Line:
    """Return a title line, `─ left ─── right ─`; the right part goes when there is no room."""
    if len(left) + len(right) + 7 > width:
        right = ""
    end = f" {right} ─" if right else ""
    line = "─" * max(width - len(left) - len(end) - 3, 0)
    return (
        *(("─ ", "rule"), (left, "bold" if bold else ""), (" " + line, "rule")),
        *(((f" {right} ", "muted"), ("─", "rule")) if right else ()),
    )


class Lines(Widget):
    """Lines made from the newest view."""

    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.view: CockpitView | None = None
        self.lines: tuple[Line, ...] = ()
        self._strips: dict[int, Strip] = {}
        self._dress: tuple[object, ...] = ()
        """What the lines that are kept were drawn in."""
        self._styles_by_words: dict[str, Style] = {}

    def make(self, view: CockpitView) -> Sequence[Line]:
        """Return the lines of a view."""
        raise NotImplementedError

    def draw(self, view: CockpitView) -> None:
        """Show a view."""
        self.view = view
        if self.size:
            self.show(self.make(view))

    def redraw(self) -> None:
        """Show the view again: the place, the cursor or the focus is another one."""
        if self.view is not None:
            self.draw(self.view)

    def repaint(self) -> None:
        """Draw every line again: what lies under them changed."""
        self._strips.clear()
        self.redraw()
        self.refresh()

    def watch_has_focus(self, value: bool) -> None:  # noqa: FBT001 - Textual's signature
        """Show where the keys go."""
        super().watch_has_focus(value)
        self.repaint()

    def show(self, lines: Sequence[Line]) -> None:
        """Show lines; only those that differ from what is shown are drawn."""
        new, old = tuple(lines), self.lines
        changed = [
            y
            for y in range(max(len(new), len(old)))
            if y >= len(new) or y >= len(old) or new[y] != old[y]
        ]
        self.lines = new
        for y in changed:
            self._strips.pop(y, None)
        if changed:
            self.refresh(*_regions(changed, self.size.width))

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return lines as they are drawn; Textual's own way costs more than to make them."""
        if self.styles.gutter:  # a border, which is Textual's to draw
            return super().render_lines(crop)
        width = self.size.width
        strips = [self._kept(y, width) for y in crop.line_range]
        x1, x2 = crop.column_span
        return strips if (x1, x2) == (0, width) else [strip.crop(x1, x2) for strip in strips]

    def render_line(self, y: int) -> Strip:
        """Return a line as it is drawn."""
        return self._kept(y, self.size.width)

    def _kept(self, y: int, width: int) -> Strip:
        strip = self._strips.get(y)
        if strip is None or strip.cell_length != width:
            strip = self._strips[y] = self._drawn(y, width)
        return strip

    def on_resize(self) -> None:
        """Make the lines anew for another place."""
        self._strips.clear()
        self.redraw()

    def notify_style_update(self) -> None:
        """Forget what was drawn in other colours."""
        if (dress := theme.dress(self)) != self._dress:
            self._dress = dress
            self._strips.clear()
            self._styles_by_words.clear()
        super().notify_style_update()

    def ground(self, y: int) -> str:  # noqa: ARG002 - only some lines have one
        """Return the style words that lie under a whole line."""
        return ""

    @property
    def low_bandwidth(self) -> bool:
        """Whether pictures are left out."""
        return bool(getattr(self.app, "low_bandwidth", False))

    def _drawn(self, y: int, width: int) -> Strip:
        ground = self._style(self.ground(y))
        only_ascii = getattr(self.app, "ascii", False)
        segments = [
            Segment(
                fmt.drawable(text, only_ascii=only_ascii),
                ground + self._over(ground, words),
            )
            for text, words in (self.lines[y] if y < len(self.lines) else ())
        ]
        strip = Strip(segments).adjust_cell_length(width, ground)
        for known in self.app.get_line_filters():
            strip = strip.apply_filter(known, self.styles.background)
        return strip

    def _over(self, ground: Style, words: str) -> Style:
        if ground.reverse:  # without colour every grey would be another fill
            words = "bold" if "bold" in words else ""
        return self._style(words) if words else Style.null()

    def _style(self, words: str) -> Style:
        style = self._styles_by_words.get(words)
        if style is None:
            style = self.rich_style if not words else Style.null()
            for word in words.split():
                style += self._word(word)
            self._styles_by_words[words] = style
        return style

    def _word(self, word: str) -> Style:
        return ATTRIBUTES[word] if word in ATTRIBUTES else theme.style(word, self.app)


def _regions(changed: list[int], width: int) -> list[Region]:
    regions: list[Region] = []
    start = previous = changed[0]
    for y in (*changed[1:], -1):
        if y != previous + 1:
            regions.append(Region(0, start, width, previous - start + 1))
            start = y
        previous = y
    return regions
