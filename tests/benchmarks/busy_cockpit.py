"""A cockpit of 20 symbols whose every view differs in every row: what bench measures."""

import random
from dataclasses import replace

from tests.tui.cockpit.keyboard import source
from tests.tui.cockpit.sample import paper
from tui.cockpit.app import Cockpit

SYMBOLS = 20
VIEWS = 200
"""Made beforehand, so that making them is not measured; then they come again."""


def busy_views(rng):
    """Return views whose prices, signals, orders, decisions and curve all move."""
    base = paper()
    signals = [
        replace(base.signals[i % len(base.signals)], symbol=f"S{i:03d}", rank=i + 1, held=i < 3)
        for i in range(SYMBOLS)
    ]
    for _ in range(VIEWS):
        yield replace(
            base,
            signals=tuple(
                replace(
                    one, strength=rng.random() * 0.08, probability=rng.random(),
                    edge_bps=rng.uniform(-9, 9), last_usd=rng.uniform(10, 90),
                    spark=tuple(rng.random() for _ in range(20)),
                )
                for one in signals
            ),
            positions=tuple(
                replace(
                    one, last_usd=rng.uniform(10, 90), pnl_usd=rng.uniform(-500, 500),
                    gauge_last=rng.random(), stop_pct=rng.uniform(0.1, 3),
                )
                for one in base.positions
            ),
            orders=tuple(replace(one, filled=rng.randrange(300)) for one in base.orders),
            decisions=tuple(
                replace(one, text=f"{rng.random():.4f} {one.text}") for one in base.decisions
            ),
            money=replace(base.money, equity_usd=rng.uniform(9e4, 1e5)),
            curve=replace(
                base.curve,
                equity_usd=tuple(usd + rng.uniform(-50, 50) for usd in base.curve.equity_usd),
            ),
        )  # fmt: skip


class Busy:
    """Another view at every pull."""

    attached = False

    def __init__(self):
        self._views = list(busy_views(random.Random(1)))
        self._pulls = 0
        self._fixed = source()

    def latest(self):
        """Return the next view."""
        self._pulls += 1
        return replace(self._views[self._pulls % VIEWS], sequence=self._pulls)

    async def ask(self, request):
        """Answer as the sample does."""
        return await self._fixed.ask(request)


if __name__ == "__main__":
    Cockpit(Busy()).run()
