"""The settings in force, and what a reload would make of them.

KEY INPUT: the configuration, how it is read anew, what was changed in the session.
KEY OUTPUT: ConfigView; nothing secret is in it.
"""

from collections.abc import Sequence
from typing import Any

from actors.cockpit.asked import ChangeView, ConfigView
from actors.cockpit.labels import clock, who
from actors.reloading import Change, Reloading, difference
from engine.config import Config
from engine.errors import BadInputError
from engine.events import ConfigChanged
from engine.profiles import profile_values

_SECRET = ("database", "alerts")


def config_view(
    config: Config, reloading: Reloading | None, changes: Sequence[ConfigChanged]
) -> ConfigView:
    """Return every key, and the difference that a reload would make now."""
    wanted, error = _wanted(config, reloading)
    return ConfigView(
        settings=_settings(config),
        error=error,
        changes=tuple(
            ChangeView(key=c.key, old=_text(c.old), new=_text(c.new), kind=c.takes_effect)
            for c in wanted
        ),
        history=tuple(_changed(event) for event in changes),
        can_reload=reloading is not None,
        can_revert=reloading is not None and reloading.can_revert,
    )


def _wanted(config: Config, reloading: Reloading | None) -> tuple[Sequence[Change], str]:
    if reloading is None:
        return (), ""
    changes: Sequence[Change] = ()
    try:
        changes = difference(config, reloading.read())
        reloading.reload("", dry=True)
    except BadInputError as error:
        return changes, str(error)
    return changes, ""


def _settings(config: Config) -> tuple[tuple[str, str, str], ...]:
    rows = []
    defaults, profile = Config(), profile_values(config.profile.name)
    for section in Config.model_fields:
        if section in _SECRET:
            continue
        now, before = getattr(config, section), getattr(defaults, section)
        for key in type(now).model_fields:
            value = getattr(now, key)
            source = "" if value == getattr(before, key) else "set"
            if source and profile.get(f"{section}.{key}") == value:
                source = config.profile.name
            rows.append((f"{section}.{key}", _text(value), source))
    return tuple(rows)


def _changed(event: ConfigChanged) -> str:
    said = "; ".join(f"{key} {_text(old)} → {_text(new)}" for key, old, new in event.changes)
    return f"{clock(event.ts_ns)} by {who(event.actor)}: {said}"


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(_text(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items())
    return str(value)
