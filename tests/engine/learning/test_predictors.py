import sys

import numpy as np
import pytest
from pydantic import BaseModel, Field

from engine.errors import CheckpointError, ConfigError
from engine.learning.battery import yield_checks
from engine.learning.judge import Judge
from engine.learning.predictors import BY_NAME, make_predictor
from engine.learning.signals import EXPECTED, PROBABILITY, STALE, WARM, Context, neutral
from tests.bars import SIX, synth_blocks


def context(symbol="TQQQ", **options):
    return Context(symbol, SIX.index(symbol), SIX, 1.0, (15, 30, 60), options)


@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.parametrize("check", [name for name, _ in yield_checks(lambda c: None)])
def test_every_predictor_passes_the_battery(name, check):
    """Causal, deterministic, resumable, finite, independent of block size, and the rest."""
    dict(yield_checks(lambda c: make_predictor(name, c)))[check]()


class Leaky:
    """A user's predictor that looks one bar ahead."""

    feature_names = ()

    def __init__(self, context):
        self.column = context.column

    def process(self, block):
        signals = neutral(len(block))
        signals.values[:-1, PROBABILITY] = np.nan_to_num(block.close[1:, self.column] / 1e3).clip(
            0, 1
        )
        return signals

    def checkpoint(self):
        return b""

    def restore(self, state):
        pass


@pytest.mark.parametrize("check", ["check_causal", "check_block_size"])
def test_the_battery_catches_a_leak(check):
    """A predictor that reads the next close fails for it."""
    with pytest.raises(AssertionError):
        dict(yield_checks(Leaky))[check]()


def test_a_users_class_is_made_by_its_dotted_path():
    """A dotted path names the class itself."""
    assert type(make_predictor("engine.learning.baselines.Zero", context())).__name__ == "Zero"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nonsense", "there is ewrls, momentum, random, zero"),
        ("no.such.module.Thing", "cannot be imported"),
        ("..x", "there is ewrls, momentum, random, zero"),
        (".x", "there is ewrls, momentum, random, zero"),
        ("engine..x", "there is ewrls, momentum, random, zero"),
        ("engine.learning.", "there is ewrls, momentum, random, zero"),
        ("engine.\0.x", "there is ewrls, momentum, random, zero"),
        ("engine.learning.baselines.Nobody", "cannot be imported"),
        ("engine.learning.signals.neutral", "is not a class"),
        ("engine.learning.signals.Context", "has no"),
    ],
)
def test_names_that_are_none_are_explained(name, reason):
    """An unknown name, a bad path, a function and a class without the methods are told apart."""
    maker = (lambda c: c) if "Context" not in name else None
    with pytest.raises((ConfigError, TypeError), match=reason if maker else None):
        make_predictor(name, context())


@pytest.mark.parametrize(
    "options",
    [{"forgetting": 0.999}, {"ridge": 10.0}, {"warm_rows": 5.0}],
)
def test_every_learning_key_changes_the_forecasts(options):
    """What the configuration says reaches the learner (A14, B5)."""
    blocks = synth_blocks(3)
    plain, changed = (make_predictor("ewrls", context(**o)) for o in ({}, options))
    a, b = (np.concatenate([p.process(x).values for x in blocks]) for p in (plain, changed))

    assert a.tobytes() != b.tobytes()


def test_horizons_and_seed_change_the_forecasts():
    """Horizons reach the learner, the seed reaches `random`."""
    block = synth_blocks(1)[0]
    other = Context("TQQQ", 4, SIX, 1.0, (5, 10), {})
    seeds = [make_predictor("random", context(seed=s)).process(block).values for s in (0, 1)]
    longer = make_predictor("ewrls", context()).process(block).values
    shorter = make_predictor("ewrls", other).process(block)

    assert shorter.expected.shape == (len(block), 2)
    assert shorter.values.tobytes() != longer.tobytes()
    assert seeds[0].tobytes() != seeds[1].tobytes()


