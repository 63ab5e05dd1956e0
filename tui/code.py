"""Which code decides: one hash, so that a run can tell whether other code made it.

KEY INPUT: the installed files of engine and actors, the file of a predictor of the user's own.
KEY OUTPUT: `code` in the manifest of a run.
"""

import hashlib
import importlib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import actors
import engine
from engine.learning.predictors import BY_NAME

PACKAGES = ("rotor", "numpy", "numba", "trio", "orjson")
_ASIDE = ("records", "store")
"""The database follows a run; it decides nothing."""


def fingerprint(predictor: str) -> str:
    """Return a SHA-256 over engine, actors and the module of a predictor of the user's own."""
    found = hashlib.sha256()
    for name, path in _files(predictor):
        found.update(f"{name}\0".encode())
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def versions() -> dict[str, str]:
    """Return the versions of what a run's numbers depend on."""
    return {name: version(name) for name in PACKAGES}


def other_code(manifest: dict[str, Any]) -> str:
    """Return how the code that made a run differs from this one; empty if it does not."""
    predictor = manifest["config"].get("learning", {}).get("predictor", "")
    then, now = manifest.get("code"), fingerprint(predictor)
    found = [f"code {str(then)[:12] if then else 'unknown'} then, {now[:12]} now"]
    found = found if then != now else []
    here = versions()
    for name, was in manifest.get("versions", {}).items():
        if was != here.get(name):
            found.append(f"{name} {was} then, {here.get(name, 'none')} now")
    return ", ".join(found)


def _files(predictor: str) -> Iterator[tuple[str, Path]]:
    for package, pattern in ((engine, "**/*.py"), (actors, "*.py")):
        home = Path(package.__path__[0])
        for path in sorted(home.glob(pattern)):
            below = path.relative_to(home)
            if below.parts[:2] != _ASIDE:
                yield f"{package.__name__}/{below.as_posix()}", path
    own = None if predictor in BY_NAME else _module_file(predictor.rpartition(".")[0])
    if own is not None:
        yield predictor, own


def _module_file(name: str) -> Path | None:
    try:
        found = importlib.import_module(name).__file__ if name else None
    except (ImportError, SyntaxError):
        return None
    return Path(found) if found else None
