import datetime as dt

import numpy as np
import pytest

from engine.errors import BadInputError
from engine.market.calendar import sessions_between
from engine.market.sources import open_source
from engine.market.synth import (
    MAX_SIGNAL,
    MEMORY,
    SYMBOLS,
    _market,
    generate,
    theoretical_ic,
    write_parquet,
)

FIRST = dt.date(2025, 1, 2)


def market(sessions=30, **options):
    days = sessions_between(FIRST, FIRST + dt.timedelta(days=2 * sessions + 20))[:sessions]
    return list(generate(days, **options))


def test_the_same_seed_gives_the_same_bars():
    """Seeded: equal seeds are equal, others and other signals are not."""
    one, two, other = (market(2, seed=s) for s in (1, 1, 2))
    planted = market(2, seed=1, signal=1.0)

    np.testing.assert_array_equal(one[1].bars, two[1].bars)
    assert not np.array_equal(one[1].bars, planted[1].bars, equal_nan=True)
    assert not np.array_equal(one[1].bars, other[1].bars, equal_nan=True)


def test_bars_are_valid_on_ticks_with_whole_volumes():
    """High and low hold open and close, prices lie on cents, volumes are positive integers."""
    for _, bars in market(5):
        o, h, low, c, v = np.moveaxis(bars[~np.isnan(bars[:, :, 0])], -1, 0)
        assert (h >= np.maximum(o, c)).all()
        assert (low <= np.minimum(o, c)).all()
        np.testing.assert_allclose(np.round(c * 100), c * 100, atol=1e-6)
        assert (v >= 1).all()
        assert (v == np.round(v)).all()


def test_thin_symbols_miss_minutes_and_liquid_ones_hardly():
    """SVIX misses about 5% of its minutes, TQQQ about 0.1%."""
    bars = np.concatenate([x.bars for x in market(20)])
    missing = np.isnan(bars[:, :, 0]).mean(axis=0)

    assert 0.03 < missing[SYMBOLS.index("SVIX")] < 0.08
    assert missing[SYMBOLS.index("TQQQ")] < 0.004


def test_half_days_and_the_u_shape():
    """A half day has 210 minutes; volume and volatility are highest at the ends of a day."""
    (half,) = generate(sessions_between(dt.date(2025, 7, 3), dt.date(2025, 7, 3)))
    volume = np.nanmean([x.bars[:, 4, 4] for x in market(25)], axis=0)

    assert half.bars.shape[0] == 210
    assert volume[:20].mean() > 1.5 * volume[185:205].mean()
    assert volume[-20:].mean() > 1.5 * volume[185:205].mean()


def test_inverse_twins_mirror_each_other():
    """TQQQ and SQQQ move in opposite ways, SSO with TQQQ, UVXY against both."""
    close = np.concatenate([x.bars[::5, :, 3] for x in market(20)])
    moves = np.diff(np.log(close), axis=0)
    moves = moves[~np.isnan(moves).any(axis=1)]
    corr = dict(zip(SYMBOLS, np.corrcoef(moves.T)[SYMBOLS.index("TQQQ")], strict=True))

    assert corr["SQQQ"] < -0.9
    assert corr["SSO"] > 0.6
    assert corr["UVXY"] < -0.4


def test_nights_gap_and_prices_stay_sane():
    """Opens differ from the last close, and no price runs away over a hundred sessions."""
    days = market(100)
    gaps = [
        np.nanmax(np.abs(np.log(b.bars[0, :, 0] / a.bars[-1, :, 3])))
        for a, b in zip(days[:-1], days[1:], strict=True)
    ]
    close = np.concatenate([x.bars[:, :, 3] for x in days])

    assert np.median(gaps) > 0.004
    assert np.nanmin(close) > 1.0
    assert np.nanmax(close) < 2000.0


@pytest.mark.parametrize("signal", [0.0, 1.0, 3.0])
def test_the_planted_correlation_is_what_the_docstring_says(signal):
    """Corr(a(t), market return over 30 minutes) is theoretical_ic, and 0 without a signal."""
    rng = np.random.default_rng(0)
    known, came = [], []
    for _ in range(400):
        shocks = _market(rng, 390, signal)
        mean = 0.0
        for t in range(390 - 31):
            mean = MEMORY * mean + np.sqrt(1 - MEMORY**2) * shocks[t]
            if t > 100 and t % 30 == 0:
                known.append(mean)
                came.append(shocks[t + 1 : t + 31].sum())
    actual = np.corrcoef(known, came)[0, 1]

    assert actual == pytest.approx(theoretical_ic(signal, 30), abs=0.05)
    assert theoretical_ic(1.0, 30) == pytest.approx(0.1, abs=0.01)
    assert theoretical_ic(0.0, 30) == 0.0


