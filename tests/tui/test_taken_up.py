"""A session of real money that is taken up again, and what is accepted has changed meanwhile."""

import datetime as dt

import orjson
import pytest

from engine.market.calendar import session_on
from engine.records.manifest import write_manifest
from tests.bars import SIX, config
from tests.tui.live_days import day, lived
from tui.live_folder import begin, broken_off

KEPT = (
    "risk.stop_loss_pct=20", "risk.take_profit_pct=20", "risk.trailing_stop_pct=20",
    "rotation.max_hold_minutes=390", "rotation.min_hold_minutes=39", "rotation.max_positions=2",
)  # fmt: skip
"""What is held stays until the close."""


@pytest.mark.parametrize("accepted", [False, True])
def test_what_is_accepted_no_more_ends_entries_alone(tmp_path, monkeypatch, accepted):
    """It is reconciled, stops rest, all is sold before the close; the halt says which key it is."""

    async def main():
        async with day(tmp_path / "run", *KEPT) as here:
            here.real = True
            await here.killed(lambda held: len(held) == 2)
            here.accepted = here.accepted if accepted else ()
            return here, await here.trade()

    here, code = lived(main, monkeypatch)
    lines = (here.folder / "events.jsonl").read_bytes().splitlines()
    events = [orjson.loads(line) for line in lines]
    halts = [n for n, e in enumerate(events) if e.get("verb") == "halt"]

    assert (code, here.held) == (0, {})
    if accepted:
        assert halts == []
        return
    after = events[halts[0] :]
    assert "rotation.min_edge_bps = -100.0 (default 1.0)" in after[0]["reason"]
    assert {e["side"] for e in after if e["type"] == "order_submitted"} == {"SELL"}


@pytest.mark.parametrize(
    ("ended", "found"),
    [
        ({"ended": None}, True), ({"ended": "2025-06-27", "interrupted": True}, True),
        ({"ended": "2025-06-27", "interrupted": False}, False), ({"ended": 1}, True),
    ],
)  # fmt: skip
def test_a_session_that_broke_off_is_found_before_anybody_is_asked(tmp_path, ended, found):
    """By --out, or by the account; what is damaged may be one."""
    settings = config(f"records.runs_dir={tmp_path}", "live.account=PA1")
    folder = tmp_path / "live-20250627-PA1"
    assert not broken_off(folder, settings)
    manifest = begin(folder, settings, "PA1", session_on(dt.date(2025, 6, 27)), SIX, 10**9, [])
    write_manifest(folder, manifest | ended)

    assert broken_off(folder, settings) is found
    assert broken_off(None, settings) is found
    assert not broken_off(tmp_path / "elsewhere", settings)


def test_records_without_a_manifest_may_be_of_a_session_that_broke_off(tmp_path):
    """It is then for the session to say."""
    (tmp_path / "inputs.jsonl").touch()

    assert broken_off(tmp_path, config())
