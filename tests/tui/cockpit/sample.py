"""Fixed views of the cockpit's states, with the numbers of a real session, and a source of them.

Equity is cash plus shares at the last price, the day is realised plus unrealised, and three open
plus nine closed positions are the twelve that were opened. Curves and scores are invented.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from actors.cockpit.views import (
    ActorView,
    AlertView,
    BreakerView,
    CardView,
    ClosedCardView,
    CockpitView,
    CurveView,
    DecisionView,
    FlattenView,
    HeaderView,
    HealthView,
    LimitView,
    MessageView,
    MoneyView,
    OrderView,
    PositionView,
    RiskView,
    SignalView,
    StatsView,
    StepView,
    TradeView,
    TransportView,
)
from tui.cockpit.source import Json

NEW_YORK = ZoneInfo("America/New_York")
SYMBOLS = (
    *("TQQQ", "SVIX", "FAS", "TNA", "ERX", "SSO"),
    *("SDS", "UVXY", "FAZ", "TZA", "SQQQ", "ERY"),
)
GLYPHS = "▁▂▃▄▅▆▇█"


def at(clock: str) -> int:
    """Return the UTC time of a New York clock on the sample's day."""
    moment = datetime.fromisoformat(f"2025-07-02T{clock}").replace(tzinfo=NEW_YORK)
    return round(moment.timestamp() * 1000) * 1_000_000


def points(glyphs: str, top: float = 1.0, step: float = 0.01) -> tuple[float | None, ...]:
    """Return closes that draw as these glyphs, the last of them at `top`."""
    levels = [None if glyph == " " else GLYPHS.index(glyph) for glyph in glyphs]
    last = levels[-1] or 0
    return tuple(
        None if level is None else round(top + (level - last) * step, 4) for level in levels
    )


def position(
    slot: int,
    symbol: str,
    shares: int,
    entry: float,
    last: float,
    *,
    bars: int,
    stop: float,
    target: float,
    rank: int,
    strength: float,
    spark: str,
    **others: Any,
) -> PositionView:
    """Return a held position, its derived numbers computed."""
    pnl = round(shares * (last - entry), 2)
    fields: dict[str, Any] = {
        "slot": slot,
        "symbol": symbol,
        "side": "long",
        "shares": shares,
        "entry_usd": entry,
        "last_usd": last,
        "value_usd": round(shares * last, 2),
        "value_pct": shares * last / 1008.4449,
        "pnl_usd": pnl,
        "pnl_pct": 100 * (last / entry - 1),
        "bars_held": bars,
        "mae_pct": -0.21,
        "mfe_pct": 0.78,
        "stop_usd": stop,
        "stop_trailing": False,
        "stop_pct": 100 * (last - stop) / last,
        "target_usd": target,
        "target_pct": 100 * (target - last) / last,
        "gauge_entry": (entry - stop) / (target - stop),
        "gauge_last": (last - stop) / (target - stop),
        "rank": rank,
        "rank_change": 0,
        "strength": strength,
        "state": "held",
        "spark": points(spark, last),
    }
    return PositionView(**fields | others)


POSITIONS = (
    position(
        *(0, "TQQQ", 402, 81.68, 82.17),
        bars=24,
        stop=81.48,
        target=84.13,
        rank=1,
        strength=0.058,
        stop_trailing=True,
        spark="▁▃▃▂▁▁▂▁▂",
    ),
    position(
        *(1, "SVIX", 1150, 15.58, 15.65),
        bars=5,
        stop=15.35,
        target=16.05,
        rank=2,
        strength=0.041,
        mae_pct=-0.06,
        mfe_pct=0.51,
        spark="▂▅▄▇▇▇███",
    ),
    position(
        *(2, "TNA", 928, 35.72, 35.52),
        bars=55,
        stop=35.18,
        target=36.79,
        rank=4,
        strength=0.026,
        rank_change=-1,
        mae_pct=-0.84,
        mfe_pct=0.42,
        spark="▆▆█▆▁▃▅▅▅",
    ),
)

