"""The settings of a command, and which layer each of them comes from.

KEY INPUT: --config, --profile, --set, a bar source, whose account it is for.
KEY OUTPUT: the configuration in force; its layers; sentences about what lies over the defaults.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from engine.config import Config, config_of_layers, layers_of
from engine.errors import ConfigError
from engine.layers import Layer, read_toml, set_by
from engine.profiles import DEFAULT
from engine.records.overrides import OLD_NAME, Kind, name_of, read_overrides


class Asked(Protocol):
    """What the user asked for."""

    @property
    def config(self) -> Path | None:
        """Return --config."""

    @property
    def profile(self) -> str | None:
        """Return --profile."""

    @property
    def sets(self) -> tuple[str, ...]:
        """Return every --set."""

    @property
    def kind(self) -> Kind:
        """Return whose overrides hold."""


@dataclass(frozen=True, slots=True)
class Settings:
    """A configuration and where it comes from."""

    config: Config
    idle: tuple[str, ...]
    """Keys that were set, and have no effect yet."""
    layers: tuple[Layer, ...]
    """Above the defaults, lowest first."""

    def set_by(self, section: str, key: str) -> str:
        """Return the short name of the layer that a value comes from."""
        name = set_by(Config(), self.layers, section, key)
        return name.partition(" (")[0] or "default"


def read_settings(asked: Asked, source: Path) -> Settings:
    """Return defaults < profile < --config or ./config.toml < the source's own < overrides < --set.

    Raises ConfigError that names every wrong key.
    """
    chosen = asked.config or Path("config.toml")
    text, folder = read_text(asked.config)
    own = source / "config.toml" if source.is_dir() else source.with_name("config.toml")
    same = own.is_file() and chosen.is_file() and own.samefile(chosen)
    own_text = read_file(own) if own.is_file() and not same and asked.config is None else ""
    overrides, held = read_overrides(folder, asked.kind)
    layers = layers_of(
        text, name=str(chosen), source=own_text, overrides=overrides, overrides_name=held,
        sets=asked.sets, profile=asked.profile,
    )  # fmt: skip
    config, idle = config_of_layers(layers)
    return Settings(config, idle, layers)


def read_text(config: Path | None) -> tuple[str, Path]:
    """Return the text of --config or ./config.toml, and the folder where its overrides lie."""
    chosen = config or Path("config.toml")
    there = chosen.exists() or chosen.is_symlink()
    return (read_file(chosen) if config is not None or there else ""), chosen.parent


def read_file(path: Path) -> str:
    """Return a file's text; raises ConfigError that names it."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None


def lying_over(asked: Asked, settings: Settings) -> Iterator[str]:
    """Yield a sentence about the profile, if it is not the usual one, and one about overrides."""
    name = settings.config.profile.name
    if name != DEFAULT:
        yield f"profile {name}: {', '.join(_of_profile(settings)) or 'changes nothing here'}"
    text, held = read_overrides(read_text(asked.config)[1], asked.kind)
    found = ", ".join(_pairs(read_toml(text, held)))
    if found:
        yield f"{held}: {found}{_old(held, asked.kind)}"


def kind_of(endpoint: str | None, *, real: bool) -> Kind:
    """Return whose overrides a live session has: with --live those of real money, always."""
    if real:
        return "LIVE"
    return "PAPER" if endpoint is None else "REHEARSAL"


def _of_profile(settings: Settings) -> Iterator[str]:
    """Yield section.key=value of what the profile decides."""
    layer = settings.layers[0]
    for section, table in layer.tables.items():
        for key in table:
            if set_by(Config(), settings.layers, section, key) == layer.name:
                yield f"{section}.{key}={shown(getattr(getattr(settings.config, section), key))}"


def _pairs(tables: dict[str, Any]) -> Iterator[str]:
    for section, table in tables.items():
        for key, value in table.items() if isinstance(table, dict) else ():
            yield f"{section}.{key}={value}"


def _old(held: str, kind: Kind) -> str:
    if held != OLD_NAME:
        return ""
    return (
        f" (of an earlier version: it holds for paper, rehearsals and replays, each until it has a "
        f"file of its own, here {name_of(kind)}; never with real money)"
    )


def shown(value: Any) -> str:
    """Return a value in words."""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
