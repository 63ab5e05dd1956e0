"""Named sets of settings: each a TOML file of ordinary keys that lies beside this one.

KEY INPUT: the name of a profile.
KEY OUTPUT: its layer, above the defaults and below config.toml; ConfigError for an unknown name.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from engine.errors import ConfigError
from engine.layers import Layer, frozen, layer_of

DEFAULT = "cautious"
"""The profile of who names none: the defaults themselves."""
_ENDING = ".toml"


@cache
def names() -> tuple[str, ...]:
    """Return the names of all profiles, sorted."""
    found = (file.name for file in files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(_ENDING) for name in found if name.endswith(_ENDING)))


def profile_layer(name: str, asked_by: str) -> Layer:
    """Return the layer of a profile; raises ConfigError that says who asked for an unknown one."""
    if name not in names():
        raise ConfigError(f"{asked_by}: no such profile; wanted is one of {', '.join(names())}")
    text = files(__name__).joinpath(f"{name}{_ENDING}").read_text(encoding="utf-8")
    file = f"engine/profiles/{name}{_ENDING}"
    return layer_of(text, f"profile {name} ({file})", listing=name == DEFAULT)


def profile_values(name: str) -> Mapping[str, Any]:
    """Return what a profile sets, by section.key; nothing for one that is no longer known."""
    tables = profile_layer(name, name).tables if name in names() else {}
    return {
        f"{section}.{key}": frozen(value)
        for section, table in tables.items()
        for key, value in table.items()
    }
