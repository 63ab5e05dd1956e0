"""Times that a person types to go to, in the sessions of a replay.

KEY INPUT: `13:47`, `07-03 10:00`, `2025-07-03 10:00`, `+30`, `-5` (minutes).
KEY OUTPUT: the UTC start of a minute of one of the sessions.
"""

import datetime as dt
import re
from collections.abc import Sequence

from engine.errors import BadInputError
from engine.market.calendar import NEW_YORK, session_on
from engine.market.frames import MINUTE_NS, Session

_TIME = re.compile(r"(?:(?:(\d{4})-)?(\d{1,2})-(\d{1,2})\s*)?(?:(\d{1,2}):(\d{2}))?")


def seek_time(to: object, now: Session, now_ns: int, dates: Sequence[dt.date]) -> int:
    """Return the UTC ns of the minute that is meant; raises BadInputError.

    A time alone is one of the session that stands; a date alone is its session's first minute.
    """
    text = str(to).strip()
    if re.fullmatch(r"[+-]\d{1,4}", text):
        return _inside(now_ns + int(text) * MINUTE_NS, now, text)
    found = _TIME.fullmatch(text)
    if not text or found is None:
        raise BadInputError(f"{text!r}: a time such as 13:47, 07-03 10:00 or +30")
    year, month, day, hour, minute = (
        None if part is None else int(part) for part in found.groups()
    )
    session = now if month is None else _session(year, month, day, text, dates)
    if hour is None:
        return session.open_ns
    try:
        moment = dt.datetime.combine(session.date, dt.time(hour, minute or 0), NEW_YORK)
    except ValueError:
        raise BadInputError(f"{text}: no such time") from None
    return _inside(round(moment.timestamp()) * 1_000_000_000, session, text)


def _session(
    year: int | None, month: int, day: int | None, text: str, dates: Sequence[dt.date]
) -> Session:
    meant = [
        date
        for date in dates
        if (date.month, date.day) == (month, day) and year in (None, date.year)
    ]
    session = session_on(meant[0]) if meant else None
    if session is None:
        raise BadInputError(f"{text}: not one of the {len(dates)} sessions of this run")
    return session


def _inside(ns: int, session: Session, text: str) -> int:
    if session.open_ns <= ns < session.close_ns:
        return ns
    first, last = (
        f"{dt.datetime.fromtimestamp(at // 1_000_000_000, NEW_YORK):%H:%M}"
        for at in (session.open_ns, session.close_ns)
    )
    raise BadInputError(f"{text} is outside of the session {first}-{last}")
