"""What was changed by command, over config.toml, per kind of account; and the history of it.

KEY INPUT: a PATCH, {section.key: value}, with whose settings, who, when and why.
KEY OUTPUT: overrides.paper.toml (live, rehearsal, replay), written whole or not at all; one line of
history per changed key.

Only the named keys change; None takes an override away. The patched whole is validated first. A
halt is no parameter: nothing here touches one.

overrides.toml is of earlier versions, which had one file for all. It holds on where no real money
is, for each kind until that has a file of its own, which begins as a copy of it.
"""

import datetime as dt
import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import orjson

from engine.config import Config, load_config
from engine.errors import ConfigError

Kind = Literal["PAPER", "LIVE", "REHEARSAL", "REPLAY"]
"""Whose money a session trades: Alpaca's paper, real money, an exchange on this machine, none."""
OLD_NAME = "overrides.toml"
OLD_HISTORY = "overrides.history.jsonl"
_LOCK = f".{OLD_NAME}.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One key that took another effective value."""

    key: str
    """section.key"""
    old: Any
    new: Any


def _config(toml: str, overrides: str, name: str, profile: str | None) -> Config:
    return load_config(toml, overrides=overrides, overrides_name=name, profile=profile)[0]


def name_of(kind: Kind) -> str:
    """Return the name of the file of a kind of account."""
    return f"overrides.{kind.lower()}.toml"


def history_of(kind: Kind) -> str:
    """Return the name of the history of a kind of account."""
    return f"overrides.{kind.lower()}.history.jsonl"


def file_in(folder: Path, kind: Kind) -> Path:
    """Return the file that holds for a kind of account, whether it is there or not."""
    own, old = folder / name_of(kind), folder / OLD_NAME
    # what is set on paper never reaches real money
    return own if kind == "LIVE" or own.exists() or not old.exists() else old


def read_overrides(folder: Path, kind: Kind) -> tuple[str, str]:
    """Return the text and the name of the file that holds for a kind; no text if there is none."""
    path = file_in(folder, kind)
    return _text(path), path.name


def forgotten(folder: Path) -> bool:
    """Return whether settings of an earlier version lie there that real money no longer takes."""
    return bool(_text(folder / OLD_NAME).strip()) and not (folder / name_of("LIVE")).exists()


def patch_overrides(
    folder: Path,
    changes: Mapping[str, Any],
    kind: Kind,
    *,
    config_text: str = "",
    profile: str | None = None,
    who: str,
    why: str,
    when: str,
) -> list[Change]:
    """Apply a PATCH to what a kind of account has in the folder; return what it changed in effect.

    `config_text` is the config.toml that it lies over, `when` ISO 8601 UTC. Raises ConfigError, and
    changes nothing, if a key or the whole would be invalid. What changes nothing writes nothing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        text, held = read_overrides(folder, kind)
        own = name_of(kind)
        before = _config(config_text, text, held, profile)
        patched = _patched(text, changes)
        told = f"{own} with this change"
        after = _config(config_text, patched, told, profile)
        found = [
            Change(key=key, old=value_of(before, key), new=value_of(after, key)) for key in changes
        ]
        if patched != text:
            _write(folder / own, patched)
        found = [change for change in found if change.old != change.new]
        _remember(folder / history_of(kind), found, who=who, why=why, when=when)
        return found


def history(folder: Path, kind: Kind) -> list[dict[str, Any]]:
    """Return the changes made so far for a kind of account, oldest first, as `read_history`."""
    old = [] if kind == "LIVE" else read_history(folder / OLD_HISTORY)
    return [*old, *read_history(folder / history_of(kind))]


def histories(folder: Path) -> dict[Path, list[dict[str, Any]]]:
    """Return the changes of every history that lies in a folder, by its path."""
    names = (OLD_HISTORY, *map(history_of, get_args(Kind)))
    return {folder / name: read_history(folder / name) for name in names}


def read_history(path: Path) -> list[dict[str, Any]]:
    """Return the changes that a history holds, oldest first; a line that a kill tore is none yet.

    Raises ConfigError that names the line which cannot be read.
    """
    lines = _text(path).split("\n")
    return [_remembered(path, number, line) for number, line in enumerate(lines[:-1], start=1)]


def _remembered(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row: dict[str, Any] = orjson.loads(line)
        dt.datetime.fromisoformat(row["when"])
        known = all(isinstance(row[key], str) for key in ("key", "who", "why"))
        known = known and {"old", "new"} <= row.keys()
    except (AttributeError, LookupError, TypeError, ValueError):
        known = False
    if not known:
        raise ConfigError(f"{path}, line {number}: is no change of a setting; mend or remove it")
    return row


def value_of(config: Config, path: str) -> Any:
    """Return the value of section.key; raises ConfigError for an unknown one."""
    section, _, key = path.partition(".")
    table = getattr(config, section, None) if section in Config.model_fields else None
    if table is None or key not in type(table).model_fields:
        raise ConfigError(f"{path}: unknown key; write section.key as in config.toml")
    return getattr(table, key)


def _patched(text: str, changes: Mapping[str, Any]) -> str:
    import tomlkit

    document = tomlkit.parse(text)  # it was read without a fault
    for path, value in changes.items():
        value_of(Config(), path)
        section, _, key = path.partition(".")
        if value is None:
            if section in document:
                document[section].pop(key, None)
            continue
        if section not in document:
            document[section] = tomlkit.table()
        document[section][key] = value
    return tomlkit.dumps(document)


def _write(path: Path, text: str) -> None:
    scratch = path.with_name(f"{path.name}.tmp")
    with scratch.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)


def _remember(path: Path, changes: list[Change], *, who: str, why: str, when: str) -> None:
    if not changes:
        return
    rows = [
        {"when": when, "who": who, "why": why, "key": c.key, "old": c.old, "new": c.new}
        for c in changes
    ]
    with path.open("a+b") as file:
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)  # a kill may have left half a line
        file.write(b"".join(orjson.dumps(row) + b"\n" for row in rows))
        file.flush()
        os.fsync(file.fileno())


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
