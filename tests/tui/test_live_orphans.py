"""A position bought by hand while `rotor live` trades on the real exchange."""

from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderSide, TimeInForce
from alpaca.trading.requests import MarketOrderRequest

from actors.presence import socket_path
from tests.tui.rehearsal import BUSY, exchange, rows, summary_of, wait_for
from tui.cli import main
from tui.session import ask
from tui.venues import REHEARSAL

FEW = ("--symbols", "TQQQ,SQQQ,UVXY")
"""Few symbols, so that a session is short."""
NO_UVXY = (*BUSY, 'risk.symbol_max_position_pct={"UVXY"=0.001}')
"""Rotor itself enters no UVXY, so that what is held of it was bought by hand."""


def trade_by_hand(place, side, symbol, shares):
    """Trade as anyone would, while time stands."""
    client = TradingClient(REHEARSAL, REHEARSAL, paper=True, url_override=place.url)
    request = MarketOrderRequest(
        symbol=symbol, qty=shares, side=side, time_in_force=TimeInForce.DAY
    )
    client.submit_order(request)


def minute_of(place):
    state = place.asked("/control")
    return state["minute"] if state["session_open"] else -1


def paused_at(place, minute):
    """Let time stand from a minute on."""
    wait_for(lambda: minute_of(place) >= minute)
    place.asked("/control/pause", "POST")


def goes_on(place):
    place.asked("/control/resume", "POST")


def held(out):
    """What the session shows of its positions."""
    view = ask(socket_path(out), {"verb": "positions"})
    return {position["symbol"]: position for position in view.get("positions", ())}, view


def events(out, kind):
    return [row for row in rows(out, "events") if row["type"] == kind]


def told(out):
    return b'"TradedByHand"' in (out / "inputs.jsonl").read_bytes()


def agreed(place, summary):
    """Hold the end against the exchange's books, in which orders by hand stand beside ours."""
    account = place.ledger()
    assert (account["positions"], summary["confirmed_flat"]) == ({}, True)
    assert abs(account["cash_micro"] / 1e6 - summary["final_equity"]) < 0.005
    return account


def test_it_is_adopted_acknowledged_and_sold(tmp_path, runtime_dir):
    """Entries wait meanwhile; the ledger is the exchange's to the cent, the day ends flat."""
    out = tmp_path / "run"
    with exchange(tmp_path, runtime_dir, *FEW) as place:
        process = place.start(out, *FEW, settings=NO_UVXY)
        paused_at(place, 20)
        trade_by_hand(place, OrderSide.BUY, "UVXY", 10)
        goes_on(place)
        wait_for(lambda: told(out))
        wait_for(lambda: "UVXY" in held(out)[0])
        place.asked("/control/pause", "POST")
        shown, view = held(out)
        ask(socket_path(out), {"verb": "acknowledge", "symbol": "UVXY", "actor": "cli:ann"})
        wait_for(lambda: held(out)[0]["UVXY"]["acknowledged_by"] == "cli:ann")
        free = held(out)[1]
        ask(socket_path(out), {"verb": "liquidate", "symbol": "UVXY", "actor": "cli:ann"})
        goes_on(place)
        summary = summary_of(process)
        agreed(place, summary)

    assert shown["UVXY"]["orphan"] is True
    assert shown["UVXY"]["acknowledged_by"] == ""
    assert "Rotor did not open UVXY" in view["blocked_by"]
    assert "UVXY" not in free["blocked_by"]
    (found,) = events(out, "traded_by_hand")
    assert (found["symbol"], found["shares"]) == ("UVXY", 10)
    assert "unpriced" not in found
    given = [(row["verb"], row["actor"]) for row in events(out, "command")]
    assert given == [("acknowledge", "cli:ann"), ("liquidate", "cli:ann")]
    (trip,) = [row for row in events(out, "round_trip") if row.get("orphan")]
    assert (trip["symbol"], trip["shares"]) == ("UVXY", 10)
    between = [
        row for row in rows(out, "decisions")
        if row["decision"] in (2, 3)
        and found["timestamp_ms"] <= row["timestamp_ms"] < events(out, "command")[0]["timestamp_ms"]
    ]  # fmt: skip
    assert between == []
    assert main(["verify", str(out)]) == 0


