"""Make xnys.csv anew from exchange_calendars: `python -m engine.market.calendar_table`."""

import datetime as dt
from pathlib import Path

FIRST = dt.date(2000, 1, 3)


def table() -> str:
    """Return the file's text: the range it covers, then each closed weekday and early close."""
    import exchange_calendars

    calendar = exchange_calendars.get_calendar("XNYS", start=FIRST.isoformat())
    last = calendar.last_session.date()
    closes = {
        label.date(): closed.tz_convert("America/New_York").time()
        for label, closed in zip(calendar.sessions, calendar.closes, strict=True)
    }
    lines = [f"{FIRST},{last}"]
    for n in range((last - FIRST).days + 1):
        day = FIRST + dt.timedelta(days=n)
        if day.weekday() >= 5:
            continue
        if day not in closes:
            lines.append(f"{day},")
        elif closes[day] != dt.time(16, 0):
            lines.append(f"{day},{closes[day]:%H:%M}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("xnys.csv").write_text(table())
