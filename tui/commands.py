"""`--command "T VERB ARGUMENT"`: what an operator says, written down beforehand.

KEY INPUT: texts such as "2025-07-02T14:30 liquidate all".
KEY OUTPUT: Given, in order of time; BadInputError that names the text.
"""

import datetime as dt
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from actors.desk import Given
from engine.errors import BadInputError
from engine.events import Command, Halt, Liquidate, Resume
from engine.market.calendar import session_on

NEW_YORK = ZoneInfo("America/New_York")
ACTOR = "script"
_HOW = 'write "2025-07-02T14:30 liquidate all", "… liquidate TQQQ", "… halt WHY" or "… resume"'


def scripted(texts: Sequence[str], symbols: Sequence[str], last: dt.date) -> tuple[Given, ...]:
    """Read commands; of two at one moment the one written first comes first.

    A command takes effect before the open of the first traded minute that begins then or later.
    """
    close = session_on(last)
    given = []
    for text in texts:
        moment, _, rest = text.strip().partition(" ")
        ts_ns = _moment(moment, text)
        if close is not None and ts_ns >= close.close_ns:
            raise BadInputError(f"--command {text!r}: it is after the last session, {last}")
        given.append(Given(ts_ns, _command(rest.strip(), text, symbols), ACTOR))
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
    raise BadInputError(f"--command {text!r}: {_HOW}")
