"""Fixed answers to what the screens ask for, by `what`; as JSON, as a session gives them."""

from dataclasses import asdict
from math import sin

from actors.cockpit.asked import (
    AnalyticsView,
    BaselineView,
    BucketView,
    ChangeView,
    ConfigView,
    ForecastView,
    IcView,
    LeagueRow,
    LogLine,
    LogView,
    SymbolView,
)
from tests.tui.cockpit.sample import at

CALIBRATION = tuple(
    BucketView(
        low=low / 10, high=(low + 1) / 10, n=n, won=won, win_rate=rate, rate_low=least,
        rate_high=most, verdict=verdict,
    )
    for low, n, won, rate, least, most, verdict in (
        (4, 22, 11, 0.52, 0.31, 0.69, "unproven"),
        (5, 118, 64, 0.54, 0.47, 0.61, "pass"),
        (6, 71, 42, 0.59, 0.49, 0.68, "pass"),
        (7, 25, 16, 0.63, 0.46, 0.82, "unproven"),
        (8, 0, 0, None, None, None, "unproven"),
    )
)  # fmt: skip
SYMBOL = SymbolView(
    symbol="TQQQ",
    leverage=3.0,
    twins=("SQQQ",),
    first_minute=0,
    closes_usd=tuple(
        None if minute == 31 else round(81.6 + 0.9 * sin(minute / 37) + 0.2 * sin(minute / 5), 2)
        for minute in range(257)
    ),
    marks=((42, True, 80.71), (129, False, 80.98), (147, True, 80.90), (218, False, 81.95),
           (232, True, 81.68)),
    forecasts=(
        ForecastView(horizon=5, mean_bps=3.1, hit_rate=0.53, ic=0.031, n=1840),
        ForecastView(horizon=15, mean_bps=6.8, hit_rate=0.54, ic=0.042, n=1830),
        ForecastView(horizon=30, mean_bps=10.9, hit_rate=None, ic=None, n=0),
    ),
    contributions=(
        ("return_15m_over_volatility", 3.4), ("universe_last_minute", 2.1), ("vwap_distance", 1.6),
        ("rsi_14", -1.2), ("time_of_day", 0.9), ("volume_surprise", -0.7),
    ),
    calibration=CALIBRATION,
    rows_learned=24310,
    warm=True,
    restarts=1,
)  # fmt: skip
_LEAGUE = {
    "symbol": (
        ("TQQQ", 188, 0.58, 0.51, 0.65, 1.41, 11.84, 2225.92),
        ("TNA", 171, 0.55, 0.48, 0.63, 1.18, 5.02, 858.42),
        ("SVIX", 140, 0.54, 0.46, 0.62, 1.09, 1.87, 261.80),
        ("FAS", 92, 0.53, 0.43, 0.63, 1.04, 1.12, 103.04),
        ("SSO", 77, 0.49, 0.38, 0.60, 0.91, -2.20, -169.40),
        ("ERX", 41, 0.44, 0.30, 0.59, 0.72, -6.91, -283.31),
        ("all", 709, 0.54, 0.50, 0.58, 1.16, 4.23, 2996.47),
    ),
    "hour": (
        ("09:30", 120, 0.55, 0.46, 0.64, 1.12, 3.90, 468.00),
        ("10:30", 144, 0.58, 0.50, 0.66, 1.38, 8.71, 1254.24),
        ("14:30", 61, 0.48, 0.36, 0.60, 0.95, -0.92, -56.12),
    ),
    "confidence": (
        ("0.5-0.6", 402, 0.52, 0.47, 0.57, 1.05, 1.80, 723.60),
        ("0.6-0.7", 307, 0.57, 0.51, 0.62, 1.31, 7.41, 2272.87),
    ),
    "reason": (
        ("TRAIL", 142, 0.78, 0.71, 0.84, 3.20, 43.69, 6204.11),
        ("STOP", 77, 0.0, 0.0, 0.05, 0.0, -93.53, -7201.98),
        ("TARGET", 38, 1.0, 0.91, 1.0, None, 155.01, 5890.20),
    ),
}
"""key, trades, won, from, to, profit factor, expectancy, total"""