_SIGNALS: tuple[tuple[Any, ...], ...] = (
    # symbol, rank, Δ, direction, strength, p, confidence, win rate, n, verdict, edge, why, last
    ("TQQQ", 1, 0, 1, 0.058, 0.531, 0.62, 0.61, 214, "pass", 11.8, "held", 82.17),
    ("SVIX", 2, 1, 1, 0.041, 0.527, 0.58, 0.58, 163, "pass", 9.4, "held", 15.65),
    ("FAS", 3, 1, 1, 0.030, 0.518, 0.55, 0.59, 97, "pass", 6.1, "Δ .004<.005", 169.6),
    ("TNA", 4, -2, 1, 0.026, 0.515, 0.57, 0.57, 188, "pass", 4.7, "held", 35.52),
    ("ERX", 5, 0, 1, 0.013, 0.511, 0.49, 0.54, 31, "unproven", 1.9, "slots full", 53.34),
    ("SSO", 6, 0, 1, 0.013, 0.509, 0.51, 0.60, 142, "pass", -0.6, "edge<1.0", 98.15),
    ("SDS", None, 0, 0, 0.000, 0.499, 0.50, 0.56, 120, "pass", -2.1, "neutral", 16.59),
    ("UVXY", None, 0, -1, 0.028, 0.481, 0.57, 0.52, 151, "reject", 8.8, "short off", 18.48),
    ("FAZ", None, 0, -1, 0.027, 0.483, 0.53, 0.55, 102, "pass", 5.0, "short off", 43.2),
    ("TZA", None, 0, -1, 0.024, 0.486, 0.56, 0.57, 176, "pass", 3.9, "short off", 11.49),
    ("SQQQ", None, 0, -1, 0.055, 0.470, 0.61, 0.60, 209, "pass", 10.9, "short off", 20.04),
    ("ERY", None, 0, -1, 0.006, 0.489, 0.44, 0.49, 27, "unproven", 0.7, "old 3 min", 22.09),
)
_SPARKS = (
    *("█▇▅▄██▅▅▆▄▂▁▃▃▂▁▁▂▁▂", "▁▄▃▃▂▃▄▆▄▅▄▄▆▅▇▇▇███", "▂▁▁▁▆▅▅█▇█▇█▆▆▄▄▅▆▅▂"),
    *("▁▂▆▇█▇▆▇█▇▇▆▆█▆▁▃▅▅▅", "▂▁▁▂▃▃▄▄▃▃▄▄▅▅▇███▇█", "█▇▆▆█▇▆██▄▄▂▄▅▃▂▂▂▁▂"),
    *("▃▁▃▁▁▇▃▆▆▃▃▇▇▆▆██▃██", "▇███▇▅▆▆▇█▅▇▅▅▂▂▂▂▂▁", "█▃▂▅▃▃▃▃▁▃▃█▄▃█▃▃▃██"),
    *("██▄▄▂▂▄▂▁▁▂▄▂▁▅▇▅▂▄▂", "▁▃▆▅▁▁▅▄▅▆██▇▆██████", "█▆▇▇▆▆▆▅▅▅▄▃▁▁▂▂▂▁▁▁"),
)


def signal(row: tuple[Any, ...], spark: str) -> SignalView:
    """Return one row of the ladder."""
    names = (
        *("symbol", "rank", "rank_change", "direction", "strength", "probability", "confidence"),
        *("win_rate", "win_n", "verdict", "edge_bps", "why", "last_usd"),
    )
    fields = dict(zip(names, row, strict=True))
    return SignalView(
        **fields,
        held=fields["why"] == "held",
        age_minutes=3 if fields["symbol"] == "ERY" else 0,
        warm=True,
        spark=points(spark, fields["last_usd"]),
    )


SIGNALS = tuple(map(signal, _SIGNALS, _SPARKS))

