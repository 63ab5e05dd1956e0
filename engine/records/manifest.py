"""A run's manifest: what it was made with and how it ended, sealed against damage.

KEY INPUT: a run folder.
KEY OUTPUT: manifest.json and summary.json, written whole or not at all; the manifest again, with
the types that all of Rotor relies on.

The checksum finds damage, not forgery: who may write there can make it anew.
"""

import datetime as dt
import hashlib
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from engine.errors import DamagedError
from engine.records.growing import not_written
from engine.records.journal import FILES

Json = dict[str, Any]
NAME, SUMMARY = "manifest.json", "summary.json"
SEAL = "checksum"
_INDENTED = orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY


def write_manifest(folder: Path, manifest: Json) -> None:
    """Write a run's manifest, whole or not at all, with a checksum over all of it."""
    plain = orjson.loads(orjson.dumps(manifest, option=_INDENTED))
    write_json(folder / NAME, plain | {SEAL: _checksum(plain)})


def write_summary(folder: Path, summary: Json) -> str:
    """Write a run's summary, whole or not at all; return its SHA-256, for the manifest."""
    write_json(folder / SUMMARY, summary)
    return seal_of(summary)


def seal_of(summary: Json) -> str:
    """Return the SHA-256 that a file of JSON will have."""
    return hashlib.sha256(_bytes(summary)).hexdigest()


def _bytes(value: Json) -> bytes:
    return orjson.dumps(value, option=_INDENTED) + b"\n"


def write_json(path: Path, value: Json) -> None:
    """Write a file of JSON, whole or not at all."""
    scratch = path.with_name(f"{path.name}.tmp")
    try:
        with scratch.open("wb") as file:
            file.write(_bytes(value))
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    except OSError as error:
        raise not_written(path, error) from None


def read_manifest(folder: Path) -> Json:
    """Return a run's manifest.

    Raises DamagedError for a folder without one, and for one that is damaged or of another make.
    """
    return read_sealed(folder)[0]


def read_sealed(folder: Path) -> tuple[Json, bool]:
    """Return a run's manifest, and whether a checksum covers it: those of old have none."""
    path = folder / NAME
    try:
        data = path.read_bytes()
        manifest = orjson.loads(data)
    except (FileNotFoundError, NotADirectoryError):
        raise DamagedError(f"{folder}: holds no run (no {NAME})") from None
    except OSError as error:
        raise DamagedError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise DamagedError(f"{path}: is no manifest of a run (no JSON: {error})") from None
    why = _wrong(manifest)
    if why:
        raise DamagedError(f"{path}: is no manifest of a run ({why})")
    as_written = data == _bytes(manifest)
    seal = manifest.pop(SEAL, None)
    if seal is not None and not (as_written and seal == _checksum(manifest)):
        raise DamagedError(
            f"{path}: was changed after it was written (its checksum does not hold); put it back "
            f"from a copy, or, if you changed it, take the line {SEAL!r} out"
        )
    return manifest, seal is not None


def _checksum(manifest: Json) -> str:
    return hashlib.sha256(orjson.dumps(manifest, option=_INDENTED)).hexdigest()


def _wrong(manifest: object) -> str:
    """Return what is not as in a manifest, in words; empty if nothing is."""
    if not isinstance(manifest, dict):
        return f"it is {_kind(manifest)}"
    for key, holds, kind in _NEEDED:
        if key not in manifest:
            return f"no {key!r}"
        if not holds(manifest[key]):
            return f"{key} is {_kind(manifest[key])}, not {kind}"
    for key, holds, kind in _PERHAPS:
        if manifest.get(key) is not None and not holds(manifest[key]):
            return f"{key} is {_kind(manifest[key])}, not {kind}"
    if manifest.get("ended") is not None and not isinstance(manifest.get("interrupted"), bool):
        return "it ended, but does not tell how"
    return ""


def _kind(value: object) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= 40 else f"{text[:40]}…"


def _text(value: object) -> bool:
    return isinstance(value, str) and "\0" not in value


def _words(value: object) -> bool:
    return isinstance(value, list) and all(map(_text, value))


def _symbols(value: object) -> bool:
    return _words(value) and bool(value)


def _date(value: object) -> bool:
    return _read(dt.date.fromisoformat, value)


def _moment(value: object) -> bool:
    return _read(dt.datetime.fromisoformat, value)


def _read(reads: Callable[[str], object], value: object) -> bool:
    try:
        return isinstance(value, str) and bool(reads(value))
    except ValueError:
        return False


def _table(value: object) -> bool:
    return isinstance(value, dict)


def _config(value: object) -> bool:
    if not (isinstance(value, dict) and all(map(_table, value.values()))):
        return False
    capital = value.get("simulation", {}).get("starting_capital")
    number = isinstance(capital, int | float) and not isinstance(capital, bool)
    url = value.get("database", {}).get("url", "")
    return number and math.isfinite(capital) and abs(capital) < 1e15 and _text(url)


def _micro(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def _pass(value: object) -> bool:
    texts = ("epoch", "journal_sha256", "state_sha256")
    return (
        isinstance(value, dict)
        and all(_text(value.get(name)) for name in texts)
        and _micro(value.get("capital_micro"))
    )


Holds = Callable[[object], bool]
_NEEDED: tuple[tuple[str, Holds, str], ...] = (
    ("run_id", _text, "a text"),
    ("command", lambda x: x in ("replay", "rehearse", "live"), "replay, rehearse or live"),
    ("strategy", _text, "a text"),
    ("level", lambda x: isinstance(x, str) and x in FILES, "full, trades or none"),
    ("symbols", _symbols, "a list of symbols"),
    ("from", _date, "a date"),
    ("to", _date, "a date"),
    ("epoch", _text, "a text"),
    ("started", _moment, "a moment"),
    ("config_sha256", _text, "a text"),
    ("config", _config, "a configuration"),
)
_PERHAPS: tuple[tuple[str, Holds, str], ...] = (
    ("ended", _moment, "a moment"),
    ("journal_sha256", _text, "a text"),
    ("heads", _table, "a table"),
    ("summary_sha256", _words, "a list of texts"),
    ("inputs_sha256", _text, "a text"),
    ("warmup_sha256", _text, "a text"),
    ("pass", _pass, "a table with epoch, capital_micro, journal_sha256 and state_sha256"),
    ("account", _text, "a text"),
    ("cash_micro", _micro, "a whole number"),
    ("code", _text, "a text"),
    ("versions", _table, "a table"),
    ("scores", _table, "a table"),
    ("kept", _text, "a text"),
)
