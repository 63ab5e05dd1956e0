"""One symbol in full: its prices, its forecasts, what speaks for them, what such signals won.

KEY INPUT: a Scene, a symbol.
KEY OUTPUT: SymbolView.
"""

from actors.cockpit.asked import BucketView, ForecastView, SymbolView
from actors.cockpit.scene import Scene
from engine.learning.calibration import BUCKETS

MOST_FEATURES = 12


def symbol_view(scene: Scene, symbol: str) -> SymbolView:
    """Return what is known of a symbol."""
    column, day, universe = scene.state.column[symbol], scene.day, scene.config.universe
    twins = scene.state.twins[column]
    learner = scene.outside.learners[column] if scene.outside.learners else None
    return SymbolView(
        symbol=symbol,
        leverage=universe.leverage.get(symbol, 1.0),
        twins=tuple(scene.state.symbols[twin] for twin in twins),
        first_minute=0,
        closes_usd=tuple(row[column] for row in day.closes),
        marks=tuple((m, entry, price) for m, s, entry, price in day.fills if s == symbol),
        forecasts=forecast_views(scene, column),
        # a minute without a bar has a forecast, but nothing of its own that speaks for it
        contributions=(
            () if scene.frame.stale_minutes(column) else scene.frame.drivers(column, MOST_FEATURES)
        ),
        calibration=bucket_views(scene, column, 1 if scene.frame.direction(column) >= 0 else -1),
        rows_learned=learner.rows_learned if learner is not None else 0,
        warm=not scene.frame.cold(column),
        restarts=learner.restarts if learner is not None else 0,
    )


def forecast_views(scene: Scene, column: int) -> tuple[ForecastView, ...]:
    """Return the predictor's newest forecasts and how such forecasts did, out of sample."""
    judge = scene.desk.judge
    means = judge.forecasts(column)
    return tuple(
        ForecastView(
            horizon=score.horizon_minutes,
            mean_bps=1e4 * means[score.horizon_minutes],
            hit_rate=score.hit_rate if score.n else None,
            ic=score.ic if score.n else None,
            n=score.n,
        )
        for score in judge.scores(column)
    )


def bucket_views(scene: Scene, column: int, direction: int) -> tuple[BucketView, ...]:
    """Return what signals of a symbol and a direction have won, by confidence."""
    calibration, quality = scene.desk.evidence.calibration, scene.frame.quality
    low, high = calibration.fit.interval()
    side, views = 0 if direction > 0 else 1, []
    for bucket in range(BUCKETS):
        cell = (column, side, bucket)
        n = calibration.evidence.seen.item(cell)
        if n:
            views.append(
                BucketView(
                    low=bucket / BUCKETS,
                    high=(bucket + 1) / BUCKETS,
                    n=n,
                    won=calibration.evidence.won.item(cell),
                    win_rate=quality.rate(cell),
                    rate_low=low.item(cell),
                    rate_high=high.item(cell),
                    verdict=quality.verdict(cell).name.lower(),
                )
            )
    return tuple(views)
