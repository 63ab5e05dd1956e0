"""Screen 4: one symbol in full: price with entries and exits, forecasts, why, calibration.

KEY INPUT: SymbolView, asked for; the symbol's position, signal and decisions from the view.
KEY OUTPUT: the price, and beside or below it what the predictor expects and how right it was.

Below 120 columns the lower half shows one of three things at a time; `tab` turns it.
"""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from actors.cockpit.asked import SymbolView
from actors.cockpit.views import CockpitView
from tui.cockpit import format as fmt
from tui.cockpit.asking import asked
from tui.cockpit.screens.base import Row
from tui.cockpit.screens.calibration import calibration_lines
from tui.cockpit.screens.cells import fixed, price, rate, tone
from tui.cockpit.screens.chart import Chart, Mark
from tui.cockpit.screens.sheets import MINUTE_NS, AskingScreen, crumb
from tui.cockpit.widgets.lines import rule
from tui.cockpit.widgets.panel import Panel, Told

WINDOW = 60
"""Minutes of price; zoomed: the session."""
HALVES = ("learnt", "calibration", "today")


class SymbolScreen(AskingScreen):
    """All about one symbol."""

    number: ClassVar[str] = "4"
    title_word: ClassVar[str] = "Symbol"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right", "turn(1)", "next symbol", id="symbol.next"),
        Binding("left", "turn(-1)", "previous symbol", id="symbol.previous"),
        Binding("tab", "half(1)", "next panel", id="symbol.panel.next", show=False),
        Binding("shift+tab", "half(-1)", "previous panel", id="symbol.panel.previous", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._view: CockpitView | None = None
        self._symbol = ""
        self._answer: SymbolView | None = None
        self._half = 0
        self._whole = False

    def body(self) -> ComposeResult:
        """Lay out crumb, position, price; forecast, contributions, calibration, decisions."""
        yield Panel(id="crumb")
        with Container(id="symbol-body"):
            with Container(id="left"):
                yield Panel(id="held")
                yield Panel(id="price")
                yield Panel(id="today")
            with Container(id="learnt"):
                yield Panel(id="forecasts")
                yield Panel(id="contributions")
                yield Panel(id="calibration")

    def on_mount(self) -> None:
        """Show the first thing of the lower half."""
        self.action_half(0)

    def show_symbol(self, symbol: str) -> None:
        """Show this symbol from now on."""
        if symbol != self._symbol:
            self._symbol, self._answer = symbol, None
            if self.is_current:
                self.ask_now()
                self._draw_all()

    def draw_body(self, view: CockpitView) -> None:
        """Draw what the view has of the symbol."""
        self._view = view
        if not self._symbol:
            first = [p.symbol for p in view.positions] or [s.symbol for s in view.signals]
            if first:
                self.show_symbol(first[0])
        self._draw_all()

    async def ask(self) -> None:
        """Ask for the symbol."""
        wanted = self._symbol
        if wanted:
            answer = await asked(self.cockpit.source, SymbolView, "symbol", symbol=wanted)
            if answer.symbol == self._symbol:
                self._answer = answer

    def draw_answer(self) -> None:
        """Draw what was answered."""
        self._draw_all()

    def action_turn(self, step: int) -> None:
        """Go to the next symbol of the ladder, or the one before."""
        symbols = [signal.symbol for signal in self._view.signals] if self._view else []
        if symbols:
            at = symbols.index(self._symbol) if self._symbol in symbols else 0
            self.show_symbol(symbols[(at + step) % len(symbols)])

    def action_half(self, step: int) -> None:
        """Turn the lower half."""
        self._half = (self._half + step) % len(HALVES)
        for place, name in enumerate(HALVES):
            self.set_class(place == self._half, f"-half-{name}")
        self.call_after_refresh(self._draw_all)

    def zoom(self) -> None:
        """Show the price of the whole session, or of its last hour again."""
        self._whole = not self._whole
        self._draw_all()

    def on_resize(self) -> None:
        """Lay out for another width."""
        self.call_after_refresh(self._draw_all)

    @property
    def selected(self) -> Row | None:
        """Return the symbol: its position if it is held, else its signal."""
        view = self._view
        if view is None or not self._symbol:
            return None
        held = any(position.symbol == self._symbol for position in view.positions)
        return Row("position" if held else "signal", self._symbol, self._symbol)

    def _draw_all(self) -> None:
        view = self._view
        if view is None:
            return
        zoom = "the day" if self._whole else f"{WINDOW}m"
        title = f"{self.number} {self.title_word} › {self._symbol}"
        stale = f"✗ {self.trouble}" if self.trouble and self._answer is not None else ""
        facts = (stale, "← → next symbol", f"z zoom {zoom}")
        self._tell("crumb", [crumb(title, facts, self.size.width)])
        self._tell("held", [_held(view, self._symbol)])
        answer = self._answer
        if answer is None:
            words = f" ✗ {self.trouble}" if self.trouble else " asking the session…"
            self._tell("price", [((words, "danger" if self.trouble else "muted"),)])
            for name in ("forecasts", "contributions", "calibration", "today"):
                self._tell(name, [])
            return
        self._draw_price(view, answer)
        self._tell("forecasts", _forecasts(answer))
        wide = self._width("contributions")
        self._tell("contributions", _contributions(answer, wide))
        size = self.query_one("#calibration").size
        self._tell("calibration", _calibration(answer, size.width, size.height))
        today = self.query_one("#today").size
        self._tell("today", _today(view, answer, today.width, today.height))

    def _draw_price(self, view: CockpitView, answer: SymbolView) -> None:
        place = self.query_one("#price", Panel)
        closes = answer.closes_usd if self._whole else answer.closes_usd[-WINDOW:]
        first = answer.first_minute + len(answer.closes_usd) - len(closes)
        held = next((p for p in view.positions if p.symbol == self._symbol), None)
        levels = (held.stop_usd, held.target_usd) if held else ()
        chart = Chart(
            first=first,
            closes=closes,
            marks=[Mark(minute, entry, price(usd)) for minute, entry, usd in answer.marks],
            levels=[level for level in levels if level is not None],
        )
        last = first + max(0, len(closes) - 1)
        clocks = [
            (minute, fmt.minute(view.header.open_ns + minute * MINUTE_NS))
            for minute in (first, (first + last) // 2, last)
        ]
        place.tell(chart.lines(place.size.width, place.size.height, clocks))

    def _tell(self, name: str, lines: list[Told]) -> None:
        self.query_one(f"#{name}", Panel).tell(lines)

    def _width(self, name: str) -> int:
        return self.query_one(f"#{name}", Panel).size.width


def _held(view: CockpitView, symbol: str) -> Told:
    held = next((p for p in view.positions if p.symbol == symbol), None)
    signal = next((s for s in view.signals if s.symbol == symbol), None)
    ranked = f"  rank {signal.rank or '–'}" if signal else ""
    why = f"  {signal.why}" if signal else ""
    if held is None:
        last = price(signal.last_usd) if signal else fmt.MISSING
        return f" not held  last {last}{ranked}{why}"
    trailing = "t" if held.stop_trailing else ""
    return (
        f" held {held.side} {held.shares:,} @ {price(held.entry_usd)}, ",
        (f"{fmt.signed_usd(held.pnl_usd)} {held.pnl_pct:+.2f}%", tone(held.pnl_usd)),
        f"  stop {price(held.stop_usd)}{trailing}  target {price(held.target_usd)}{ranked}",
    )


def _forecasts(symbol: SymbolView) -> list[Told]:
    head: Told = (("HORIZON MEAN bp HIT%     IC      N", "muted"),)
    return [
        head,
        *(
            (
                f"{f'{row.horizon} min':<7} ",
                (f"{row.mean_bps:>+7.1f}", tone(row.mean_bps)),
                f" {rate(row.hit_rate):>4} {fixed(row.ic, 3):>6} {row.n:>6,}",
            )
            for row in symbol.forecasts
        ),
        "" if symbol.warm else (("not warm yet: no forecast counts", "warning"),),
    ]


def _contributions(symbol: SymbolView, width: int) -> list[Told]:
    most = max((abs(bps) for _, bps in symbol.contributions), default=0.0)
    cells = max(0, width - 28)
    return [
        rule("Why · contributions, bp", "", width),
        *(
            (
                f" {fmt.words(name.replace('_', ' '), 18)} ",
                (f"{bps:>+5.1f} ", tone(bps)),
                (fmt.bar(abs(bps) / most if most else 0.0, cells, " "), "info"),
            )
            for name, bps in symbol.contributions
        ),
    ]


def _calibration(symbol: SymbolView, width: int, height: int) -> list[Told]:
    outcomes = sum(bucket.n for bucket in symbol.calibration)
    return [
        rule("Calibration", f"95% of said · {outcomes} outcomes", width),
        *calibration_lines(symbol.calibration, width, height - 1),
    ]


def _today(view: CockpitView, symbol: SymbolView, width: int, height: int) -> list[Told]:
    decisions = [d for d in view.decisions if d.symbol == symbol.symbol]
    newest = decisions[: max(0, height - 3)]  # the other lines are always there
    trips = sum(trade.symbol == symbol.symbol for trade in view.trades)
    warm = "warm" if symbol.warm else "cold"
    twins = f" · twins {', '.join(symbol.twins)}" if symbol.twins else ""
    more = f" · restarts {symbol.restarts} · leverage {symbol.leverage:g}×{twins}"
    return [
        rule(f"Today in {symbol.symbol}", f"{len(decisions)} decisions, {trips} trips", width),
        *(((f" {fmt.minute(d.at_ns)} ", "muted"), f"{d.label:<6} {d.text}") for d in newest),
        rule("Predictor", view.header.strategy, width),
        f" {warm}, {symbol.rows_learned:,} rows learned{more}",
    ]
