"""What others on this machine may read: nothing that Rotor writes, and it warns of the rest."""

import os
import stat
from pathlib import Path

import orjson
import pytest

from actors.alpaca.keys import PAIRS, PAPER_PAIRS
from engine.config import load_config
from engine.errors import BadInputError
from tui.private import exposed, records
from tui.venues import REHEARSAL, keys_for


@pytest.fixture
def usual(monkeypatch):
    """The umask that most have, and no keys."""
    for name in (name for pair in (*PAIRS, *PAPER_PAIRS) for name in pair):
        monkeypatch.delenv(name, raising=False)
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_what_a_command_writes_is_its_users_alone(rotor, usual, tmp_path):
    """Run folders 0700, files 0600: journals, manifest, database, overrides, their history."""
    assert rotor("replay", "--from", "2025-07-10", "--journal", "trades", "--json")[0] == 0
    assert rotor("risk", "set", "stop_loss_pct=2")[0] == 0
    found = list(tmp_path.rglob("*"))

    names = {path.name for path in found}
    assert {"manifest.json", "trades.jsonl", "rotor.db", "overrides.paper.history.jsonl"} <= names
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in found}
    assert modes == {path.name: 0o700 if path.is_dir() else 0o600 for path in found}
    umask = os.umask(0o022)
    assert umask == 0o022


TOKEN = '[alerts]\nurls = ["slack://TOKEN"]\n'


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        (".env", "APCA_API_KEY_ID=K\n", "holds keys"),
        ("config.toml", TOKEN, "holds a password or a token"),
        ("overrides.toml", TOKEN, "holds a password or a token"),
        ("config.toml", '[database]\nurl = "postgresql://me:pw@db/x"\n', "holds a password"),
    ],
)
def test_a_file_with_secrets_that_others_may_read_is_told(
    rotor, usual, name, text, words, monkeypatch
):
    """By the doctor and at the start of a session, with what to do; the secret is not shown."""
    file = Path(name)
    file.write_text(text)
    config = load_config(text if name != ".env" else "")[0]
    assert [f"{name}: {words}" in said for said in exposed(config)] == [True]

    checks = orjson.loads(rotor("doctor", "--json")[1])["checks"]
    (found,) = (check for check in checks if check["check"] == "private")
    assert (found["verdict"], found["todo"]) == ("warning", f"chmod 600 {name}")
    assert "(mode 0644)" in found["said"]
    assert "TOKEN" not in found["said"]
    monkeypatch.setenv("APCA_API_KEY_ID", "K")
    assert f"rotor: {name}: {words}" in rotor("live", "--endpoint", "http://127.0.0.1:9")[2]

    file.chmod(0o600)
    assert list(exposed(config)) == []


def test_what_is_no_secret_may_be_read(rotor, usual):
    """An address whose token is in the environment, an empty .env, no password."""
    text = '[alerts]\nurls = ["slack://${TOKEN}", "dbus://"]\n[database]\nurl = "sqlite:///x.db"\n'
    Path("config.toml").write_text(text)
    Path(".env").write_text("# nothing\n")

    assert list(exposed(load_config(text)[0])) == []


def test_the_runs_of_an_earlier_version_are_told(rotor, usual):
    """Its folders were open to all."""
    config = load_config()[0]
    assert list(records(config)) == []
    Path("runs").mkdir()

    (said,) = records(config)
    assert said.endswith("chmod -R go= runs")


@pytest.mark.parametrize("pair", [*PAIRS, *PAPER_PAIRS])
@pytest.mark.parametrize("half", [0, 1])
def test_half_a_pair_is_an_error_on_a_local_exchange_too(rotor, usual, monkeypatch, pair, half):
    """It became a rehearsal, silently; with no pair at all it is one."""
    assert keys_for("http://127.0.0.1:9", real=False).key_id == REHEARSAL
    monkeypatch.setenv(pair[half], "HALF")

    with pytest.raises(BadInputError, match=f"has {pair[half]} but no {pair[1 - half]}"):
        keys_for("http://127.0.0.1:9", real=False)
    code, said, _ = rotor("doctor", "--endpoint", "http://127.0.0.1:9", "--json")
    keys = orjson.loads(said)["checks"][1]
    assert (code, keys["verdict"], keys["check"]) == (1, "bad", "keys")
