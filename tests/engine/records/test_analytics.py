"""Analytics: every figure against pandas, statsmodels or NumPy on random trips and shadows."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from statsmodels.stats.proportion import proportion_confint

from engine.cards import Signal
from engine.events import MICRO, Decision
from engine.learning.calibration import LEAST, MOST, interval
from engine.market.calendar import sessions_between
from engine.records import analytics
from engine.records.outcomes import Shadow, Trip, shadow_of, trip_of

SYMBOLS = ("SDS", "SQQQ", "SSO", "TQQQ")
SESSIONS = sessions_between(dt.date(2025, 3, 3), dt.date(2025, 3, 14)) + sessions_between(
    dt.date(2025, 10, 27), dt.date(2025, 11, 7)
)
"""New York turned its clocks on 9 March and 2 November."""


def signal(confidence=0.5, probability=0.6, win_rate=0.5):
    return Signal(
        id="X-1", probability=probability, confidence=confidence, strength=0.1, rank=1,
        edge_bps=2.0, win_rate=win_rate, verdict="unproven",
    )  # fmt: skip


def trip(pnl_micro, **fields):
    """Return a trip of $1,000 with this net profit."""
    plain = {
        "number": 1, "symbol": "TQQQ", "direction": 1,
        "entry_ms": SESSIONS[0].open_ns // 10**6, "exit_ms": SESSIONS[0].open_ns // 10**6 + 60_000,
        "shares": 10, "entry_micro": 1000 * MICRO, "exit_micro": 1000 * MICRO + pnl_micro,
        "fee_micro": 7, "slippage_micro": 11, "bars_held": 1, "mae": 0.0, "mfe": 0.0,
        "decision": int(Decision.EXIT), "entry_reason": "", "exit_reason": "", "forced": False,
        "signal": None,
    }  # fmt: skip
    return Trip(**plain | {"pnl_micro": pnl_micro} | fields)


def random_trips(seed, n=200):
    rng = np.random.default_rng(seed)
    pnl = rng.integers(-3, 4, n) * rng.integers(0, 10**8, n)
    minutes = rng.integers(0, 389, n)
    days = rng.integers(0, len(SESSIONS), n)
    return [
        trip(
            int(pnl[i]),
            number=i + 1,
            symbol=str(rng.choice(SYMBOLS)),
            direction=int(rng.choice([1, -1])),
            entry_ms=SESSIONS[days[i]].open_ns // 10**6 + int(minutes[i]) * 60_000,
            entry_micro=int(rng.integers(10**8, 10**11)),
            fee_micro=int(rng.integers(0, 10**6)),
            slippage_micro=int(rng.integers(-(10**5), 10**6)),
            bars_held=int(rng.integers(0, 120)),
            mae=-float(rng.random()) / 100,
            mfe=float(rng.random()) / 100,
            decision=int(rng.choice([1, 4, 5, 6, 7, 8])),
        )
        for i in range(n)
    ]


def frame(trips):
    """Return the trips as a table, their moments in New York by pandas."""
    table = pd.DataFrame(
        {name: [getattr(t, name) for t in trips] for name in Trip.__slots__ if name != "signal"}
    )
    moment = pd.to_datetime(table["entry_ms"], unit="ms", utc=True)
    table["moment"] = moment.dt.tz_convert("America/New_York")
    return table


def by_pandas(table):
    """Return the figures of a table of trips."""
    pnl = table["pnl_micro"]
    won, lost = pnl[pnl > 0], pnl[pnl < 0]
    low, high = proportion_confint(len(won), len(table), method="jeffreys")
    costs = table["fee_micro"] + table["slippage_micro"]
    return {
        "round_trips": len(table),
        "wins": len(won),
        "losses": len(lost),
        "break_even": int((pnl == 0).sum()),
        "win_rate": (pnl > 0).mean(),
        # at the edges the interval ends where the rate does
        "win_rate_low": low if len(won) else 0.0,
        "win_rate_high": high if len(won) < len(table) else 1.0,
        "profit_factor": won.sum() / -lost.sum() if len(lost) else None,
        "expectancy": pnl.mean() / MICRO,
        "average_win": won.mean() / MICRO if len(won) else None,
        "average_loss": lost.mean() / MICRO if len(lost) else None,
        "total_pnl": pnl.sum() / MICRO,
        "gross_pnl": (pnl + costs).sum() / MICRO,
        "mean_bars_held": table["bars_held"].mean(),
        "costs": costs.sum() / MICRO,
        "mean_return": (pnl / table["entry_micro"]).mean(),
        "mean_mae": table["mae"].mean(),
        "mean_mfe": table["mfe"].mean(),
    }


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n", [1, 2, 7, 300])
def test_figures_equal_pandas(seed, n):
    """Every figure, the interval against statsmodels' Jeffreys interval; no figure is left out."""
    trips = random_trips(seed, n)

    assert analytics.figures(trips) == pytest.approx(by_pandas(frame(trips)), rel=1e-9, abs=1e-12)