@pytest.mark.parametrize(
    "other",
    [
        Context("SQQQ", 1, SIX, 1.0, (15, 30, 60), {}),
        Context("TQQQ", 4, SIX, 1.0, (15, 30), {}),
        Context("TQQQ", 4, SIX, 1.0, (15, 30, 60), {"forgetting": 0.99}),
        Context("TQQQ", 4, SIX, 1.0, (15, 30, 60), {"ridge": 1.0}),
    ],
)
def test_a_checkpoint_of_another_learner_is_refused(other):
    """Another symbol, horizon, forgetting or ridge is a mismatch with a reason."""
    checkpoint = make_predictor("ewrls", context()).checkpoint()

    with pytest.raises(CheckpointError, match="belongs to other features"):
        make_predictor("ewrls", other).restore(checkpoint)


def test_a_checkpoint_cut_short_is_refused():
    """Half a checkpoint is none."""
    learner = make_predictor("ewrls", context())

    with pytest.raises(CheckpointError, match="bytes"):
        learner.restore(learner.checkpoint()[:-8])


def test_contributions_add_up_to_the_forecast():
    """The explanation is exact: the parts sum to the expected return."""
    learner, judge = make_predictor("ewrls", context()), Judge((4,), (15, 30, 60))
    for block in synth_blocks(3, signal=2.0):
        signals = learner.process(block)
        gathered = judge.take(block, [signals])[:, 0]
        fresh = gathered[:, STALE] == 0.0
        total = signals.contributions[fresh].sum(axis=1)
        np.testing.assert_allclose(total, gathered[fresh, EXPECTED], rtol=1e-9, atol=1e-15)


def test_warm_after_the_rows_that_were_asked_for():
    """A learner is warm once `warm_rows` labels of its longest horizon have matured."""
    learner = make_predictor("ewrls", context(warm_rows=100.0))
    warm = learner.process(synth_blocks(1)[0]).values[:, WARM]

    # row t matures at t + 61; TQQQ misses few minutes
    assert 160 <= int(np.argmax(warm)) <= 165
    assert set(warm[: int(np.argmax(warm))]) == {0.0}


class Tuned(Leaky):
    """A predictor with options."""

    class Options(BaseModel):
        minutes: int = Field(20, ge=1)
        share: float = 0.1

    def __init__(self, context):
        super().__init__(context)
        self.own = context.own


def tuned(monkeypatch, name="tuned", **options):
    monkeypatch.setitem(BY_NAME, "tuned", Tuned)
    return make_predictor(name, context(), options)


def test_options_are_those_the_class_declares(monkeypatch):
    """Given ones are taken, others have their defaults."""
    assert tuned(monkeypatch, minutes=5).own == Tuned.Options(minutes=5, share=0.1)
    assert tuned(monkeypatch, share=1).own.share == 1.0


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("momentum", {"minutes": 5}, "learning.options.minutes: the predictor 'momentum' declares"),
        ("tuned", {"minute": 5}, "learning.options.minute: unknown; .* are minutes, share"),
        ("tuned", {"minutes": "5"}, "learning.options.minutes: Input should be a valid integer"),
        ("tuned", {"minutes": 0}, "learning.options.minutes: Input should be greater"),
    ],
)
def test_an_option_that_cannot_be_is_named(monkeypatch, name, options, words):
    """Unknown options, wrong types and values, options of a class that declares none."""
    with pytest.raises(ConfigError, match=words):
        tuned(monkeypatch, name, **options)


def test_a_class_in_the_current_folder_is_found(tmp_path, monkeypatch):
    """The folder is on the path, behind all that is installed."""
    (tmp_path / "nearby_predictor.py").write_text(
        "from engine.learning.baselines import Zero\n\n\nclass Near(Zero):\n    pass\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p])

    assert type(make_predictor("nearby_predictor.Near", context())).__name__ == "Near"
    assert sys.path[-1] == str(tmp_path)
    sys.modules.pop("nearby_predictor")
