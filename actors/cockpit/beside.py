"""What the session's total is held against: how forecasts did, and what no skill would have made.

KEY INPUT: a Scene, the session's round trips.
KEY OUTPUT: information coefficients by horizon; baselines over the session's minutes so far.
"""

from collections.abc import Sequence

from actors.cockpit.asked import BaselineView, IcView
from actors.cockpit.labels import usd
from actors.cockpit.scene import Scene
from engine.events import RoundTrip
from engine.records.baselines import baselines
from engine.records.summary import learning_figures


def ic_views(scene: Scene) -> tuple[IcView, ...]:
    """Return by horizon the mean over the symbols, and how many forecasts have matured."""
    judge = scene.desk.judge
    scores = {symbol: judge.scores(s) for s, symbol in enumerate(scene.state.symbols)}
    figures = learning_figures(scores, scene.desk.slope.pooled)
    matured: dict[int, int] = {}
    for score in (score for rows in scores.values() for score in rows):
        matured[score.horizon_minutes] = matured.get(score.horizon_minutes, 0) + score.n
    return tuple(
        IcView(horizon=int(horizon), ic=ic, n=matured[int(horizon)])
        for horizon, ic in figures["ic"].items()
    )


class Beside:
    """The baselines of one session, made anew at most once a minute."""

    def __init__(self) -> None:
        self._made_for = (-1, -1)
        self._views: tuple[BaselineView, ...] = ()

    def views(self, scene: Scene, trips: Sequence[RoundTrip]) -> tuple[BaselineView, ...]:
        """Return what the baselines of a run come to over the minutes so far.

        They start with what the session started with, and are sold at the last close. Random
        rotation has the round trips that are closed; its percentile is that of their total.
        """
        now = (scene.day.minute, len(trips))
        if now != self._made_for:
            self._made_for, self._views = now, _make(scene, trips)
        return self._views


def _make(scene: Scene, trips: Sequence[RoundTrip]) -> tuple[BaselineView, ...]:
    block = scene.day.block()
    if block is None:
        return ()
    capital = scene.session_open
    simulation = scene.config.simulation.model_copy(update={"starting_capital": capital})
    config = scene.config.model_copy(update={"simulation": simulation})
    rows = baselines([block], config, trips, usd(sum(trip.pnl_micro for trip in trips)))
    return tuple(
        BaselineView(
            name=row["name"],
            pct=100 * row["total_pnl"] / capital,
            percentile=100 * row["percentile"] if "percentile" in row else None,
        )
        for row in rows
    )