KEYS = {
    analytics.symbol: lambda table: table["symbol"],
    analytics.exit_reason: lambda table: table["decision"].map(lambda d: Decision(d).name.lower()),
    analytics.direction: lambda table: table["direction"].map({1: "LONG", -1: "SHORT"}),
    analytics.hour: lambda table: table["moment"].dt.strftime("%H:00"),
    analytics.weekday: lambda table: table["moment"].dt.day_name(),
}


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.__name__)
@pytest.mark.parametrize("seed", range(3))
def test_tables_equal_pandas_groups(key, seed):
    """By symbol, exit, direction, New York hour and weekday, over both changes of the clock."""
    trips = random_trips(seed, 400)
    table = frame(trips)
    expected = {name: by_pandas(group) for name, group in table.groupby(KEYS[key](table))}
    actual = analytics.table(trips, key)

    assert set(actual) == set(expected)
    for name, figures in actual.items():
        assert figures == pytest.approx(expected[name], rel=1e-9, abs=1e-12)
    assert sum(row["round_trips"] for row in actual.values()) == len(trips)


def test_weekdays_stand_in_order_of_the_week():
    """Monday first, and every other key in order of its name."""
    trips = random_trips(0, 400)

    assert list(analytics.table(trips, analytics.weekday)) == list(analytics.WEEKDAYS[:5])
    assert list(analytics.table(trips, analytics.hour)) == [f"{h:02}:00" for h in range(9, 16)]


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: str(session.date))
def test_the_open_is_half_past_nine_on_both_sides_of_a_clock_change(session):
    """The first minute is in hour 09, the last in hour 15, whatever UTC says."""
    first = trip(1, entry_ms=session.open_ns // 10**6)
    last = trip(1, entry_ms=session.close_ns // 10**6 - 60_000)

    assert (analytics.hour(first), analytics.hour(last)) == ("09:00", "15:00")
    assert analytics.weekday(first) == session.date.weekday() == analytics.weekday(last)


def test_no_trips_have_no_rates():
    """Sums and counts are zero, everything else is None."""
    empty = analytics.overview([])

    assert {k for k, v in empty.items() if v is not None} == {
        "round_trips", "wins", "losses", "break_even", "total_pnl", "gross_pnl", "costs",
    }  # fmt: skip
    assert not any(v for v in empty.values())
    assert analytics.table([], analytics.symbol) == {}


def test_all_wins_all_losses_all_break_even():
    """A rate of one or zero has its interval's end there; break-even is neither."""
    wins = analytics.figures([trip(5)] * 4)
    losses = analytics.figures([trip(-5)] * 4)
    even = analytics.figures([trip(0)] * 4)

    assert (wins["win_rate"], wins["win_rate_high"], wins["profit_factor"]) == (1.0, 1.0, None)
    assert wins["win_rate_low"] == pytest.approx(scipy_stats.beta.ppf(0.025, 4.5, 0.5))
    assert (losses["win_rate"], losses["win_rate_low"], losses["profit_factor"]) == (0.0, 0.0, 0.0)
    assert losses["win_rate_high"] == pytest.approx(scipy_stats.beta.ppf(0.975, 0.5, 4.5))
    assert (even["wins"], even["losses"], even["break_even"]) == (0, 0, 4)
    assert (even["win_rate"], even["expectancy"], even["average_win"]) == (0.0, 0.0, None)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_intervals_are_jeffreys(case):
    """Against statsmodels and SciPy's Beta, and they hold the rate."""
    won, n = case
    low, high = interval(won, n)
    beta = scipy_stats.beta(won + 0.5, n - won + 0.5)

    assert low <= won / n <= high
    if 0 < won < n:
        theirs = proportion_confint(won, n, method="jeffreys")
        assert (low, high) == pytest.approx(theirs, rel=1e-9)
        assert beta.cdf([low, high]) == pytest.approx([0.025, 0.975], rel=1e-7)


@given(st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=40))
def test_sums_are_exact_beyond_floats(profits):
    """Sums of micro-dollars beyond 2^53 are those of integers, rounded once at the end."""
    found = analytics.figures([trip(p, entry_micro=2**60) for p in profits])

    assert found["total_pnl"] == sum(profits) / MICRO
    assert found["gross_pnl"] == (sum(profits) + 18 * len(profits)) / MICRO
    assert found["costs"] == 18 * len(profits) / MICRO


def test_a_cent_is_not_lost_in_a_fortune():
    """2^53 + 1 micro-dollars, less 2^53, is one."""
    found = analytics.figures([trip(2**53 + 1), trip(-(2**53))])

    assert found["total_pnl"] == 1e-6


def test_best_and_worst_by_total():
    """By money, ties by name; with one symbol nobody is best."""
    trips = [trip(5, symbol="B"), trip(5, symbol="A"), trip(-1, symbol="C"), trip(-1, symbol="D")]

    found = analytics.overview(trips)
    assert (found["best_symbol"], found["worst_symbol"]) == ("B", "C")
    assert analytics.overview(trips[:1])["best_symbol"] is None


def shadow(net_return=0.01, *, symbol="TQQQ", direction=1, **fields):
    return Shadow(
        symbol=symbol, direction=direction, opened_ms=0, entry_ms=60_000, exit_ms=120_000,
        entry_price=50.0, exit_price=51.0, exit="horizon", net_return=net_return,
        signal=signal(**fields),
    )  # fmt: skip


def random_shadows(seed, n=500):
    rng = np.random.default_rng(seed)
    return [
        shadow(
            float(rng.choice([-1, 0, 1]) * rng.random() / 100),
            symbol=str(rng.choice(SYMBOLS)),
            direction=int(rng.choice([1, -1])),
            confidence=float(rng.random()),
            probability=round(float(rng.random()), 6),
            win_rate=round(float(rng.choice([0.0, 1.0, rng.random()])), 6),
        )
        for _ in range(n)
    ]


def confidence(one):
    return one.signal.confidence


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("n", [20, 57, 100, 1000])
def test_deciles_are_tenths(seed, n):
    """Of values that all differ each decile has a tenth; sums and means equal pandas'."""
    shadows = random_shadows(seed, n)
    values = pd.Series([confidence(s) for s in shadows])
    assert values.is_unique
    rows = analytics.deciles(shadows, confidence)
    won = pd.Series([s.win for s in shadows])
    returns = pd.Series([s.net_return for s in shadows])

    assert len(rows) == 10
    assert all(abs(row["n"] - n / 10) <= 1 for row in rows)
    for row in rows:
        inside = values.between(row["from"], row["to"])
        assert (row["n"], row["wins"]) == (inside.sum(), won[inside].sum())
        assert row["win_rate"] == pytest.approx(won[inside].mean())
        assert row["mean_return"] == pytest.approx(returns[inside].mean())


@given(st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.9, 1.0]), max_size=60))
def test_deciles_keep_ties_together(values):
    """Few values, many ties: rows do not overlap, nobody is lost, equal values share a row."""
    rows = analytics.deciles([shadow(confidence=v) for v in values], confidence)

    assert sum(row["n"] for row in rows) == len(values)
    assert len(rows) <= min(10, len(set(values)))
    assert all(a["to"] < b["from"] for a, b in zip(rows, rows[1:], strict=False))
    for row in rows:
        assert row["n"] == sum(row["from"] <= v <= row["to"] for v in values)


