"""`rotor doctor`: what it looks at, what it calls bad, what it says to do."""

import fcntl
import socket
import sqlite3
from pathlib import Path

import orjson
import pytest

from engine.records.store.database import HEAD, Store
from tests.actors.alpaca.fakes import Answer, Rest
from tests.actors.exchange.venue import floor_of, quiet_market, serving
from tui.cli import main
from tui.doctor import DoctorRequest, examine
from tui.doctor_machine import database, disk, versions
from tui.findings import green

NOW = 1751463000_000000000  # 2025-07-02, 09:30 in New York
ACCOUNT = {
    "account_number": "A1", "status": "ACTIVE", "cash": "5000", "equity": "5000",
    "buying_power": "5000", "multiplier": "2", "shorting_enabled": True,
}  # fmt: skip
CLOCK = {
    "timestamp": "2025-07-02T09:30:00-04:00", "is_open": True,
    "next_open": "2025-07-03T09:30:00-04:00", "next_close": "2025-07-02T16:00:00-04:00",
}  # fmt: skip
DAYS = [
    {"date": f"2025-07-{day:02d}", "open": "09:30", "close": "13:00" if day == 3 else "16:00"}
    for day in (2, 3, 7, 8, 9, 10, 11)
]
ASSET = {"symbol": "TQQQ", "status": "active", "tradable": True, "shortable": True}
QUOTE = {"quotes": {"TQQQ": {"bp": 80.0, "ap": 80.1, "t": "2025-07-02T13:30:00Z"}}}


