"""What would have come of it without any skill: baselines over a finished run's own sessions.

KEY INPUT: one block per traded session, of one that still runs its minutes so far; the
configuration, the run's round trips.
KEY OUTPUT: for each baseline its total and mean daily return, net and gross.

One pass; nothing is kept but what a session needs, and the random trades' own profits. Costs are
those of the run: the fill model's spread and impact, and the day's fees.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from engine.config import Config
from engine.events import MICRO, RoundTrip, Side
from engine.market.frames import CLOSE, OPEN, PRESENT, VOLUME, Block, Floats, Ints
from engine.trading.costs import DayFees, fee_rates, fill_price
from engine.trading.exits import flatten_minute

SEEDS = 20


def baselines(
    blocks: Iterable[Block], config: Config, trips: Sequence[RoundTrip], net_pnl: float
) -> list[dict[str, Any]]:
    """Return a row per baseline: name, total_pnl, mrd, gross_mrd, and for random its percentile."""
    capital = config.simulation.starting_capital
    hold = _BuyAndHold(config)
    equal = _EqualWeight(config)
    random = _RandomRotation(config, trips)
    sessions = 0
    for block in blocks:
        sessions += 1
        hold.session(block)
        equal.session(block)
        random.session(block)
    if sessions == 0:
        return []
    rows = [
        _row("never trading", 0.0, 0.0, capital, sessions),
        _row("buy and hold, equal weight", *hold.result(), capital, sessions),
        _row("equal weight, open to flatten", *equal.result(), capital, sessions),
    ]
    if trips:
        net, gross = random.result()
        row = _row("random rotation, equal turnover", net.mean(), gross.mean(), capital, sessions)
        row["percentile"] = float(np.mean(net < net_pnl))
        row["seeds"] = SEEDS
        rows.append(row)
    return rows


class _BuyAndHold:
    """Equal money in each symbol at its first open, sold at its last close."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._shares: dict[int, int] = {}
        self._net = self._gross = 0.0
        self._last: Block | None = None

    def session(self, block: Block) -> None:
        self._last = block
        share = self._config.simulation.starting_capital / len(block.symbols)
        fees = DayFees(block.session.date, charged=self._config.costs.fees)
        for s in range(len(block.symbols)):
            if s not in self._shares and (t := _next_bar(block, s, 0)) is not None:
                price = float(block.bars[t, s, OPEN])
                self._shares[s] = int(share / price)
                self._trade(block, t, s, Side.BUY, price, fees)

    def result(self) -> tuple[float, float]:
        assert self._last is not None
        block, last = self._last, len(self._last) - 1
        fees = DayFees(block.session.date, charged=self._config.costs.fees)
        for s in self._shares:
            self._trade(block, last, s, Side.SELL, float(block.bars[last, s, CLOSE]), fees)
        return self._net, self._gross

    def _trade(self, block: Block, t: int, s: int, side: Side, price: float, fees: DayFees) -> None:
        net, gross = _cash(self._config, block, t, s, side, self._shares[s], price, fees)
        self._net += net
        self._gross += gross


