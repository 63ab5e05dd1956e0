"""The battery of checks that any predictor must pass; run it on your own class too.

    from engine.learning.battery import yield_checks
    for name, check in yield_checks(MyPredictor):
        check()

Each check raises AssertionError with the reason. Bars are random walks made on the spot.
"""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from engine.learning.border import ForecastError, checked
from engine.learning.signals import Context, Predictor, Signals
from engine.market.frames import MINUTE_NS, Block, Floats, Session
from engine.market.grid import Gridder

Make = Callable[[Context], Predictor]
_SYMBOLS = ("AAA", "BBB", "CCC")
_MINUTES = 390
_HORIZONS = (15, 30, 60)


def yield_checks(make: Make) -> Iterator[tuple[str, Callable[[], None]]]:
    """Yield (name, check) pairs for predictors made by `make(context)`."""
    for check in (
        check_shapes,
        check_finite,
        check_deterministic,
        check_block_size,
        check_causal,
        check_resumable,
        check_reads_only,
        check_instances_are_apart,
    ):
        yield check.__name__, partial(check, make)


def check_shapes(make: Make) -> None:
    """Signals have T rows, a column per number, horizon and feature name."""
    predictor = make(_context())
    block = _blocks(1)[0]
    _hand_on(predictor, block)


def check_finite(make: Make) -> None:
    """Every number is finite, and in its range, on ordinary and on absurd bars."""
    for name, bars in _absurd().items():
        predictor = make(_context())
        for block in _grid([bars, bars]):
            try:
                _hand_on(predictor, block)
            except AssertionError as error:
                raise AssertionError(f"{name}: {error}") from None


def check_deterministic(make: Make) -> None:
    """The same bars give the same bytes."""
    assert _run(make(_context()), _blocks(2)) == _run(make(_context()), _blocks(2))


def check_block_size(make: Make) -> None:
    """Blocks of 1, 7 and 390 frames give the same bytes."""
    whole = _run(make(_context()), _blocks(2))
    for size in (1, 7):
        pieces = [piece for block in _blocks(2) for piece in block.split(size)]
        assert _run(make(_context()), pieces) == whole, f"blocks of {size} frames differ"


def check_causal(make: Make) -> None:
    """Other bars after minute t change nothing up to t."""
    for t in (0, 61, 200, 388):
        ours, theirs = _walk(1), _walk(1)
        theirs[t + 1 :] = _walk(99)[t + 1 :]
        known = [
            _run(make(_context()), [_grid([bars])[0].slice(0, t + 1)]) for bars in (ours, theirs)
        ]
        full = [
            _bytes(make(_context()).process(_grid([bars])[0]), t + 1) for bars in (ours, theirs)
        ]
        assert full[0] == full[1], f"a row up to {t} depends on a later bar"
        assert known[0] == known[1]


def check_resumable(make: Make) -> None:
    """A checkpoint taken anywhere resumes to the same bytes."""
    blocks = _blocks(2)
    for t in (1, 100, 389):
        pieces = [blocks[0].slice(0, t), blocks[0].slice(t, _MINUTES), blocks[1]]
        first, second = make(_context()), make(_context())
        expected = _run(first, pieces)
        before = make(_context())
        rows = _run(before, pieces[:1])
        second.restore(before.checkpoint())
        rows += _run(second, pieces[1:])
        assert rows == expected, f"resumed at {t} it differs"


def check_reads_only(make: Make) -> None:
    """Blocks are not written to."""
    block = _blocks(1)[0]
    before = block.bars.tobytes()
    make(_context()).process(block)
    assert block.bars.tobytes() == before, "the predictor wrote into its bars"


def check_instances_are_apart(make: Make) -> None:
    """Two predictors side by side do not share state."""
    pieces = _blocks(1)[0].split(13)
    expected = _run(make(_context()), pieces)
    one, other = make(_context()), make(_context(1))
    rows = []
    for piece in pieces:
        rows.append(_bytes(one.process(piece)))
        other.process(piece)
    assert b"".join(rows) == expected, "another instance changed this one"


def one_session(closes: Floats) -> Block:
    """Return a session of one symbol from its closes, (390,) USD; each opens at the last."""
    opens = np.concatenate([closes[:1], closes[:-1]])
    bars = np.stack([opens, np.maximum(opens, closes), np.minimum(opens, closes), closes,
                     np.full(len(closes), 1e4)], axis=1)  # fmt: skip
    return _grid([bars[:, None]], _SYMBOLS[:1])[0]


def _context(column: int = 0) -> Context:
    return Context(_SYMBOLS[column], column, _SYMBOLS, 1.0, _HORIZONS, {"warm_rows": 50.0})


def _run(predictor: Predictor, blocks: list[Block]) -> bytes:
    return b"".join(_bytes(predictor.process(block)) for block in blocks)


def _hand_on(predictor: Predictor, block: Block) -> Signals:
    """Return what passes the border (engine.learning.border); raises AssertionError."""
    try:
        return checked(predictor.process(block), block, _context(), predictor)
    except ForecastError as error:
        raise AssertionError(str(error)) from None


def _bytes(signals: Signals, frames: int | None = None) -> bytes:
    """Return what is handed on for the first frames, frame by frame."""
    return np.hstack([signals.values, signals.contributions])[:frames].tobytes()


def _blocks(sessions: int) -> list[Block]:
    return _grid([_walk(seed) for seed in range(sessions)])


def _grid(sessions: list[Floats], symbols: tuple[str, ...] = _SYMBOLS) -> list[Block]:
    import datetime as dt

    gridder = Gridder(symbols, [1.0, -1.0, 1.0][: len(symbols)])
    day_ns = 24 * 60 * MINUTE_NS
    blocks = []
    for i, bars in enumerate(sessions):
        start = 1_750_000_000 * 1_000_000_000 // MINUTE_NS * MINUTE_NS + i * day_ns
        day = dt.date(2025, 6, 16) + dt.timedelta(days=i)
        session = Session(day, start, start + _MINUTES * MINUTE_NS)
        blocks.append(gridder.block(session, 0, bars))
    return blocks


def _walk(seed: int, *, missing: float = 0.1, step: float = 1e-3) -> Floats:
    rng = np.random.default_rng(seed)
    shape = (_MINUTES, len(_SYMBOLS))
    close = 50.0 * np.exp(np.cumsum(step * rng.standard_normal(shape), axis=0))
    open_ = close * np.exp(step / 2 * rng.standard_normal(shape))
    high = np.maximum(open_, close) * (1 + step * rng.random(shape))
    low = np.minimum(open_, close) / (1 + step * rng.random(shape))
    bars = np.stack([open_, high, low, close, rng.uniform(0, 1e5, shape)], axis=2)
    bars[rng.random(shape) < missing] = np.nan
    return bars


def _absurd() -> dict[str, Floats]:
    constant = np.full((_MINUTES, 3, 5), 20.0)
    no_volume = _walk(3)
    no_volume[:, :, 4] = 0.0
    mostly_missing = _walk(4, missing=0.97)
    late = _walk(5)
    late[:200, 0] = np.nan
    nothing = np.full((_MINUTES, 3, 5), np.nan)
    jumps = _walk(6)
    jumps[150:, :, :4] *= 1e6
    tiny = _walk(7)
    tiny[:, :, :4] *= 1e-6
    return {
        "constant prices": constant,
        "no volume": no_volume,
        "mostly missing": mostly_missing,
        "first bar at noon": late,
        "no bar at all": nothing,
        "a jump of a million": jumps,
        "tiny prices": tiny,
        "wild": _walk(8, step=0.2),
    }