@pytest.fixture(autouse=True)
def here(monkeypatch, tmp_path, runtime_dir):
    """A folder of the test's own, with keys and nobody's sockets."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROTOR_RUNTIME_DIR", runtime_dir)
    for name in ("ALPACA_API_KEY", "ALPACA_SECRET_KEY", "ALPACA_PAPER_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("APCA_API_KEY_ID", "KEYOFMINE")
    monkeypatch.setenv("APCA_API_SECRET_KEY", "SECRETOFMINE")


@pytest.fixture
def broker():
    """A broker with which nothing is wrong."""
    server = Rest()
    for path, body in {
        "/control": {"now": NOW},
        "/v2/account": ACCOUNT,
        "/v2/account/configurations": {"suspend_trade": False, "no_shorting": False},
        "/v2/positions": [],
        "/v2/orders": [],
        "/v2/clock": CLOCK,
        "/v2/calendar": DAYS,
        "/v2/assets/TQQQ": ASSET,
        "/v2/stocks/quotes/latest": QUOTE,
    }.items():
        server.will("GET", path, Answer(200, body))
    yield server
    server.close()


@pytest.fixture
def doctor(broker, capsysbinary):
    """Run the command against the broker; return its exit code and what it found, by check."""

    def run(*words):
        symbols = [] if "--symbols" in words else ["--symbols", "TQQQ"]
        code = main(["doctor", "--endpoint", broker.url, "--json", *symbols, *words])
        said = orjson.loads(capsysbinary.readouterr().out)
        assert said["green"] == (code == 0)
        found = {check["check"]: check for check in said["checks"]}
        assert all(bool(c["todo"]) == (c["verdict"] != "ok") for c in said["checks"])
        return code, found

    return run


def test_a_sound_account_is_green(doctor):
    """Every check has its line; nothing is bad, and no key is shown."""
    code, found = doctor()

    assert code == 0
    assert list(found) == [
        "config", "keys", "account", "margin", "positions", "clock", "calendar", "feed",
        "symbols", "database", "disk", "locks", "alerts", "versions",
    ]  # fmt: skip
    assert found["keys"]["said"] == "APCA_API_KEY_ID of the environment"
    assert "half days: Thu 03 Jul until 13:00" in found["calendar"]["said"]
    assert b"OFMINE" not in orjson.dumps(found)
    assert {c["verdict"] for c in found.values()} == {"ok"}


def test_people_get_a_line_per_check_and_what_to_do(broker, capsys):
    """And the same exit code."""
    broker.will("GET", "/v2/account", Answer(200, ACCOUNT | {"status": "ACCOUNT_UPDATED"}))

    code = main(["doctor", "--endpoint", broker.url, "--symbols", "TQQQ"])
    said = capsys.readouterr().out
    assert code == 1
    assert "✗ account" in said
    assert "→ see the broker's dashboard" in said
    assert "1 bad, 0 to look at, 13 ok" in said


@pytest.mark.parametrize(
    ("path", "body", "check", "words"),
    [
        ("/v2/account", ACCOUNT | {"trading_blocked": True}, "account", "trading blocked"),
        ("/v2/account", ACCOUNT | {"equity": "0"}, "margin", "equity $0.00"),
        ("/v2/account/configurations", {"suspend_trade": True}, "margin", "suspended"),
        ("/v2/clock", CLOCK | {"timestamp": "2025-07-02T09:30:05.5-04:00"}, "clock", "5.50 s"),
        ("/v2/calendar", DAYS[1:], "calendar", "2025-07-02: ours says 09:30 to 16:00, the"),
        ("/v2/calendar", [], "calendar", "the broker's no session"),
        ("/v2/assets/TQQQ", ASSET | {"tradable": False}, "symbols", "TQQQ cannot be traded"),
        ("/v2/assets/TQQQ", ASSET | {"status": "inactive"}, "symbols", "(inactive)"),
    ],
)
def test_what_is_wrong_at_the_broker_is_bad(doctor, broker, path, body, check, words):
    """One thing is wrong: one line is bad, and the others are there all the same."""
    broker.will("GET", path, Answer(200, body))
    code, found = doctor()

    assert code == 1
    assert [name for name, c in found.items() if c["verdict"] == "bad"] == [check]
    assert words in found[check]["said"]


@pytest.mark.parametrize(
    ("path", "body", "check", "words"),
    [
        ("/v2/clock", CLOCK | {"timestamp": "2025-07-02T09:29:58-04:00"}, "clock", "2.00 s"),
        (
            "/v2/positions",
            [{"symbol": "MSFT", "qty": "5", "side": "long", "avg_entry_price": "1"}],
            "positions",
            "holds 5 MSFT",
        ),
        ("/v2/account", ACCOUNT | {"multiplier": "0.5"}, "margin", "the account lends 50"),
        ("/v2/account/configurations", {"max_margin_multiplier": "0.5"}, "margin", "lends 50"),
    ],
)
def test_what_may_matter_is_a_warning(doctor, broker, path, body, check, words):
    """The exit code stays 0."""
    broker.will("GET", path, Answer(200, body))
    code, found = doctor()

    assert code == 0
    assert found[check]["verdict"] == "warning"
    assert words in found[check]["said"]


@pytest.mark.parametrize(
    ("qty", "verdict", "words"),
    [
        ("0.5", "ok", "holds a part of a share of MSFT, which no session counts or sells"),
        ("5.5", "warning", "holds 5 MSFT and a part of a share"),
    ],
)
def test_a_part_of_a_share_is_not_none(doctor, broker, qty, verdict, words):
    """A session leaves it alone, so that it is no reason to warn."""
    row = {"symbol": "MSFT", "qty": qty, "side": "long", "avg_entry_price": "1"}
    broker.will("GET", "/v2/positions", Answer(200, [row]))
    _, found = doctor()

    assert found["positions"]["verdict"] == verdict
    assert words in found["positions"]["said"]


@pytest.mark.parametrize(
    ("account", "settings"),
    [({"shorting_enabled": False, "equity": "1500"}, {}), ({}, {"no_shorting": True})],
)
def test_shorts_that_the_account_does_not_allow_are_bad(doctor, broker, account, settings):
    """If the configuration would sell short; else they are nobody's loss."""
    broker.will("GET", "/v2/account", Answer(200, ACCOUNT | account))
    broker.will("GET", "/v2/account/configurations", Answer(200, settings))

    assert doctor()[0] == 0
    code, found = doctor("--set", "rotation.allow_short=true")
    assert code == 1
    assert "rotation.allow_short=false" in found["margin"]["todo"]


def test_keys_that_are_refused_say_which_keys_are_meant(doctor, broker):
    """Paper and real money have keys of their own; nothing else is asked then."""
    broker.will("GET", "/v2/account", Answer(403, {"message": "forbidden."}))
    code, found = doctor()
    assert code == 1
    assert found["account"]["said"] == "refused: forbidden."
    assert "keys of their own" in found["account"]["todo"]
    assert "clock" not in found

    assert "begin with PK" in doctor("--live")[1]["account"]["todo"]