_DECISIONS = (
    ("13:46", "REFUSE", "FAS", "rotation: 0.030 is 0.004 above TNA 0.026, needs 0.005"),
    (
        *("13:41", "ENTER", "SVIX"),
        "long 1,150: rank 2, strength 0.041, edge +9.4 bp, size bound by exit liquidity",
    ),
    (
        *("13:40", "ROTATE", "ERX"),
        "out 612 @ 53.31 -18.36: SVIX 0.041 beats 0.013 by 0.028, needs 0.005",
    ),
    ("13:33", "REFUSE", "SSO", "edge -0.6 bp after 4.1 bp costs, needs +1.0"),
    (
        *("13:22", "ENTER", "TQQQ"),
        "long 402: rank 1, strength 0.052, edge +10.6 bp, size bound by position cap 34%",
    ),
    (
        *("13:08", "TRAIL", "TQQQ"),
        "398 @ 81.95 +417.90: trailing stop 81.95 touched after 71 minutes",
    ),
    ("12:58", "REFUSE", "UVXY", "verdict reject: win rate 52% (48-56) of 151, needs 55%"),
    (
        *("12:51", "ENTER", "TNA"),
        "long 928: rank 2, strength 0.038, edge +7.2 bp, size bound by slot 33.3%",
    ),
    ("12:50", "EXIT", "SSO", "338 @ 97.92 -81.12: strength 0.001 below hold 0.002"),
    (
        *("12:31", "ENTER", "ERX"),
        "long 612: rank 3, strength 0.021, edge +3.3 bp, size bound by exit liquidity",
    ),
    ("12:30", "STOP", "SVIX", "1,204 @ 15.44 -288.96: stop 15.44 touched after 38 minutes"),
)


def decisions(rows: tuple[tuple[str, str, str, str], ...], start: int = 100) -> Any:
    """Return decisions, the newest first."""
    return tuple(
        DecisionView(id=start - place, at_ns=at(clock), label=label, symbol=symbol, text=text)
        for place, (clock, label, symbol, text) in enumerate(rows)
    )


_ORDERS: tuple[tuple[Any, ...], ...] = (
    ("TQQQ-S-07-2", "13:22", "TQQQ", "sell", "stop", 402, 0, 81.48, "stop, trailing 1.0%"),
    ("TQQQ-S-08-1", "13:22", "TQQQ", "sell", "limit", 402, 0, 84.13, "target, OCO"),
    ("SVIX-S-11-1", "13:41", "SVIX", "sell", "stop", 1150, 0, 15.35, "stop"),
    ("SVIX-S-12-1", "13:41", "SVIX", "sell", "limit", 1150, 0, 16.05, "target, OCO"),
    ("TNA-S-04-1", "12:51", "TNA", "sell", "stop", 928, 0, 35.18, "stop"),
    ("TNA-S-05-1", "12:51", "TNA", "sell", "limit", 928, 0, 36.79, "target, OCO"),
    ("SVIX-B-10-1", "13:41", "SVIX", "buy", "market", 1150, 1150, 15.58, "entry, +0.4 bp"),
    ("ERX-S-09-1", "13:40", "ERX", "sell", "market", 612, 612, 53.31, "rotate out, +1.1 bp"),
)


def order(row: tuple[Any, ...], state: str = "") -> OrderView:
    """Return one order."""
    tail, clock, symbol, side, kind, shares, filled, price, purpose = row
    return OrderView(
        id=f"7f3a9a1c02-0702-{tail}",
        sent_ns=at(clock),
        symbol=symbol,
        side=side,
        type=kind,
        shares=shares,
        filled=filled,
        price_usd=price,
        state=state or ("filled" if filled == shares else "working"),
        purpose=purpose,
    )


ORDERS = tuple(order(row) for row in _ORDERS)

_KNOTS = (
    *((0, 0), (6, -159), (14, -120), (30, 110), (45, 233), (62, 610), (70, 390), (84, 690)),
    *((96, 560), (120, 700), (133, 450), (150, 640), (158, 560), (190, 757), (205, 610)),
    *((224, 735), (240, 620), (256, 606.56)),
)
START = 100_237.93


def curve(minutes: int = 257) -> CurveView:
    """Return the session's equity, minute by minute."""
    gains: list[float] = []
    for (left, low), (right, high) in zip(_KNOTS, _KNOTS[1:], strict=False):
        gains += [low + (high - low) * step / (right - left) for step in range(right - left)]
    gains.append(_KNOTS[-1][1])
    marks = (
        *((28, True), (43, True), (61, True), (74, True), (88, False), (89, True), (129, False)),
        *((130, True), (134, True), (141, False), (142, True), (180, False), (181, True)),
        *((200, False), (218, False), (232, True), (250, False), (251, True)),
    )
    return CurveView(
        minutes=390,
        equity_usd=tuple(START + gain for gain in gains[:minutes]),
        marks=tuple(mark for mark in marks if mark[0] < minutes),
    )


