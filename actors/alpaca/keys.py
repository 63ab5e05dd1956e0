"""The keys of an account: from the environment or from `.env`, never from a configuration file.

KEY INPUT: environment variables, the working folder.
KEY OUTPUT: Keys, which no text form of shows the secret.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from engine.errors import BadInputError

PAIRS = (
    ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY"),
    ("ALPACA_API_KEY", "ALPACA_SECRET_KEY"),
)
"""Variables, in the order in which they are looked for: key, secret."""

PAPER_PAIRS = (("ALPACA_PAPER_API_KEY", "ALPACA_PAPER_SECRET_KEY"),)
"""Looked for as well, last, when paper is traded; never for real money."""


class NoKeysError(BadInputError):
    """Neither half of any pair is set."""


class Keys:
    """A key and its secret; `repr` and `str` show the key's first four characters alone."""

    __slots__ = ("key_id", "secret")

    def __init__(self, key_id: str, secret: str) -> None:
        self.key_id = key_id
        self.secret = secret

    def __repr__(self) -> str:
        return f"Keys({self.key_id[:4]}…)"

    def __reduce__(self) -> str:
        raise TypeError("keys are not written anywhere")


def read_keys(
    *, paper: bool, environ: Mapping[str, str] | None = None, folder: Path | None = None
) -> Keys:
    """Return the first whole pair of the environment, else of `.env` in the working folder.

    Raises BadInputError, naming the variables: NoKeysError if there is none, else for half a pair.
    """
    return find_keys(paper=paper, environ=environ, folder=folder)[0]


def find_keys(
    *, paper: bool, environ: Mapping[str, str] | None = None, folder: Path | None = None
) -> tuple[Keys, str]:
    """Return what `read_keys` does, and in words where it was found."""
    pairs = PAIRS + PAPER_PAIRS if paper else PAIRS
    file = (folder or Path()) / ".env"
    for place, values in (
        ("the environment", os.environ if environ is None else environ),
        (str(file), read_dot_env(file)),
    ):
        for pair in pairs:
            keys = _pair(pair, values, place)
            if keys is not None:
                return keys, f"{pair[0]} of {place}"
    names = ", or ".join(" and ".join(pair) for pair in pairs)
    raise NoKeysError(f"no Alpaca keys: set {names} in the environment or in {file}")


def _pair(pair: tuple[str, str], values: Mapping[str, str], place: str) -> Keys | None:
    found = {name: values.get(name, "").strip() for name in pair}
    missing = [name for name, value in found.items() if not value]
    if len(missing) == len(pair):
        return None
    if missing:
        present = next(name for name in pair if name not in missing)
        raise BadInputError(f"{place} has {present} but no {missing[0]}: set both")
    return Keys(found[pair[0]], found[pair[1]])


def read_dot_env(file: Path) -> dict[str, str]:
    """Return the variables of a `.env` file, none if there is no file; raises BadInputError."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"{file} cannot be read: {type(error).__name__}") from None
    return dict(filter(None, map(_assignment, text.splitlines())))


def _assignment(line: str) -> tuple[str, str] | None:
    name, equals, value = line.strip().removeprefix("export ").partition("=")
    if not equals or name.lstrip().startswith("#"):
        return None
    value = value.strip()
    if value[:1] in {"'", '"'}:
        value = value[1:].partition(value[0])[0]
    else:
        value = value.partition(" #")[0].strip()
    return name.strip(), value
