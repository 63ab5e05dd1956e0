"""Real money: every way in which it must be refused, and the one in which it is not."""

import datetime as dt
from typing import get_args

import pytest
import trio

from actors.alpaca.keys import Keys
from actors.crew import innermost
from actors.market_facts import MarketDay
from actors.reloading import Reloading
from actors.session_clock import WallClock
from engine.config import Config, Lowerable, Simulation, load_config
from engine.errors import BadInputError
from tests.actors.alpaca.fakes import Answer, Rest
from tests.actors.exchange.venue import floor_of, quiet_market, serving
from tests.bars import config
from tests.patience import patience
from tui import money
from tui.cli import main
from tui.gate import pass_gate
from tui.live import _settings, run_live
from tui.live_session import LiveRequest, _reread
from tui.money import check_money, lowered, refusal
from tui.venues import check_loopback, keys_for, venue_at

PAPER, REAL = "https://paper-api.alpaca.markets", "https://api.alpaca.markets"


@pytest.fixture(autouse=True)
def here(monkeypatch, tmp_path, runtime_dir):
    """A folder of the test's own, with keys, nobody's sockets, no database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROTOR_RUNTIME_DIR", runtime_dir)
    for name in ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY", "ALPACA_API_KEY", "ALPACA_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("APCA_API_KEY_ID", "key")
    monkeypatch.setenv("APCA_API_SECRET_KEY", "secret")


async def refused(**asked):
    """Return why a live session is refused; it must be, and before it makes its folder."""
    given = {"symbols": "AAA,BBB", "real": True} | asked
    given["sets"] = ("database.url=", *given.get("sets", ()))
    with trio.fail_after(patience(30)):
        try:
            await run_live(LiveRequest(**given))
        except BaseExceptionGroup as group:
            error = innermost(group)
        except BadInputError as bad:
            error = bad
    assert isinstance(error, BadInputError), repr(error)
    return str(error)


async def number_of(api):
    return (await api.get("/v2/account"))["account_number"]


async def test_without_its_number_in_the_configuration_no_account_is_traded(tmp_path):
    """--live alone is not enough; the refusal says what to write."""
    async with serving(floor_of(quiet_market(tmp_path))) as api:
        why = await refused(endpoint=api.url)
        number = await number_of(api)

    assert "[live] account is empty" in why
    assert f'account = "{number}"' in why


async def test_another_accounts_number_is_refused(tmp_path):
    """Keys of one account, number of another: neither is traded."""
    async with serving(floor_of(quiet_market(tmp_path))) as api:
        why = await refused(endpoint=api.url, sets=("live.account=PA000",))

    assert "[live] account is PA000, but the keys are account RX" in why


LOWERED = {
    "quality.earned_slope": "off", "quality.half_life_sessions": 39.0, "quality.min_outcomes": 11,
    "quality.min_shadow_sessions": 19, "quality.min_win_rate": 0.54, "rotation.min_edge_bps": -0.1,
}  # fmt: skip
"""Each just beyond what real money takes."""


def test_every_key_that_can_be_accepted_can_be_refused():
    """And the other way round."""
    assert set(LOWERED) == set(money.LOWERED) == set(get_args(Lowerable))
    assert lowered(Config()) == []


@pytest.mark.parametrize(("key", "value"), LOWERED.items())
def test_a_setting_that_asks_too_little_is_refused_unless_config_toml_accepts_it(key, value):
    """By name: another key's acceptance is none of its own."""
    given = f"{key}={value}"
    for other in (None, *(name for name in LOWERED if name != key)):
        toml = f'[live]\naccept = ["{other}"]\n' if other else ""
        with pytest.raises(BadInputError, match=f"real money refuses {key} = {value} "):
            check_money(load_config(toml, sets=[given])[0])

    check_money(load_config(f'[live]\naccept = ["{key}"]\n', sets=[given])[0])


def test_settings_of_before_are_judged_by_what_is_accepted_now():
    """What was accepted as the session began is not, once it is taken out of config.toml."""
    key, value = next(iter(LOWERED.items()))
    before = load_config(f'[live]\naccept = ["{key}"]\n', sets=[f"{key}={value}"])[0]

    assert refusal(before, (key,)) == ""
    assert f"real money refuses {key} = {value} " in refusal(before, ())


OFF = '[quality]\nearned_slope = "off"\n'