def test_a_question_without_an_answer_is_a_finding(doctor, broker):
    """A page in HTML, an error, half an answer: the others are asked all the same."""
    broker.will("GET", "/v2/clock", Answer(502, "<html>"))
    broker.will("GET", "/v2/calendar", Answer(200, [{"date": "soon"}]))
    code, found = doctor()

    assert code == 1
    assert "no answer: HTTP 502" in found["clock"]["said"]
    assert "no answer: a day cannot be read" in found["calendar"]["said"]
    assert found["symbols"]["verdict"] == "ok"


def test_a_feed_without_its_subscription_is_bad(doctor, broker):
    """The free plan has no sip."""
    said = {"code": 42210000, "message": "subscription does not permit querying recent SIP data"}
    broker.will("GET", "/v2/stocks/quotes/latest", Answer(403, said))
    code, found = doctor("--set", "live.feed=sip")

    assert code == 1
    assert "subscription does not permit" in found["feed"]["said"]
    assert "live.feed=iex" in found["feed"]["todo"]


def test_more_symbols_than_the_free_plan_streams_are_told(doctor, broker):
    """30 on iex; a local exchange has no such limit, so there it is a warning."""
    names = [f"S{n:03d}" for n in range(31)]
    for name in names:
        broker.will("GET", f"/v2/assets/{name}", Answer(200, ASSET | {"symbol": name}))
    found = doctor("--symbols", ",".join(names))[1]
    few = doctor("--symbols", ",".join(names[1:]))[1]

    assert found["feed"]["verdict"] == "warning"
    assert "the free plan streams 30 symbols" in found["feed"]["said"]
    assert few["feed"]["verdict"] == "ok"


def test_real_money_needs_the_accounts_number(doctor):
    """--live shows how the gate stands."""
    assert doctor("--live")[1]["real money"]["verdict"] == "bad"
    assert doctor("--live", "--set", "live.account=A2")[1]["real money"]["verdict"] == "bad"
    code, found = doctor("--live", "--set", "live.account=A1")
    assert (code, found["real money"]["verdict"]) == (0, "ok")


def test_real_money_needs_settings_that_ask_enough(doctor):
    """--live names those that do not, and overrides that it does not read; paper takes them."""
    code, found = doctor("--live", "--set", "live.account=A1", "--profile", "explore")
    assert (code, found["settings"]["verdict"]) == (1, "bad")
    assert "quality.earned_slope = off" in found["settings"]["said"]
    assert "profile explore: quality.earned_slope=off" in found["config"]["said"]
    code, found = doctor("--profile", "explore")
    assert (code, "settings" in found) == (0, False)

    Path("overrides.toml").write_text("[risk]\nstop_loss_pct = 1.0\n")
    code, found = doctor("--live", "--set", "live.account=A1")
    assert (code, found["settings"]["verdict"], found["overrides"]["verdict"]) == (1, "ok", "bad")


def test_no_keys_are_bad_for_alpaca_alone(doctor, monkeypatch, capsysbinary):
    """Half a pair is no pair; on a local exchange any will do."""
    monkeypatch.delenv("APCA_API_SECRET_KEY")
    assert main(["doctor", "--json"]) == 1
    checks = orjson.loads(capsysbinary.readouterr().out)["checks"]
    assert "has APCA_API_KEY_ID but no APCA_API_SECRET_KEY" in checks[1]["said"]

    monkeypatch.delenv("APCA_API_KEY_ID")
    assert doctor()[1]["keys"]["verdict"] == "ok"
    assert doctor("--live")[1]["keys"]["verdict"] == "bad"


def test_a_configuration_that_is_wrong_is_bad_and_not_the_end(doctor):
    """It names the keys; one without effect is a warning; overrides in force are told."""
    code, found = doctor("--set", "live.feed=x")
    assert (code, found["config"]["verdict"]) == (1, "bad")
    assert "live.feed" in found["config"]["said"]
    assert found["symbols"]["verdict"] == "ok"

    assert "api.port" in doctor("--set", "api.port=1")[1]["config"]["said"]

    Path("overrides.toml").write_text("[rotation]\nmax_positions = 2\n")
    assert "rotation.max_positions=2" in doctor()[1]["config"]["said"]


