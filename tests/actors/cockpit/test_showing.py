"""What a screen asks for: each answer against the desk; what cannot be shown says so."""

import orjson
import pytest

from actors.cockpit.settings import config_view
from actors.cockpit.showing import Showing
from actors.reloading import Reloading
from engine.config import load_config
from engine.errors import BadInputError, ConfigError
from engine.events import Halt, Liquidate, RoundTripClosed
from tests.actors.cockpit.watched import Watched, holding, prices, two
from tests.actors.floor import bar
from tests.bars import config


@pytest.fixture
def floor():
    """AAA was liquidated by hand, BBB is held."""
    floor = holding()
    floor.command(Liquidate(symbol="AAA"), actor="tui:ann@dashboard")
    floor.frame(prices(51, 49.8, 50), two())
    return floor


def shown(floor, what, reloading=None, **more):
    answer = Showing(floor.cockpit, reloading).answer({"what": what, **more})
    assert orjson.dumps(answer)
    return answer


def test_a_symbol_in_full(floor):
    """Its closes by minute, its entries and exits, what its signals have won."""
    told = shown(floor, "symbol", symbol="AAA")

    assert told["closes_usd"] == (50, 50, 51, 51)
    assert [(minute, entry) for minute, entry, _ in told["marks"]] == [(1, True), (3, False)]
    assert told["warm"] is True
    assert told["contributions"] == (("x", 0.0),)


def test_analytics_are_those_of_the_round_trips(floor):
    """A row per key, then all; the same for every key."""
    (closed,) = [event for _, event in floor.events(RoundTripClosed)]
    for by, key in (("symbol", "AAA"), ("hour", "09:00"), ("reason", "manual_exit")):
        told = shown(floor, "analytics", by=by)
        row, total = told["rows"]
        assert (row["key"], total["key"]) == (key, "all")
        assert row["total_usd"] == closed.trip.pnl_micro / 1e6
        assert (row["trades"], row["win_rate"]) == (1, None), "it was liquidated by hand"
    assert shown(floor, "analytics", by="confidence")["rows"][0]["key"] == "0.9-1.0"


def test_the_session_stands_beside_what_no_skill_would_have_made(floor):
    """Bought at the first open, sold at the last close; random trades like those that closed."""
    told = shown(floor, "analytics")
    rows = {row["name"]: row for row in told["baselines"]}
    gross = 100 * sum((last / first - 1) / 3 for last, first in ((51, 50), (49.8, 50), (50, 50)))
    net = rows["buy and hold, equal weight"]["pct"]

    assert told["day_pct"] == pytest.approx(floor.view.money.day_pct)
    assert rows["never trading"]["pct"] == 0.0
    assert gross - 0.1 < net < gross
    assert 0 <= rows["random rotation, equal turnover"]["percentile"] <= 100
    assert told["ic"] == ()  # nobody learns here


def test_before_the_first_trade_there_is_no_turnover_to_equal():
    """The other baselines stand."""
    floor = Watched()
    floor.frame(prices(50, 50, 50), two())
    told = shown(floor, "analytics")

    assert [row["percentile"] for row in told["baselines"]] == [None] * 3
    assert told["rows"] == ()


def test_the_settings_in_force_and_what_a_reload_would_change(floor):
    """Every key but the secret ones; the difference is shown, nothing is applied."""
    wanted = config("rotation.max_positions=1")
    reloading = Reloading(lambda: wanted, lambda: floor.desk.config, pytest.fail)
    told = shown(floor, "config", reloading)
    names = {key for key, *_ in told["settings"]}
    changed = {change["key"]: change for change in told["changes"]}

    assert ("rotation.max_positions", "2", "set") in told["settings"]
    assert not any(name.startswith(("database.", "alerts.")) for name in names)
    assert changed["rotation.max_positions"] == {
        "key": "rotation.max_positions", "old": "2", "new": "1", "kind": "live",
    }  # fmt: skip
    assert "universe.symbols: only a restart changes that" in told["error"]
    assert (told["can_reload"], told["can_revert"]) == (True, False)


def test_a_setting_of_the_profile_names_it():
    """Defaults are empty; what else lies over them is "set"."""
    sets = ("risk.max_heat_pct=1.0", "risk.stop_loss_pct=2")
    explore = load_config(profile="explore", sets=sets)[0]
    settings = {key: source for key, _, source in config_view(explore, None, ()).settings}

    assert (settings["quality.earned_slope"], settings["profile.name"]) == ("explore", "set")
    assert (settings["risk.stop_loss_pct"], settings["risk.drawdown_pct"]) == ("set", "")


