"""Screen 2: the session's round trips, and all about the one under the cursor.

KEY INPUT: `trades` and `stats` of the view; a symbol's prices, asked for.
KEY OUTPUT: a sheet, the totals, the detail, and from 36 lines on the price between in and out.
"""

from typing import ClassVar

from textual.app import ComposeResult

from actors.cockpit.asked import SymbolView
from actors.cockpit.views import CockpitView, StatsView, TradeView
from tui.cockpit import format as fmt
from tui.cockpit.asking import asked
from tui.cockpit.screens.base import Row
from tui.cockpit.screens.cells import (
    fixed,
    money,
    price,
    rate,
    signed,
    tone,
    utc,
)
from tui.cockpit.screens.chart import Chart, Mark
from tui.cockpit.screens.sheets import MINUTE_NS, AskingScreen, SheetScreen
from tui.cockpit.widgets.column import Cell, Column
from tui.cockpit.widgets.lines import rule
from tui.cockpit.widgets.panel import Panel, Told
from tui.cockpit.widgets.sheet import Sheet

AROUND = 7
"""Minutes of price shown before the entry and after the exit."""
PRICE_LINES = 10


def _side(trade: TradeView) -> str:
    return "long" if trade.direction > 0 else "short"


COLUMNS: tuple[Column[TradeView], ...] = (
    Column(field="n", heading="#", width=3, value=lambda t: t.number, cell=lambda t: f"{t.number}"),
    Column(field="in", heading="IN", width=5, left=True, words=True,
           value=lambda t: fmt.minute(t.in_ns), cell=lambda t: (fmt.minute(t.in_ns), "muted"),
           exported=lambda t: utc(t.in_ns)),
    Column(field="out", heading="OUT", width=5, left=True, words=True,
           value=lambda t: fmt.minute(t.out_ns), cell=lambda t: (fmt.minute(t.out_ns), "muted"),
           exported=lambda t: utc(t.out_ns)),
    Column(field="sym", heading="SYM", width=5, left=True, words=True,
           value=lambda t: t.symbol, cell=lambda t: t.symbol),
    Column(field="side", heading="D", width=1, left=True, words=True,
           value=_side, cell=lambda t: _side(t)[0].upper()),
    Column(field="shares", heading="SHARES", width=6,
           value=lambda t: t.shares, cell=lambda t: f"{t.shares:,}"),
    Column(field="entry", heading="ENTRY", width=7,
           value=lambda t: t.entry_usd, cell=lambda t: price(t.entry_usd)),
    Column(field="exit", heading="EXIT", width=7,
           value=lambda t: t.exit_usd, cell=lambda t: price(t.exit_usd)),
    Column(field="pnl", heading="P&L $", width=10,
           value=lambda t: t.pnl_usd, cell=lambda t: money(t.pnl_usd)),
    Column(field="pct", heading="P&L%", width=6,
           value=lambda t: t.pnl_pct, cell=lambda t: signed(t.pnl_pct)),
    Column(field="bars", heading="BAR", width=3,
           value=lambda t: t.bars, cell=lambda t: f"{t.bars}"),
    Column(field="why", heading="WHY", width=6, left=True, words=True,
           value=lambda t: t.label, cell=lambda t: t.label),
    Column(field="mae", heading="MAE%", width=6, least=120,
           value=lambda t: t.mae_pct, cell=lambda t: signed(t.mae_pct)),
    Column(field="mfe", heading="MFE%", width=6, least=120,
           value=lambda t: t.mfe_pct, cell=lambda t: signed(t.mfe_pct)),
    Column(field="costs", heading="COSTS", width=6, least=120,
           value=lambda t: t.costs_usd, cell=lambda t: fixed(t.costs_usd)),
    Column(field="said", heading="SAID%", width=5, least=150,
           value=lambda t: t.said_win_rate, cell=lambda t: rate(t.said_win_rate)),
    Column(field="edge", heading="EDGE bp", width=7, least=150,
           value=lambda t: t.said_edge_bps, cell=lambda t: signed(t.said_edge_bps, 1)),
    Column(field="reason", heading="REASON", width=0, left=True, least=120, words=True,
           value=lambda t: t.exit_reason, cell=lambda t: (t.exit_reason, "muted")),
)  # fmt: skip


