"""Named sets of settings: above the defaults, below what config.toml says otherwise."""

import re

import pytest

import engine.profiles as module
from engine.config import Config, layers_of, load_config
from engine.errors import ConfigError
from engine.layers import set_by
from engine.profiles import names, profile_layer, profile_values


def test_three_are_shipped():
    """Each is valid by itself, and says which it is in the configuration."""
    assert names() == ("cautious", "explore", "seed")
    for name in names():
        assert load_config(profile=name)[0].profile.name == name


def test_cautious_is_the_defaults():
    """Who names no profile has it, and its file says nothing else."""
    assert load_config(profile="cautious")[0] == load_config()[0] == Config()
    for key, value in profile_values("cautious").items():
        section, _, name = key.partition(".")
        assert value == getattr(getattr(Config(), section), name)


def test_explore_loosens_no_risk_limit():
    """It trades what the learner says, smaller than the defaults would."""
    explore, default = load_config(profile="explore")[0], Config()
    assert explore.quality.earned_slope == "off"
    assert explore.risk.max_position_pct < default.risk.max_position_pct
    changed = [key for key in profile_values("explore") if key.startswith("risk.")]
    for key in changed:
        name = key.removeprefix("risk.")
        assert 0 < getattr(explore.risk, name) < getattr(default.risk, name)


def test_what_differs_in_config_toml_wins_and_a_default_there_does_not():
    """The shipped file lists every key: at its default it leaves the key to the profile."""
    toml = '[quality]\nearned_slope = "on"\nmin_win_rate = 0.6\n'
    quality = load_config(toml, profile="explore")[0].quality

    assert (quality.earned_slope, quality.min_win_rate) == ("off", 0.6)


def test_every_layer_of_ones_own_choice_lies_over_it():
    """The bars' own config.toml, overrides and --set hold also where they say the default."""
    on = '[quality]\nearned_slope = "on"\n'
    for over in ({"source": on}, {"overrides": on}, {"sets": ["quality.earned_slope=on"]}):
        assert load_config(profile="explore", **over)[0].quality.earned_slope == "on"


def test_the_command_line_goes_over_what_files_name():
    """--profile over --set over overrides over the source's over config.toml."""

    def named(name):
        return f'[profile]\nname = "{name}"\n'

    assert load_config(named("explore"))[0].quality.earned_slope == "off"
    over = {"overrides": named("seed")}
    assert load_config(named("explore"), **over)[0].profile.name == "seed"
    over["profile"] = "cautious"
    assert load_config(named("explore"), **over)[0] == Config()


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"toml": '[profile]\nname = "bold"\n'}, "config.toml, line 2: profile.name = 'bold'"),
        ({"sets": ["profile.name=bold"]}, "--set: profile.name = 'bold'"),
        ({"profile": "bold"}, "--profile: 'bold'"),
    ],
)
def test_an_unknown_name_is_refused_with_those_that_are_known(given, where):
    """And with the place where it stands."""
    with pytest.raises(ConfigError, match=re.escape(f"{where}: no such profile")) as refused:
        load_config(**given)
    assert "cautious, explore, seed" in str(refused.value)


def test_a_wrong_key_of_a_profile_is_named_with_its_file(monkeypatch, tmp_path):
    """As in every other layer: file, line, key."""
    (tmp_path / "mine.toml").write_text("[rotation]\nmax_positionz = 1\n")
    monkeypatch.setattr(module, "files", lambda _: tmp_path)
    monkeypatch.setattr(module, "names", lambda: ("mine",))
    with pytest.raises(ConfigError) as refused:
        load_config(profile="mine")

    said = "profile mine (engine/profiles/mine.toml), line 2: rotation.max_positionz: unknown key"
    assert said in str(refused.value)


def test_each_value_tells_its_layer():
    """The last that changed it; none for a default."""
    toml = "[rotation]\nmax_positions = 2\nmin_edge_bps = 1.0\n"
    layers = layers_of(toml, profile="explore", sets=["risk.max_heat_pct=3"])

    def of(section, key):
        return set_by(Config(), layers, section, key)

    assert of("rotation", "max_positions") == "config.toml"
    assert of("rotation", "min_edge_bps") == profile_layer("explore", "").name
    assert of("risk", "max_heat_pct") == "--set"
    assert of("risk", "stop_loss_pct") == ""


def test_a_profile_that_is_no_longer_shipped_sets_nothing():
    """A run of before may name one."""
    assert profile_values("gone") == {}


@pytest.mark.parametrize(
    "given",
    [
        {"source": "[live]\naccept = []\n"}, {"overrides": "[live]\naccept = []\n"},
        {"sets": ["live.accept=[]"]},
    ],
)  # fmt: skip
def test_what_real_money_accepts_stands_in_config_toml_alone(given):
    """No other layer may say it, be it nothing."""
    assert load_config('[live]\naccept = ["quality.earned_slope"]\n')[0].live.accept
    with pytest.raises(ConfigError, match=r"stands in config\.toml alone"):
        load_config(**given)
