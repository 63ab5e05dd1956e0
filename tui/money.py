"""What real money asks of the settings in force, whatever layer they come from.

KEY INPUT: a configuration; the folder of its overrides.
KEY OUTPUT: nothing, or BadInputError that names every key which is in the way; Findings.

Asked as a session starts and at each reload. Config.toml alone can say that a key is meant:
`[live] accept` (engine/config.py keeps every other layer from it).
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from engine.config import Config, Lowerable
from engine.errors import BadInputError
from engine.records.overrides import OLD_NAME, forgotten, name_of, value_of
from tui.findings import Finding, bad, ok

LOWERED: dict[Lowerable, Callable[[Any, Any], bool]] = {
    "quality.earned_slope": lambda value, _: value == "off",
    "quality.half_life_sessions": lambda value, default: value < default,
    # with fewer outcomes a signal is unproven, which is no reason to reject it
    "quality.min_outcomes": lambda value, default: value > default,
    "quality.min_shadow_sessions": lambda value, default: value < default,
    "quality.min_win_rate": lambda value, default: value < default,
    "rotation.min_edge_bps": lambda value, _: value < 0,
}
"""Whether a value asks less of a signal than real money does, by key; given the default."""


def check_money(config: Config) -> None:
    """Raise BadInputError if a setting asks too little, and config.toml does not accept it."""
    said = lowered(config)
    if said:
        raise BadInputError(f"real money refuses {'; '.join(said)}: {_todo(config)}")


def check_forgotten(folder: Path) -> None:
    """Raise BadInputError for overrides of an earlier version, which real money no longer takes."""
    if forgotten(folder):
        raise BadInputError(f"real money: {_forgotten(folder)}: {_WRITE}")


def refusal(config: Config, accepted: tuple[Lowerable, ...]) -> str:
    """Return why real money opens nothing with settings of before; empty if it does.

    `accepted`: what config.toml accepts now.
    """
    live = config.live.model_copy(update={"accept": accepted})
    try:
        check_money(config.model_copy(update={"live": live}))
    except BadInputError as error:
        return str(error)
    return ""


def money_findings(config: Config, folder: Path) -> Iterator[Finding]:
    """Say for the doctor what of the settings is in the way of real money."""
    said = lowered(config)
    if said:
        yield bad("settings", f"real money refuses {'; '.join(said)}", _todo(config))
    else:
        accepted = ", ".join(config.live.accept)
        words = f"; [live] accept: {accepted}" if accepted else ""
        yield ok("settings", f"ask of a signal what real money does{words}")
    if forgotten(folder):
        yield bad("overrides", _forgotten(folder), _WRITE)


def lowered(config: Config) -> list[str]:
    """Return the keys that ask too little and are not accepted, with value and default."""
    return [
        f"{key} = {value_of(config, key)} (default {value_of(Config(), key)})"
        for key in _lowered(config)
    ]


def _lowered(config: Config) -> list[str]:
    defaults = Config()
    return [
        key
        for key, lower in LOWERED.items()
        if key not in config.live.accept and lower(value_of(config, key), value_of(defaults, key))
    ]


def _todo(config: Config) -> str:
    keys = ", ".join(f'"{key}"' for key in (*config.live.accept, *_lowered(config)))
    return f"take it back, or write accept = [{keys}] under [live] in config.toml, and nowhere else"


def _forgotten(folder: Path) -> str:
    return f"{folder / OLD_NAME} is of an earlier version, and is not read with real money any more"


_WRITE = (
    f"write what of it is meant for real money into {name_of('LIVE')} (which may be empty), "
    f"or rename it {name_of('PAPER')} if it is for paper alone"
)