def test_a_file_that_cannot_be_used_is_named(floor):
    """The words of the configuration, and no difference."""

    def read():
        raise ConfigError("config.toml: rotation.max_positions = 0: at least 1")

    told = shown(floor, "config", Reloading(read, lambda: floor.desk.config, pytest.fail))

    assert told["error"] == "config.toml: rotation.max_positions = 0: at least 1"
    assert told["changes"] == ()


def test_the_log_has_what_happened_and_is_filtered(floor):
    """Fills, orders and decisions by actor; words that begin with ! leave lines out."""
    whole = shown(floor, "log")
    fills = shown(floor, "log", filter="actor:broker fill")

    assert whole["total"] == whole["matching"] == len(whole["lines"])
    assert [line["text"].split()[:2] for line in fills["lines"]] == [
        ["fill", "AAA"], ["fill", "BBB"], ["fill", "AAA"],
    ]  # fmt: skip
    assert [line["id"] for line in whole["lines"]] == sorted(line["id"] for line in whole["lines"])


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("decision", "0", "size bound by position cap"),
        ("position", "BBB", "rest at the broker"),
        ("signal", "CCC", "neutral"),
        ("trade", "1", "liquidated by tui:ann@dashboard"),
        ("breaker", "daily loss", "armed"),
    ],
)
def test_a_row_is_explained(floor, kind, name, words):
    """All that is known of it, in lines."""
    told = shown(floor, "explain", kind=kind, id=name)

    assert told["title"]
    assert words in str(told["sections"])


def test_every_order_and_decision_can_be_explained(floor):
    """Whatever row is on the screen."""
    view = floor.view
    for order in view.orders:
        assert shown(floor, "explain", kind="order", id=order.id)["sections"]
    for decision in view.decisions:
        assert shown(floor, "explain", kind="decision", id=str(decision.id))["sections"]


def test_a_liquidation_is_confirmed_with_exactly_what_it_sends(floor):
    """The order with its shares; its steps; what it would bring at the last price."""
    command = {"verb": "liquidate", "symbol": "BBB"}
    told = shown(floor, "confirm", command=command)
    shares = floor.state.ledger.positions["BBB"].shares

    assert told["sends"] == (f"SELL {shares} BBB",)
    assert told["about"][0].startswith("last 49.80, about ")
    assert told["then"][0] == "entries in BBB are barred for 5 minutes"
    assert told["then"][1].startswith("cancel its 2 resting orders (stop ")
    assert told["gone"] == ""


def test_what_is_gone_says_by_whom(floor):
    """A dialog whose object is gone has nothing to send."""
    told = shown(floor, "confirm", command={"verb": "liquidate", "symbol": "AAA"})

    assert told["sends"] == ()
    assert told["gone"] == "AAA was sold at 09:33: liquidated by tui:ann@dashboard"


def test_a_liquidation_of_all_lists_every_order():
    """By slot; entries that wait are named."""
    floor = holding()
    told = shown(floor, "confirm", command={"verb": "liquidate"})

    assert told["title"] == "Liquidate ALL 2 positions?"
    assert [line.split()[-1] for line in told["sends"]] == ["AAA", "BBB"]
    assert told["then"][1] == "cancel 4 resting orders"


def test_a_resume_says_what_it_lifts_and_what_stays():
    """Since when it is halted and by whom; a tripped breaker goes on blocking."""
    floor = Watched("risk.daily_loss_pct=0.1")
    floor.play([prices(50, 50, 50)] * 2, two())
    floor.frame([bar(50, close=49.5), bar(50), bar(50)], two())
    floor.command(Halt(reason="lunch"), actor="tui:ann@dashboard")
    floor.frame(prices(49.5, 50, 50), two())
    told = shown(floor, "confirm", command={"verb": "resume"})

    assert told["facts"][0] == "entries were halted 09:33 by ann: lunch"
    assert told["facts"][1].startswith("still blocking after resume: daily loss")


@pytest.mark.parametrize(
    "request_",
    [
        {"what": "weather"},
        {"what": "symbol", "symbol": "XYZ"},
        {"what": "analytics", "by": "moon"},
        {"what": "explain", "kind": "decision", "id": "999"},
        {"what": "explain", "kind": "order", "id": "x"},
        {"what": "explain", "kind": "planet", "id": "x"},
        {"what": "confirm", "command": {"verb": "halt"}},
        {"what": "confirm"},
    ],
)
def test_what_is_not_there_is_refused_in_words(floor, request_):
    """BadInputError, which a screen shows in its lane."""
    with pytest.raises(BadInputError):
        Showing(floor.cockpit, None).answer(request_)