@pytest.mark.parametrize("seed", range(3))
def test_cells_equal_pandas_groups(seed):
    """By symbol, direction and tenth of confidence; the error is expected less won."""
    shadows = random_shadows(seed)
    table = pd.DataFrame(
        {
            "symbol": [s.symbol for s in shadows],
            "direction": ["LONG" if s.direction > 0 else "SHORT" for s in shadows],
            "bin": pd.cut([confidence(s) for s in shadows], np.arange(11) / 10, right=False),
            "won": [s.net_return > 0 for s in shadows],
            "net": [s.net_return for s in shadows],
            "expected": [s.signal.win_rate for s in shadows],
        }
    )
    groups = list(table.groupby(["symbol", "direction", "bin"], observed=True))
    rows = analytics.cells(shadows)

    assert [(r["symbol"], r["direction"], float(r["confidence"][:3])) for r in rows] == [
        (name, side, step.left) for (name, side, step), _ in groups
    ]
    for row, (_, group) in zip(rows, groups, strict=True):
        won = group["won"]
        assert (row["n"], row["wins"]) == (len(group), won.sum())
        assert row["mean_return"] == pytest.approx(group["net"].mean())
        assert row["expected"] == pytest.approx(group["expected"].mean())
        error = group["expected"].mean() - won.mean()
        assert row["calibration_error"] == pytest.approx(error, abs=1e-12)
        assert (row["win_rate_low"], row["win_rate_high"]) == interval(int(won.sum()), len(won))