def test_a_killed_session_finds_it_once(tmp_path, runtime_dir):
    """kill -9 with an orphan held: it is there again, and sold before the close."""
    out = tmp_path / "run"
    with exchange(tmp_path, runtime_dir, *FEW) as place:
        process = place.start(out, *FEW, settings=NO_UVXY)
        paused_at(place, 20)
        trade_by_hand(place, OrderSide.BUY, "UVXY", 10)
        goes_on(place)
        wait_for(lambda: told(out))
        process.kill()
        process.communicate()
        summary = place.trade(out, *FEW, settings=NO_UVXY)
        account = agreed(place, summary)

    assert summary["resumed_inputs"] > 0
    assert len(events(out, "traded_by_hand")) == 1
    (trip,) = [row for row in events(out, "round_trip") if row.get("orphan")]
    assert "flat before the close" in trip["exit_reason"]
    orders = [o for o in account["orders"] if (o["symbol"], o["side"]) == ("UVXY", "SELL")]
    assert [(o["kind"], o["time_in_force"]) for o in orders] == [("limit", "ioc")]
    assert main(["verify", str(out)]) == 0


def test_one_sold_by_hand_leaves_the_book(tmp_path, runtime_dir):
    """Nothing was acknowledged; entries go on once it is gone."""
    out = tmp_path / "run"
    with exchange(tmp_path, runtime_dir, *FEW) as place:
        process = place.start(out, *FEW, settings=NO_UVXY)
        paused_at(place, 20)
        trade_by_hand(place, OrderSide.BUY, "UVXY", 10)
        goes_on(place)
        wait_for(lambda: told(out))
        place.asked("/control/pause", "POST")
        trade_by_hand(place, OrderSide.SELL, "UVXY", 10)
        goes_on(place)
        summary = summary_of(process)
        agreed(place, summary)

    (trip,) = [row for row in events(out, "round_trip") if row.get("orphan")]
    assert "by hand" in trip["exit_reason"]
    assert main(["verify", str(out)]) == 0


def test_one_of_another_symbol_is_sold_by_hand_alone(tmp_path, runtime_dir):
    """It is shown at its cost; no clock sells it, `liquidate` does."""
    out = tmp_path / "run"
    with exchange(tmp_path, runtime_dir, *FEW) as place:
        process = place.start(out, "--symbols", "TQQQ,SQQQ")
        paused_at(place, 20)
        trade_by_hand(place, OrderSide.BUY, "UVXY", 10)
        goes_on(place)
        wait_for(lambda: told(out))
        wait_for(lambda: "UVXY" in held(out)[0])
        place.asked("/control/pause", "POST")
        shown, _ = held(out)
        ask(socket_path(out), {"verb": "liquidate", "symbol": "UVXY", "actor": "cli:ann"})
        goes_on(place)
        summary = summary_of(process)
        agreed(place, summary)

    assert shown["UVXY"]["price"] == shown["UVXY"]["entry_price"]
    (trip,) = [row for row in events(out, "round_trip") if row.get("orphan")]
    assert trip["exit_reason"] == "liquidated by cli:ann"
    assert main(["verify", str(out)]) == 0


def test_what_another_run_has_left_is_an_orphan(tmp_path, runtime_dir):
    """It adds to the account; the legs that still hold its shares make way before the close."""
    first, out = tmp_path / "first", tmp_path / "run"
    with exchange(tmp_path, runtime_dir, *FEW) as place:
        process = place.start(first, *FEW)
        wait_for(lambda: minute_of(place) >= 20 and place.ledger()["positions"])
        place.asked("/control/pause", "POST")  # else its legs may fill before the next one begins
        process.kill()
        process.communicate()
        left = place.ledger()["positions"]
        process = place.start(out, *FEW)
        wait_for((out / "inputs.jsonl").exists)
        goes_on(place)
        summary = summary_of(process)
        account = place.ledger()

    assert account["positions"] == {}
    # each kind of fee is rounded up to a cent of the day, of which the first run had its part
    assert abs(account["cash_micro"] / 1e6 - summary["final_equity"]) < 0.035
    found = {row["symbol"]: row for row in events(out, "orphan_found")}
    assert {symbol: row["shares"] for symbol, row in found.items()} == {
        symbol: position["shares"] for symbol, position in left.items()
    }
    assert not any(row["paid"] for row in found.values())
    assert main(["verify", str(out)]) == 0