def test_an_interrupted_write_leaves_nothing(tmp_path):
    """Stopped half-way there is neither the file nor a part of it."""

    def stop(_done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_parquet(tmp_path / "x.parquet", first=FIRST, sessions=3, progress=stop)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("lag", [1, 5, 15, 30])
def test_without_a_signal_nothing_predicts(lag):
    """At signal 0 returns over `lag` minutes do not predict the next ones, beyond noise."""
    pairs = []
    for _, bars in market(60, seed=4):
        close = bars[::lag, SYMBOLS.index("TQQQ"), 3]
        moves = np.diff(np.log(close))
        pairs += list(zip(moves[:-1], moves[1:], strict=True))
    table = np.array(pairs)
    table = table[~np.isnan(table).any(axis=1)]
    corr = np.corrcoef(table.T)[0, 1]

    assert abs(corr) < 3.5 / np.sqrt(len(table)) + (0.01 if lag == 1 else 0.0)


def test_the_demo_is_made_by_the_command_in_its_readme(tmp_path):
    """Made anew, the bundled bars are the same, and the README names the command.

    A price may differ by a tick: another machine's exp() may round the other way.
    """
    from tui.prepare import demo_folder

    folder = demo_folder()
    write_parquet(
        tmp_path / "bars.parquet", first=dt.date(2025, 6, 26), sessions=10, seed=1, signal=1.5
    )
    ours, theirs = (open_source(p / "bars.parquet") for p in (tmp_path, folder))
    command = "--from 2025-06-26 --sessions 10 --seed 1 --signal 1.5"

    assert command in (folder / "README.md").read_text()
    assert ours.origins() == theirs.origins()
    for a, b in zip(ours.sessions(), theirs.sessions(), strict=True):
        np.testing.assert_allclose(a.bars, b.bars, rtol=0, atol=0.011)
    assert sum(s.session.minutes == 210 for s in theirs.sessions()) == 1


def test_nothing_to_write_is_an_error(tmp_path):
    """No session or no symbol is bad input."""
    with pytest.raises(BadInputError, match="0 sessions"):
        write_parquet(tmp_path / "x.parquet", first=FIRST, sessions=0)


@pytest.mark.parametrize("signal", [-0.1, MAX_SIGNAL + 0.1, 6.0, float("nan")])
def test_a_signal_out_of_range_is_an_error_before_anything_is_written(tmp_path, signal):
    """Beyond MAX_SIGNAL the shocks would explode: it is refused, and leaves no file."""
    with pytest.raises(BadInputError, match="signal"):
        write_parquet(tmp_path / "x.parquet", first=FIRST, sessions=1, signal=signal)
    with pytest.raises(BadInputError, match="signal"):
        next(generate(sessions_between(FIRST, FIRST), signal=signal))
    assert list(tmp_path.iterdir()) == []


def test_the_planted_correlation_is_in_the_bars_and_grows_with_the_knob():
    """TQQQ's own past predicts its next 30 minutes: 0 without a signal, else a little under theory.

    A mean of one symbol's returns knows the market's shocks with noise (its share, 0.95, squared).
    """
    found = {signal: correlation_in_bars(signal) for signal in (0.0, 1.0, 2.0, MAX_SIGNAL)}

    assert found[0.0] == pytest.approx(0.0, abs=0.05)
    for signal in (1.0, 2.0):
        assert found[signal] == pytest.approx(0.9 * theoretical_ic(signal, 30), abs=0.05)
    assert found[0.0] < found[1.0] < found[2.0] < found[MAX_SIGNAL]


def correlation_in_bars(signal):
    bars = [x.bars for x in market(400, symbols=("TQQQ",), seed=3, signal=signal)]
    close = np.log([x[:, 0, 3] for x in bars if len(x) == 390])
    for t in range(1, 390):
        close[:, t] = np.where(np.isnan(close[:, t]), close[:, t - 1], close[:, t])
    moves = np.diff(close, axis=1)
    moves = np.nan_to_num(moves / np.nanstd(moves, axis=0))
    known, mean = np.zeros_like(moves), np.zeros(len(moves))
    for t in range(moves.shape[1]):
        mean = MEMORY * mean + moves[:, t]
        known[:, t] = mean
    at = np.arange(100, 355, 30)
    came = np.array([moves[:, t + 1 : t + 31].sum(axis=1) for t in at])
    return np.corrcoef(known[:, at].T.ravel(), came.ravel())[0, 1]


@pytest.mark.parametrize(
    ("held", "twin", "ratio"),
    [("SQQQ", "TQQQ", -1.0), ("SDS", "SSO", -1.0), ("SVIX", "UVXY", -1 / 1.5)],
)
def test_twins_move_by_the_ratio_of_their_leverages(held, twin, ratio):
    """The regression of one on the other is the ratio of their leverages, and fits."""
    close = np.log([x.bars[::5, :, 3] for x in market(30, seed=2)])
    moves = np.diff(close, axis=1).reshape(-1, len(SYMBOLS))
    y, x = moves[:, SYMBOLS.index(held)], moves[:, SYMBOLS.index(twin)]
    both = ~np.isnan(x + y)

    assert np.cov(x[both], y[both])[0, 1] / np.var(x[both]) == pytest.approx(ratio, rel=0.03)
    assert np.corrcoef(x[both], y[both])[0, 1] < -0.99


def test_volume_rises_with_the_move_of_the_minute():
    """Busy minutes are those that move: log volume and the size of the move go together."""
    bars = np.concatenate([x.bars for x in market(20)])[:, SYMBOLS.index("TQQQ")]
    bars = bars[~np.isnan(bars[:, 0])]

    assert np.corrcoef(np.abs(np.log(bars[:, 3] / bars[:, 0])), np.log(bars[:, 4]))[0, 1] > 0.2
