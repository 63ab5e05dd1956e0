import datetime as dt

import exchange_calendars
import pytest

from engine.errors import BadInputError
from engine.market.calendar import _table, session_on, sessions_between
from engine.market.calendar_table import table


def test_every_session_is_the_librarys():
    """Opens and closes equal exchange_calendars' to the nanosecond over the table's whole range."""
    first, last, _ = _table()
    calendar = exchange_calendars.get_calendar("XNYS", start=first.isoformat())

    ours = [(s.date, s.open_ns, s.close_ns) for s in sessions_between(first, last)]
    theirs = [
        (label.date(), int(opened), int(closed))
        for label, opened, closed in zip(
            calendar.sessions, calendar.opens_nanos, calendar.closes_nanos, strict=True
        )
        if first <= label.date() <= last
    ]

    assert ours == theirs


def test_the_table_is_what_the_library_would_write_today():
    """The bundled exceptions agree with a table made anew, on the dates that both cover."""
    _, last, exceptions = _table()
    lines = table().splitlines()
    fresh = {line.split(",")[0]: line.split(",")[1] for line in lines[1:]}

    bundled = {str(d): f"{t:%H:%M}" if t else "" for d, t in exceptions.items()}

    assert bundled == {day: t for day, t in fresh.items() if day <= str(last)}


@pytest.mark.parametrize(
    ("day", "minutes"),
    [
        ("2025-07-03", 210),  # half day (B27)
        ("2025-11-28", 210),
        ("2025-12-24", 210),
        ("2025-07-07", 390),
        ("2025-07-04", None),  # holiday
        ("2025-07-05", None),  # Saturday
        ("2027-12-23", 390),  # beyond the table: asked of the library, or refused
    ],
)
def test_half_days_and_holidays(day, minutes):
    """A half day has 210 minutes, a holiday and a weekend none."""
    date = dt.date.fromisoformat(day)
    if date > _table()[1]:
        with pytest.raises(BadInputError, match="exchange_calendars knows XNYS"):
            session_on(date)
        return
    found = session_on(date)

    assert (found.minutes if found else None) == minutes


def test_daylight_saving_moves_the_open_in_utc():
    """The bell rings at 9:30 New York time, 14:30 UTC in winter and 13:30 in summer (A10, B28)."""
    hours = [
        dt.datetime.fromtimestamp(session_on(day).open_ns / 1e9, dt.UTC).hour
        for day in (dt.date(2025, 1, 6), dt.date(2025, 7, 7))
    ]

    assert hours == [14, 13]


def test_dates_nobody_knows_are_refused():
    """A date beyond the library's range is bad input that says so."""
    with pytest.raises(BadInputError, match="2090-01-02"):
        session_on(dt.date(2090, 1, 2))
