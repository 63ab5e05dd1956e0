"""The exchange's sessions (XNYS): which days trade, from when to when, in UTC.

KEY INPUT: New York dates.
KEY OUTPUT: Session values with the real open and close: holidays, half days, daylight saving.

The facts are exchange_calendars'. Importing it costs most of a second, so its exceptions to "every
weekday, 9:30 to 16:00" lie in xnys.csv beside this file, made by `python -m
engine.market.calendar_table`; a date beyond that table asks the library itself.
"""

import datetime as dt
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from engine.errors import BadInputError
from engine.market.frames import Session

NEW_YORK = ZoneInfo("America/New_York")
_OPEN = dt.time(9, 30)
_CLOSE = dt.time(16, 0)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def sessions_between(first: dt.date, last: dt.date) -> list[Session]:
    """Return the sessions from `first` to `last`, both included, in order."""
    days = (first + dt.timedelta(days=n) for n in range((last - first).days + 1))
    return [session for day in days if (session := session_on(day)) is not None]


def session_on(day: dt.date) -> Session | None:
    """Return the session of a New York date, None if the exchange is closed.

    Raises BadInputError for a date that exchange_calendars does not know.
    """
    if day.weekday() >= 5:
        return None
    first, last, exceptions = _table()
    if not first <= day <= last:
        return _from_library(day)
    close = exceptions.get(day, _CLOSE)
    if close is None:
        return None
    return Session(day, _utc_ns(day, _OPEN), _utc_ns(day, close))


@cache
def _table() -> tuple[dt.date, dt.date, dict[dt.date, dt.time | None]]:
    lines = files("engine.market").joinpath("xnys.csv").read_text(encoding="utf-8").splitlines()
    first, last = (dt.date.fromisoformat(day) for day in lines[0].split(","))
    exceptions: dict[dt.date, dt.time | None] = {}
    for line in lines[1:]:
        day, close = line.split(",")
        exceptions[dt.date.fromisoformat(day)] = dt.time.fromisoformat(close) if close else None
    return first, last, exceptions


@cache
def _from_library(day: dt.date) -> Session | None:
    import exchange_calendars

    calendar = exchange_calendars.get_calendar("XNYS", start="1990-01-02")
    if not calendar.first_session.date() <= day <= calendar.last_session.date():
        raise BadInputError(
            f"{day}: exchange_calendars knows XNYS from {calendar.first_session.date()} to "
            f"{calendar.last_session.date()}; check the date, or update exchange_calendars"
        )
    label = day.isoformat()
    if not calendar.is_session(label):
        return None
    opened, closed = calendar.session_open(label), calendar.session_close(label)
    return Session(day, opened.as_unit("ns").value, closed.as_unit("ns").value)


def _utc_ns(day: dt.date, time: dt.time) -> int:
    moment = dt.datetime.combine(day, time, NEW_YORK)
    return int((moment - _EPOCH).total_seconds()) * 1_000_000_000
