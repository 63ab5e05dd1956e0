"""overrides.toml: what was changed by command, over config.toml; and the history of it.

KEY INPUT: a PATCH, {section.key: value}, with who, when and why.
KEY OUTPUT: the file, written whole or not at all; one line of history per changed key.

Only the named keys change; None takes an override away. The patched whole is validated first. A
halt is no parameter: nothing here touches one.
"""

import datetime as dt
import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from engine.config import Config, load_config
from engine.errors import ConfigError

NAME = "overrides.toml"
PATCHED = f"{NAME} with this change"
HISTORY = "overrides.history.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One key that took another effective value."""

    key: str
    """section.key"""
    old: Any
    new: Any


def read_overrides(folder: Path) -> str:
    """Return the text of the folder's overrides.toml; empty if there is none."""
    return _text(folder / NAME)


def patch_overrides(
    folder: Path,
    changes: Mapping[str, Any],
    *,
    config_text: str = "",
    who: str,
    why: str,
    when: str,
) -> list[Change]:
    """Apply a PATCH to the folder's overrides.toml; return what it changed in effect.

    `config_text` is the config.toml that it lies over, `when` ISO 8601 UTC. Raises ConfigError, and
    changes nothing, if a key or the whole would be invalid. What changes nothing writes nothing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        text = read_overrides(folder)
        before = load_config(config_text, overrides=text)[0]
        patched = _patched(text, changes)
        after = load_config(config_text, overrides=patched, overrides_name=PATCHED)[0]
        found = [
            Change(key=key, old=value_of(before, key), new=value_of(after, key)) for key in changes
        ]
        if patched != text:
            _write(folder / NAME, patched)
        found = [change for change in found if change.old != change.new]
        _remember(folder / HISTORY, found, who=who, why=why, when=when)
        return found


def history(folder: Path) -> list[dict[str, Any]]:
    """Return the changes made so far, oldest first; a line that a kill tore is none yet.

    Raises ConfigError that names the line which cannot be read.
    """
    path = folder / HISTORY
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
    with (folder / f".{NAME}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
