"""Screen 5: what the session's round trips came to, by symbol, hour, confidence or reason.

KEY INPUT: AnalyticsView, asked for.
KEY OUTPUT: the league table of one grouping, `tab` turns it; calibration; from 120 columns on the
other groupings below it. An interval stands beside every win rate.
"""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from actors.cockpit.asked import AnalyticsView, LeagueRow
from actors.cockpit.views import CockpitView
from tui.cockpit import format as fmt
from tui.cockpit.asking import asked
from tui.cockpit.screens.calibration import calibration_lines
from tui.cockpit.screens.cells import NONE, fixed, money, rate, signed, tone
from tui.cockpit.screens.sheets import AskingScreen, SheetScreen
from tui.cockpit.widgets.column import Column
from tui.cockpit.widgets.lines import rule
from tui.cockpit.widgets.panel import Panel, Told
from tui.cockpit.widgets.sheet import Sheet

ALL = "all"
"""The row of all round trips: it stays below, whatever the order."""
GROUPINGS = ("symbol", "hour", "confidence", "reason")
_ROOM = 72
"""From this width on more goes into a line."""
WORDS = {"symbol": "symbols", "hour": "hours", "confidence": "confidence", "reason": "exit reasons"}


def _interval(row: LeagueRow) -> str:
    return NONE if row.low is None else f"{rate(row.low)}-{rate(row.high)}"


COLUMNS: tuple[Column[LeagueRow], ...] = (
    Column(field="key", heading="KEY", width=12, left=True, words=True,
           value=lambda r: r.key, cell=lambda r: r.key),
    Column(field="trades", heading="TRADES", width=6,
           value=lambda r: r.trades, cell=lambda r: f"{r.trades:,}"),
    Column(field="win", heading="WIN%", width=4,
           value=lambda r: None if r.win_rate is None else 100 * r.win_rate,
           cell=lambda r: rate(r.win_rate)),
    Column(field="interval", heading="(95%)", width=7, left=True, words=True,
           value=_interval, cell=lambda r: (_interval(r), "muted")),
    Column(field="pf", heading="PF", width=6,
           value=lambda r: r.profit_factor, cell=lambda r: fixed(r.profit_factor)),
    Column(field="expect", heading="EXPECT $", width=9,
           value=lambda r: r.expectancy_usd, cell=lambda r: signed(r.expectancy_usd)),
    Column(field="total", heading="TOTAL $", width=10,
           value=lambda r: r.total_usd, cell=lambda r: money(r.total_usd)),
)  # fmt: skip


