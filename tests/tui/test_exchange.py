"""`rotor exchange` as it is typed."""

import json
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from engine.errors import BadInputError
from tests.actors.exchange.venue import quiet_market
from tests.patience import patience
from tests.tui.forked import popen
from tui.cli import BAD_INPUT, main
from tui.exchange import ExchangeRequest, open_floor


def started(*options):
    """The command as a process."""
    command = [sys.executable, "-m", "tui.cli", "exchange", *map(str, options), "--port", "0"]
    return popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_its_url_when_it_listens_and_ends_cleanly(tmp_path, signum):
    """One JSON line; a request is answered; Ctrl-C gives exit code 0 and no trace."""
    path = quiet_market(tmp_path)
    process = started(path, "--date", "2025-07-02", "--pace", "lockstep", "--json", "--faults", "7")
    try:
        about = json.loads(process.stdout.readline())
        with urllib.request.urlopen(f"{about['url']}/control") as response:
            assert json.loads(response.read())["mode"] == "lockstep"
    finally:
        process.send_signal(signum)
        out, err = process.communicate(timeout=patience(20))
    assert (process.returncode, out, err) == (0, "", "")
    assert (about["date"], about["symbols"], about["pace"]) == (
        "2025-07-02", ["AAA", "BBB"], "lockstep",
    )  # fmt: skip
    assert about["trade_stream"] == about["url"].replace("http", "ws") + "/stream"
    assert len(about["faults"]) >= 6


def test_a_port_in_use_is_said_in_a_line(tmp_path, capsys):
    """Exit code 2, and what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["exchange", str(quiet_market(tmp_path)), "--port", str(port)]) == BAD_INPUT
    assert "--port 0 picks a free one" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"date": "2025-07-04"}, "no session on 2025-07-04; the nearest is"),
        ({"date": "soon"}, "--date soon"),
        ({"symbols": "ZZZ"}, "has no ZZZ"),
        ({"symbols": ","}, "--symbols"),
        ({"pace": "lockstep", "speed": 2.0}, "choose one"),
        ({"speed": -1.0}, "positive"),
        ({"faults": "nowhere.toml"}, "nowhere.toml"),
        ({"sets": ("costs.tick=1",)}, "costs.tick"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path, changes, words):
    """Bad input, said before anything listens."""
    request = ExchangeRequest(**{"source": quiet_market(tmp_path), **changes})
    with pytest.raises(BadInputError, match=words):
        open_floor(request)


def test_by_default_it_is_the_demos_last_session_in_real_time():
    """No source, no date, no speed."""
    floor = open_floor(ExchangeRequest())
    assert floor.market.session.date == max(floor.market.dates)
    assert floor.clock.speed == 1.0


def test_symbols_and_settings_reach_the_floor(tmp_path):
    """A part of the source; costs and capital as configured."""
    request = ExchangeRequest(
        source=quiet_market(tmp_path),
        symbols="bbb",
        sets=("simulation.starting_capital=5000", "costs.min_half_spread_bps=50"),
    )
    floor = open_floor(request)
    assert floor.market.symbols == ("BBB",)
    assert floor.account("k", "s").cash_micro == 5000 * 10**6
    assert floor.market.quote("BBB") == (18.905, 19.095)
