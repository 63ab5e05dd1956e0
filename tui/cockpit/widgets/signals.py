"""The ladder: every symbol's signal, the ranked ones first, and why each is not traded.

KEY INPUT: SignalView in the view's order.
KEY OUTPUT: lines at 80 and 104 cells; before the open how far each predictor is.

While the cursor was moved within five seconds the order is held, so that no row slips away.
"""

from collections.abc import Sequence

from actors.cockpit.views import CockpitView, SignalView
from tui.cockpit import format as fmt
from tui.cockpit.screens.base import Row
from tui.cockpit.widgets.header import signed_style
from tui.cockpit.widgets.ladder import Ladder, Table
from tui.cockpit.widgets.lines import Line, plain

BROAD = 102
HELD_PULLS = 25
FULL_STRENGTH = 0.08
DIRECTIONS = {1: "L", 0: "·", -1: "S"}
VERDICTS = {"pass": "pass", "reject": "rej", "unproven": "unpr", "quarantined": "QUAR"}
BROAD_VERDICTS = {"unproven": "unprov.", "quarantined": "quarant"}
HEADING = "  RK Δ  SYM   D STRNG           PROB CONF WN% VERD   EDGE PRICE 10m  WHY"
BROAD_HEADING = (
    "  RK Δ  SYM   D STRNG           PROB CONF WIN%    N VERDICT EDGE bp PRICE 20m            WHY"
)
WARM_HEADING = "  SYM   PREDICTOR   ROWS LEARNED"


