"""`rotor explain`: the story of a trade adds up, from the features to the outcome."""

import numpy as np
import orjson
import pytest

from engine.learning.ewrls import Ewrls
from engine.learning.judge import Judge
from engine.learning.signals import EXPECTED, Context
from engine.records.reading import read_rows
from tests.bars import synth_blocks
from tests.engine.records.store.folders import write_run
from tui.cli import main


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run."""
    return write_run(tmp_path_factory.mktemp("runs") / "one")


def explain(run, *words, capfdbinary):
    code = main(["explain", str(run), *words, "--json", "--set", "database.url="])
    return code, orjson.loads(capfdbinary.readouterr().out)


def test_every_trade_has_a_story_that_adds_up(run, capfdbinary):
    """Contributions sum to the forecast, fills to the outcome; the signal is the recorded one."""
    trips = [row for row in read_rows(run / "events.jsonl") if row["type"] == "round_trip"]
    signals = {
        (row["timestamp_ms"], row["symbol"]): row for row in read_rows(run / "signals.jsonl")
    }
    for trip in trips[::4]:
        code, told = explain(run, str(trip["trip"]), capfdbinary=capfdbinary)
        recorded = signals[told["timestamp_ms"], trip["symbol"]]
        total = sum(row["contribution_bps"] for row in told["features"])
        cash = sum(
            (1 if fill["side"] == "SELL" else -1) * fill["shares"] * fill["price"] - fill["fee"]
            for fill in told["fills"]
        )

        assert code == 0
        assert total == pytest.approx(1e4 * told["forecast"]["expected_return"], abs=1e-9)
        assert round(told["forecast"]["probability"], 6) == recorded["probability"]
        assert cash == pytest.approx(trip["pnl"], abs=1e-6)
        assert told["outcome"]["pnl"] == trip["pnl"]
        assert told["decision"]["reason"] == trip["entry_reason"]
        assert told["calibration"]["verdict"] == trip["signal"]["verdict"]
        ranked = [row["symbol"] for row in told["ranking"]]
        assert sorted(ranked) == sorted({symbol for _, symbol in signals})


def test_contributions_are_weights_times_features():
    """What explain shows as a feature's value is what the weights were multiplied by."""
    blocks = synth_blocks(2, signal=2.0)
    symbols = blocks[0].symbols
    learner = Ewrls(Context(symbols[0], 0, symbols, 1.0, (15, 30, 60), {"warm_rows": 10.0}))
    judge = Judge((0,), (15, 30, 60))
    judge.take(blocks[0], [learner.process(blocks[0])])
    before = learner.process(blocks[1].slice(0, 200))
    parts, x, weights = before.contributions[-1], learner.features(), learner.weights()
    moving = np.abs(x) > 1e-6
    # one scale for each horizon, the same for all features
    scale, *_ = np.linalg.lstsq((weights * x).T[moving], parts[moving], rcond=None)

    assert np.allclose((weights * x).T @ scale, parts, atol=1e-12)
    expected = judge.take(blocks[1].slice(0, 200), [before])[-1, 0, EXPECTED]
    assert parts.sum() == pytest.approx(expected, abs=1e-15)


def test_trades_are_found_by_their_names(run, capfdbinary):
    """By number, by signal, by the id of any of their orders; listed without one."""
    code, listed = explain(run, capfdbinary=capfdbinary)
    assert code == 0
    _, third = explain(run, "3", capfdbinary=capfdbinary)
    _, by_signal = explain(run, third["signal_id"], capfdbinary=capfdbinary)
    _, by_order = explain(run, third["orders"][0]["order_id"], capfdbinary=capfdbinary)

    assert [row["trip"] for row in listed] == list(range(1, len(listed) + 1))
    assert by_signal == third
    assert by_order["trip"] == 3


def test_people_can_read_it(run, capsys):
    """The sections in order, within eighty columns."""
    assert main(["explain", str(run), "2", "--set", "database.url="]) == 0
    out = capsys.readouterr().out
    heads = ("What it saw", "What it said", "How it ranked", "What was decided", "What was done",
             "What came of it")  # fmt: skip

    assert [out.index(head) for head in heads] == sorted(out.index(head) for head in heads)
    assert all(len(line) <= 80 for line in out.splitlines())


def test_an_unknown_trade_says_what_there_is(run, capsys):
    """With exit code 2."""
    assert main(["explain", str(run), "9999", "--set", "database.url="]) == 2
    assert "9999: no such round trip; there are: 1 to " in capsys.readouterr().err
