"""`--command "T VERB ARGUMENT"`: what an operator says, written down beforehand.

KEY INPUT: texts such as "2025-07-02T14:30 liquidate all".
KEY OUTPUT: Given, in order of time; BadInputError that names the text.
"""

import datetime as dt
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from actors.desk import Given
from actors.live import SCRIPT
from engine.errors import BadInputError
from engine.events import Acknowledge, Approve, Command, Dismiss, Halt, Liquidate, Resume, Snooze
from engine.market.calendar import session_on

NEW_YORK = ZoneInfo("America/New_York")
MOST_MINUTES = 390
_HOW = (
    'write "2025-07-02T14:30 liquidate all", "… liquidate TQQQ", "… halt WHY", "… resume", '
    '"… acknowledge TQQQ", "… approve TQQQ", "… dismiss TQQQ" or "… snooze TQQQ [MINUTES]"'
)


def scripted(
    texts: Sequence[str], symbols: Sequence[str], last: dt.date | None
) -> tuple[Given, ...]:
    """Read commands; of two at one moment the one written first comes first.

    A command takes effect before the open of the first traded minute that begins then or later.
    `last` is the last session; None while it is not known.
    """
    close = session_on(last) if last is not None else None
    given = []
    for text in texts:
        moment, _, rest = text.strip().partition(" ")
        ts_ns = _moment(moment, text)
        if close is not None and ts_ns >= close.close_ns:
            raise BadInputError(f"--command {text!r}: it is after the last session, {last}")
        given.append(Given(ts_ns, _command(rest.strip(), text, symbols), SCRIPT))
    return tuple(sorted(given, key=lambda item: item.ts_ns))


def _moment(moment: str, text: str) -> int:
    try:
        when = dt.datetime.fromisoformat(moment)
    except ValueError:
        raise BadInputError(f"--command {text!r}: no moment; {_HOW}") from None
    if len(moment) <= len("2025-07-02"):
        raise BadInputError(f"--command {text!r}: a moment has a time; {_HOW}")
    if when.tzinfo is None:
        when = when.replace(tzinfo=NEW_YORK)
    return int(when.timestamp()) * 10**9


def _command(rest: str, text: str, symbols: Sequence[str]) -> Command:
    verb, _, argument = rest.partition(" ")
    argument = argument.strip()
    match verb.lower():
        case "halt":
            return Halt(reason=argument)
        case "resume" if not argument:
            return Resume()
        case "liquidate" if argument.lower() == "all":
            return Liquidate()
        case "liquidate" if argument.upper() in symbols:
            return Liquidate(symbol=argument.upper())
        case "liquidate" if argument:
            raise BadInputError(
                f"--command {text!r}: {argument} is not traded; there are {', '.join(symbols)}"
            )
        case "acknowledge" if argument:
            return Acknowledge(symbol=argument.upper())
        case "approve" | "dismiss" | "snooze" if argument:
            return _on_card(verb.lower(), argument, text)
    raise BadInputError(f"--command {text!r}: {_HOW}")


def _on_card(verb: str, argument: str, text: str) -> Command:
    # a symbol, or a card's id, which begins with its symbol
    name, _, minutes = argument.upper().partition(" ")
    if verb == "snooze":
        if minutes and not (minutes.isdecimal() and 1 <= int(minutes) <= MOST_MINUTES):
            raise BadInputError(
                f"--command {text!r}: snooze for 1 to {MOST_MINUTES} minutes, not {minutes}"
            )
        return Snooze(card=name, minutes=int(minutes)) if minutes else Snooze(card=name)
    if minutes:
        raise BadInputError(f"--command {text!r}: {_HOW}")
    return Approve(card=name) if verb == "approve" else Dismiss(card=name)
