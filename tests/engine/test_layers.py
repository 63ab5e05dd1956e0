"""Types are strict in every layer of the configuration, and an error says which layer is wrong."""

import re
from pathlib import Path

import pytest

from engine.config import Config, load_config
from engine.errors import ConfigError
from engine.records.overrides import patch_overrides

KEYS = [(s, k) for s in Config.model_fields for k in type(getattr(Config(), s)).model_fields]
LAYERS = {
    "toml": "mine.toml, line 2", "source": "the source's config.toml, line 2",
    "overrides": "overrides.toml, line 2", "sets": "--set",
}  # fmt: skip
WRONG = {
    float: ("true", '"1.5"', "[1]", "2025-01-01", "1" + 30 * "0", '"nan"'),
    int: ("true", '"3"', "3.0", "[3]", "1" + 30 * "0", "false"),
    bool: ("1", '"true"', "0.0", "[]"),
    str: ("5", "true", "1.5", '["x"]', "2025-01-01", '"a\\u0000b"'),
    tuple: ("5", '"x"', "true", "{a = 1}", "[true]"),
    dict: ("5", '"x"', "[1]", "{A = true}"),
}
"""Values of TOML that are not of a type."""


BEYOND = {
    "digits": 4500 * "9", "brackets": 2000 * "[", "braces": 2000 * "{a=", "both": f"[{4500 * '9'}]",
}  # fmt: skip
WORDS = {
    "digits": 4500 * "9", "brackets": 2000 * "[", "lines": "1\n[live]", "bytes": "\udcff",
    "point": ".5", "zero": "05",
}  # fmt: skip


def loaded(layer, section, key, value):
    """Load a configuration with one value, in one of its layers."""
    if layer == "sets":
        return load_config(sets=[f"{section}.{key}={value}"])[0]
    return load_config(**{layer: f"[{section}]\n{key} = {value}\n"}, name="mine.toml")[0]


def test_no_key_takes_a_value_of_another_type():
    """Of every key, in every layer: the layer, the line, the key and the value are named."""
    default = Config()
    for place, (section, key) in enumerate(KEYS):
        kind = type(getattr(getattr(default, section), key))
        anything = (section, key) == ("learning", "options")  # a predictor's own: any plain value
        for turn, value in enumerate(WRONG[kind][: 2 if anything else None]):
            layer = list(LAYERS)[(place + turn) % len(LAYERS)]
            with pytest.raises(ConfigError) as refused:
                loaded(layer, section, key, value)
            said = str(refused.value)
            assert re.search(rf"{re.escape(LAYERS[layer])}: {section}\.{key}[ .]", said), said
            assert "wanted" in said or "Input should be" in said, said


def test_every_key_of_a_number_takes_a_whole_one():
    """2 is 2.0; what else may be wrong with it is another matter."""
    for section, key in KEYS:
        if isinstance(getattr(getattr(Config(), section), key), float):
            assert "wanted" not in complaint(section, key, "2")


def complaint(section, key, value):
    """What is said against a value; nothing if it is taken."""
    try:
        loaded("toml", section, key, value)
    except ConfigError as refused:
        return str(refused)
    return ""


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("stop_loss_pct = true", "a number is wanted, without quotes, such as 1.5"),
        ('stop_loss_pct = "2"', "risk.stop_loss_pct = '2': a number is wanted"),
        ("max_consecutive_losses = 2.5", "a whole number is wanted, without quotes, such as 3"),
        ("stop_loss_pct = 0", "greater than 0"),
        ("stop_loss = 1", "risk.stop_loss: unknown key; [risk] has risk_per_trade_pct"),
        ('symbol_max_position_pct = {TQQQ = "5"}', "risk.symbol_max_position_pct.TQQQ = '5'"),
    ],
)
def test_what_is_wanted_is_said(setting, words):
    """With the line that the value stands in."""
    with pytest.raises(ConfigError) as refused:
        load_config(f"# a comment\n\n[risk]\n{setting}\n", name="mine.toml")

    assert f"mine.toml, line 4: risk.{setting.split(' ')[0]}" in str(refused.value)
    assert words in str(refused.value)


