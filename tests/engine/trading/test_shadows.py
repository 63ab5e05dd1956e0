"""Shadows against a plain walk over the same bars, symbol by symbol."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.learning.calibration import Evidence, fit
from engine.learning.signals import CONFIDENCE, EXPECTED, PROBABILITY, SIGNAL_FIELDS, STALE, WARM
from engine.market.frames import CLOSE, HIGH, LOW, OPEN, PRESENT
from engine.trading.costs import round_trip_terms
from engine.trading.quality import Quality
from engine.trading.ranking import rank, ranking_rules
from engine.trading.shadows import Shadows
from tests.bars import block_of, config, walk
from tests.budget import examples

NAMES = ("AAA", "BBB", "CCC")


def market(seed, *, missing=0.1, step=2e-3):
    rng = np.random.default_rng(seed)
    bars = np.stack(
        [walk(390, seed=seed + i, missing=missing, step=step) for i in range(3)], axis=1
    )
    block = block_of(bars, symbols=NAMES)
    signals = np.zeros((390, 3, SIGNAL_FIELDS))
    signals[:, :, PROBABILITY] = rng.choice([0.3, 0.5, 0.7], size=(390, 3))
    signals[:, :, CONFIDENCE] = rng.random((390, 3))
    signals[:, :, EXPECTED] = 1e-3
    signals[:, :, WARM] = rng.random((390, 3)) > 0.1
    signals[:, :, STALE] = np.where(block.bars[:, :, PRESENT] > 0, 0.0, 1.0)
    return block, signals


def ranked(block, signals, cfg):
    quality = Quality(fit(Evidence.none(3)), cfg.quality)
    rules = ranking_rules(cfg, NAMES, block.session.date, block.session.minutes, quality)
    return rank(block, signals, np.ones(3), rules), rules


def plain(block, signals, ranking, rules, cfg):
    """Walk one symbol at a time, in words."""
    found = []
    trip_bps, trip_usd = round_trip_terms(
        block.session.date, cfg.costs, cfg.simulation.participation_pct / 100
    )
    horizon = round(sum(cfg.learning.horizons) / len(cfg.learning.horizons))
    flatten = block.session.minutes - cfg.session.flatten_before_close_minutes
    for s in range(3):
        bars, t = block.bars[:, s], 0
        while t < 390:
            side = int(ranking.direction[t, s])
            wanted = (
                side and t <= rules.last_entry_minute and signals[t, s, WARM]
                and not signals[t, s, STALE]
                and ranking.strength[t, s] >= cfg.rotation.min_strength_to_enter
            )  # fmt: skip
            if not wanted:
                t += 1
                continue
            if not bars[t + 1, PRESENT]:
                t += 1  # it lapses, and may be asked again in that very minute
                continue
            entry, done = bars[t + 1, OPEN], None
            stop = entry * (1 - side * cfg.risk.stop_loss_pct / 100)
            target = entry * (1 + side * cfg.risk.take_profit_pct / 100)
            for u in range(t + 1, 390):
                opens, high, low = bars[u, OPEN], bars[u, HIGH], bars[u, LOW]
                if bars[u, PRESENT] and u >= t + 1 + horizon:
                    done = (u, opens, "horizon")
                elif bars[u, PRESENT] and u >= flatten:
                    done = (u, opens, "close")
                elif bars[u, PRESENT] and side * ((low if side > 0 else high) - stop) <= 0:
                    done = (u, side * min(side * stop, side * opens), "stop")
                elif bars[u, PRESENT] and side * ((high if side > 0 else low) - target) >= 0:
                    done = (u, side * max(side * target, side * opens), "target")
                elif u == 389:
                    done = (u, bars[u, CLOSE], "close")
                if done:
                    break
            u, price, how = done
            cost = 2 * max(cfg.costs.min_half_spread_bps, 5e3 * cfg.costs.tick_usd / entry)
            cost += trip_bps + 1e4 * trip_usd / entry
            net = side * (price / entry - 1) - cost / 1e4
            found.append((u, s, side, t, t + 1, how, entry, price, net))
            t = u  # the next may be asked in the minute in which this one ended
    return sorted(found)


@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.2, 0.6]), st.sampled_from([5e-4, 4e-3]))
@examples(0.5)
def test_the_pass_is_the_plain_walk(seed, missing, step):
    """Entries, exits, prices and net returns, with missing minutes, levels and the close."""
    cfg = config("learning.horizons=[10,20,60]")
    block, signals = market(seed, missing=missing, step=step)
    ranking, rules = ranked(block, signals, cfg)

    ours = Shadows(3).run(block, signals, ranking, rules, cfg)
    theirs = plain(block, signals, ranking, rules, cfg)

    assert [(x.t, x.column, x.direction, x.opened_minute, x.entry_minute, x.how) for x in ours] == [
        row[:6] for row in theirs
    ]
    assert np.allclose(
        [(x.entry_price, x.exit_price, x.net_return) for x in ours],
        [row[6:] for row in theirs] or np.empty((0, 3)), rtol=1e-12, atol=1e-15,
    )  # fmt: skip


def test_all_ways_out_are_seen():
    """The walk above is worth something: every kind of exit comes up."""
    cfg = config()
    seen = set()
    for seed in range(20):
        block, signals = market(seed, missing=0.5, step=6e-3)
        ranking, rules = ranked(block, signals, cfg)
        seen |= {x.how for x in Shadows(3).run(block, signals, ranking, rules, cfg)}

    assert seen == {"horizon", "stop", "target", "close"}


@pytest.mark.parametrize("size", [1, 7])
def test_blocks_do_not_matter(size):
    """Cut into pieces, the same shadows close in the same minutes."""
    cfg = config()
    block, signals = market(1)
    ranking, rules = ranked(block, signals, cfg)
    whole = [x._replace(t=0) for x in Shadows(3).run(block, signals, ranking, rules, cfg)]

    shadows, pieces = Shadows(3), []
    for a in range(0, 390, size):
        part = block.slice(a, min(390, a + size))
        rows = signals[a : a + size]
        here, _ = ranked(part, rows, cfg)
        pieces += [x._replace(t=0) for x in shadows.run(part, rows, here, rules, cfg)]

    assert pieces == whole
