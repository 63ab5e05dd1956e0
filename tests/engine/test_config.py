import re
from pathlib import Path

import pytest

from engine.config import Config, load_config, reload_class
from engine.errors import ConfigError

TOML = Path(__file__).parents[2] / "config.toml"
KEYS = [(s, k) for s in Config.model_fields for k in type(getattr(Config(), s)).model_fields]
FLOATS = [(s, k) for s, k in KEYS if isinstance(getattr(getattr(Config(), s), k), float)]
UNDECIDING = ("profile", "records", "database", "live", "alerts", "api", "optimize")


def test_config_toml_is_the_defaults():
    """The file that users read holds every key with its default, and nothing else."""
    assert load_config(TOML.read_text())[0] == Config()


@pytest.mark.parametrize(("section", "key"), KEYS)
def test_every_key_is_commented_with_its_reload_class(section, key):
    """The line above a key says what it is and when a change takes effect."""
    body = TOML.read_text().split(f"\n[{section}]\n")[1].split("\n[")[0]
    comment = re.search(rf"# (.+)\n{key} = ", body)

    assert comment is not None
    assert comment.group(1).endswith(f"[{reload_class(section, key)}]")


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("rotation.max_positionz=1", "unknown key; [rotation] has max_positions"),
        ("rotatoin.max_positions=1", "unknown key; sections are profile, strategy"),
        ("rotation.max_positions=0", "rotation.max_positions = 0"),
        ("rotation.max_positions=two", "rotation.max_positions = 'two'"),
        ("rotation.min_strength_to_hold=0.5", "must not be above min_strength_to_enter"),
        ("rotation.min_hold_minutes=200", "must not be above max_hold_minutes"),
        ("signal.sell_threshold=0.9", "must not be above buy_threshold"),
        ("learning.horizons=[30, 15]", "must rise strictly"),
        ("learning.forgetting=1.5", "learning.forgetting = 1.5"),
        ("session.flatten_before_close_minutes=1", "flatten_before_close_minutes = 1"),
        ("simulation.starting_capital=nan", "simulation.starting_capital = nan"),
        ("simulation.starting_capital=inf", "simulation.starting_capital = inf"),
        ("quality.unproven=maybe", "quality.unproven = 'maybe'"),
        ("learning.options.x=[1]", "options.x = (1,): text, a finite number"),
        ("learning.options.x=inf", "options.x = inf: text, a finite number"),
        ("rotation.max_positions", "write section.key=value"),
        ("max_positions=2", "write section.key=value"),
    ],
)
def test_what_cannot_be_used_is_named(setting, words):
    """Unknown keys, bad values and broken relations name the key and what would be right."""
    with pytest.raises(ConfigError) as raised:
        load_config(sets=[setting])

    assert words in str(raised.value)


def test_every_error_is_told_at_once():
    """Two bad keys are both in the message."""
    with pytest.raises(ConfigError, match=r"(?s)learning\.y.*rotation\.x"):
        load_config(sets=["rotation.x=1", "learning.y=2"])


def test_broken_toml_names_the_file():
    """A syntax error names file and place."""
    with pytest.raises(ConfigError, match=r"mine\.toml: not valid TOML"):
        load_config("[rotation\n", name="mine.toml")


def test_precedence():
    """Defaults < config.toml < the source's < overrides.toml < --set, of which the last holds."""
    toml = "[rotation]\nmax_positions = 4\ncooldown_minutes = 1\n"
    source = "[rotation]\nmax_positions = 5\nmin_hold_minutes = 7\n"
    over = "[rotation]\nmax_positions = 6\n"
    sets = ["rotation.max_positions=7", "rotation.max_positions=8"]

    assert load_config(toml)[0].rotation.max_positions == 4
    assert load_config(toml, source=source)[0].rotation.max_positions == 5
    assert load_config(toml, source=source, overrides=over)[0].rotation.max_positions == 6
    last = load_config(toml, source=source, overrides=over, sets=sets)[0].rotation
    assert (last.max_positions, last.cooldown_minutes, last.min_hold_minutes) == (8, 1, 7)


def test_options_of_a_predictor_are_laid_key_by_key():
    """In a table of the file, in --set; without any the hash is that of before there were any."""
    toml = "[learning.options]\nminutes = 5\nname = 'x'\n"
    config, _ = load_config(toml, sets=["learning.options.minutes=7", "learning.options.on=true"])

    assert config.learning.options == {"minutes": 7, "name": "x", "on": True}
    assert config.sha256() != Config().sha256()


def test_legal_extremes():
    """Negative edges, zero strengths, hold equal to enter, full percentages are legal."""
    sets = [
        "rotation.min_edge_bps=-5", "rotation.min_strength_to_enter=0",
        "rotation.min_strength_to_hold=0", "quality.min_win_rate=0", "risk.max_heat_pct=100",
        "risk.max_consecutive_losses=1000000", "learning.predictor=my.own.Class",
    ]  # fmt: skip
    config, idle = load_config(sets=sets)

    assert config.learning.predictor == "my.own.Class"
    assert idle == ()


def _other(value):
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case float():
            return value * 0.99 + 1e-6
        case "on":
            return "off"
        case "allow":
            return "hide"
        case "session":
            return "manual"
        case "manual" | "cooldown":
            return "session"
        case "stop":
            return "target"
        case str():
            return value + "x"
        case (int(), *_):
            return (1, *value)
        case ():
            return ("json://127.0.0.1/hook",)
        case tuple():
            return value[:-1]
        case dict():
            return {**value, "ZZZ": next(iter(value.values()), 1.0)}
    raise AssertionError(value)


@pytest.mark.parametrize(("section", "key"), KEYS)
def test_the_hash_changes_with_each_deciding_key_and_no_other(section, key):
    """Every key that can change a decision changes the epoch; paths and addresses do not (A14)."""
    config = Config()
    table = getattr(config, section)
    other = table.model_copy(update={key: _other(getattr(table, key))})
    changed = config.model_copy(update={section: other})

    assert changed != config
    assert (changed.sha256() == config.sha256()) == (section in UNDECIDING)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
@pytest.mark.parametrize(("section", "key"), FLOATS)
def test_no_number_may_be_infinite_or_missing(section, key, value):
    """NaN and infinity are refused wherever a number is asked for, and the key is named."""
    with pytest.raises(ConfigError, match=rf"{section}\.{key} = "):
        load_config(sets=[f"{section}.{key}={value}"])


def test_a_bare_word_is_a_string():
    """--set needs no quotes around words; numbers, booleans and lists are read as TOML."""
    sets = ["quality.earned_slope=off", "rotation.allow_short=true", "learning.horizons=[5, 9]"]
    config = load_config(sets=sets)[0]

    assert config.quality.earned_slope == "off"
    assert config.rotation.allow_short is True
    assert config.learning.horizons == (5, 9)


def test_an_alert_address_is_judged_without_being_shown():
    """It may hold a token: neither an error nor a manifest has more of it than its kind."""
    with pytest.raises(ConfigError) as refused:
        load_config(sets=['alerts.urls=["slack:/TOKEN"]'])
    shown = load_config(sets=['alerts.urls=["slack://TOKEN"]'])[0].alerts.shown()

    assert "alerts.urls.0 = (not shown: it may hold a token)" in str(refused.value)
    assert "TOKEN" not in str(refused.value)
    assert shown["urls"] == ("slack://***",)