@pytest.mark.parametrize(
    ("files", "asked"),
    [
        ({}, {"profile": "explore"}),
        ({}, {"profile": "seed"}),
        ({"config.toml": '[profile]\nname = "explore"\n'}, {}),
        ({"config.toml": OFF}, {}),
        ({"overrides.live.toml": OFF}, {}),
        ({}, {"sets": ("quality.earned_slope=off",)}),
    ],
    ids=["explore", "seed", "file's profile", "config.toml", "overrides", "set"],
)
async def test_what_asks_too_little_is_refused_whatever_layer_it_comes_from(files, asked, tmp_path):
    """Before anybody is asked for anything: nobody listens at the address."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    why = await refused(endpoint="http://127.0.0.1:1", **asked)

    assert "real money refuses quality.earned_slope = off (default on)" in why
    assert 'accept = ["quality.earned_slope"' in why


async def test_what_was_set_on_paper_never_reaches_real_money(tmp_path):
    """Not from paper's file, which is not read; nor from an earlier version's, which is told."""
    (tmp_path / "overrides.paper.toml").write_text(OFF)
    (tmp_path / "overrides.toml").write_text("[risk]\nstop_loss_pct = 9.0\n")
    why = await refused(endpoint="http://127.0.0.1:1")
    assert "overrides.toml is of an earlier version, and is not read with real money" in why
    assert "overrides.live.toml" in why

    (tmp_path / "overrides.live.toml").write_text("[risk]\nstop_loss_pct = 1.0\n")
    asked = LiveRequest(real=True)
    for read in (_settings(asked), _reread(asked, Simulation())):
        assert (read.risk.stop_loss_pct, read.quality.earned_slope) == (1.0, "on")


def test_a_reload_is_judged_as_the_start_is(tmp_path, monkeypatch):
    """What is refused changes nothing; what config.toml accepts is taken."""
    asked = LiveRequest(real=True, profile="cautious")
    reloading = Reloading(lambda: _reread(asked, Simulation()), Config, lambda _: None)
    assert reloading.reload("test") == []

    (tmp_path / "config.toml").write_text("[rotation]\nmin_edge_bps = -5.0\n")
    with pytest.raises(BadInputError, match=r"real money refuses rotation.min_edge_bps = -5.0"):
        reloading.reload("test")
    assert not reloading.can_revert

    accept = '[live]\naccept = ["rotation.min_edge_bps"]\n'
    (tmp_path / "config.toml").write_text(f"{accept}[rotation]\nmin_edge_bps = -5.0\n")
    changed = [change.key for change in reloading.reload("test")]
    assert changed == ["rotation.min_edge_bps", "live.accept"]


def test_a_reload_keeps_the_profile_and_minds_the_classes_of_another(tmp_path):
    """--profile stays over the file's; another profile is a change of its keys like any other."""
    shown = []

    def reloading(**asked):
        request = LiveRequest(**asked)
        return Reloading(lambda: _reread(request, Simulation()), Config, shown.append)

    keys = [change.key for change in reloading(profile="explore").reload("test", dry=True)]
    assert keys == [
        "profile.name", "quality.min_win_rate", "quality.earned_slope", "rotation.min_edge_bps",
        "risk.risk_per_trade_pct", "risk.max_position_pct", "risk.max_heat_pct",
        "risk.daily_loss_pct",
    ]  # fmt: skip
    (tmp_path / "config.toml").write_text('[profile]\nname = "seed"\n')
    assert [c.new for c in reloading(profile="explore").reload("test")][:2] == ["explore", 0.0]
    with pytest.raises(BadInputError, match=r"universe.symbols, .*: only a restart changes that"):
        reloading().reload("test")
    assert len(shown) == 1


FOLDER_IN_A_FILE = "records.runs_dir=config.here/runs"
DEAD = "database.url=postgresql://127.0.0.1:1/x"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"sets": (DEAD,)}, "database:"),
        ({"sets": (FOLDER_IN_A_FILE,)}, "disk:"),
        ({"symbols": "AAA,NOPE"}, "NOPE is unknown to the broker"),
        ({"sets": ("rotation.allow_short=true",)}, "margin:"),
    ],
    ids=["database", "disk", "symbols", "margin"],
)
async def test_what_the_doctor_calls_bad_is_in_the_way(tmp_path, monkeypatch, asked, words):
    """The right number does not help where something is bad; all of it is named."""
    (tmp_path / "config.here").touch()
    if words == "margin:":
        monkeypatch.setattr("actors.exchange.rest_trading.account_json", _no_shorts)
    async with serving(floor_of(quiet_market(tmp_path))) as api:
        number = await number_of(api)
        sets = (f"live.account={number}", *asked.get("sets", ()))
        why = await refused(**asked | {"endpoint": api.url, "sets": sets})

    assert "the doctor is not green" in why
    assert words in why


def _no_shorts(account, market, buying_power):
    return {
        "account_number": account.number, "status": "ACTIVE", "cash": "100000",
        "equity": "100000", "buying_power": "100000", "multiplier": "1", "shorting_enabled": False,
    }  # fmt: skip


async def test_a_clock_that_is_wrong_is_in_the_way(tmp_path):
    """More than five seconds beside the broker's."""
    floor = floor_of(quiet_market(tmp_path))
    async with serving(floor) as api:
        number = await number_of(api)
        fault = {"kind": "skew", "skew_seconds": 6.0, "seconds": 10**6}
        assert (await api.post("/control/fault", **fault)).status == 200
        why = await refused(endpoint=api.url, sets=(f"live.account={number}",))

    assert "clock: 6.00 s from the broker's" in why