def analytics(by: str = "symbol") -> AnalyticsView:
    """Return the league table of a grouping."""
    names = ("key", "trades", "win_rate", "low", "high", "profit_factor", "expectancy_usd",
             "total_usd")  # fmt: skip
    return AnalyticsView(
        by=by,
        rows=tuple(LeagueRow(**dict(zip(names, row, strict=True))) for row in _LEAGUE[by]),
        calibration=CALIBRATION,
        brier=0.243,
        log_loss=0.679,
        outcomes=236,
        break_even_bps=3.4,
        ic=tuple(
            IcView(horizon=horizon, ic=ic, n=n)
            for horizon, ic, n in ((5, 0.024, 7360), (15, 0.031, 7320), (30, -0.004, 7260))
        ),
        day_pct=0.61,
        baselines=(
            BaselineView(name="never trading", pct=0.0, percentile=None),
            BaselineView(name="buy and hold, equal weight", pct=1.22, percentile=None),
            BaselineView(name="equal weight, open to flatten", pct=1.2, percentile=None),
            BaselineView(name="random rotation, equal turnover", pct=-2.8, percentile=95.0),
        ),
    )


CONFIG = ConfigView(
    settings=(
        ("rotation.max_positions", "3", "config.toml"),
        ("rotation.min_edge_bps", "1.0", "overrides.toml"),
        ("rotation.rotation_strength_delta", "0.005", ""),
        ("risk.stop_loss_pct", "1.5", ""),
        ("risk.take_profit_pct", "3.0", ""),
        ("signal.buy_threshold", "0.505", "overrides.toml"),
    ),
    error="",
    changes=(
        ChangeView(key="rotation.rotation_strength_delta", old="0.005", new="0.008", kind="live"),
        ChangeView(key="rotation.min_edge_bps", old="1.0", new="1.5", kind="live"),
        ChangeView(key="risk.stop_loss_pct", old="1.5", new="1.2", kind="next entry"),
    ),
    history=(
        "13:02:11 you: rotation.min_edge_bps 0.8 → 1.0 (live)",
        "09:11:40 optimiser 8f2a: signal.buy_threshold 0.503 → 0.505 (live)",
    ),
    can_reload=True,
    can_revert=True,
)
UNCHANGED = ConfigView(
    settings=CONFIG.settings, error="", changes=(), history=(), can_reload=True, can_revert=False
)
INVALID = ConfigView(
    settings=CONFIG.settings,
    error='config.toml line 41 [rotation] max_positions = "three": wanted an integer from 1 to 50',
    changes=(),
    history=CONFIG.history,
    can_reload=True,
    can_revert=True,
)
_LOG = (
    ("13:02:11", "info", "config", "reload by you: rotation.min_edge_bps 0.8 → 1.0 (live)"),
    ("13:22:03", "info", "broker", "fill TQQQ BUY 402 @ 81.68"),
    ("13:40:03", "info", "broker", "fill ERX SELL 612 @ 53.31"),
    ("13:41:02", "info", "trader", "ENTER SVIX long 1,150"),
    ("13:41:02", "info", "broker", "OCO accepted SVIX stop 15.35 target 16.05"),
    ("13:41:03", "info", "broker", "fill SVIX BUY 1,150 @ 15.58 id …B-10-1, +0.4 bp to model"),
    ("13:44:07", "error", "predictor FAZ", "LinAlgError in update: diagonal not positive"),
    ("13:44:07", "warning", "predictor FAZ", "restarted from checkpoint 13:30, re-fed 14 minutes"),
    ("13:46:02", "info", "trader", "minute 13:45 12/12 present, decided in 3.9 ms, 0 orders"),
    ("13:47:02", "info", "feed", "minute 13:46 closed, ERY missing (3 min)"),
    ("13:47:02", "info", "trader", "minute 13:46 11/12 present, decided in 4.1 ms, 0 orders"),
)
LOG = LogView(
    lines=tuple(
        LogLine(id=number, ns=at(clock), level=level, actor=actor, text=text)
        for number, (clock, level, actor, text) in enumerate(_LOG, 1194)
    ),
    total=1204,
    matching=1204,
)
ANSWERS = {
    "symbol": {"show": asdict(SYMBOL)},
    "analytics": {"show": asdict(analytics())},
    "config": {"show": asdict(CONFIG)},
    "log": {"show": asdict(LOG)},
}
