"""Settings reloaded while a session runs: whole, shown field by field, taken back if need be.

KEY INPUT: a key, a signal or a changed file says so; a reader of the configuration.
KEY OUTPUT: a Reloaded for the trader, or the reason why nothing changes.

A file with one wrong key, or with a key that only a restart can change, is refused whole: what was
in force stays in force.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from engine.config import Config, Reload, reload_class
from engine.errors import BadInputError
from engine.records.inputs import Reloaded

Json = dict[str, Any]
Read = Callable[[], Config]
"""Reads the configuration anew; raises ConfigError, naming file and key."""


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
