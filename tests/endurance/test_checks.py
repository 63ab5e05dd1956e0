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


def sound(account):
    """The account as a session leaves it."""
    account["executions"].append(fill(EXIT, 300, "SELL", 0))
    account["positions"] = {}
    account["cash_micro"] = 99_000_000
    return account


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


def told(name, kind="OrderFilled", **more):
    side = "BUY" if "-BUY-" in name else "SELL"
    about = {"is": kind, "order_id": name, "shares": 100, "symbol": "AAA", "side": side}
    return {"in": "told", "reports": [about | more]}


LOST = {"in": "told", "reports": [{"is": "StreamLost"}]}
SUMMARY = {"final_equity": 99.0, "confirmed_flat": True}


def found(folder, account, log, summary=SUMMARY, code=0):
    (folder / "inputs.jsonl").write_bytes(b"\n".join(orjson.dumps(row) for row in log))
    return breaches(folder, account, summary, code)


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
    account["orders"][-1]["late"] = True
    twice = f"{other} bought more of what {ENTRY} had bought"
    assert twice not in found(tmp_path, account, [*log, sent(other), told(other)])


def test_a_fill_that_was_not_told_is_found(tmp_path, account, log):
    """By intent, whatever orders carried it."""
    assert found(tmp_path, account, log[:-1]) == [
        f"{EXIT}: the broker filled 100, the session was told of 0",
        "the exchange holds 0 AAA, the session was told of 100",
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
    account["executions"].pop()
    account["positions"] = {"AAA": {"shares": 100, "price_micro": 10_000}}
    assert (
        found(tmp_path, account, log)
        == [
            f"AAA was not wholly protected for 0.00 s from {300 * SECOND}",
            "not flat: {'AAA': 100}, confirmed True",
            "the exchange holds 100 AAA, the session was told of 0",
            "the exchange's equity is 100.000000, ours 99.000000",
        ][1:]
    )
    account["cash_micro"] -= 1_000_000
    assert len(found(tmp_path, account, log)) == 2
    assert "not flat: {}, confirmed None" in found(
        tmp_path, sound(account), log, SUMMARY | {"confirmed_flat": None}
    )


def by_hand(account, at, side, shares, position, name="hand-1", **more):
    """Somebody else trades; the ledger marks it."""
    row = order(name, at, at, side=side, filled=shares, status="filled", by_hand=True, **more)
    account["orders"].append(row | {"shares": shares})
    account["executions"].append(fill(name, at, side, position) | {"shares": shares})
    account["executions"].sort(key=lambda execution: execution["ts_ns"])


def hand(name, shares):
    """What the session is told of it."""
    return told(f"id of {name}", "TradedByHand", shares=shares)


LEGS_AGAIN = "e-AAA-SELL-3-0"


@pytest.fixture
def half_sold(account):
    """50 of the 100 are sold by hand at 200, which cancels the legs; 50 are protected at 202."""
    by_hand(account, 200, "SELL", 50, 50)
    for row in account["orders"][1:3]:
        row["updated_ns"] = 200 * SECOND
    legs = order(LEGS_AGAIN, 202, 299, order_class="oco") | {"shares": 50}
    stop = order("stop 2", 202, 299, order_class="oco", parent=f"id of {LEGS_AGAIN}")
    account["orders"] += [legs, stop | {"shares": 50}]
    account["orders"][3] |= {"shares": 50, "filled": 50}
    account["executions"][-1]["shares"] = 50
    return account


@pytest.fixture
def half_log():
    return [
        sent(ENTRY), told(ENTRY), sent(LEGS), hand("hand-1", -50), sent(LEGS_AGAIN), sent(EXIT),
        told(EXIT, shares=50),
    ]  # fmt: skip


def test_a_sale_by_hand_is_followed(tmp_path, half_sold, half_log):
    """What is left is protected and sold, the trade is told: nothing is found."""
    assert found(tmp_path, half_sold, half_log) == []


def test_a_sale_by_hand_that_was_not_told_is_found(tmp_path, half_sold, half_log):
    """And a rest without a stop."""
    wrong = found(tmp_path, half_sold, [row for row in half_log if row != hand("hand-1", -50)])
    assert wrong[0] == "id of hand-1: the broker filled -50, the session was told of 0"
    half_sold["orders"][-1]["submitted_ns"] = 220 * SECOND
    words = f"AAA was not wholly protected for 20.00 s from {200 * SECOND}"
    assert words in found(tmp_path, half_sold, half_log)


def test_what_others_bought_on_top_needs_no_stop_and_is_sold_first(tmp_path, account, log):
    """Left in the account it is no fault; nor if they sell it again."""
    by_hand(account, 200, "BUY", 50, 150)
    account["executions"][-1]["position"] = 50
    account["positions"] = {"AAA": {"shares": 50, "price_micro": 2_000_000}}
    summary = SUMMARY | {"final_equity": 199.0}
    assert found(tmp_path, account, [*log, hand("hand-1", 50)], summary) == []
    by_hand(account, 250, "SELL", 50, 100, name="hand-2")
    account["positions"] = {}
    assert found(tmp_path, account, [*log, hand("hand-1", 50), hand("hand-2", -50)]) == []


def test_entries_where_others_have_traded_are_found(tmp_path, account, log):
    """Not those of the seconds in which nobody could know."""
    by_hand(account, 310, "BUY", 5, 5)
    by_hand(account, 311, "SELL", 5, 0, name="hand-2")
    hands = [hand("hand-1", 5), hand("hand-2", -5)]
    hands[0]["reports"][0]["shares"] = 5
    hands[1]["reports"][0]["shares"] = -5
    again, out = "e-AAA-BUY-4-0", "e-AAA-SELL-5-0"
    rows = [*log, *hands, sent(again), told(again), sent(out), told(out)]
    for at, wrong in ((340, False), (400, True)):
        account["orders"][-2:-2] = [
            order(again, at, at, side="BUY", filled=100, status="filled"),
            order(out, at + 1, at + 1, filled=100, status="filled"),
        ]
        account["executions"] += [fill(again, at, "BUY", 100), fill(out, at + 1, "SELL", 0)]
        words = [f"entry {again} was sent after AAA was traded by hand"] if wrong else []
        assert found(tmp_path, account, rows) == words
        del account["orders"][-4:-2], account["executions"][-2:]


def test_a_refusals_own_time_is_taken_off(account):
    """Until the next order is taken, at most a minute after the fault."""
    account["orders"][2]["submitted_ns"] = 90 * SECOND
    refused = {"symbol": "AAA", "why": "unknown", "method": "POST", "client_id": LEGS}
    account["refused"] = [refused | {"ts_ns": 61 * SECOND, "until_ns": 80 * SECOND}]
    assert unprotected(account) == []
    account["refused"][0]["until_ns"] = 20 * SECOND
    assert unprotected(account) == [f"AAA was not wholly protected for 11.00 s from {60 * SECOND}"]


def test_entries_that_are_refused_again_and_again_are_found(tmp_path, account, log):
    """Five of a kind may be; exits may be tried as often as they must."""
    row = {"symbol": "AAA", "why": "wash_trade", "method": "POST", "ts_ns": 1, "until_ns": 1}
    account["refused"] = [row | {"client_id": f"e-AAA-BUY-{n}-0"} for n in range(5)]
    account["refused"] += [row | {"client_id": f"e-AAA-SELL-{n}-0"} for n in range(50)]
    assert found(tmp_path, account, log) == []
    account["refused"].append(row | {"client_id": "e-AAA-BUY-9-0"})
    assert found(tmp_path, account, log) == ["6 entries in AAA were refused: wash_trade"]


def test_what_was_undone_is_followed(tmp_path, account, log):
    """A bust that was told leaves nothing to find; one that was not leaves the difference."""
    account["amendments"] = [
        {"symbol": "AAA", "side": "SELL", "order_id": f"id of {EXIT}", "ts_ns": 301 * SECOND,
         "was": [100, 1, 0], "is": None},
    ]  # fmt: skip
    account["orders"][3]["filled"] = 0
    account["positions"] = {"AAA": {"shares": 100, "price_micro": 0}}
    busted = [*log, told(EXIT, "FillBusted")]
    wrong = found(tmp_path, account, busted)
    assert wrong == ["not flat: {'AAA': 100}, confirmed True"]
    assert f"{EXIT}: the broker filled 0, the session was told of 100" in found(
        tmp_path, account, log
    )


def test_what_shares_left_without_an_order_may_be_sold_short_for_a_while(tmp_path, account, log):
    """By a leg that rested on them; not by an exit, and not a minute later."""
    account["moves"] = [
        {"symbol": "AAA", "shares": -100, "ts_ns": 290 * SECOND, "why": "JNLS", "amount_micro": 0},
    ]  # fmt: skip
    account["executions"][-1]["position"] = -100
    words = f"{EXIT} sold AAA short"
    assert words in found(tmp_path, account, log)
    account["orders"][3]["submitted_ns"] = 280 * SECOND
    assert words not in found(tmp_path, account, log)
    account["moves"][0]["ts_ns"] = 250 * SECOND
    account["orders"][3]["submitted_ns"] = 240 * SECOND
    assert words in found(tmp_path, account, log)


def test_an_exit_on_a_wrong_bar_is_found(tmp_path, account, log):
    """One that its own minute decides; not a leg's fill, nor what a later minute decides."""
    for start, wrong in ((240, True), (180, False), (300, False)):
        account["bad_bars"] = [["AAA", start * SECOND]]
        words = [f"{EXIT} was sent on a wrong bar of AAA"] if wrong else []
        assert found(tmp_path, account, log) == words
    account["bad_bars"] = [["BBB", 240 * SECOND]]
    assert found(tmp_path, account, log) == []


@pytest.mark.parametrize(("decision", "waits"), [(1, True), (9, True), (7, False), (11, False)])
def test_an_exit_that_waits_for_no_bar_is_not_misled(tmp_path, account, log, decision, waits):
    """The flatten before the close goes whatever its minute's bar is; one by the clock does not."""
    row = {"symbol": "AAA", "timestamp_ms": 240_000, "decision": decision}
    (tmp_path / "decisions.jsonl").write_bytes(orjson.dumps(row))
    account["bad_bars"] = [["AAA", 240 * SECOND]]

    assert bool(found(tmp_path, account, log)) is waits


def test_an_end_that_is_not_as_it_should_be_may_be_loud(tmp_path, account, log):
    """Exit code 1 and a sentence, neither without the other; an alarm for nothing is found."""
    account["cash_micro"] += 5_000_000
    problems = SUMMARY | {"problems": ["cash differs by +5.00"]}
    assert found(tmp_path, account, log, problems, 1) == []
    assert len(found(tmp_path, account, log, problems, 0)) == 1
    assert len(found(tmp_path, account, log, SUMMARY, 1)) == 1
    account["cash_micro"] -= 5_000_000
    assert found(tmp_path, account, log, problems, 1) == [
        "exit code 1, and all is as it should be: ['cash differs by +5.00']"
    ]
    account["outages"]["requests"] = [[200 * SECOND, None]]
    assert found(tmp_path, account, log, problems, 1) == []
