"""The book: one line per slot, and no line ever moves.

KEY INPUT: PositionView by slot, MoneyView, RiskView.
KEY OUTPUT: lines at 80, 120 and 160 cells.
"""

from actors.cockpit.views import CockpitView, PositionView
from tui.cockpit import format as fmt
from tui.cockpit.screens.base import Row
from tui.cockpit.widgets.header import MINUTE_NS, signed_style
from tui.cockpit.widgets.ladder import Ladder, Table, free
from tui.cockpit.widgets.lines import Line, Piece, plain

WIDE, SPLENDID, FULL = 120, 150, 160
NEAR_STOP_PCT = 0.3
MARKS = {
    "held": (" ", ""),
    "exiting": ("→", "warning"),
    "flat": ("✓", "profit"),
    "orphan": ("!", "danger"),
    "cold": ("◦", "muted"),
}
HEADINGS = {
    80: "  SYM   D SHARES   ENTRY    LAST      P&L $   P&L% BAR STOP% ┼● TGT%    RK STRNG",
    120: "  SYM   SIDE   SHARES    ENTRY     LAST       P&L $   P&L % BARS    STOP"
    "  %     stop ─ target  %   TARGET RK Δ  STRNG",
    150: "  SYM   SIDE   SHARES    ENTRY     LAST       P&L $   P&L %  VALUE $   EQ% BARS   MAE%"
    "   MFE%    STOP  %      stop ─── target  %    TARGET RK Δ  STRNG PRICE 9m",
}


class Positions(Ladder):
    """What is held, in which slot, and how far its exits are."""

    def table(self, view: CockpitView) -> Table:
        """Return a line per slot; words when nothing is held."""
        width = self.size.width
        held = {position.slot: position for position in view.positions}
        left = f"Positions {sum(p.state != 'flat' for p in view.positions)}/{view.max_positions}"
        if not held:
            return Table(left, "cash only", plain(), _nothing_held(view))
        slots = range(max(view.max_positions, *(slot + 1 for slot in held)))
        spark = 0 if self.low_bandwidth or width < FULL else 9
        rows = [
            (_key(held[slot]), position_row(held[slot], width, spark))
            if slot in held
            else free("  · free")
            for slot in slots
        ]
        return Table(left, _exposure(view, width), plain(_heading(width), "muted"), rows)


def position_row(position: PositionView, width: int, spark: int = 0) -> Line:
    """Return one position as a line; `spark` is how many closes to picture."""
    if width < WIDE:
        return _narrow(position)
    splendid = width >= SPLENDID
    extra = _splendid_only(position) if splendid else ()
    mae = _excursions(position) if splendid else ()
    gauge = 19 if splendid else 15
    trailing = "t" if position.stop_trailing and position.stop_usd is not None else " "
    change = fmt.rank(position.rank, 0 if position.rank is None else 1).strip("#")
    return (
        *_head(position, f"{position.side.upper():<5}", 7, 8),
        *_result(position, 11, 7),
        *extra,
        (f" {fmt.number(str(position.bars_held), 4)} ", ""),
        *mae,
        (fmt.price(position.stop_usd, 7) + trailing + " ", ""),
        *_way(position, gauge, "flat, confirmed", "bracket cancelled"),
        (" " + fmt.price(position.target_usd, 7), ""),
        (f" {(change + fmt.rank_change(position.rank_change).strip()):>4} ", ""),
        (fmt.decimal(position.strength, 3, 6), ""),
        (" " + fmt.spark(position.spark, spark) if spark else "", "muted"),
    )


def _narrow(position: PositionView) -> Line:
    return (
        *_head(position, position.side[0].upper(), 6, 7),
        *_result(position, 10, 6),
        (f" {fmt.number(str(position.bars_held), 3)} ", ""),
        *_way(position, 8, "flat, confirmed", "stop, target off"),
        (f" {fmt.rank(position.rank)} ", ""),
        (fmt.decimal(position.strength, 3, 5), ""),
    )


def _head(position: PositionView, side: str, shares: int, price: int) -> Line:
    glyph, style = MARKS[position.state]
    return (
        (glyph + " ", style),
        (fmt.symbol(position.symbol) + " ", "bold"),
        (f"{side} {fmt.shares(position.shares, shares)} ", ""),
        (fmt.price(position.entry_usd, price) + " ", ""),
        (fmt.price(position.last_usd, price), "live"),
        (" ", ""),
    )


def _result(position: PositionView, pnl: int, percent: int) -> Line:
    style = signed_style(position.pnl_usd)
    return (
        (fmt.pnl(position.pnl_usd, pnl), f"live {style}".strip()),
        (" " + fmt.percent(position.pnl_pct, percent), style),
    )


def _splendid_only(position: PositionView) -> Line:
    value = fmt.number(f"{position.value_usd:,.0f}", 8)
    return ((f" {value} {fmt.decimal(position.value_pct, 1, 5)}", ""),)


def _excursions(position: PositionView) -> Line:
    return ((f"{fmt.percent(position.mae_pct)} {fmt.percent(position.mfe_pct)} ", "muted"),)


def _way(position: PositionView, width: int, flat: str, exiting: str) -> tuple[Piece, ...]:
    if position.state == "flat":
        return ((fmt.words(flat, width + 8), "profit"),)
    if position.state == "exiting" and position.stop_pct is None:
        return ((fmt.words(exiting, width + 8), "warning"),)
    text = fmt.bracket(
        position.stop_pct,
        position.target_pct,
        position.gauge_entry,
        position.gauge_last,
        width,
    )
    near = position.stop_pct is not None and position.stop_pct < NEAR_STOP_PCT
    return ((text[:4], "warning" if near else ""), (text[4:-4], "info"), (text[-4:], ""))


def _key(position: PositionView) -> Row:
    return Row("position", position.symbol, position.symbol)


def _heading(width: int) -> str:
    text = HEADINGS[max(size for size in HEADINGS if size <= max(width, 80))]
    return text if width >= FULL or width < SPLENDID else text.removesuffix(" PRICE 9m")


def _exposure(view: CockpitView, width: int) -> str:
    unrealised, exposure = view.money.unrealised_usd, view.money.exposure_pct
    profit = fmt.arrow(unrealised) + fmt.signed_usd(unrealised)
    if width < SPLENDID:
        return f"unreal {profit}  exposure {exposure:.0f}%"
    heat = next((one for one in view.risk.limits if one.name == "heat"), None)
    words = f"heat {heat.measure:.2f}% of {heat.limit:g}%" if heat else ""
    ends = "stops off" if view.flatten and not view.flatten.confirmed_ns else words
    return f"unrealised {profit}   exposure {exposure:.1f}%   {ends}".rstrip()


def _nothing_held(view: CockpitView) -> list[tuple[None, Line]]:
    cash = f"   cash {fmt.usd(view.money.cash_usd)} · {view.max_positions} slots free"
    if view.header.phase in {"before", "warming"}:
        first = view.header.open_ns + MINUTE_NS
        cash += f" · first decision {fmt.minute(first)}, first fill {fmt.minute(first + MINUTE_NS)}"
    return [(None, plain("   no positions", "bold")), free(cash)]