class TradesScreen(SheetScreen, AskingScreen):
    """What was bought and sold, and what came of it."""

    number: ClassVar[str] = "2"
    title_word: ClassVar[str] = "Trades"

    def __init__(self) -> None:
        super().__init__()
        self._stats: StatsView | None = None
        self._net_usd = 0.0
        self._open_ns = 0
        self._symbol: SymbolView | None = None
        self._wanted = ""

    def body(self) -> ComposeResult:
        """Lay out crumb, sheet, totals, detail, price."""
        yield Panel(id="crumb")
        yield Sheet[TradeView](COLUMNS, lambda t: f"{t.number}", order="out", descending=True)
        yield Panel(id="totals")
        yield Panel(id="trade")
        yield Panel(id="trade-price")

    def draw_body(self, view: CockpitView) -> None:
        """Draw the round trips; they change when one ends."""
        self._stats = view.stats
        self._net_usd = sum(trade.pnl_usd for trade in view.trades)
        self._open_ns = view.header.open_ns
        self.sheet.give(view.trades)
        self.draw_rest()

    def draw_rest(self) -> None:
        """Draw crumb, totals, and the round trip under the cursor."""
        self.draw_crumb("today")
        if self._stats is not None:
            self.query_one("#totals", Panel).tell([_totals(self._stats, self._net_usd)])
        trade = self.sheet.row
        nothing = rule("No round trip yet", "", self.size.width)
        told = _detail(trade, self.size.width) if trade is not None else [nothing]
        self.query_one("#trade", Panel).tell(told)
        self._draw_price(trade)
        if trade is not None and trade.symbol != self._wanted:
            self._wanted = trade.symbol
            self.ask_now()

    async def ask(self) -> None:
        """Ask for the prices of the symbol under the cursor, where there is room for them."""
        trade = self.sheet.row
        if trade is not None and self.query_one("#trade-price").display:
            self._symbol = await asked(
                self.cockpit.source, SymbolView, "symbol", symbol=trade.symbol
            )

    def draw_answer(self) -> None:
        """Draw the price, or why there is none."""
        self._draw_price(self.sheet.row)

    def _draw_price(self, trade: TradeView | None) -> None:
        place = self.query_one("#trade-price", Panel)
        if trade is None or not place.display:
            place.tell([])
        elif self.trouble:
            place.tell([rule("Price", "", self.size.width), f" ✗ {self.trouble}"])
        elif self._symbol is None or self._symbol.symbol != trade.symbol:
            place.tell([rule("Price", "", self.size.width)])
        else:
            place.tell(_price(trade, self._symbol, self._open_ns, self.size.width))

    @property
    def selected(self) -> Row | None:
        """Return the round trip under the cursor."""
        trade: TradeView | None = self.sheet.row
        return None if trade is None else Row("trade", f"{trade.number}", trade.symbol)


def _totals(stats: StatsView, net_usd: float) -> Told:
    return (
        f" {stats.round_trips} round trip{'s' * (stats.round_trips != 1)}  ",
        f"{stats.wins} won {stats.losses} lost  net ",
        (fmt.signed_usd(net_usd), tone(net_usd)),
        f"  costs {stats.costs_usd:,.2f}  PF {fixed(stats.profit_factor)}",
    )


def _detail(trade: TradeView, width: int) -> list[Told]:
    bought, sold = ("BUY", "SELL") if trade.direction > 0 else ("SELL", "BUY")
    got = 100 * trade.pnl_pct
    entered = f"{fmt.minute(trade.in_ns)} {bought} {trade.shares:,} @ {price(trade.entry_usd)}"
    left = f"{fmt.minute(trade.out_ns)} {sold} {trade.shares:,} @ {price(trade.exit_usd)}"
    worst, best = f"MAE {trade.mae_pct:+.2f}%", f"MFE {trade.mfe_pct:+.2f}%"
    said = f"{rate(trade.said_win_rate)}% win, {signed(trade.said_edge_bps, 1)[0]} bp expected"
    return [
        rule(f"Round trip {trade.number} · {trade.symbol}", "↵ open, e explain", width),
        (_head("in"), f"{entered}   {trade.entry_reason}"),
        (_head("out"), f"{left}   {trade.exit_reason}"),
        (_head("path"), f"{worst}  {best}  {trade.bars} bars   costs {trade.costs_usd:,.2f}"),
        (_head("said"), f"{said} · got ", (f"{got:+.1f} bp", tone(got))),
    ]


def _head(word: str) -> Cell:
    return f" {word:<6}", "muted"


def _price(trade: TradeView, symbol: SymbolView, open_ns: int, width: int) -> list[Told]:
    first, last = ((ns - open_ns) // MINUTE_NS for ns in (trade.in_ns, trade.out_ns))
    begin, end = max(symbol.first_minute, first - AROUND), last + AROUND
    closes = symbol.closes_usd[begin - symbol.first_minute : end - symbol.first_minute]
    chart = Chart(
        first=begin,
        closes=closes,
        marks=(
            Mark(first, entry=True, words=price(trade.entry_usd)),
            Mark(last, entry=False, words=price(trade.exit_usd)),
        ),
    )
    clocks = ((first, fmt.minute(trade.in_ns)), (last, fmt.minute(trade.out_ns)))
    start, stop = (fmt.minute(open_ns + minute * MINUTE_NS) for minute in (begin, end))
    return [
        rule(f"Price {start}-{stop}", "▲ in ▼ out", width),
        *chart.lines(width, PRICE_LINES, clocks),
    ]
