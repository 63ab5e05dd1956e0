"""The screens of the cockpit, a file each; imported when they are first opened."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from textual.screen import Screen

from tui.cockpit.keys import SCREENS

NAMES = tuple(SCREENS.values())


def opener(name: str) -> Callable[[], Screen[Any]]:
    """Return what makes a screen, such as `trades`: TradesScreen of trades.py."""

    def make() -> Screen[Any]:
        module = import_module(f"tui.cockpit.screens.{name}")
        screen: Screen[Any] = getattr(module, f"{name.capitalize()}Screen")()
        return screen

    return make


def load_all() -> None:
    """Import every screen, so that the first key that opens one need not."""
    for name in NAMES:
        import_module(f"tui.cockpit.screens.{name}")
