"""`rotor config show | profiles`: which value comes from which layer.

KEY INPUT: the layers of the settings.
KEY OUTPUT: tables or JSON.
"""

from pathlib import Path

from engine.config import Config
from engine.profiles import names, profile_values
from engine.records.overrides import value_of
from tui.layered import read_settings, shown
from tui.options import Rules
from tui.output import Column, Json, print_apart, print_json, print_rows
from tui.risk import row

_SECRET = ("alerts.urls", "database.url")
_SETTINGS = (
    Column("key", "Key", left=True),
    Column("value", "Value", shown=shown, left=True, folds=True),
    Column("default", "Default", shown=shown, left=True, folds=True, drops=1),
    Column("set_by", "Set by", left=True, folds=True),
    Column("reload", "Takes effect", left=True, drops=2),
)
_PROFILES = (
    Column("key", "Key", left=True),
    Column("value", "Value", shown=shown, left=True, folds=True),
    Column("default", "Default", shown=shown, left=True, folds=True),
)


def show_settings(rules: Rules, *, changed: bool, json: bool) -> int:
    """Print every key, its value, and where it comes from; of secrets not the value."""
    settings = read_settings(rules, Path())
    rows = [
        _without_secret(row(settings, section, key))
        for section in Config.model_fields
        for key in type(getattr(Config(), section)).model_fields
    ]
    if changed:
        rows = [found for found in rows if found["set_by"] != "default"]
    if json:
        print_json({"profile": settings.config.profile.name, "settings": rows})
    else:
        print_rows(rows, _SETTINGS, "table")
    return 0


def show_profiles(*, json: bool) -> int:
    """Print what each profile sets."""
    rows = [
        {"profile": name, "key": key, "value": value, "default": value_of(Config(), key)}
        for name in names()
        for key, value in profile_values(name).items()
    ]
    if json:
        print_json({"profiles": rows})
    else:
        print_apart(rows, "profile", _PROFILES, "table")
    return 0


def _without_secret(found: Json) -> Json:
    secret = found["key"] in _SECRET and found["set_by"] != "default"
    return found | {"value": "(not shown)"} if secret else found
