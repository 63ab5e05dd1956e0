"""A predictor of one's own: written, checked, judged; one that peeks is named."""

import importlib
import sys

import orjson
import pytest

from engine.learning.battery import yield_checks
from tui.cli import main

PEEKS = """
from drifting import Drifting


class Peeks(Drifting):
    def process(self, block):
        signals = super().process(block)
        close = block.bars[:, self.column, 3]
        signals.expected[:-20] = 0.5 * (close[20:] / close[:-20] - 1.0)[:, None]
        return signals


class Boasts(Drifting):
    '''Its forecasts are noise; it says that all of them came true.'''

    def process(self, block):
        signals = super().process(block)
        minute = block.first + __import__("numpy").arange(len(block))
        signals.expected[:] = (1e-3 * ((minute * 7919 + 13 * self.column) % 101 - 50) / 50)[:, None]
        return signals

    def scores(self):
        return ((30, 10**6, 1.0, 1.0),)

    pairs = scores
"""


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """Bars with a planted signal, fewer than the forty-five sessions of the documents."""
    path = tmp_path_factory.mktemp("planted") / "bars.parquet"
    words = ["--sessions", "26", "--signal", "3", "--seed", "5", "--symbols", "TQQQ,SQQQ,SSO"]
    assert main(["synth", str(path), *words]) == 0
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A user's folder, with a predictor that `rotor new` wrote, and two bad ones."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    assert main(["new", "predictor", "drifting"]) == 0
    (tmp_path / "bad_ones.py").write_text(PEEKS)
    yield tmp_path
    for name in ("drifting", "bad_ones"):
        sys.modules.pop(name, None)


def replayed(planted, predictor, capfdbinary, *words):
    capfdbinary.readouterr()
    sets = [f"learning.predictor={predictor}", "database.url="]
    words = ["replay", str(planted), "--journal", "none", "--json", "--out", predictor, *words]
    code = main([*words, *(part for one in sets for part in ("--set", one))])
    assert code == 0
    return orjson.loads(capfdbinary.readouterr().out)


@pytest.mark.parametrize("predictor", ["momentum", "drifting.Drifting", "ewrls"])
def test_who_forecasts_what_is_planted_earns_a_slope(folder, planted, capfdbinary, predictor):
    """The built-in rule and the written file are judged as the learner is, and trade on it."""
    summary = replayed(planted, predictor, capfdbinary)

    assert summary["learning"]["slope_sessions"] >= 24
    assert summary["learning"]["slope_lower"] > 0.3
    assert summary["trades_executed"] > 0
    assert "looks_ahead" not in summary


def test_who_praises_himself_earns_nothing(folder, planted, capfdbinary):
    """What a predictor says of its own success is not asked."""
    summary = replayed(planted, "bad_ones.Boasts", capfdbinary)

    assert summary["learning"]["slope_sessions"] >= 24
    assert summary["learning"]["slope_lower"] < 0.1
    assert abs(summary["learning"]["ic"]["30"]) < 0.1


def test_who_peeks_is_named_first(folder, planted, capfd):
    """In the first line of the summary, and nothing is said of an edge."""
    words = ["--set", "learning.predictor=bad_ones.Peeks", "--set", "database.url="]
    capfd.readouterr()
    assert main(["replay", str(planted), "--out", "run", "--to", "2025-04-07", *words]) == 0
    out = capfd.readouterr().out

    assert out.startswith("THE PREDICTOR LOOKS AHEAD: its forecast of ")
    assert "interval of the MRD" not in out


def test_check_names_the_peeker_and_says_what_to_do(folder, planted, capfdbinary):
    """Exit code 1; each failed check says what to mend; the written file passes all of them."""
    capfdbinary.readouterr()
    assert main(["check", "drifting.Drifting", str(planted), "--json"]) == 0
    good = orjson.loads(capfdbinary.readouterr().out)
    assert main(["check", "bad_ones.Peeks", str(planted), "--json"]) == 1
    bad = orjson.loads(capfdbinary.readouterr().out)
    failed = {row["check"]: row for row in bad["checks"] if row["problem"] is not None}

    assert good["ok"]
    assert len(good["checks"]) >= 9
    assert {"check_causal", "check_block_size", "look_ahead"} <= set(failed)
    assert "check_instances_are_apart" not in failed
    assert "changes when only bars after minute" in failed["look_ahead"]["problem"]
    assert all(row["fix"] for row in failed.values())
    assert main(["check", "momentum", str(planted)]) == 0
    assert b"0 failed" in capfdbinary.readouterr().out


def test_the_written_test_passes(folder, capfd):
    """And the file's own options are taken."""
    sys.path.insert(0, str(folder))
    written = importlib.import_module("test_drifting")
    sys.modules.pop("test_drifting")
    for name, check in yield_checks(written.make):
        written.test_it_passes_the_battery(name, check)
    written.test_a_rising_market_is_expected_to_rise()
    words = ["--set", "learning.options.minutes=0"]
    assert main(["check", "drifting.Drifting", *words]) == 2
    assert "learning.options.minutes: Input should be greater" in capfd.readouterr().err


@pytest.mark.parametrize("name", ["Drifting", "1st", "class", "a-b", "../x", "json", "numpy", "_x"])
def test_names_that_will_not_do(folder, capfd, name):
    """No module names, keywords, and modules that are there already."""
    assert main(["new", "predictor", name]) == 2
    assert name in capfd.readouterr().err
    assert not (folder / f"test_{name}.py").exists()


def test_nothing_is_overwritten(folder, capfd):
    """A second time the files stay as they are."""
    before = (folder / "drifting.py").read_bytes()
    (folder / "drifting.py").write_bytes(before + b"# mine\n")

    assert main(["new", "predictor", "drifting"]) == 2
    assert "drifting.py is there already" in capfd.readouterr().err
    assert (folder / "drifting.py").read_bytes() == before + b"# mine\n"
