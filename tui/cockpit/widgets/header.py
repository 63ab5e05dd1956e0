"""Rows 1 and 2 of every screen: mode and clock, and money.

KEY INPUT: HeaderView, MoneyView, TransportView.
KEY OUTPUT: two lines at any width; for real money the whole first one is filled.
"""

from collections.abc import Sequence

from actors.cockpit.views import CockpitView, HeaderView, MoneyView, TransportView
from tui.cockpit import format as fmt
from tui.cockpit.widgets.lines import Line, Lines, Piece, cut, spread, text_of

WIDE, SPLENDID = 120, 150
FRESH_PULLS = 5
MINUTE_NS = 60_000_000_000
STALE_SECONDS, DEAD_SECONDS = 65, 75
LINKS = {"up": ("●", "profit"), "connecting": ("◦", "warning"), "down": ("✗", "danger")}


class Header(Lines):
    """Mode, clock, money; a trading mode that changed is reversed for a second."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._trading_mode = ""
        self._fresh_pulls = 0

    def draw(self, view: CockpitView) -> None:
        """Show a view."""
        mode = view.header.trading_mode
        changed = self._trading_mode not in {"", mode} and not self.low_bandwidth
        self._fresh_pulls = FRESH_PULLS if changed else max(self._fresh_pulls - 1, 0)
        self._trading_mode = mode
        super().draw(view)

    def make(self, view: CockpitView) -> Sequence[Line]:
        """Return both rows."""
        width = self.size.width
        return (
            mode_row(view, width, twice=self.app.no_color, fresh=self._fresh_pulls > 0),
            money_row(view, width, picture=not self.low_bandwidth),
        )

    def ground(self, y: int) -> str:
        """Return the fill of the first row when money is real."""
        return "mode-live" if y == 0 and self.view and self.view.header.mode == "live" else ""


def mode_row(view: CockpitView, width: int, *, twice: bool = False, fresh: bool = False) -> Line:
    """Return mode, trading mode, clock, time left, age of the data, links.

    `twice`: LIVE is written at the row's end too, where no colour can say it; `fresh`: the
    trading mode is another one than before.
    """
    header = view.header
    wide = width >= WIDE
    fill = {"paper": "mode-paper", "live": "mode-live", "replay": "mode-replay"}[header.mode]
    left: Line = ((f" {header.mode.upper()} ", f"{fill} bold"), *_trading_mode(header, fresh=fresh))
    if wide:
        left = (*left, ("  " + _whose(view, width), ""))
    gap = "   " if wide else "  "
    clock = f"{fmt.clock(header.now_ns)} ET"
    if wide:
        clock = f"{fmt.day(header.session_date, year=header.mode == 'replay')}  {clock}"
    end = _place(view.transport, gap) if view.transport else _links(header, gap, wide=wide)
    others = header.viewers > 1 and width >= SPLENDID
    seen = ((gap, ""), (f"viewers {header.viewers}", "")) if others else ()
    right = (
        (clock, ""), (gap, ""), _time_left(header, wide=wide), (gap, ""), *end, *seen, (" ", ""),
    )  # fmt: skip
    if twice and header.mode == "live":
        right = (*right, ("LIVE ", "bold"))
    line = ends(left, right, width)
    return tuple(_on_fill(piece) for piece in line) if header.mode == "live" else line


def money_row(view: CockpitView, width: int, *, picture: bool = True) -> Line:
    """Return equity, the day, drawdown, cash, inbox."""
    money = view.money
    style = signed_style(money.day_usd)
    left: Line = (
        (f" equity {fmt.usd(money.equity_usd)}  day ", ""),
        (fmt.arrow(money.day_usd), style),
        (" " + fmt.signed_usd(money.day_usd), f"{style} bold"),
        (" " + fmt.signed_percent(money.day_pct), style),
    )
    if money.run_pct is not None:
        run = f"{fmt.arrow(money.run_pct)} {fmt.signed_percent(money.run_pct)}"
        left = (*left, ("  run ", ""), (run, signed_style(money.run_pct)))
    if width >= WIDE:
        return ends((*left, *_split(view, width)), _right_of_wide(view, width), width)
    inbox = view.transport is None
    right = (_drawdown(view), *(((f"  inbox {view.header.inbox_open}", ""),) if inbox else ()))
    room = width - sum(len(text) for text, _ in (*left, *right)) - 5
    spark = _day_spark(money, min(max(room, 0), 16)) if picture else ""
    return ends((*left, ("  " + spark, "muted")), (*right, (" ", "")), width)


def ends(left: Line, right: Line, width: int) -> Line:
    """Return both parts apart; where there is no room for both, what comes first is kept."""
    if len(text_of(left)) + len(text_of(right)) > width:
        return cut((*left, *right), width)
    return spread(left, right, width)


def signed_style(value: float) -> str:
    """Return profit or loss by the sign of what is shown; neither for nothing."""
    return {"▲": "profit", "▼": "loss"}.get(fmt.arrow(value), "")


def _trading_mode(header: HeaderView, *, fresh: bool) -> Line:
    badges = {"ACTIVE": "", "FLATTENING": "badge-danger "}
    style = badges.get(header.trading_mode, "badge-warning ") + "bold"
    return ((f" {header.trading_mode} ", style + (" reverse" if fresh else "")),)


def _whose(view: CockpitView, width: int) -> str:
    header = view.header
    readonly = " · read-only" if header.readonly else ""
    if width < SPLENDID:
        return header.strategy + readonly
    if header.mode == "replay":
        symbols = [signal.symbol for signal in view.signals]
        span = f" · {symbols[0]} … {symbols[-1]} ({len(symbols)})" if symbols else ""
        return f"run {header.run_id}{span}{readonly}"
    return f"{header.strategy} · account {header.account}{readonly}"


def _time_left(header: HeaderView, *, wide: bool) -> Piece:
    if header.phase == "closed":
        return "closed", "muted"
    word, at = ("opens", header.open_ns) if header.now_ns < header.open_ns else _next(header)
    left = at - header.now_ns
    style = "danger" if left < 2 * MINUTE_NS else "warning" if left < 15 * MINUTE_NS else ""
    return f"{word}{' in' if wide else ''} {fmt.duration(left)}", style if word != "opens" else ""


def _next(header: HeaderView) -> tuple[str, int]:
    if header.now_ns < header.flatten_ns:
        return "flatten", header.flatten_ns
    return "closes", header.close_ns


def _links(header: HeaderView, gap: str, *, wide: bool) -> Line:
    age = header.data_age_s
    late = age is not None and age >= STALE_SECONDS
    dead = age is not None and age >= DEAD_SECONDS
    return (
        ("data " + fmt.age(age), "danger" if dead else "warning" if late else ""),
        (gap, ""),
        *_link("feed", header.feed_link),
        ("  " if wide else " ", ""),
        *_link("orders", header.orders_link),
    )


def _link(name: str, state: str) -> Line:
    glyph, style = LINKS.get(state, (fmt.MISSING, "muted"))
    return ((f"{name} ", style if state == "down" else ""), (glyph, style))


def _place(transport: TransportView, gap: str) -> Line:
    return (
        (f"bar {transport.minute}/{transport.minutes}", ""),
        (gap, ""),
        (speed(transport), "" if transport.playing else "muted"),
    )


def speed(transport: TransportView) -> str:
    """Return a replay's speed, `60×`."""
    return "max" if transport.speed is None else f"{transport.speed:g}×"