class AnalyticsScreen(SheetScreen, AskingScreen):
    """The league tables."""

    number: ClassVar[str] = "5"
    title_word: ClassVar[str] = "Analytics"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "turn(1)", "next view", id="analytics.next"),
        Binding("shift+tab", "turn(-1)", "previous view", id="analytics.previous", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._by = GROUPINGS[0]
        self._answers: dict[str, AnalyticsView] = {}

    def body(self) -> ComposeResult:
        """Lay out crumb, league table, calibration, scores, baselines, the other groupings."""
        yield Panel(id="crumb")
        with Container(id="analytics-body"):
            with Container(id="left"):
                yield Sheet[LeagueRow](COLUMNS, lambda r: r.key, order="total", descending=True)
                yield Panel(id="all")
                yield Panel(id="others")
            with Container(id="right"):
                yield Panel(id="calibration")
                yield Panel(id="scores")
                yield Panel(id="beside")

    def draw_body(self, view: CockpitView) -> None:  # noqa: ARG002 - asked, not pulled
        """Draw the crumb; the rest is asked for."""
        self.draw_rest()

    async def ask(self) -> None:
        """Ask for the grouping that is shown, and the others where there is room for them."""
        others = GROUPINGS if self.query_one("#others").display else ()
        for by in dict.fromkeys((self._by, *others)):
            answer = await asked(self.cockpit.source, AnalyticsView, "analytics", by=by)
            self._answers[by] = answer

    def draw_answer(self) -> None:
        """Draw what was answered."""
        answer = self._answers.get(self._by)
        rows = answer.rows if answer is not None else ()
        self.sheet.give(row for row in rows if row.key != ALL)
        self.draw_rest()

    def draw_rest(self) -> None:
        """Draw crumb, calibration, scores, baselines, other groupings."""
        self.draw_crumb("tab: next view")
        place = self.query_one("#calibration", Panel)
        answer, width = self._answers.get(self._by), place.size.width
        scores, beside = self.query_one("#scores", Panel), self.query_one("#beside", Panel)
        if self.trouble or answer is None:
            words = f" ✗ {self.trouble}" if self.trouble else " asking the session…"
            place.tell([((words, "danger" if self.trouble else "muted"),)])
            scores.tell([])
            beside.tell([])
            return
        self.query_one("#all", Panel).tell([_short(row) for row in answer.rows if row.key == ALL])
        title = rule("Calibration · all symbols", f"95% of got · n {answer.outcomes}", width)
        place.tell([title, *calibration_lines(answer.calibration, width, place.size.height - 1)])
        scores.tell(_scores(answer, scores.size.width))
        beside.tell(_beside(answer, beside.size.width))
        others = self.query_one("#others", Panel)
        others.tell(self._others(others.size.width))

    def action_turn(self, step: int) -> None:
        """Show the next grouping."""
        self._by = GROUPINGS[(GROUPINGS.index(self._by) + step) % len(GROUPINGS)]
        self.draw_answer()
        self.ask_now()

    def open_row(self) -> None:
        """Show the symbol under the cursor in full."""
        row: LeagueRow | None = self.sheet.row
        if self._by == "symbol" and row is not None:
            self.cockpit.open_symbol(row.key)

    @property
    def crumb_words(self) -> str:
        """Return where one is."""
        return f"{self.number} {self.title_word} › {WORDS[self._by]}"

    def _others(self, width: int) -> list[Told]:
        lines: list[Told] = []
        for by, answer in self._answers.items():
            if by != self._by and answer.rows:
                lines.append(rule(f"By {WORDS[by]}", "", width))
                lines += [_short(row) for row in answer.rows if row.key != ALL]
        return lines


def _short(row: LeagueRow) -> Told:
    total = row.total_usd
    return (
        f"  {fmt.words(row.key, 12)} {row.trades:>6,} {rate(row.win_rate):>4} ",
        (f"{_interval(row):<7} ", "muted"),
        f"{fixed(row.profit_factor):>6} ",
        (f"{signed(row.expectancy_usd)[0]:>9} ", signed(row.expectancy_usd)[1]),
        (fmt.pnl(total), tone(total)),
    )


def _scores(answer: AnalyticsView, width: int) -> list[Told]:
    errors = f" Brier {fixed(answer.brier, 3)}   log-loss {fixed(answer.log_loss, 3)}"
    even = f" break-even cost {fixed(answer.break_even_bps, 1)} bp a side"
    told = "".join(f" {row.horizon}m {row.ic:+.3f} " for row in answer.ic)
    least = min((row.n for row in answer.ic), default=0)
    return [
        rule("Scores", "· said  ● got  ├ ┤ 95%", width),
        *([errors + "  " + even] if width >= _ROOM else [errors, even]),
        f" IC{told} n {least:,}" if told else " IC: no forecast has matured yet",
    ]


def _beside(answer: AnalyticsView, width: int) -> list[Told]:
    day = signed(answer.day_pct)
    places = [row.percentile for row in answer.baselines if row.percentile is not None]
    place = f"closed trips at p{places[0]:.0f} of it" if places else ""
    if width >= _ROOM:
        told = [f"{row.name.partition(',')[0]} {signed(row.pct)[0]}%" for row in answer.baselines]
        return [
            (" this session ", (f"{day[0]}%", day[1]), "  beside  ", "  ".join(told[:2])),
            (f" {'  '.join(told[2:])}  ", (place, "muted")),
        ]
    return [
        rule("Beside it", "same minutes", width),
        (f" {'this session':<33}", (f"{day[0]:>8}%", day[1])),
        *(f" {row.name:<33}{signed(row.pct)[0]:>8}%" for row in answer.baselines),
        ((f" {place}", "muted"),),
    ]