BREAKERS = tuple(
    BreakerView(name=name, tripped=False, reason="", rearms=rearms, since_ns=None)
    for name, rearms in (
        *(("data", "with the next bar"), ("rejects", "2 min after the last")),
        *(("day loss", "next session"), ("drawdown", "by hand"), ("losses", "next session")),
        *(("slippage", "30 min"), ("orders", "with the minute"), ("journal", "by hand")),
        ("volatility", "10 min"),
    )
)


def risk(heat: float = 0.93, exposure: float = 83.3, drawdown: float = 0.15) -> RiskView:
    """Return limits and armed breakers."""
    limits = (
        *(("heat", heat, 10, "%"), ("exposure", exposure, 100, "%"), ("day loss", 0.0, 5, "%")),
        *(("drawdown", drawdown, 10, "%"), ("losses", 1, 3, "in a row")),
        ("orders", 2, 30, "in the last minute"),
    )
    return RiskView(
        limits=tuple(
            LimitView(name=name, measure=measure, limit=limit, unit=unit)
            for name, measure, limit, unit in limits
        ),
        breakers=BREAKERS,
        refusals_by_gate=(("rotation", 61), ("edge", 44), ("verdict", 38)),
    )


_TRADES: tuple[tuple[Any, ...], ...] = (
    (9, "12:31", "13:40", "ERX", 612, 53.34, 53.31, "ROTATE", "SVIX 0.041 beats 0.013 by 0.028"),
    (8, "11:57", "13:08", "TQQQ", 398, 80.90, 81.95, "TRAIL", "trailing stop 81.95 touched"),
    (7, "11:52", "12:30", "SVIX", 1204, 15.68, 15.44, "STOP", "stop 15.44 touched"),
    (6, "11:41", "12:50", "SSO", 338, 98.16, 97.92, "EXIT", "strength 0.001 below hold 0.002"),
    (5, "10:58", "11:40", "FAS", 191, 171.02, 172.31, "EXIT", "strength 0.001 below hold 0.002"),
    (4, "10:44", "11:51", "TNA", 934, 34.98, 35.31, "ROTATE", "SVIX 0.038 beats 0.012 by 0.026"),
    (3, "10:31", "10:57", "ERX", 598, 53.02, 52.94, "EXIT", "strength 0.000 below hold 0.002"),
    (2, "10:12", "11:39", "TQQQ", 405, 80.71, 80.98, "EXIT", "strength 0.001 below hold 0.002"),
    (1, "09:58", "10:43", "SVIX", 1190, 15.61, 15.50, "EXIT", "strength 0.000 below hold 0.002"),
)


def trade(row: tuple[Any, ...]) -> TradeView:
    """Return one round trip."""
    number, entered, left, symbol, shares, entry, leave, label, reason = row
    return TradeView(
        number=number,
        in_ns=at(entered),
        out_ns=at(left),
        symbol=symbol,
        direction=1,
        shares=shares,
        entry_usd=entry,
        exit_usd=leave,
        pnl_usd=round(shares * (leave - entry), 2),
        pnl_pct=100 * (leave / entry - 1),
        costs_usd=3.21,
        bars=(at(left) - at(entered)) // 60_000_000_000,
        label=label,
        entry_reason="rank 2, strength 0.062, edge +12.1 bp",
        exit_reason=reason,
        mae_pct=-0.21,
        mfe_pct=2.32,
        said_win_rate=0.65,
        said_edge_bps=10.6,
    )