def test_full_confidence_is_in_the_last_cell():
    """1.0 has no cell of its own."""
    (row,) = analytics.cells([shadow(confidence=1.0), shadow(confidence=0.9)])

    assert (row["confidence"], row["n"]) == ("0.9-1.0", 2)


@pytest.mark.parametrize("of", [analytics.raw_probability, analytics.calibrated_probability])
@pytest.mark.parametrize("seed", range(3))
def test_reliability_by_hand(of, seed):
    """Brier, log-loss, ECE and MCE, outcome by outcome, bin by bin."""
    shadows = random_shadows(seed)
    p = np.array([min(MOST, max(LEAST, of(s))) for s in shadows])
    won = np.array([1.0 if s.net_return > 0 else 0.0 for s in shadows])
    brier = sum((a - b) ** 2 for a, b in zip(p, won, strict=True)) / len(p)
    log_loss = -np.mean(won * np.log(p) + (1 - won) * np.log1p(-p))
    edges = np.arange(11) / 10
    gaps = []
    for a, b in zip(edges, edges[1:], strict=False):
        here = (p >= a) & ((p < b) | ((b == 1.0) & (p <= b)))
        if here.any():
            gaps.append((here.sum(), abs(p[here].mean() - won[here].mean())))

    found = analytics.reliability(shadows, of)
    assert found["n"] == len(shadows) == sum(row["n"] for row in found["bins"])
    assert found["brier"] == pytest.approx(brier, rel=1e-12)
    assert found["log_loss"] == pytest.approx(log_loss, rel=1e-9)
    assert found["ece"] == pytest.approx(sum(n * g for n, g in gaps) / len(p), rel=1e-9)
    assert found["mce"] == pytest.approx(max(g for _, g in gaps), rel=1e-9)
    assert [row["n"] for row in found["bins"]] == [n for n, _ in gaps]


