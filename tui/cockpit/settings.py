"""How one user wants the cockpit: his keys, his theme, what his terminal can do.

KEY INPUT: rotor/ui.toml in $XDG_CONFIG_HOME (~/.config); options of the command line; NO_COLOR.
KEY OUTPUT: Settings; the theme last chosen is kept in $XDG_STATE_HOME (~/.local/state).

None of it belongs to the trading configuration: it changes no decision.
"""

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.errors import BadInputError
from engine.layers import read_toml
from tui.cockpit import keys
from tui.options import AS_USUAL, Look

FULL_SECONDS, LOW_SECONDS = 0.2, 1.0


class Settings(BaseModel):
    """The user's file, with the command line over it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    low_bandwidth: bool = False
    """Drawn once a second, without curves."""
    ascii: bool = False
    """For terminals that draw other signs double."""
    keys: dict[str, str] = Field(default_factory=dict)
    """By the id of what they do."""
    readonly: bool = False
    """No command is given."""

    @property
    def pull_seconds(self) -> float:
        """Return how often the screen is drawn."""
        return LOW_SECONDS if self.low_bandwidth else FULL_SECONDS


def load_settings(look: Look = AS_USUAL, *, readonly: bool = False) -> Settings:
    """Return the user's settings under the command line's; raises BadInputError (file, key)."""
    path = _folder("XDG_CONFIG_HOME", ".config") / "ui.toml"
    found = _read(path)
    keys.check(found.keys, str(path))
    return found.model_copy(
        update={
            "low_bandwidth": look.low_bandwidth or found.low_bandwidth,
            "ascii": look.ascii or found.ascii,
            "readonly": readonly or found.readonly,
        }
    )


def _read(path: Path) -> Settings:
    try:
        found = read_toml(path.read_text(encoding="utf-8"), str(path))
        return Settings.model_validate(found, strict=True)
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BadInputError(f"{path}: {where}: {first['msg'].lower()}") from error


def last_theme() -> str | None:
    """Return the theme that was chosen last; None if none was."""
    try:
        return (_folder("XDG_STATE_HOME", ".local/state") / "theme").read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None


def keep_theme(name: str) -> None:
    """Remember a theme for the next time."""
    folder = _folder("XDG_STATE_HOME", ".local/state")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "theme").write_text(name + "\n", encoding="utf-8")
    except OSError:
        return  # a full disk is no reason to end a session


def _folder(variable: str, default: str) -> Path:
    base = os.environ.get(variable)
    return (Path(base) if base else Path.home() / default) / "rotor"
