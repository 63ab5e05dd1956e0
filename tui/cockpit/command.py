"""The command line: every action of the cockpit by its name, with completion.

KEY INPUT: a line such as `liquidate TQQQ`, `goto 13:47`, `open symbol FAS`.
KEY OUTPUT: what it asks for is done (a risky one still asks for `y`), or BadInputError says what
was wanted; what would complete the line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.errors import BadInputError
from tui.cockpit.theme import THEMES

if TYPE_CHECKING:
    from tui.cockpit.app import Cockpit

MOST_DIGITS = 6


class Verb(NamedTuple):
    """One word that a line can begin with."""

    wants: str
    """What follows it; in brackets if it may be left out."""
    does: Callable[[Cockpit, str], None]
    choices: Callable[[Cockpit], Iterable[str]] = lambda _: ()


def _held(app: Cockpit) -> Iterable[str]:
    positions = app.view.positions if app.view else ()
    return (*(p.symbol for p in positions if p.state != "flat"), "all")


def _cards(app: Cockpit) -> Iterable[str]:
    return (card.id for card in app.view.inbox) if app.view else ()


def _symbols(app: Cockpit) -> Iterable[str]:
    return (signal.symbol for signal in app.view.signals) if app.view else ()


def _screens(app: Cockpit) -> Iterable[str]:
    return (*app.SCREENS, *(f"symbol {symbol}" for symbol in _symbols(app)))


def _themes(_: Cockpit | None = None) -> Iterable[str]:
    return (known.name.removeprefix("rotor-") for known in THEMES)


def _liquidate(app: Cockpit, words: str) -> None:
    symbol = words.upper()
    if symbol not in _held(app) and symbol != "ALL":
        held = ", ".join(_held(app))
        raise BadInputError(f"{words or 'nothing'} is not held; wanted one of {held}")
    app.liquidate(None if symbol == "ALL" else symbol)


def _on_card(verb: str) -> Callable[[Cockpit, str], None]:
    def do(app: Cockpit, words: str) -> None:
        name, _, minutes = words.upper().partition(" ")
        cards = {card.id.upper(): card for card in app.view.inbox} if app.view else {}
        if name not in cards:
            raise BadInputError(f"no such card waits; there are: {', '.join(cards) or 'none'}")
        if minutes and not (verb == "snooze" and _whole(minutes)):
            raise BadInputError(f"{minutes!r} is not understood here")
        app.on_card(verb, cards[name], int(minutes) if minutes else 5)

    return do


def _open(app: Cockpit, words: str) -> None:
    name, _, symbol = words.partition(" ")
    if symbol and name == "symbol":
        if symbol.upper() not in _symbols(app):
            raise BadInputError(f"{symbol}: not traded in this session")
        app.open_symbol(symbol.upper())
    elif name in app.SCREENS and not symbol:
        app.action_open(name)
    else:
        raise BadInputError(f"wanted one of {', '.join(app.SCREENS)}")


def _explain(app: Cockpit, words: str) -> None:
    if words and words.upper() not in _symbols(app):
        raise BadInputError(f"{words}: not traded in this session")
    app.explain("signal", words.upper()) if words else app.action_explain()


def _theme(app: Cockpit, words: str) -> None:
    name = words if words.startswith("rotor-") else f"rotor-{words}"
    if name not in [known.name for known in THEMES]:
        raise BadInputError(f"wanted one of {', '.join(_themes())}")
    app.wear(name)


def _speed(app: Cockpit, words: str) -> None:
    if words != "max" and not _whole(words):
        raise BadInputError("wanted minutes per minute, such as 60, or max")
    app.move("speed", words if words == "max" else int(words))


def _move(do: str) -> Callable[[Cockpit, str], None]:
    def moved(app: Cockpit, words: str) -> None:
        _nothing(words)
        app.move(do)

    return moved


def _step(way: str) -> Callable[[Cockpit, str], None]:
    def moved(app: Cockpit, words: str) -> None:
        if words not in ("trade", "session"):
            raise BadInputError("wanted trade or session")
        app.move(f"{way}_{words}")

    return moved


def _goto(app: Cockpit, words: str) -> None:
    if not words:
        raise BadInputError("wanted a time: 13:47, 07-03 10:00, or +30 minutes")
    app.move("seek", words)


def _plain(do: Callable[[Cockpit], object]) -> Callable[[Cockpit, str], None]:
    def done(app: Cockpit, words: str) -> None:
        _nothing(words)
        do(app)

    return done


def _whole(words: str) -> bool:
    """Tell whether it is a whole number above 0, and not of so many digits that none is meant."""
    return words.isdecimal() and len(words) <= MOST_DIGITS and int(words) > 0


def _nothing(words: str) -> None:
    if words:
        raise BadInputError(f"{words!r} is not understood here")


_LEAVE = Verb("", _plain(lambda app: app.action_leave()))
_STEPS: Callable[[Cockpit], Iterable[str]] = lambda _: ("trade", "session")  # noqa: E731
VERBS: dict[str, Verb] = {
    "liquidate": Verb("SYMBOL|all", _liquidate, _held),
    "halt": Verb("[REASON]", lambda app, words: app.halt(words)),
    "resume": Verb("", _plain(lambda app: app.action_resume())),
    "reload": Verb("", _plain(lambda app: app.action_reload())),
    "undo": Verb("", _plain(lambda app: app.undo_reload())),
    "approve": Verb("CARD", _on_card("approve"), _cards),
    "dismiss": Verb("CARD", _on_card("dismiss"), _cards),
    "snooze": Verb("CARD [MINUTES]", _on_card("snooze"), _cards),
    "explain": Verb("[SYMBOL]", _explain, _symbols),
    "filter": Verb("[WORDS]", lambda app, words: app.filter_rows(words)),
    "open": Verb("SCREEN [SYMBOL]", _open, _screens),
    "theme": Verb("NAME", _theme, _themes),
    "export": Verb("", _plain(lambda app: app.action_export())),
    "screenshot": Verb("", _plain(lambda app: app.action_picture())),
    "help": Verb("", _plain(lambda app: app.action_help())),
    "goto": Verb("13:47|+30", _goto),
    "speed": Verb("60|max", _speed, lambda _: ("1", "10", "60", "300", "max")),
    "play": Verb("", _move("play")),
    "pause": Verb("", _move("pause")),
    "step": Verb("", _move("step")),
    "back": Verb("", _move("back")),
    "next": Verb("trade|session", _step("next"), _STEPS),
    "previous": Verb("trade|session", _step("previous"), _STEPS),
    "quit": _LEAVE,
    "q": _LEAVE,
    "detach": _LEAVE,
}


def run(app: Cockpit, line: str) -> None:
    """Do what a line says; raises BadInputError with what was wanted."""
    name, _, rest = line.strip().partition(" ")
    if not name:
        return
    verb = VERBS.get(name.lower())
    if verb is None:
        raise BadInputError(f"no such command; there are {', '.join(VERBS)}")
    verb.does(app, rest.strip())


def complete(app: Cockpit, line: str) -> list[str]:
    """Return the whole lines that this one could become, the likeliest first."""
    name, space, rest = line.lstrip().partition(" ")
    if not space:
        return [verb for verb in VERBS if verb.startswith(name.lower())]
    verb = VERBS.get(name.lower())
    choices = verb.choices(app) if verb else ()
    return [f"{name} {word}" for word in choices if word.lower().startswith(rest.lower())]


def usage(line: str) -> str:
    """Return what a line's verb wants; empty if it has no verb yet."""
    name = line.strip().partition(" ")[0].lower()
    return f"{name} {VERBS[name].wants}".strip() if name in VERBS else ""


def words(request: Mapping[str, Any]) -> str:
    """Return a request as one would say it."""
    verb = str(request["verb"])
    if verb == "liquidate":
        return f"liquidate {request.get('symbol') or 'all'}"
    if verb == "transport":
        return _of_transport(str(request["do"]), request.get("to"))
    if verb == "stop":
        return "flatten and stop" if request.get("how") == "flatten" else "stop"
    return f"{verb} {request.get('card', '')}".strip()


def _of_transport(do: str, to: object) -> str:
    match do:
        case "speed":
            return f"speed {to if to == 'max' else f'{to}×'}"
        case "seek":
            return f"to {to}{' minutes' if str(to).startswith(('+', '-')) else ''}"
        case "step":
            return "one minute on"
        case "back":
            return "one minute back"
        case "next_trade" | "previous_trade" | "next_session" | "previous_session":
            return "to the " + do.replace("_", " ")
        case "pause":
            return "paused"
    return do
