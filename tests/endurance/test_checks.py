"""The checks of a session find what they are there to find, and nothing in a sound one."""

import orjson
import pytest

from tests.endurance.checks import breaches, unheard_entries, unprotected

SECOND = 10**9
ENTRY, LEGS, EXIT = "e-AAA-BUY-0-0", "e-AAA-SELL-1-0", "e-AAA-SELL-2-0"


def order(name, at, ended, *, side="SELL", filled=0, status="canceled", **more):
    """An order of 100 AAA in the ledger; times are seconds of the session."""
    return {
        "id": f"id of {name}", "client_order_id": name, "symbol": "AAA", "side": side,
        "order_class": "simple", "parent": None, "shares": 100, "filled": filled,
        "status": status, "submitted_ns": at * SECOND, "updated_ns": ended * SECOND,
        "replaces": None, **more,
    }  # fmt: skip


def fill(name, at, side, position):
    return {
        "order_id": f"id of {name}", "client_order_id": name, "symbol": "AAA", "side": side,
        "shares": 100, "ts_ns": at * SECOND, "position": position,
    }  # fmt: skip


@pytest.fixture
def account():
    """Bought at 60, legs at 61, sold at 300 after they were cancelled."""
    return {
        "cash_micro": 99_000_000,
        "positions": {},
        "orders": [
            order(ENTRY, 60, 60, side="BUY", filled=100, status="filled"),
            order(LEGS, 61, 299, order_class="oco"),
            order("stop", 61, 299, order_class="oco", parent=f"id of {LEGS}"),
            order(EXIT, 300, 300, filled=100, status="filled"),
        ],
        "executions": [fill(ENTRY, 60, "BUY", 100), fill(EXIT, 300, "SELL", 0)],
        "outages": {"order_stream": [[0, SECOND]], "silence": [], "requests": []},
    }


@pytest.fixture
def log():
    return [sent(ENTRY), told(ENTRY), sent(LEGS), sent(EXIT), told(EXIT)]


def sent(name):
    return {"in": "sent", "order_id": name}


def told(name, kind="OrderFilled"):
    return {"in": "told", "reports": [{"is": kind, "order_id": name, "shares": 100}]}


LOST = {"in": "told", "reports": [{"is": "StreamLost"}]}
SUMMARY = {"final_equity": 99.0, "confirmed_flat": True}


def found(folder, account, log, summary=SUMMARY):
    (folder / "inputs.jsonl").write_bytes(b"\n".join(orjson.dumps(row) for row in log))
    return breaches(folder, account, summary)


def test_a_sound_session_has_none(tmp_path, account, log):
    """Protected within a second, sold once, flat."""
    assert found(tmp_path, account, log) == []


@pytest.mark.parametrize(("at", "seconds"), [(65, None), (66, "6.00")])
def test_a_stop_may_be_five_seconds_late(account, at, seconds):
    """Not six."""
    account["orders"][2]["submitted_ns"] = at * SECOND
    words = [f"AAA was not wholly protected for {seconds} s from {60 * SECOND}"]
    assert unprotected(account) == (words if seconds else [])


def test_a_target_alone_or_a_smaller_stop_does_not_protect(account):
    """What counts is how many shares end by a stop or an exit."""
    account["orders"][2]["shares"] = 99
    assert unprotected(account) == [f"AAA was not wholly protected for 240.00 s from {60 * SECOND}"]


def test_time_in_which_the_broker_could_not_be_reached_is_taken_off(account):
    """Overlapping outages are taken off once."""
    account["orders"][2]["submitted_ns"] = 70 * SECOND
    account["outages"]["order_stream"].append([62 * SECOND, 65 * SECOND])
    account["outages"]["requests"].append([64 * SECOND, 66 * SECOND])
    assert unprotected(account) == [f"AAA was not wholly protected for 6.00 s from {60 * SECOND}"]
    account["outages"]["requests"].append([69 * SECOND, None])
    assert unprotected(account) == []


def test_an_order_that_nobody_meant_and_a_second_purchase_are_found(tmp_path, account, log):
    """Whether by its id or by what it bought."""
    other = "e-AAA-BUY-9-0"
    account["orders"].append(order(other, 90, 90, side="BUY", filled=100, status="filled"))
    account["executions"].insert(1, fill(other, 90, "BUY", 200))
    assert found(tmp_path, account, [*log, sent(other), told(other)])[0] == (
        f"{other} bought more of what {ENTRY} had bought"
    )
    assert f"{other} was sent and is not in the log" in found(tmp_path, account, [*log])


def test_a_fill_that_was_not_told_is_found(tmp_path, account, log):
    """By intent, whatever orders carried it."""
    assert found(tmp_path, account, log[:-1]) == [
        f"{EXIT}: the broker filled 100, the session was told of 0"
    ]


def test_an_entry_without_an_order_stream_is_found(tmp_path, account, log):
    """By the exchange's clock, and by what the session knew."""
    account["outages"]["order_stream"].append([59 * SECOND, 61 * SECOND])
    by_clock = f"entry {ENTRY} was sent at {60 * SECOND}, while no order stream stood"
    assert found(tmp_path, account, log) == [by_clock]
    account["outages"]["order_stream"].pop()
    by_log = f"entry {ENTRY} was sent while the order stream was known to be down"
    assert found(tmp_path, account, [LOST, *log]) == [by_log]


def test_an_entry_on_a_stream_that_says_nothing_is_counted(account):
    """Until somebody has noticed."""
    account["outages"]["silence"].append([59 * SECOND, 61 * SECOND])
    assert unheard_entries(account) == [ENTRY]


def test_what_is_left_and_a_cent_are_found(tmp_path, account, log):
    """Positions at the exchange, a broker that does not confirm, books that differ."""
    account["positions"] = {"AAA": {"shares": 1}}
    account["cash_micro"] += 10_000
    assert [words.partition(":")[0] for words in found(tmp_path, account, log)] == [
        "not flat", "the exchange's cash is 99.010000, ours 99.000000",
    ]  # fmt: skip