STATS = StatsView(
    bars=257,
    symbol_bars=2931,
    fills=21,
    opened=12,
    rotations=2,
    round_trips=9,
    wins=4,
    losses=5,
    win_rate=4 / 9,
    total_usd=606.56,
    costs_usd=61.40,
    max_drawdown_pct=-0.26,
    profit_factor=1.90,
    sharpe=2.31,
    mrd_pct=0.61,
    turnover=5.8,
    refusals=143,
    forced=0,
    symbols=12,
)
_ACTORS = ("journal", "supervisor", "feed", "broker", "clock", "control")
HEALTH = HealthView(
    actors=tuple(
        ActorView(
            name=name,
            state="up",
            restarts=0,
            mailbox=0,
            capacity=64,
            peak=3,
            p50_ms=None if name == "clock" else 0.8,
            p99_ms=None if name == "clock" else 1.9,
        )
        for name in (*_ACTORS, *(f"predictor {symbol}" for symbol in SYMBOLS))
    ),
    frame_ms=tuple(3.5 + place % 7 for place in range(60)),
    frame_p50_ms=4.1,
    frame_p99_ms=11.8,
    memory_mb=212.0,
    disk_free_gb=38.0,
    inputs=3188,
    counts=(("late bars", 0), ("backfilled bars", 2), ("reconnects", 0)),
    incidents=(),
)
HEADER = HeaderView(
    mode="paper",
    readonly=False,
    recorded=False,
    trading_mode="ACTIVE",
    halted_by="",
    halted_ns=None,
    blocked_by="",
    strategy="rotation-ewrls",
    account="PA3·····7K2",
    run_id="2025-07-02-b41f",
    session_date="2025-07-02",
    phase="open",
    now_ns=at("13:47:22"),
    open_ns=at("09:30"),
    no_entries_ns=at("15:30"),
    flatten_ns=at("15:58"),
    close_ns=at("16:00"),
    last_bar_ns=at("13:46"),
    data_age_s=22.0,
    feed_link="up",
    orders_link="up",
    inbox_open=0,
    viewers=1,
)
MONEY = MoneyView(
    equity_usd=100_844.49,
    day_start_usd=START,
    day_usd=606.56,
    day_pct=0.61,
    realised_usd=514.68,
    unrealised_usd=91.88,
    drawdown_pct=-0.15,
    max_drawdown_pct=-0.26,
    cash_usd=16_852.09,
    exposure_pct=83.3,
    equity_spark=points("▂▁▃▄▄█▇▆████▇█▇█"),
)


def paper() -> CockpitView:
    """PAPER, mid session, three positions."""
    return CockpitView(
        sequence=1,
        header=HEADER,
        money=MONEY,
        max_positions=3,
        positions=POSITIONS,
        signals=SIGNALS,
        decisions=decisions(_DECISIONS),
        orders=ORDERS,
        curve=curve(),
        stats=STATS,
        risk=risk(),
        alerts=(),
        message=MessageView(
            id=1,
            ns=at("13:41:03"),
            text="SVIX bought 1,150 @ 15.58; stop 15.35, target 16.05 at the broker",
            kind="done",
            actor="broker",
        ),
        flatten=None,
        inbox=(),
        inbox_closed=(),
        trades=tuple(trade(row) for row in _TRADES),
        health=HEALTH,
        transport=None,
    )


def live() -> CockpitView:
    """The same, with real money."""
    view = paper()
    return replace(view, header=replace(view.header, mode="live", account="8·····214"))


def halted() -> CockpitView:
    """Halted by a hand."""
    view = paper()
    header = replace(view.header, trading_mode="HALTED", halted_by="you", halted_ns=at("13:47:02"))
    message = MessageView(
        id=2,
        ns=at("13:47:02"),
        text="halted by you; exits go on. h y resumes",
        kind="done",
        actor="you",
    )
    return replace(view, header=header, message=message)


def replay() -> CockpitView:
    """A recorded run under transport controls."""
    view = paper()
    return replace(
        view,
        header=replace(
            view.header,
            mode="replay",
            recorded=True,
            account="",
            now_ns=at("13:47:00"),
            data_age_s=0.0,
            feed_link="none",
            orders_link="none",
        ),
        money=replace(
            view.money,
            equity_usd=104_218.55,
            day_pct=0.59,
            cash_usd=20_226.15,
            exposure_pct=80.6,
            run_pct=4.22,
        ),
        risk=risk(0.90, 80.6),
        stats=replace(view.stats, mrd_pct=0.59),
        message=None,
        transport=TransportView(
            playing=True,
            speed=60.0,
            minute=257,
            minutes=390,
            session_index=42,
            sessions=63,
            trades=9,
            can_step_back=True,
        ),
    )


