"""Every key of the cockpit, in one table: bindings, footer, help and palette are made from it.

KEY INPUT: the user's own keys by id.
KEY OUTPUT: Textual's bindings; what is shown of them; clashes, named.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from textual.binding import Binding
from textual.keys import format_key

from actors.cockpit.views import CockpitView
from engine.errors import BadInputError

SCREENS = {
    "1": "dashboard",
    "2": "trades",
    "3": "inbox",
    "4": "symbol",
    "5": "analytics",
    "6": "risk",
    "7": "config",
    "8": "health",
    "9": "log",
}
"""Which key opens which screen."""
TABLES = ("dashboard", "trades", "inbox", "analytics", "risk", "config", "health", "log")
SORTED = ("trades", "analytics", "health", "log")
DIALOGS = "dialogs"
_SIGNS = {
    "enter": "↵",
    "escape": "esc",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "pageup": "pgup",
    "pagedown": "pgdn",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One thing that a key does."""

    id: str
    """What `[keys]` of the user's file calls it by."""
    keys: str
    """As Textual writes them, with commas between."""
    does: str
    """Textual's action; empty: the focused table does it itself, and it cannot be remapped."""
    words: str
    """For help and palette."""
    where: tuple[str, ...] = ()
    """Screens, or dialogs; empty: everywhere."""
    changes: bool = False
    """Gives the session a command: off for those who may only look."""
    asks: bool = False
    """Does nothing before `y`."""
    replay: bool = False
    """Only where there is a transport."""
    back: bool = False
    """Only where a replay can go back."""
    always: bool = False
    """Works above dialogs too."""


def _open(number: str, name: str) -> Key:
    words = {"symbol": "symbol in detail", "log": "log", "config": "configuration"}.get(name, name)
    return Key(id=f"screen.{name}", keys=number, does=f"app.open('{name}')", words=words)


TABLE = (
    Key(
        id="liquidate.selected", keys="l", does="app.liquidate_selected",
        words="liquidate the selected", where=("dashboard", "symbol", "risk"),
        changes=True, asks=True,
    ),
    Key(
        id="liquidate.all", keys="L", does="app.liquidate_all", words="liquidate all",
        changes=True, asks=True,
    ),
    Key(
        id="halt", keys="h", does="app.halt", words="halt at once; h y resumes",
        changes=True, asks=True,
    ),
    Key(
        id="reload", keys="r", does="app.reload", words="reload: what would change",
        asks=True,
    ),
    Key(
        id="card.approve", keys="a", does="app.approve", words="approve (inbox)",
        changes=True, asks=True,
    ),
    Key(
        id="card.dismiss", keys="d", does="app.dismiss", words="dismiss (inbox)", changes=True,
    ),
    Key(
        id="card.snooze", keys="z", does="app.snooze", words="snooze 5 minutes", where=("inbox",),
        changes=True,
    ),
    Key(
        id="breaker.rearm", keys="R", does="app.resume", words="re-arm by hand",
        where=("risk",), changes=True, asks=True,
    ),
    Key(
        id="confirm.yes", keys="y", does="app.apply", words="confirm",
        where=(DIALOGS, "inbox", "config"), changes=True,
    ),
    Key(id="confirm.keep", keys="n", does="app.keep", words="keep the old", where=("config",)),
    Key(
        id="config.undo", keys="u", does="app.undo", words="undo the last reload",
        where=("config",), changes=True, asks=True,
    ),
    Key(
        id="quit.leave", keys="b", does="", words="leave the broker's stops", where=(DIALOGS,),
        changes=True,
    ),
    Key(id="explain", keys="e", does="app.explain", words="explain the selected"),
    Key(id="filter", keys="/", does="app.filter", words="filter rows", where=TABLES),
    Key(id="command", keys=":", does="app.command", words="command line"),
    Key(id="palette", keys="ctrl+p", does="app.palette", words="palette"),
    *(_open(number, name) for number, name in SCREENS.items()),
    Key(id="open", keys="enter", does="app.open_row", words="open the row"),
    Key(id="back", keys="escape", does="app.back", words="close, clear, back"),
    Key(id="panel.next", keys="tab", does="", words="next panel"),
    Key(id="move", keys="up,down,j,k", does="", words="move"),
    Key(id="move.far", keys="pageup,pagedown,home,end", does="", words="move far"),
    Key(id="order", keys="o", does="app.order(False)", words="order by the next", where=SORTED),
    Key(id="order.turn", keys="O", does="app.order(True)", words="turn the order", where=SORTED),
    Key(
        id="zoom", keys="z", does="app.zoom", words="zoom this panel",
        where=("dashboard", "symbol"),
    ),
    Key(id="export", keys="x", does="app.export", words="export as CSV", where=SORTED),
    Key(id="theme", keys="t", does="app.next_theme", words="next theme"),
    Key(id="screenshot", keys="s", does="app.picture", words="screenshot (SVG)"),
    Key(id="help", keys="?", does="app.help", words="this help"),
    Key(id="quit", keys="q", does="app.leave", words="quit; asks if not flat"),
    Key(
        id="quit.always", keys="ctrl+q,ctrl+c", does="app.leave", words="quit, in dialogs too",
        always=True,
    ),
    Key(
        id="replay.play", keys="space", does="app.transport('play')", words="play, pause",
        replay=True,
    ),
    Key(
        id="replay.step", keys=".", does="app.transport('step')", words="one minute on",
        replay=True,
    ),
    Key(
        id="replay.back", keys="comma", does="app.transport('back')", words="one minute back",
        replay=True, back=True,
    ),
    Key(id="replay.slower", keys="<", does="app.speed(-1)", words="slower", replay=True),
    Key(id="replay.faster", keys=">", does="app.speed(1)", words="faster", replay=True),
    Key(
        id="replay.session.previous", keys="[", does="app.transport('previous_session')",
        words="previous session", replay=True, back=True,
    ),
    Key(
        id="replay.session.next", keys="]", does="app.transport('next_session')",
        words="next session", replay=True,
    ),
    Key(
        id="replay.trade.next", keys="n", does="app.transport('next_trade')",
        words="next trade", replay=True,
    ),
    Key(
        id="replay.trade.previous", keys="N", does="app.transport('previous_trade')",
        words="previous trade", replay=True, back=True,
    ),
    Key(id="replay.goto", keys="g", does="app.goto", words="go to a time", replay=True),
    Key(id="match.next", keys="n", does="app.match(1)", words="next match", where=("log",)),
    Key(id="match.previous", keys="N", does="app.match(-1)", words="previous", where=("log",)),
)  # fmt: skip
BY_ID = {key.id: key for key in TABLE}


