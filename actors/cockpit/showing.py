"""What a screen asks for when it is opened: the verb `show`, by what.

KEY INPUT: a request such as {"verb": "show", "what": "symbol", "symbol": "TQQQ"}.
KEY OUTPUT: the view of asked.py as plain JSON.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from actors.cockpit.cockpit import Cockpit
from actors.cockpit.confirm import confirm_view
from actors.cockpit.explain import explain_view
from actors.cockpit.league import analytics_view
from actors.cockpit.scene import Scene
from actors.cockpit.settings import config_view
from actors.cockpit.symbol import symbol_view
from actors.reloading import Reloading
from engine.errors import BadInputError

Json = dict[str, Any]
Request = Mapping[str, Any]


class Showing:
    """Answers the screens of one session."""

    def __init__(self, cockpit: Cockpit, reloading: Reloading | None) -> None:
        self._cockpit = cockpit
        self._reloading = reloading

    def answer(self, request: Request) -> Json:
        """Return what is asked for; raises BadInputError where it is not known."""
        return asdict(self._view(request))

    def _view(self, request: Request) -> Any:
        cockpit, memory = self._cockpit, self._cockpit.memory
        what = request.get("what")
        if what == "log":
            return cockpit.log.view(str(request.get("filter") or ""))
        scene = cockpit.scene()
        if scene is None:
            raise BadInputError("the session warms up; ask again in a moment")
        match what:
            case "symbol":
                return symbol_view(scene, _symbol(scene, request.get("symbol")))
            case "analytics":
                by = str(request.get("by") or "symbol")
                return analytics_view(scene, by, memory.trips, memory.shadows, memory.beside)
            case "config":
                return config_view(scene.config, self._reloading, memory.changes)
            case "explain":
                kind, name = str(request.get("kind") or ""), str(request.get("id") or "")
                return explain_view(scene, memory, kind, name)
            case "confirm":
                command = request.get("command")
                return confirm_view(scene, memory, command if isinstance(command, dict) else {})
        raise BadInputError(
            f"show {what!r}: symbol, analytics, config, log, explain or confirm is shown"
        )


def _symbol(scene: Scene, asked: object) -> str:
    if asked not in scene.state.column:
        traded = ", ".join(scene.state.symbols)
        raise BadInputError(f"{asked}: not traded in this session, which has {traded}")
    return str(asked)