def _split(view: CockpitView, width: int) -> Line:
    if view.money.run_pct is not None and width < SPLENDID + 10:
        return ()
    return tuple(
        piece
        for gap, word, value in (
            ("   ", "realised", view.money.realised_usd),
            ("  ", "unrealised", view.money.unrealised_usd),
        )
        for piece in ((f"{gap}{word} ", ""), (fmt.signed_usd(value), signed_style(value)))
    )


def _right_of_wide(view: CockpitView, width: int) -> Line:
    money = view.money
    splendid = width >= SPLENDID
    deepest = f" (max {fmt.drawdown(money.max_drawdown_pct)})" if splendid else ""
    alerts = f"   alerts {len(view.alerts)}" if splendid else ""
    return (
        _drawdown(view),
        (deepest, "muted"),
        (f"   cash {fmt.usd(money.cash_usd)}   inbox {view.header.inbox_open}", ""),
        (alerts, "danger" if view.alerts else ""),
        (" ", ""),
    )


def _drawdown(view: CockpitView) -> Piece:
    limit = next((one.limit for one in view.risk.limits if one.name == "drawdown"), 0.0)
    deep = limit > 0 and -view.money.drawdown_pct >= limit / 2
    return f"dd {fmt.drawdown(view.money.drawdown_pct)}", "warning" if deep else ""


def _day_spark(money: MoneyView, width: int) -> str:
    values = money.equity_spark
    if not values or width < 4:
        return ""
    return fmt.spark([values[at * len(values) // width] for at in range(width)], width)


def _on_fill(piece: Piece) -> Piece:
    text, style = piece
    kept = " ".join(word for word in ("bold", "reverse") if word in style)
    return text, f"mode-live {kept}".strip() if not style.startswith("badge") else style