def test_an_alert_address_is_tried_without_being_written_to(doctor, broker):
    """Only whether it can be one."""
    url = f"{broker.url}/hook"
    assert "1 addresses (http)" in doctor("--set", f'alerts.urls=["{url}"]')[1]["alerts"]["said"]
    assert broker.sent("POST") == []

    code, found = doctor("--set", 'alerts.urls=["nobody://SECRET"]')
    assert (code, found["alerts"]["verdict"]) == (1, "bad")
    assert "SECRET" not in found["alerts"]["said"]


def test_a_database_is_looked_at_and_not_made():
    """One that is not there yet is fine, and is not there afterwards either."""
    assert database("sqlite:///runs/rotor.db").verdict == "ok"
    assert not Path("runs").exists()
    assert database("").verdict == "ok"


def test_a_database_of_this_version_an_empty_one_and_a_newer_one():
    """Only the newer one is in the way."""
    with Store("sqlite:///now.db"):
        pass
    sqlite3.connect("empty.db").close()
    Path("empty.db").touch()
    with Store("sqlite:///newer.db") as store, store.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")

    assert (database("sqlite:///now.db").verdict, database("sqlite:///now.db").said) == (
        "ok", f"sqlite:///now.db: answers, migration {HEAD}",
    )  # fmt: skip
    assert database("sqlite:///empty.db").verdict == "warning"
    assert database("sqlite:///newer.db").verdict == "bad"


def test_a_database_that_cannot_be_reached_is_bad_and_its_password_unsaid():
    """A dead server, a file that is none, a URL of something else."""
    Path("none.db").write_text("no database" * 100)

    dead = database("postgresql://u:SECRET@127.0.0.1:1/x")
    assert dead.verdict == "bad"
    assert "SECRET" not in dead.said + dead.todo
    assert database("sqlite:///none.db").verdict == "bad"
    assert database("mysql://h/x").verdict == "bad"


def test_a_folder_that_cannot_be_written_is_bad(monkeypatch):
    """Or one on a disk that is full; of one that is nearly full it warns."""
    Path("file").touch()
    assert disk(Path("file/runs")).verdict == "bad"
    assert disk(Path("runs")).verdict == "ok"
    assert not Path("runs").exists()

    class Usage:
        free = 100_000_000

    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage)
    assert disk(Path("runs")).verdict == "bad"
    Usage.free = 1_000_000_000
    assert disk(Path("runs")).verdict == "warning"


def test_stale_sockets_and_held_accounts_are_told(doctor, runtime_dir):
    """A killed session's socket is removed; a lock tells that a session trades."""
    folder = Path(runtime_dir)
    with socket.socket(socket.AF_UNIX) as killed, socket.socket(socket.AF_UNIX) as alive:
        killed.bind(str(folder / "killed.sock"))
        alive.bind(str(folder / "alive.sock"))
        alive.listen()
        killed.close()
        (folder / "account-A9-00000000.lock").touch()
        stale = doctor()[1]["locks"]
        left = [path.name for path in folder.glob("*.sock")]
        free = doctor()[1]["locks"]
        with (folder / "account-A1-00000000.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            held = doctor()[1]["locks"]

    assert stale["said"] == "sockets of killed sessions, now removed: killed.sock"
    assert left == ["alive.sock"]
    assert free["verdict"] == "ok"
    assert held["said"] == "a session trades now on account A1"


def test_another_alpaca_py_is_a_warning(monkeypatch):
    """Rotor works around what one version does."""
    assert versions().verdict == "ok"
    monkeypatch.setattr("tui.doctor_machine.version", lambda _: "0.43.5")
    assert versions().verdict == "warning"


def test_no_exchange_at_the_endpoint_is_said(capsys):
    """In one line."""
    assert main(["doctor", "--endpoint", "http://127.0.0.1:1"]) == 1
    assert "account" in capsys.readouterr().out


async def test_an_exchange_is_green(tmp_path):
    """The one that rehearsals run on, in lockstep: its own time, its own calendar."""
    async with serving(floor_of(quiet_market(tmp_path))) as api:
        found = await examine(DoctorRequest(endpoint=api.url, symbols="AAA,BBB"))

    assert green(found)
    assert [f.check for f in found if f.verdict != "ok"] == []
