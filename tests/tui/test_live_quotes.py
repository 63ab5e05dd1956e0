"""What a session on a local exchange makes of quotes, and of a bar stream that dies."""

import datetime as dt

import orjson
import pytest

from engine.market.calendar import session_on
from tests.tui.rehearsal import HALF_DAY, exchange, rows, sound
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


def logged(out, kind):
    """The rows of one kind of the input log."""
    found = map(orjson.loads, (out / "inputs.jsonl").read_bytes().splitlines())
    return [row for row in found if row["in"] == kind]


@pytest.mark.parametrize("streamed", [True, False])
def test_every_order_meets_a_quote_that_is_written_down(tmp_path, runtime_dir, streamed):
    """By the stream; where the feed's limit leaves no room for it, by REST: the same quotes."""
    limit = 'minute = -5\nkind = "symbol_limit"\nlimit = 5\nchannel = "quotes"'
    faults = () if streamed else ("--faults", script(tmp_path, limit))
    out = tmp_path / "run"
    with exchange(tmp_path, runtime_dir, *faults) as place:
        summary = place.trade(out)
        sound(place, summary)

    met = logged(out, "quote")
    fills = {row["order_id"]: row for row in rows(out, "trades")}
    sent = {row["order_id"] for row in met}
    assert {row["streamed"] for row in met} == {streamed}
    assert {name for name, row in fills.items() if row["action"] == "ENTRY"} <= sent
    assert summary["parity"]["same_decisions"] is True
    assert summary["parity"]["quotes"] == len(sent)
    assert summary["parity"]["orders_at_a_quote"] == len(sent & fills.keys()) > 5
    assert summary["parity"]["median_spread_bps"] > 0
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