def everywhere() -> list[Binding]:
    """Return the app's bindings."""
    return [_binding(key) for key in TABLE if key.does and not key.where]


def on_screen(name: str) -> list[Binding]:
    """Return the bindings that one screen has beyond the app's."""
    return [_binding(key) for key in TABLE if key.does and name in key.where]


def _binding(key: Key) -> Binding:
    return Binding(key.keys, key.does, key.words, id=key.id, show=False, priority=key.always)


def works(key: Key, view: CockpitView | None) -> bool:
    """Tell whether a key has something to move; only replays have some, and few go back."""
    transport = view.transport if view is not None else None
    if transport is None:
        return not key.replay
    return transport.can_step_back or not key.back


def keys_of(key: Key, own: Mapping[str, str]) -> list[str]:
    """Return the names of the keys that do it, the user's if he has chosen."""
    return [b.key for b in Binding.make_bindings([Binding(own.get(key.id, key.keys), "")])]


def shown(id_: str, own: Mapping[str, str]) -> str:
    """Return the first key that does it, as people write it."""
    return sign(keys_of(BY_ID[id_], own)[0])


def sign(name: str) -> str:
    """Return a key as people write it."""
    return _SIGNS.get(name) or format_key(name)


def check(own: Mapping[str, str], where: str) -> None:
    """Raise BadInputError for keys that cannot be: unknown ids, clashes, `y` opening a dialog."""
    for id_, words in own.items():
        key = BY_ID.get(id_)
        if key is None:
            raise BadInputError(f"{where}: [keys] {id_}: no such key; there are {_ids()}")
        if not key.does and key.id != "quit.leave":
            raise BadInputError(f"{where}: [keys] {id_}: this key cannot be another")
        if "" in map(str.strip, words.split(",")):
            raise BadInputError(f"{where}: [keys] {id_} = {words!r}: name a key, such as 'x'")
    for first, second in _pairs(own):
        both = sorted(set(keys_of(first, own)) & set(keys_of(second, own)))
        if both and _meet(first, second):
            raise BadInputError(
                f"{where}: [keys] {sign(both[0])} cannot be {first.id} ({first.words}) and "
                f"{second.id} ({second.words})"
            )


def _pairs(own: Mapping[str, str]) -> Iterable[tuple[Key, Key]]:
    for i, first in enumerate(TABLE):
        for second in TABLE[i + 1 :]:
            if first.id in own or second.id in own:  # as delivered, what meets is meant
                yield first, second


def _meet(first: Key, second: Key) -> bool:
    """Tell whether two keys can be pressed in one place, or one confirms what the other opens."""
    for one, other in ((first, second), (second, first)):
        if DIALOGS in one.where and (other.asks or other.id.startswith("quit")):
            return True
    if not first.where or not second.where:
        return (first.where or second.where) != (DIALOGS,)
    return bool(set(first.where) & set(second.where))


def _ids() -> str:
    return ", ".join(key.id for key in TABLE if key.does)
