"""What a session on a local exchange makes of quotes, and of a bar stream that dies."""

import datetime as dt

from engine.market.calendar import session_on
from tests.tui.rehearsal import HALF_DAY, exchange, logged, met_quotes, rows, sound
from tui.cli import main

OPEN_MS = session_on(dt.date.fromisoformat(HALF_DAY)).open_ns // 1_000_000


def script(folder, *faults):
    """Write a script of faults; its path."""
    path = folder / "faults.toml"
    path.write_text("\n".join(f"[[fault]]\n{fault}\n" for fault in faults))
    return path


def minute_of(row):
    """The minute of the half day's session in which something was."""
    return (row["timestamp_ms"] - OPEN_MS) // 60_000


def test_without_room_in_the_stream_every_order_meets_a_quote_by_rest(tmp_path, runtime_dir):
    """The feed's limit leaves none: the same quotes (by the stream: see test_live.py)."""
    limit = 'minute = -5\nkind = "symbol_limit"\nlimit = 5\nchannel = "quotes"'
    out = tmp_path / "run"
    with exchange(tmp_path, runtime_dir, "--faults", script(tmp_path, limit)) as place:
        summary = place.trade(out)
        sound(place, summary)

    met_quotes(out, summary, streamed=False)
    assert main(["verify", str(out)]) == 0


def test_a_bar_stream_that_stays_mute_opens_nothing_and_closes_all(tmp_path, runtime_dir):
    """Connected again each minute, and mute again: bars by REST, no entry; exits go; it heals."""
    mute = [f'minute = {minute}.6\nkind = "mute"\nstream = "market"' for minute in range(40, 50)]
    out = tmp_path / "run"
    with exchange(tmp_path, runtime_dir, "--faults", script(tmp_path, *mute)) as place:
        summary = place.trade(out)
        sound(place, summary)

    frames = logged(out, "frame")
    assert [row["minute"] for row in frames if row.get("mute")] == list(range(41, 50))
    assert all(row["bars"] for row in frames)
    traded = [(row["action"], minute_of(row)) for row in rows(out, "trades")]
    entries = [minute for action, minute in traded if action == "ENTRY"]
    assert not [minute for minute in entries if 42 <= minute <= 51]
    assert min(entries) < 42 < 51 < max(entries)
    assert [minute for action, minute in traded if action == "EXIT" and 42 <= minute <= 51]
    (tripped,) = (row for row in rows(out, "events") if row["type"] == "breaker_tripped")
    assert (tripped["breaker"], minute_of(tripped)) == ("stale_data", 41)
    assert "mute" in tripped["reason"]
    by_minute = {row["at_ns"] // 60_000_000_000: row["streamed"] for row in logged(out, "quote")}
    begin = OPEN_MS // 60_000
    assert not any(by_minute.get(begin + minute) for minute in range(41, 50))
    assert set(by_minute.values()) == {True, False}
    assert main(["verify", str(out)]) == 0