def before_the_open() -> CockpitView:
    """Before the open, one predictor still warming."""
    view = paper()
    learned = (1840, 1506, 1322, 1840, 988, 1699, 1402, 1838, 1467, 1835, 1841, 446)
    signals = tuple(
        replace(
            signal,
            rank=None,
            rank_change=0,
            held=False,
            direction=0,
            strength=0.0,
            probability=None,
            confidence=None,
            win_rate=None,
            win_n=0,
            verdict="unproven",
            edge_bps=None,
            why="cold",
            age_minutes=1097,
            warm=rows >= 500,
            rows_learned=rows,
            rows_needed=500,
            spark=(),
        )
        for signal, rows in zip(view.signals, learned, strict=True)
    )
    return replace(
        _nothing_traded(view),
        header=replace(
            view.header,
            phase="before",
            now_ns=at("09:17:19"),
            data_age_s=None,
            last_bar_ns=None,
        ),
        signals=signals,
        decisions=(),
        message=MessageView(
            id=1,
            ns=at("09:17:19"),
            text="waiting for the open. Ready, but for ERY: 446 of 500 rows, no entries in it",
            kind="note",
            actor="clock",
        ),
    )


def empty_book() -> CockpitView:
    """Mid session, nothing held."""
    view = paper()
    signals = tuple(
        replace(signal, held=False, why="neutral") if signal.held else signal
        for signal in view.signals
    )
    idle = _nothing_traded(view)
    return replace(
        idle,
        curve=CurveView(minutes=390, equity_usd=(START,) * 257, marks=()),
        signals=signals,
        stats=replace(idle.stats, bars=257, symbol_bars=2931, refusals=143),
        message=None,
    )


def _nothing_traded(view: CockpitView) -> CockpitView:
    return replace(
        view,
        money=replace(
            view.money,
            equity_usd=START,
            day_usd=0.0,
            day_pct=0.0,
            realised_usd=0.0,
            unrealised_usd=0.0,
            drawdown_pct=0.0,
            max_drawdown_pct=0.0,
            cash_usd=START,
            exposure_pct=0.0,
            equity_spark=points("▁" * 16),
        ),
        positions=(),
        orders=(),
        curve=CurveView(minutes=390, equity_usd=(), marks=()),
        stats=StatsView(
            bars=0,
            symbol_bars=0,
            fills=0,
            opened=0,
            rotations=0,
            round_trips=0,
            wins=0,
            losses=0,
            win_rate=None,
            total_usd=0.0,
            costs_usd=0.0,
            max_drawdown_pct=0.0,
            profit_factor=None,
            sharpe=None,
            mrd_pct=None,
            turnover=0.0,
            refusals=0,
            forced=0,
            symbols=12,
        ),
        risk=risk(0.0, 0.0, 0.0),
        trades=(),
    )


_FLATTEN_ORDERS: tuple[tuple[Any, ...], ...] = (
    ("TNA-S-15-1", "13:49", "TNA", "sell", "limit", 928, 600, 35.34, "flatten"),
    ("SVIX-S-14-1", "13:49", "SVIX", "sell", "limit", 1150, 0, 15.57, "flatten"),
    ("TQQQ-S-13-1", "13:49", "TQQQ", "sell", "limit", 402, 402, 81.76, "flatten, 82.14 avg"),
)