class _EqualWeight:
    """Each session: equal money in each symbol at the open, out when the book is flattened."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._equity = config.simulation.starting_capital
        self._gross = 0.0

    def session(self, block: Block) -> None:
        share = self._equity / len(block.symbols)
        out = flatten_minute(block.session.minutes, self._config) + 1
        fees = DayFees(block.session.date, charged=self._config.costs.fees)
        for s in range(len(block.symbols)):
            start, stop = _next_bar(block, s, 0), _next_bar(block, s, out)
            if start is None or start >= out:
                continue
            stop = len(block) - 1 if stop is None else stop
            price = float(block.bars[start, s, OPEN])
            shares = int(share / price)
            for t, side in ((start, Side.BUY), (stop, Side.SELL)):
                reference = float(block.bars[t, s, OPEN])
                net, gross = _cash(self._config, block, t, s, side, shares, reference, fees)
                self._equity += net
                self._gross += gross

    def result(self) -> tuple[float, float]:
        return self._equity - self._config.simulation.starting_capital, self._gross


class _RandomRotation:
    """The run's own round trips, each on a random day, at a random minute, in a random symbol.

    Same number, sizes, directions and holding times; 20 seeds. Sessions stream, so that their
    number is not known before: session k takes each trade over with probability 1/k, after which
    every session is equally likely (reservoir sampling; Vitter, ACM TOMS 11, 1985).
    """

    def __init__(self, config: Config, trips: Sequence[RoundTrip]) -> None:
        self._config = config
        self._rng = np.random.default_rng(0)
        self._hold = np.array([max(1, trip.bars_held) for trip in trips], np.int64)
        self._value = np.array([trip.value_micro / MICRO for trip in trips])
        self._direction = np.array([trip.direction for trip in trips], np.float64)
        self._net = np.zeros((SEEDS, len(trips)))
        self._gross = np.zeros((SEEDS, len(trips)))
        self._sessions = 0

    def session(self, block: Block) -> None:
        self._sessions += 1
        taken = np.nonzero(self._rng.random(self._net.shape) * self._sessions < 1.0)
        trip = taken[1]
        out = _out(block, self._config)
        hold = np.minimum(self._hold[trip], out - 1)
        column = self._rng.integers(0, len(block.symbols), len(trip))
        # a decision of the first minute fills in the second: minute 0 is out of reach
        enter = 1 + (self._rng.random(len(trip)) * (out - hold)).astype(np.int64)
        self._net[taken], self._gross[taken] = self._profits(block, trip, column, enter, hold)

    def _profits(
        self, block: Block, trip: Ints, column: Ints, enter: Ints, hold: Ints
    ) -> tuple[Floats, Floats]:
        out = _out(block, self._config)
        later, last = _next_bars(block), len(block) - 1
        enter = later[enter, column]
        ok = enter < out
        # without a later bar it leaves at the carried close, as a forced close would
        leave = np.minimum(later[np.minimum(enter + hold, out), column], last)
        bought, sold = block.bars[np.minimum(enter, last), column], block.bars[leave, column]
        shares = np.floor(self._value[trip] / np.where(ok, bought[:, OPEN], np.inf))
        moved = np.where(ok, sold[:, OPEN] - bought[:, OPEN], 0.0)
        gross = self._direction[trip] * shares * moved
        spread = np.where(ok, self._half(bought, shares) + self._half(sold, shares), 0.0)
        proceeds = np.where(self._direction[trip] > 0, sold[:, OPEN], bought[:, OPEN])
        fees = self._fees(block, shares, np.where(ok, proceeds, 0.0))
        return gross - shares * spread - fees, gross

    def _half(self, bar: Floats, shares: Floats) -> Floats:
        costs = self._config.costs
        price, volume = bar[:, OPEN], np.where(bar[:, PRESENT] > 0, bar[:, VOLUME], 0.0)
        spread = np.maximum(costs.tick_usd / 2, price * costs.min_half_spread_bps * 1e-4)
        cap = self._config.simulation.participation_pct / 100
        part = np.minimum(shares / np.maximum(volume, 1.0), cap)
        return np.asarray(spread + price * costs.impact_bps * 1e-4 * np.sqrt(part))

    def _fees(self, block: Block, shares: Floats, sold_at: Floats) -> Floats:
        # not rounded up to the cent: which fills share a day's cents is not the question here
        if not self._config.costs.fees:
            return np.zeros(len(shares))
        rates = fee_rates(block.session.date)
        taf = np.minimum(shares * float(rates.taf_per_share), float(rates.taf_cap))
        sec = shares * sold_at * float(rates.sec_per_usd)
        return sec + taf + 2 * shares * float(rates.cat_per_share)

    def result(self) -> tuple[Floats, Floats]:
        return self._net.sum(axis=1), self._gross.sum(axis=1)


def _out(block: Block, config: Config) -> int:
    # by when everything is sold: of a session that still runs, by its last minute so far
    return min(flatten_minute(block.session.minutes, config) + 1, len(block) - 1)


def _cash(
    config: Config,
    block: Block,
    t: int,
    s: int,
    side: Side,
    shares: int,
    reference: float,
    fees: DayFees,
) -> tuple[float, float]:
    volume = float(block.bars[t, s, VOLUME])
    price = fill_price(reference, side.sign, shares, volume, config.costs)
    fee = fees.charge(side, shares, round(shares * price * MICRO)) / MICRO
    return -side.sign * shares * price - fee, -side.sign * shares * reference


def _next_bar(block: Block, s: int, start: int) -> int | None:
    present = np.flatnonzero(block.bars[start:, s, PRESENT])
    return start + int(present[0]) if len(present) else None


def _next_bars(block: Block) -> Ints:
    # (T, S): the first minute from t on with a bar, T without one
    minutes = len(block)
    rows = np.where(block.bars[:, :, PRESENT] > 0, np.arange(minutes)[:, None], minutes)
    return np.asarray(np.minimum.accumulate(rows[::-1], axis=0)[::-1])


def _row(name: str, net: float, gross: float, capital: float, sessions: int) -> dict[str, Any]:
    return {
        "name": name,
        "total_pnl": float(net),
        "mrd": float(net) / capital / sessions,
        "gross_mrd": float(gross) / capital / sessions,
    }
