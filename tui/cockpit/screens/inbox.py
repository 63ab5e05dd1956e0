"""Screen 3: entries that wait for approval, and what became of those before.

KEY INPUT: `inbox` and `inbox_closed` of the view.
KEY OUTPUT: a sheet of cards, the terms of the one under the cursor; approve, dismiss, snooze.

`a` arms exactly the version that is shown, `y` sends it; a newer version disarms it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.content import Content

from actors.cockpit.filtering import Field
from actors.cockpit.views import CardView, ClosedCardView, CockpitView
from tui.cockpit import format as fmt
from tui.cockpit.screens.base import Row
from tui.cockpit.screens.cells import NONE, fixed, in_words, price, rate, utc
from tui.cockpit.screens.sheets import SheetScreen
from tui.cockpit.widgets.column import Cell, Column
from tui.cockpit.widgets.lines import rule
from tui.cockpit.widgets.panel import Panel, Told
from tui.cockpit.widgets.sheet import Sheet

NOTHING = (
    "Nothing waits here. With [inbox] mode = approve each entry waits as a card;",
    "with auto entries go by themselves.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """A row: a card that is open, or one that was closed."""

    id: str
    version: int
    symbol: str
    state: str
    seconds: float
    card: CardView | None
    closed: ClosedCardView | None

    @property
    def side(self) -> str:
        if self.card is None:
            return NONE
        return "LONG" if self.card.direction > 0 else "SHORT"

    @property
    def expires(self) -> str:
        return in_words(self.seconds) if self.card is not None else NONE


def _entries(view: CockpitView) -> list[_Entry]:
    now = view.header.now_ns
    return [_opened(card, now) for card in view.inbox] + [_was(c) for c in view.inbox_closed]


def _opened(card: CardView, now_ns: int) -> _Entry:
    seconds = max(0.0, (card.expires_ns - now_ns) // 1_000_000_000)
    state = "approved" if card.approved_by else "open" if seconds else "expired"
    return _Entry(
        id=card.id, version=card.version, symbol=card.symbol, state=state, seconds=seconds,
        card=card, closed=None,
    )  # fmt: skip


def _was(closed: ClosedCardView) -> _Entry:
    return _Entry(
        id=closed.id, version=closed.version, symbol=closed.symbol, state=closed.status,
        seconds=0.0, card=None, closed=closed,
    )  # fmt: skip


def _key(entry: _Entry) -> str:
    return f"{entry.id} {entry.version} {entry.card is None}"


def _state(entry: _Entry) -> Cell:
    urgent = entry.state == "open" and entry.seconds < 15
    return entry.state, "warning" if urgent else "" if entry.state == "open" else "muted"


def _of_card(read: Callable[[CardView], Field]) -> Callable[[_Entry], Field]:
    return lambda entry: None if entry.card is None else read(entry.card)


def _cell(read: Callable[[CardView], str]) -> Callable[[_Entry], str]:
    return lambda entry: NONE if entry.card is None else read(entry.card)


COLUMNS: tuple[Column[_Entry], ...] = (
    Column(field="id", heading="ID", width=14, left=True, words=True,
           value=lambda e: e.id, cell=lambda e: e.id),
    Column(field="sym", heading="SYM", width=5, left=True, words=True,
           value=lambda e: e.symbol, cell=lambda e: e.symbol),
    Column(field="side", heading="SIDE", width=5, left=True, words=True,
           value=lambda e: e.side, cell=lambda e: e.side),
    Column(field="shares", heading="SHARES", width=6,
           value=_of_card(lambda c: c.shares), cell=_cell(lambda c: f"{c.shares:,}")),
    Column(field="limit", heading="LIMIT", width=7,
           value=_of_card(lambda c: c.limit_usd), cell=_cell(lambda c: price(c.limit_usd))),
    Column(field="rr", heading="R:R", width=4, value=_of_card(lambda c: c.reward_to_risk),
           cell=_cell(lambda c: fixed(c.reward_to_risk, 1))),
    Column(field="win", heading="WIN%", width=4,
           value=_of_card(lambda c: 100 * c.win_rate), cell=_cell(lambda c: rate(c.win_rate))),
    Column(field="conf", heading="CONF", width=4,
           value=_of_card(lambda c: c.confidence), cell=_cell(lambda c: fixed(c.confidence))),
    Column(field="expires", heading="EXPIRES", width=7,
           value=lambda e: e.seconds if e.card else None,
           cell=lambda e: (e.expires, _state(e)[1])),
    Column(field="state", heading="STATE", width=9, left=True, words=True,
           value=lambda e: e.state, cell=_state),
    Column(field="risk", heading="RISK $", width=9, least=120,
           value=_of_card(lambda c: c.risk_usd), cell=_cell(lambda c: fixed(c.risk_usd))),
    Column(field="stop", heading="STOP", width=7, least=120,
           value=_of_card(lambda c: c.stop_usd), cell=_cell(lambda c: price(c.stop_usd))),
    Column(field="target", heading="TARGET", width=7, least=120,
           value=_of_card(lambda c: c.target_usd), cell=_cell(lambda c: price(c.target_usd))),
    Column(field="until", heading="UNTIL", width=5, left=True, words=True, least=120,
           value=_of_card(lambda c: fmt.minute(c.expires_ns)),
           cell=_cell(lambda c: fmt.minute(c.expires_ns)),
           exported=_of_card(lambda c: utc(c.expires_ns))),
    Column(field="binding", heading="SIZE BOUND BY", width=22, left=True, words=True, least=150,
           value=_of_card(lambda c: c.binding), cell=_cell(lambda c: c.binding)),
)  # fmt: skip


class InboxScreen(SheetScreen):
    """Cards to say yes or no to."""

    number: ClassVar[str] = "3"
    title_word: ClassVar[str] = "Inbox"

    def __init__(self) -> None:
        super().__init__()
        self._view: CockpitView | None = None
        self._armed: tuple[str, int] | None = None
        self._known: frozenset[str] = frozenset()
        """Cards that were open when it was last drawn."""

    def body(self) -> ComposeResult:
        """Lay out crumb, sheet, card, history."""
        yield Panel(id="crumb")
        yield Sheet[_Entry](COLUMNS, _key)
        yield Panel(id="card")
        yield Panel(id="history")

    def draw_body(self, view: CockpitView) -> None:
        """Draw the cards."""
        self._view = view
        self.sheet.give(_entries(view))
        self._meet_new(view)
        self.draw_rest()

    def _meet_new(self, view: CockpitView) -> None:
        """Put the cursor on a card that came, if it is on one that is over."""
        before, self._known = self._known, frozenset(card.id for card in view.inbox)
        row, new = self.sheet.row, [card for card in view.inbox if card.id not in before]
        if new and row is not None and row.card is None:
            self.sheet.move_to(_key(_opened(new[0], view.header.now_ns)))

    def tick_body(self, view: CockpitView) -> None:
        """Count down."""
        if view.inbox:
            self.draw_body(view)

    def draw_rest(self) -> None:
        """Draw the card under the cursor."""
        view = self._view
        if view is None:
            return
        self.draw_crumb(f"{len(view.inbox)} open")
        if not self._is_armed(self.sheet.row):
            self._armed = None  # the cursor went on, or a newer version came
        self._draw_card(self.sheet.row)
        self.query_one("#history", Panel).tell(_history(view, self.size.width))

    def _draw_card(self, entry: _Entry | None) -> None:
        place = self.query_one("#card", Panel)
        title = _title(entry) if entry is not None else "no card"
        shown = fmt.drawable(title, only_ascii=self.cockpit.ascii)
        place.border_title = Content(shown).markup
        place.set_class(self._is_armed(entry), "-armed")
        if entry is None:
            place.tell(NOTHING)
        elif entry.card is None:
            place.tell(_end(entry))
        else:
            place.tell(_terms(entry.card, armed=self._is_armed(entry)))

    def on_screen_suspend(self) -> None:
        """Take the `a` back: `y` never sends what was armed before another screen was looked at."""
        self._armed = None

    def _is_armed(self, entry: _Entry | None) -> bool:
        return entry is not None and self._armed == (entry.id, entry.version)

    def approve_card(self) -> None:
        """Arm the version under the cursor: `y` then sends it."""
        entry = self._open_entry("approve")
        if entry is not None:
            self._armed = (entry.id, entry.version)
            self.draw_rest()
            self.cockpit.say(f"{entry.id} v{entry.version}: y approves it", "note")

    def apply(self) -> None:
        """Approve exactly the version that was armed, if it is still the one shown."""
        entry = self._open_entry("approve")
        if entry is None:
            return
        if not self._is_armed(entry):
            self.cockpit.say("press a first: it shows the version that y sends", "error")
            return
        self._armed = None
        self._give("approve", entry)

    def dismiss_card(self) -> None:
        """Dismiss the card under the cursor."""
        entry = self._open_entry("dismiss")
        if entry is not None:
            self._give("dismiss", entry)

    def snooze_card(self) -> None:
        """Take the card under the cursor away for five minutes."""
        entry = self._open_entry("snooze")
        if entry is not None:
            self._give("snooze", entry)

    def _open_entry(self, what: str) -> _Entry | None:
        entry: _Entry | None = self.sheet.row
        if entry is None:
            self.cockpit.say(f"no card to {what}", "error")
        elif entry.state != "open":
            self.cockpit.say(f"{entry.id} is {entry.state}: nothing sent", "error")
        else:
            return entry
        return None

    def _give(self, verb: str, entry: _Entry) -> None:
        self.cockpit.give({"verb": verb, "card": entry.id, "version": entry.version})

    @property
    def selected(self) -> Row | None:
        """Return the card under the cursor."""
        entry: _Entry | None = self.sheet.row
        return None if entry is None else Row("card", entry.id, entry.symbol)


def _title(entry: _Entry) -> str:
    side = f" {entry.side.lower()}" if entry.card else ""
    end = f"expires in {entry.expires}" if entry.state == "open" else entry.state
    return f"{entry.id} · {entry.symbol}{side} · {end}"


def _terms(card: CardView, *, armed: bool) -> list[Told]:
    action = "buys " if card.direction > 0 else "sells"
    out = f", rotates out {card.rotates_out}" if card.rotates_out else ""
    said = (
        ("y sends exactly this version; moving on takes the a back", "warning")
        if armed
        else ("a approve, then y sends exactly this version · d dismiss · z snooze 5 min", "info")
    )
    exits = f"stop {price(card.stop_usd)}   target {price(card.target_usd)}"
    signal = f"confidence {card.confidence:.2f}   win rate {rate(card.win_rate)}%"
    return [
        f"{action}   {card.shares:,} {card.symbol} to {price(card.limit_usd)} at the worst{out}",
        f"size    bound by {card.binding}; {card.risk_usd:,.2f} lost if the stop holds",
        f"exits   {exits}   reward to risk {card.reward_to_risk:.1f}",
        f"signal  {signal}   verdict {card.verdict}",
        f"record  {card.evidence}",
        f"after   heat {card.heat_after_usd:,.2f} of {card.heat_limit_usd:,.2f}",
        f"version {card.version}, until {fmt.minute(card.expires_ns)}; a newer one replaces it",
        (said,) if not card.approved_by else f"approved by {card.approved_by}",
    ]


def _end(entry: _Entry) -> list[Told]:
    closed = entry.closed
    assert closed is not None
    by = f" by {closed.actor}" if closed.actor else ""
    return [
        f"version {closed.version} was {closed.status}{by} at {fmt.minute(closed.at_ns)}",
        closed.reason,
    ]


def _history(view: CockpitView, width: int) -> list[Told]:
    counts: dict[str, int] = {}
    for closed in view.inbox_closed:
        counts[closed.status] = counts.get(closed.status, 0) + 1
    fact = " · ".join(f"{count} {status}" for status, count in counts.items())
    return [
        rule("History today", fact or "nothing yet", width),
        (("  TIME  ID             SYM   DID       BY             OUTCOME", "muted"),),
        *(
            ((f"  {fmt.minute(c.at_ns)} ", "muted"),
             f"{c.id:<14} {c.symbol:<5} {c.status:<9} {c.actor or 'the clock':<14} {c.reason}")
            for c in view.inbox_closed
        ),
    ]  # fmt: skip