def flattening() -> CockpitView:
    """Liquidation of everything, seven seconds in."""
    view = paper()
    sold = {
        "TQQQ": {"shares": 0, "last_usd": 82.14, "pnl_usd": 184.92, "pnl_pct": 0.56},
        "SVIX": {"last_usd": 15.64, "pnl_usd": 69.0, "pnl_pct": 0.39},
        "TNA": {"shares": 328, "last_usd": 35.49, "pnl_usd": -75.44, "pnl_pct": -0.64},
    }
    values = {"TQQQ": 0.0, "SVIX": 17_986.0, "TNA": 11_640.72}
    bare = dict.fromkeys(
        ("stop_usd", "stop_pct", "target_usd", "target_pct", "gauge_entry", "gauge_last")
    )
    positions = tuple(
        replace(
            position,
            **bare,
            **sold[position.symbol],
            value_usd=values[position.symbol],
            value_pct=values[position.symbol] / 1007.9909,
            state="flat" if position.symbol == "TQQQ" else "exiting",
        )
        for position in view.positions
    )
    return replace(
        view,
        header=replace(
            view.header,
            trading_mode="FLATTENING",
            now_ns=at("13:49:12"),
            data_age_s=12.0,
        ),
        money=replace(
            view.money,
            equity_usd=100_799.09,
            day_usd=561.16,
            day_pct=0.56,
            realised_usd=567.60,
            unrealised_usd=-6.44,
            drawdown_pct=-0.20,
            cash_usd=71_172.37,
            exposure_pct=29.4,
        ),
        positions=positions,
        risk=risk(0.0, 29.4, 0.20),
        stats=replace(view.stats, total_usd=561.16, mrd_pct=0.56),
        orders=(
            *map(order, _FLATTEN_ORDERS),
            *(order((*row[:8], "flatten"), "canceled") for row in _ORDERS[:6]),
        ),
        decisions=(
            *decisions(
                (
                    ("13:48", "MANUAL", "TQQQ", "402 @ 82.14 +184.92: liquidate all, by you"),
                    (
                        *("13:48", "MANUAL", "TNA"),
                        "600 of 928 @ 35.50 -132.00: liquidate all, by you",
                    ),
                ),
                start=102,
            ),
            *view.decisions,
        ),
        flatten=FlattenView(
            scope="all",
            by="you, key L y",
            started_ns=at("13:49:05"),
            steps=(
                StepView(
                    name="entries frozen",
                    state="done",
                    at_ns=at("13:49:05.2"),
                    done=0,
                    total=0,
                ),
                StepView(
                    name="cancel resting orders",
                    state="done",
                    at_ns=at("13:49:05.9"),
                    done=6,
                    total=6,
                ),
                StepView(
                    name="sell, marketable limit",
                    state="running",
                    at_ns=None,
                    done=1002,
                    total=2480,
                ),
                StepView(
                    name="market for what is left",
                    state="waiting",
                    at_ns=None,
                    done=0,
                    total=0,
                ),
                StepView(
                    name="ask the broker until flat",
                    state="waiting",
                    at_ns=None,
                    done=0,
                    total=0,
                ),
            ),
            lines=(
                "TQQQ    402 of   402  ✓ 82.14 average, flat",
                "TNA     600 of   928  ► limit 35.34, 328 left, market order in 4 s",
                "SVIX      0 of 1,150  ► limit 15.57, 1,150 left, market order in 4 s",
            ),
            confirmed_ns=None,
            left="",
        ),
        message=MessageView(
            id=3,
            ns=at("13:49:05"),
            text="liquidate all, sent by you. Ends when the broker confirms flat.",
            kind="note",
            actor="you",
        ),
    )


def degraded() -> CockpitView:
    """Stale data, two breakers tripped, a predictor quarantined."""
    view = paper()
    signals = tuple(
        replace(
            signal,
            direction=0,
            strength=0.0,
            probability=None,
            confidence=None,
            win_rate=None,
            win_n=0,
            verdict="quarantined",
            edge_bps=None,
            why="quarantined",
        )
        if signal.symbol == "UVXY"
        else replace(signal, why="data stale")
        if signal.symbol in {"FAS", "ERX", "SSO"}
        else signal
        for signal in view.signals
    )
    breakers = tuple(
        replace(breaker, **tripped[breaker.name]) if breaker.name in tripped else breaker
        for breaker in BREAKERS
        for tripped in (
            {
                "data": {
                    "tripped": True,
                    "reason": "no bar for 75 s, auto",
                    "since_ns": at("13:48:15"),
                },
                "rejects": {
                    "tripped": True,
                    "reason": "3 in a row, 13:46:31 FAS",
                    "since_ns": at("13:46:31"),
                },
            },
        )
    )
    news = (
        (
            *("13:48", "RISK", "all"),
            "entries blocked: no bar on any symbol for 75 s; stops rest at the broker",
        ),
        (
            *("13:46", "REFUSE", "FAS"),
            "breaker rejects: 3 of 3 in a row (broker: halted), re-arms 2 min after the last",
        ),
        (
            *("13:44", "HEALTH", "UVXY"),
            "predictor quarantined: 3 crashes in 60 session minutes; not held, no entries",
        ),
    )
    return replace(
        view,
        header=replace(
            view.header,
            trading_mode="REDUCE_ONLY",
            blocked_by="no bar for 75 s",
            now_ns=at("13:48:15"),
            data_age_s=75.0,
            feed_link="down",
        ),
        signals=signals,
        decisions=(*decisions(news, start=103), *view.decisions[1:]),
        risk=replace(view.risk, breakers=breakers),
        alerts=(
            AlertView(
                severity="danger",
                text="no bar for 75 s: no entries, exits work; retry 3 in 4 s",
                advice="stops rest at the broker; look at the feed",
                since_ns=at("13:48:15"),
                screen="risk",
            ),
            AlertView(
                severity="danger",
                text="breaker rejects: 3 in a row",
                advice="re-arms 2 min after the last",
                since_ns=at("13:46:31"),
                screen="risk",
            ),
            AlertView(
                severity="warning",
                text="predictor UVXY quarantined: 3 crashes",
                advice="not held, no entries",
                since_ns=at("13:44"),
                screen="health",
            ),
        ),
        health=replace(
            view.health,
            actors=tuple(
                replace(actor, state="quarantined", restarts=3)
                if actor.name == "predictor UVXY"
                else actor
                for actor in view.health.actors
            ),
            incidents=("13:44 predictor UVXY: 3 crashes in 60 session minutes",),
        ),
    )