def test_reliability_of_certainty_is_finite():
    """Predicting 0 or 1 and being wrong costs much, not infinitely much; of nothing it is None."""
    wrong = analytics.reliability(
        [shadow(0.01, win_rate=0.0), shadow(-0.01, win_rate=1.0)], analytics.calibrated_probability
    )

    assert wrong["log_loss"] == pytest.approx(-np.log(LEAST))
    assert wrong["brier"] == pytest.approx(1.0, abs=1e-5)
    assert analytics.reliability([], analytics.calibrated_probability) == {
        "n": 0, "brier": None, "log_loss": None, "ece": None, "mce": None, "bins": [],
    }  # fmt: skip


def test_break_even_is_not_won():
    """A shadow at exactly zero is not a win."""
    (row,) = analytics.deciles([shadow(0.0), shadow(0.1)], confidence)

    assert (row["n"], row["wins"]) == (2, 1)


def test_the_raw_probability_is_of_the_side():
    """For a short the probability that the price does not rise."""
    assert analytics.raw_probability(shadow(direction=-1, probability=0.3)) == pytest.approx(0.7)
    assert analytics.raw_probability(shadow(direction=1, probability=0.3)) == 0.3


@given(
    st.dictionaries(
        st.sampled_from(SYMBOLS),
        st.lists(
            st.tuples(
                st.sampled_from([15, 30, 60]), st.integers(0, 500), st.floats(-1, 1),
                st.floats(0, 1),
            ),
            max_size=3,
            unique_by=lambda row: row[0],
        ),
    )
)  # fmt: skip
def test_horizons_weigh_symbols_by_n(scores):
    """IC and hit rate are weighted means; a symbol without matured forecasts does not count."""
    names = ("horizon_minutes", "n", "ic", "hit_rate")
    rows = {s: [dict(zip(names, row, strict=True)) for row in v] for s, v in scores.items()}
    table = pd.DataFrame([row for v in rows.values() for row in v], columns=list(names))
    table = table[table["n"].astype(int) > 0]

    found = analytics.horizons(rows)
    assert [row["horizon_minutes"] for row in found] == sorted(table["horizon_minutes"].unique())
    for row in found:
        mine = table[table["horizon_minutes"] == row["horizon_minutes"]]
        assert row["n"] == mine["n"].sum()
        for name in ("ic", "hit_rate"):
            mean = np.average(mine[name].astype(float), weights=mine["n"].astype(float))
            assert row[name] == pytest.approx(mean, abs=1e-9)


def test_rows_come_back_exact():
    """Money of a row is the integer it was, up to the largest account of the tests."""
    rng = np.random.default_rng(0)
    for pnl in rng.integers(-(10**14), 10**14, 500).tolist():
        row = {
            "trip": 3, "symbol": "SSO", "direction": "SHORT", "entry_ms": 1, "exit_ms": 2,
            "shares": 5, "entry_value": 10**9 / MICRO, "exit_value": 5 / MICRO,
            "pnl": pnl / MICRO, "fees": 3 / MICRO, "slippage": -7 / MICRO, "bars_held": 4,
            "mae": -0.1, "mfe": 0.2, "decision": 1, "entry_reason": "a", "exit_reason": "b",
            "signal": signal()._asdict(),
        }  # fmt: skip
        back = trip_of(row)
        assert (back.pnl_micro, back.gross_micro) == (pnl, pnl + 3 - 7)
        assert (back.direction, back.forced, back.signal) == (-1, False, signal())


def test_shadow_rows_come_back():
    """Direction as a sign, the return, the signal."""
    row = {
        "symbol": "SSO", "direction": "LONG", "opened_ms": 1, "entry_ms": 2, "exit_ms": 3,
        "entry_price": 1.0, "exit_price": 2.0, "exit": "target", "return": 0.5,
        "signal": signal()._asdict(),
    }  # fmt: skip
    back = shadow_of(row)

    assert (back.direction, back.net_return, back.win, back.signal) == (1, 0.5, True, signal())
