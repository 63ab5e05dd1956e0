"""The conditions that last and that somebody should know of, the worst first.

KEY INPUT: a desk, the links, the age of the data, the liquidation under way.
KEY OUTPUT: AlertViews.
"""

from actors.cockpit.moments import ended_ns
from actors.cockpit.scene import Outside
from actors.cockpit.views import AlertView, FlattenView, HeaderView
from actors.desk import Desk
from engine.events import Gate

GRACE_SECONDS = 15.0
"""Beyond a minute since the newest bar's end: from then on it is an alert."""
MOST = 56
"""Characters of an alert's text."""


def alert_views(
    header: HeaderView, flatten: FlattenView | None, desk: Desk, outside: Outside
) -> tuple[AlertView, ...]:
    """Return what lasts now."""
    now = header.now_ns
    found = [
        *_flatten(flatten, now), *_links(header, outside, desk), *_data(header, outside),
        *_orphans(desk), *_breakers(desk), *_quarantined(desk),
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda alert: alert.severity != "danger"))


def _alert(
    text: str, since_ns: int, screen: str, advice: str = "", *, danger: bool = True
) -> AlertView:
    return AlertView(
        severity="danger" if danger else "warning",
        text=text if len(text) <= MOST else text[: MOST - 1] + "…",
        advice=advice,
        since_ns=since_ns,
        screen=screen,
    )


def _flatten(flatten: FlattenView | None, now_ns: int) -> list[AlertView]:
    if flatten is None or flatten.left_ns is None:
        return []
    seconds = (now_ns - flatten.left_ns) // 60_000_000_000 * 60
    advice = f"close it at the broker by hand if it stays: {flatten.left}"
    return [_alert(f"NOT FLAT after {seconds} s: {flatten.left}", flatten.left_ns, "1", advice)]


def _links(header: HeaderView, outside: Outside, desk: Desk) -> list[AlertView]:
    found = []
    trip = desk.state.risk.tripped.get(Gate.LOST_STREAM)
    since = (
        ended_ns(trip.ts_ns)
        if trip is not None
        else header.now_ns // 60_000_000_000 * 60_000_000_000
    )
    down = outside.orders_down()
    if header.orders_link == "down":
        found.append(_alert(f"orders down, no entries: {down}", since, "8", down))
    if header.feed_link == "down":
        advice = "it connects again by itself; stops rest at the broker"
        found.append(_alert("the bar stream is down, it connects again", since, "8", advice))
    return found


def _data(header: HeaderView, outside: Outside) -> list[AlertView]:
    trading = header.phase in ("open", "no_entries", "flattening") and header.mode != "replay"
    age = header.data_age_s if header.data_age_s is not None else 0.0
    old = 60.0 + outside.span_ns(GRACE_SECONDS) / 1e9
    if not trading or age < old or header.last_bar_ns is None:
        return []
    ended = ended_ns(header.last_bar_ns)
    words = f"no bar for {_span(age)}: exits work, stops rest at the broker"
    return [_alert(words, ended, "6", "entries stop while it lasts")]


def _span(seconds: float) -> str:
    # in steps, so that the view does not change with every second
    return f"{int(seconds // 15) * 15} s" if seconds < 120 else f"{int(seconds // 60)} min"


def _orphans(desk: Desk) -> list[AlertView]:
    found = [desk.state.ledger.orphan(symbol) for symbol in desk.state.risk.orphans]
    return [
        _alert(
            f"no entries: Rotor did not open {orphan.shares:,} {orphan.symbol}",
            orphan.entry_ts_ns, "1",
            f"rotor acknowledge {orphan.symbol} --adopt or --leave, or liquidate it",
        )
        for orphan in found
        if orphan is not None
    ]  # fmt: skip


def _breakers(desk: Desk) -> list[AlertView]:
    found = []
    for _, trip in sorted(desk.state.risk.tripped.items()):
        since = ended_ns(trip.ts_ns)
        advice = "entries are blocked, exits never"
        found.append(_alert(f"no entries: {trip.reason}", since, "6", advice))
    return found


def _quarantined(desk: Desk) -> list[AlertView]:
    told = dict(desk.stats.quarantined)
    return [
        _alert(f"{symbol} is quarantined: no entries in it", ended_ns(ts_ns), "8", danger=False)
        for symbol, ts_ns in sorted(told.items())
    ]