def card(number: int, symbol: str, shares: int, price: float, expires: str) -> CardView:
    """Return an open card."""
    return CardView(
        id=f"A-{number}",
        version=3,
        symbol=symbol,
        direction=1,
        shares=shares,
        binding="slot share 33.3%",
        limit_usd=price,
        stop_usd=round(price * 0.985, 2),
        target_usd=round(price * 1.03, 2),
        risk_usd=round(shares * price * 0.015, 2),
        reward_to_risk=2.0,
        heat_after_usd=1442.0,
        heat_limit_usd=10_084.45,
        confidence=0.55,
        win_rate=0.59,
        verdict="pass",
        evidence="Backtest 65% (52-76%) of 100 · live 58% of 24",
        rotates_out="",
        expires_ns=at(expires),
        approved_by="",
    )


def inbox() -> CockpitView:
    """Two cards wait for approval, two are closed; two positions are held."""
    view = paper()
    return replace(
        view,
        header=replace(view.header, inbox_open=2),
        inbox=(
            card(17, "FAS", 196, 169.60, "13:48:00"),
            card(16, "SSO", 340, 98.15, "13:47:34"),
        ),
        inbox_closed=(
            ClosedCardView(
                id="A-15",
                version=2,
                symbol="ERX",
                status="approved",
                reason="612 filled 53.34",
                actor="you",
                at_ns=at("13:31:08"),
            ),
            ClosedCardView(
                id="A-14",
                version=1,
                symbol="UVXY",
                status="dismissed",
                reason="",
                actor="you",
                at_ns=at("13:12:44"),
            ),
        ),
    )


STATES = {
    "paper": paper,
    "live": live,
    "halted": halted,
    "replay": replay,
    "before": before_the_open,
    "empty": empty_book,
    "flattening": flattening,
    "degraded": degraded,
    "inbox": inbox,
}


class FixedSource:
    """A source of one view, or of whatever `view` is set to; records what it is asked."""

    def __init__(
        self,
        view: CockpitView | None,
        answers: Mapping[str, Json | Exception] | None = None,
        *,
        attached: bool = False,
    ) -> None:
        self.view = view
        self.attached = attached
        self.requests: list[Json] = []
        self.answers = dict(answers or {})
        """By verb, or by `what` of a `show`: what is answered; an exception is raised."""

    def latest(self) -> CockpitView | None:
        """Return the view."""
        return self.view

    async def ask(self, request: Mapping[str, Any]) -> Json:
        """Record the request; return the answer laid down for it."""
        await asyncio.sleep(0)
        self.requests.append(dict(request))
        verb = request["verb"]
        answer = self.answers.get(request["what"] if verb == "show" else verb, {"ok": True})
        if isinstance(answer, Exception):
            raise answer
        return answer
