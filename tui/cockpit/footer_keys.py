"""Which keys the footer names, on each screen and in each state.

KEY INPUT: the screen, the view, the user's own keys, the width.
KEY OUTPUT: (key, word, action), as many as fit.
"""

from collections.abc import Mapping
from typing import NamedTuple

from actors.cockpit.views import CockpitView
from tui.cockpit.keys import BY_ID, SCREENS, shown, works

Pair = tuple[str, str, str]


class Hint(NamedTuple):
    """A word of the footer."""

    ids: tuple[str, ...]
    word: str
    between: str = "/"
    """The sign between several keys; `-` names the first and the last."""
    spare: bool = False
    """The first to go where there is no room."""


def _hint(word: str, *ids: str, between: str = "/") -> Hint:
    return Hint(ids, word, between)


_SCREENS = _hint("screens", *(f"screen.{name}" for name in SCREENS.values()), between="-")
_EXPLAIN = _hint("explain", "explain")
_FILTER = _hint("filter", "filter")
_HELP = _hint("help", "help")
_BACK = _hint("back", "back")
_QUIT = _hint("quit", "quit")
_LIQUIDATE = _hint("liquidate", "liquidate.selected")
_HALT = _hint("halt", "halt")
_RELOAD = _hint("reload", "reload")
_OPEN = _hint("detail", "open")
_SORT = _hint("sort", "order")
_ZOOM = _hint("zoom", "zoom")

DASHBOARD = (
    _LIQUIDATE, _hint("all", "liquidate.all"), _HALT, _RELOAD,
    _hint("inbox", "card.approve", "card.dismiss"), _EXPLAIN, _FILTER._replace(spare=True),
    _hint("cmd", "command")._replace(spare=True), _HELP, _QUIT,
)  # fmt: skip
FLATTENING = (
    Hint((), "flattening: trading keys wait"), _SCREENS, _hint("health", "screen.health"),
    _EXPLAIN, _HELP, _QUIT,
)  # fmt: skip
REPLAY = (
    _hint("play", "replay.play"), _hint("step", "replay.step"),
    _hint("speed", "replay.slower", "replay.faster", between=" "), _hint("goto", "replay.goto"),
    _hint("trade", "replay.trade.next", "replay.trade.previous"), _EXPLAIN,
    _SCREENS._replace(spare=True), _hint("cmd", "command")._replace(spare=True), _HELP, _QUIT,
)  # fmt: skip
BEFORE = (
    _SCREENS, _RELOAD, _HALT, _FILTER, _hint("command", "command"), _hint("theme", "theme"),
    _HELP, _QUIT,
)  # fmt: skip
BY_SCREEN = {
    "trades": (_OPEN, _FILTER, _SORT, _EXPLAIN, _hint("export csv", "export"), _BACK, _HELP),
    "inbox": (
        _hint("approve", "card.approve"), _hint("dismiss", "card.dismiss"),
        _hint("snooze", "card.snooze"), _EXPLAIN, _FILTER, _BACK, _HELP,
    ),
    "symbol": (_ZOOM, _LIQUIDATE, _EXPLAIN, _BACK, _HELP),
    "analytics": (_FILTER, _SORT, _hint("export", "export"), _BACK, _HELP),
    "risk": (
        _HALT, _hint("re-arm", "breaker.rearm"),
        _hint("liquidate", "liquidate.selected", "liquidate.all"), _EXPLAIN, _BACK, _HELP,
    ),
    "config": (
        _hint("apply", "confirm.yes"), _hint("keep", "confirm.keep"), _hint("undo", "config.undo"),
        _RELOAD, _FILTER, _BACK, _HELP,
    ),
    "health": (_FILTER, _OPEN, _BACK, _HELP),
    "log": (
        _FILTER, _hint("match", "match.next", "match.previous"), _OPEN,
        _hint("export", "export"), _BACK,
    ),
}  # fmt: skip


def pairs(screen: str, view: CockpitView | None, own: Mapping[str, str], width: int) -> list[Pair]:
    """Return what the footer shows; of what does not fit the spare ones go first."""
    hints = list(_hints(screen, view))
    for spare in (*(h for h in reversed(hints) if h.spare), *reversed(hints)):
        if _long(hints, own) <= width:
            break
        if spare in hints and spare not in (_HELP, _QUIT):
            hints.remove(spare)
    return [(_keys(hint, own), hint.word, _does(hint)) for hint in hints]


def _hints(screen: str, view: CockpitView | None) -> tuple[Hint, ...]:
    if view is not None and view.flatten is not None and view.flatten.confirmed_ns is None:
        return FLATTENING
    if screen != "dashboard":
        return BY_SCREEN[screen]
    if view is None or view.header.phase in ("warming", "before"):
        return BEFORE
    return DASHBOARD if view.transport is None else _replay(view)


def _replay(view: CockpitView) -> tuple[Hint, ...]:
    """Return a replay's keys, without those that would go back where it cannot."""
    return tuple(
        hint._replace(ids=tuple(id_ for id_ in hint.ids if works(BY_ID[id_], view)))
        for hint in REPLAY
    )


def _keys(hint: Hint, own: Mapping[str, str]) -> str:
    keys = [shown(id_, own) for id_ in hint.ids]
    return "-".join((keys[0], keys[-1])) if hint.between == "-" else hint.between.join(keys)


def _does(hint: Hint) -> str:
    return BY_ID[hint.ids[0]].does if hint.ids else ""


def _long(hints: list[Hint], own: Mapping[str, str]) -> int:
    words = (f"{_keys(hint, own)} {hint.word}".strip() for hint in hints)
    return 1 + sum(map(len, words)) + 2 * (len(hints) - 1)