class Signals(Ladder):
    """Every symbol's signal."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._held_pulls = 0
        self._order: tuple[str, ...] = ()
        self._scale = FULL_STRENGTH

    def table(self, view: CockpitView) -> Table:
        """Return a line per symbol."""
        self.counted = view.header.phase not in {"before", "warming"}
        if not self.counted:
            return _warming(view, 24 if self.size.width >= BROAD else 16)
        signals = self._ordered(view.signals)
        for signal in signals:
            while signal.strength > self._scale:
                self._scale *= 2
        broad = self.size.width >= BROAD
        picture = 0 if self.low_bandwidth else 20 if broad else 10
        rows = [
            (key(signal), signal_row(signal, self._scale, picture, broad=broad))
            for signal in signals
        ]
        heading = BROAD_HEADING if broad else HEADING
        return Table("Signals", self._fact(view, broad=broad), plain(heading, "muted"), rows)

    def age(self) -> bool:
        """Count a pull, also of how long the order is held; tell whether that can be seen."""
        ageing = self._held_pulls > 0
        self._held_pulls -= ageing
        return super().age() or ageing

    def moved(self) -> None:
        """Hold the order for five seconds."""
        self._held_pulls = HELD_PULLS

    def _ordered(self, signals: Sequence[SignalView]) -> Sequence[SignalView]:
        by_symbol = {signal.symbol: signal for signal in signals}
        if self._held_pulls and self._order and set(self._order) == set(by_symbol):
            return [by_symbol[symbol] for symbol in self._order]
        self._order = tuple(by_symbol)
        return signals

    def _counted(self, right: str, place: int, rows: int, total: int) -> str:
        if self._held_pulls:
            return f"order held {-(-self._held_pulls // 5)} s"
        return super()._counted(right, place, rows, total)

    def _fact(self, view: CockpitView, *, broad: bool) -> str:
        bar = f"bar {fmt.minute(view.header.last_bar_ns)}"
        return f"ranked by strength · {bar}" if broad else bar


def signal_row(signal: SignalView, scale: float, picture: int, *, broad: bool = False) -> Line:
    """Return one signal as a line; `picture` is how many closes to show, `scale` a full bar."""
    dull = "muted" if signal.rank is None else ""
    if signal.verdict == "quarantined":
        return _quarantined(signal, picture, broad=broad)
    return (
        ("● " if signal.held else "  ", "info"),
        (fmt.rank(signal.rank) + " ", dull),
        (fmt.rank_change(signal.rank_change) + " ", "muted"),
        (fmt.symbol(signal.symbol) + " ", f"{dull} bold" if signal.held else dull),
        (DIRECTIONS[signal.direction] + " ", dull),
        (fmt.decimal(signal.strength, 3, 5) + " ", dull),
        (fmt.bar(signal.strength / scale, 8, " "), dull or "info"),
        (f" {fmt.decimal(signal.probability, 3, 5)} {fmt.decimal(signal.confidence, 2, 4)} ", dull),
        *_record(signal, dull, broad=broad),
        (fmt.edge(signal.edge_bps, 7 if broad else 6), signed_style(signal.edge_bps or 0.0)),
        *_picture(signal, picture, broad=broad),
        (fmt.words(signal.why, 13 if broad else 11), "" if signal.held else "muted"),
    )


def key(signal: SignalView) -> Row:
    """Return what a key acts on."""
    return Row("signal", signal.symbol, signal.symbol)


def _record(signal: SignalView, style: str, *, broad: bool) -> Line:
    rate = None if signal.win_rate is None else 100 * signal.win_rate
    rejected = "danger" if signal.verdict in {"reject", "quarantined"} else style
    if not broad:
        word = VERDICTS.get(signal.verdict, signal.verdict)
        return ((fmt.decimal(rate, 0, 3) + " ", style), (fmt.words(word, 4) + " ", rejected))
    word = BROAD_VERDICTS.get(signal.verdict, signal.verdict)
    count = fmt.number(str(signal.win_n), 4)
    return ((f"{fmt.decimal(rate, 0, 4)} {count} ", style), (fmt.words(word, 7) + " ", rejected))


def _picture(signal: SignalView, picture: int, *, broad: bool) -> Line:
    place = 20 if broad else 10
    return ((f" {fmt.spark(signal.spark, picture):{place}} ", "muted"),)


def _quarantined(signal: SignalView, picture: int, *, broad: bool) -> Line:
    dashes = f"× {'-':>5} {'':8} {'-':>5} {'-':>4} "
    record = f"{'-':>4} {'-':>4}      quarant" if broad else f"{'-':>3} QUAR"
    return (
        ("   ", ""),
        (f" –    {fmt.symbol(signal.symbol)} ".removeprefix(" "), "muted"),
        (dashes, "muted"),
        (f"{record.replace('     quarant', 'quarant')} ", "danger"),
        (fmt.number("-", 7 if broad else 6), "muted"),
        *_picture(signal, picture, broad=broad),
        (fmt.words("quarantined", 13 if broad else 11), "danger"),
    )


def _warming(view: CockpitView, bar: int) -> Table:
    warm = sum(signal.warm for signal in view.signals)
    first = fmt.minute(view.header.open_ns + 60_000_000_000)
    return Table(
        "Signals · warm-up",
        f"first forecasts at {first} · {warm} of {len(view.signals)} warm",
        plain(f"{WARM_HEADING:<{34 + bar}}LAST CLOSE BEST AGE", "muted"),
        [(key(signal), warming_row(signal, bar)) for signal in view.signals],
    )


def warming_row(signal: SignalView, bar: int = 16) -> Line:
    """Return how far one predictor is."""
    rows, needed = signal.rows_learned, signal.rows_needed
    count = fmt.number(f"{rows:,}/{needed}", 16) if needed else " " * 16
    share = rows / needed if needed else float(signal.warm)
    days = signal.age_minutes // 1440 + 1
    return (
        (f"  {fmt.symbol(signal.symbol)} ", "bold"),
        (f"{'warm' if signal.warm else 'warming':<8}", "" if signal.warm else "warning"),
        (f"{count} ", ""),
        (fmt.bar(share, bar), "info"),
        (f"   {fmt.price(signal.last_usd, 8)} ", ""),
        (f"   {days} day{'s' if days > 1 else ''}", "muted"),
    )
