"""Settings reloaded while a session runs: whole, shown field by field, taken back if need be.

KEY INPUT: a key, a signal or a changed file says so; a reader of the configuration.
KEY OUTPUT: a Reloaded for the trader, or the reason why nothing changes.

A file with one wrong key, or with a key that only a restart can change, is refused whole: what was
in force stays in force.
"""

import logging
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import trio
import watchfiles

from engine.config import Config, Reload, reload_class
from engine.errors import BadInputError
from engine.records.inputs import Reloaded

STILL_SECONDS = 0.3
"""For which a file has stood as it is before it is read: half of one would be other settings."""
Json = dict[str, Any]
Read = Callable[[], Config]
"""Reads the configuration anew; raises ConfigError, naming file and key."""
_log = logging.getLogger("rotor")


class Change(NamedTuple):
    """One key that differs."""

    key: str
    """section.key."""
    old: Any
    new: Any
    takes_effect: Reload

    def shown(self) -> Json:
        """Return it as JSON."""
        return {"key": self.key, "old": self.old, "new": self.new, "class": self.takes_effect}


@dataclass(slots=True)
class Reloading:
    """What is in force, what was before, and how to read what is asked for."""

    read: Read
    current: Callable[[], Config]
    apply: Callable[[Reloaded], None]
    """Hands it to the trader, which takes it at the frame's border."""
    _before: list[Config] = field(default_factory=list)

    def reload(self, actor: str, *, dry: bool = False) -> list[Change]:
        """Read the configuration and apply it, whole; return what changes.

        Raises ConfigError where the file cannot be used, BadInputError where a key needs a restart.
        """
        return self._change(self.read(), actor, dry=dry)

    @property
    def can_revert(self) -> bool:
        """Return whether something was reloaded that can be taken back."""
        return bool(self._before)

    def revert(self, actor: str) -> list[Change]:
        """Go back to what was in force before the last reload."""
        if not self._before:
            raise BadInputError("nothing was reloaded in this session that could be taken back")
        changes = self._change(self._before[-1], actor)
        del self._before[-2:]
        return changes

    def _change(self, wanted: Config, actor: str, *, dry: bool = False) -> list[Change]:
        old = self.current()
        changes = difference(old, wanted)
        stuck = [change.key for change in changes if change.takes_effect == "restart"]
        if stuck:
            raise BadInputError(
                f"{', '.join(stuck)}: only a restart changes that; nothing was changed"
            )
        if changes and not dry:
            self._before.append(old)
            told = tuple((c.key, _plain(c.old), _plain(c.new)) for c in changes)
            # what only a restart changes is as it was; of these two nothing secret is written down
            shown = wanted.model_dump(mode="json", exclude={"database", "alerts"})
            self.apply(Reloaded(actor, shown, told))
        return changes


async def on_hangup(reloading: Reloading) -> None:
    """Reload at SIGHUP."""
    with trio.open_signal_receiver(signal.SIGHUP) as received:
        async for _ in received:
            _reload(reloading, "SIGHUP")


async def on_change(watched: Sequence[Path], reloading: Reloading) -> None:
    """Reload when one of these files has changed, by absolute paths."""
    # folders are watched, since editors put a new file in the place of the old one
    names = {str(path) for path in watched}
    folders = sorted({path.parent for path in watched})
    async for found in watchfiles.awatch(*folders, recursive=False, rust_timeout=200):
        if names & {name for _, name in found}:
            await _still(watched)
            _reload(reloading, "file")


async def _still(paths: Sequence[Path]) -> None:
    before: list[tuple[int, int]] | None = None
    while (now := [_written(path) for path in paths]) != before:
        before = now
        await trio.sleep(STILL_SECONDS)


def _written(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:  # an editor is about to put a new one in its place
        return 0, 0
    return found.st_mtime_ns, found.st_size


def _reload(reloading: Reloading, actor: str) -> None:
    try:
        _log.warning("reload: %s", words(reloading.reload(actor)))
    except BadInputError as error:
        _log.error("reload: %s; what was in force stays in force", error)


def difference(old: Config, new: Config) -> list[Change]:
    """Return the keys that differ, in the order of the file."""
    found = []
    for section in Config.model_fields:
        before, after = getattr(old, section), getattr(new, section)
        for key in type(before).model_fields:
            a, b = getattr(before, key), getattr(after, key)
            if a != b:
                found.append(Change(f"{section}.{key}", a, b, reload_class(section, key)))
    return found


def words(changes: Sequence[Change]) -> str:
    """Return changes in a line."""
    said = [f"{c.key} {c.old} → {c.new} ({c.takes_effect})" for c in changes]
    return "; ".join(said) or "nothing changed"


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