async def test_a_calendar_that_differs_is_in_the_way(tmp_path, monkeypatch):
    """A half day that only one side knows of would leave positions overnight."""
    from actors.alpaca.facts import Facts

    theirs = Facts.calendar

    async def shortened(facts, first, last):
        days = await theirs(facts, first, last)
        half = days[0].close_ns - 3 * 3_600 * 10**9
        return [MarketDay(days[0].date, days[0].open_ns, half), *days[1:]]

    monkeypatch.setattr(Facts, "calendar", shortened)
    async with serving(floor_of(quiet_market(tmp_path))) as api:
        number = await number_of(api)
        why = await refused(endpoint=api.url, sets=(f"live.account={number}",))

    assert "2025-07-02: ours says 09:30 to 16:00, the broker's 09:30 to 13:00" in why


async def test_a_blocked_account_is_refused():
    """Whatever the configuration says."""
    server = Rest()
    blocked = {
        "account_number": "A1", "status": "ACTIVE", "cash": "1", "equity": "1",
        "trading_blocked": True,
    }  # fmt: skip
    server.will("GET", "/v2/account", Answer(200, blocked))
    settings = config("live.account=A1", "database.url=")
    try:
        venue = venue_at(server.url, Keys("k", "s"), real=True, live=settings.live)
        account = await venue.account()
        with pytest.raises(BadInputError, match=r"account: A1 .*: trading blocked"):
            await pass_gate(venue, account, settings, ("AAA",), WallClock(), server.url)
    finally:
        server.close()


async def test_keys_that_are_named_after_paper_are_no_keys_for_real_money(monkeypatch, tmp_path):
    """Nor is there a pair for rehearsals, on whatever endpoint."""
    monkeypatch.delenv("APCA_API_KEY_ID")
    monkeypatch.delenv("APCA_API_SECRET_KEY")
    monkeypatch.setenv("ALPACA_PAPER_API_KEY", "PK")
    monkeypatch.setenv("ALPACA_PAPER_SECRET_KEY", "s")

    for endpoint in (None, "http://127.0.0.1:1"):
        with pytest.raises(BadInputError, match="no Alpaca keys"):
            keys_for(endpoint, real=True)
    assert keys_for(None, real=False).key_id == "PK"


def test_without_live_only_paper_is_ever_reached():
    """No key of the configuration, and no endpoint, leads to real money."""
    keys = Keys("k", "s")
    live = config("live.account=A1").live

    def url(endpoint, *, real):
        base = venue_at(endpoint, keys, real=real, live=live)._rest.trading.client._base_url
        return getattr(base, "value", base)

    assert url(None, real=False) == PAPER
    assert url(None, real=True) == REAL
    for real in (False, True):
        assert url("http://127.0.0.1:8090", real=real) == "http://127.0.0.1:8090"


@pytest.mark.parametrize(
    "endpoint",
    [
        REAL,
        PAPER,
        "http://127.0.0.1@api.alpaca.markets",
        "http://api.alpaca.markets\\@127.0.0.1",
        "http://127.0.0.1.alpaca.markets",
        "http://127.0.0.1:80/../api.alpaca.markets",
        "http://10.0.0.1:8090",
        "http://0.0.0.0:8090",
        "127.0.0.1:8090",
        "ws://127.0.0.1:8090",
        "",
    ],
)
@pytest.mark.parametrize("words", [["live"], ["live", "--live"], ["doctor"]], ids=" ".join)
def test_an_endpoint_is_never_anything_but_this_machine(endpoint, words, capsys):
    """So no address typed there is Alpaca's, with real money or without."""
    with pytest.raises(BadInputError, match="for an exchange on this machine"):
        check_loopback(endpoint)

    assert main([*words, f"--endpoint={endpoint}"]) == 2
    assert "for an exchange on this machine" in capsys.readouterr().err


async def test_a_watchdog_without_patience_is_refused(tmp_path):
    """It would act at once."""
    assert "more than 0" in await refused(watchdog_after=0.0)


async def test_the_gate_opens_for_the_account_that_is_meant(tmp_path):
    """The number is the account's, and nothing is bad."""
    async with serving(floor_of(quiet_market(tmp_path))) as api:
        settings = config(f"live.account={await number_of(api)}", "database.url=")
        now = (await api.get("/control"))["now"]
        venue = venue_at(api.url, Keys("key", "secret"), real=True, live=settings.live)

        class Standing(WallClock):
            def now_ns(self):
                return now

        await pass_gate(venue, await venue.account(), settings, ("AAA", "BBB"), Standing(), api.url)

    assert dt.datetime.fromtimestamp(now / 1e9, dt.UTC).date() == dt.date(2025, 7, 2)