@pytest.mark.parametrize("layer", ["toml", "source", "overrides"])
def test_a_section_that_is_a_value_is_told(layer):
    """`risk = 5`."""
    with pytest.raises(ConfigError) as refused:
        load_config(**{layer: "risk = 5\n"})

    assert "line 1: risk = 5: is a section, not a value" in str(refused.value)


def test_every_layer_is_judged_also_where_another_covers_it():
    """What a higher layer hides is wrong all the same; all faults are told at once."""
    with pytest.raises(ConfigError) as refused:
        load_config(
            "[risk]\nstop_loss_pct = true\n",
            overrides='\n[risk]\nstop_loss_pct = "2"\n',
            sets=["risk.stop_loss_pct=2"],
        )

    wanted = "a number is wanted, without quotes, such as 1.5"
    assert str(refused.value).splitlines()[1:] == [
        f"  config.toml, line 2: risk.stop_loss_pct = true: {wanted}",
        f"  overrides.toml, line 3: risk.stop_loss_pct = '2': {wanted}",
    ]


def test_keys_that_do_not_go_together_name_their_layers():
    """Each of them is right by itself."""
    with pytest.raises(ConfigError) as refused:
        load_config("[rotation]\nmin_hold_minutes = 200\n", sets=["rotation.max_hold_minutes=100"])

    assert "[rotation] of config.toml, --set: min_hold_minutes must not be above" in str(
        refused.value
    )


@pytest.mark.parametrize("value", BEYOND.values(), ids=BEYOND)
@pytest.mark.parametrize("layer", ["toml", "source", "overrides"])
def test_a_toml_beyond_all_measure_ends_in_a_sentence(layer, value):
    """Thousands of digits, thousands of brackets."""
    with pytest.raises(ConfigError) as refused:
        load_config(**{layer: f"[risk]\nstop_loss_pct = {value}\n"})

    assert "toml: not valid TOML: " in str(refused.value)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize("value", WORDS.values(), ids=WORDS)
def test_what_is_typed_and_no_toml_is_a_word(value):
    """A word is no number, and is shown cut; nothing behind a line's end is dropped unsaid."""
    with pytest.raises(ConfigError) as refused:
        load_config(sets=[f"risk.stop_loss_pct={value}"])

    assert "--set: risk.stop_loss_pct = '" in str(refused.value)
    assert len(str(refused.value)) < 250


def test_a_password_is_not_shown():
    """Of a database's address that is not text."""
    with pytest.raises(ConfigError) as refused:
        load_config(sets=['database.url=["postgresql://me:SECRET@db"]'])

    assert "SECRET" not in str(refused.value)


def test_a_patch_over_a_broken_file_is_refused(tmp_path):
    """`risk = 5` in overrides.toml was a traceback."""
    (tmp_path / "overrides.toml").write_text("risk = 5\n")
    with pytest.raises(ConfigError, match=r"overrides\.toml, line 1: risk = 5"):
        patch_overrides(tmp_path, {"risk.stop_loss_pct": 2.0}, "PAPER", who="ann", why="", when="")

    assert (tmp_path / "overrides.toml").read_text() == "risk = 5\n"


@pytest.mark.parametrize("value", [True, "2"])
def test_a_patch_of_another_type_changes_nothing(tmp_path, value):
    """The file, once written, would be refused."""
    with pytest.raises(
        ConfigError, match=r"overrides\.paper\.toml with this change, line 2: risk\.stop"
    ):
        patch_overrides(
            tmp_path, {"risk.stop_loss_pct": value}, "PAPER", who="ann", why="", when=""
        )

    assert not (tmp_path / "overrides.paper.toml").exists()


def test_the_bundled_configurations_are_of_the_right_types():
    """Ours, and the demo's."""
    root = Path(__file__).parents[2]
    for path in (root / "config.toml", root / "replays" / "demo" / "config.toml"):
        load_config(path.read_text(), name=str(path))
