"""What others on this machine can read, and should not: keys, tokens, records.

KEY INPUT: the working folder's files, the configuration in force.
KEY OUTPUT: sentences that name a file and what to do.

What Rotor itself writes is its user's alone from its creation on (the umask, set in tui/cli.py);
these are files that the user, or an earlier version, has made.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from actors.alpaca.keys import read_dot_env
from engine.config import Config
from engine.records.overrides import OLD_NAME, Kind, name_of
from engine.records.store.url import without_password

_OTHERS = 0o077


def exposed(config: Config, file: Path | None = None) -> Iterator[str]:
    """Yield a sentence for each file with secrets, and each folder of records, open to others."""
    dot_env = Path(".env")
    if _open(dot_env) and read_dot_env(dot_env):
        yield _said(dot_env, "holds keys")
    chosen = file or Path("config.toml")
    secrets = list(_secrets(config))
    names = (OLD_NAME, *map(name_of, get_args(Kind)))
    for path in (chosen, *map(chosen.with_name, names)):
        if _open(path) and any(secret in path.read_text("utf-8", "replace") for secret in secrets):
            yield _said(path, "holds a password or a token")


def records(config: Config) -> Iterator[str]:
    """Yield a sentence for the folder of runs if others may read it."""
    runs = Path(config.records.runs_dir)
    if _open(runs):
        yield f"{runs}: others on this machine may read its runs: chmod -R go= {runs}"


def _secrets(config: Config) -> Iterator[str]:
    for url in config.alerts.urls:
        if "${" not in url and not url.endswith("://"):
            yield url
    if without_password(config.database.url) != config.database.url:
        yield config.database.url


def _open(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & _OTHERS)
    except OSError:
        return False


def _said(path: Path, holds: str) -> str:
    mode = path.stat().st_mode & 0o777
    others = f"others on this machine may read it (mode {mode:04o})"
    return f"{path}: {holds}, and {others}: chmod 600 {path}"
