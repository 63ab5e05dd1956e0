"""`rotor runs | analytics | signals | …`: the numbers of the journal, in three forms."""

import csv
import io
import shutil

import numpy as np
import orjson
import pandas as pd
import pytest
from scipy.stats import t as student

from engine.records.reading import read_rows
from tests.bars import REAL
from tests.engine.records.store.folders import change_manifest, write_run
from tests.tui.asking import asked

NY = "America/New_York"


def frame(run):
    """The round trips as pandas sees them in the journal."""
    rows = [row for row in read_rows(run / "events.jsonl") if row["type"] == "round_trip"]
    trips = pd.DataFrame(rows)
    trips["micro"] = (trips["pnl"] * 1e6).round().astype("int64")
    trips["at"] = pd.to_datetime(trips["entry_ms"], unit="ms", utc=True).dt.tz_convert(NY)
    trips["ruled"] = trips["by_hand"].isna() if "by_hand" in trips else True
    return trips


def shadow_frame(run):
    rows = [row for row in read_rows(run / "events.jsonl") if row["type"] == "shadow"]
    shadows = pd.json_normalize(rows)
    shadows["won"] = shadows["return"] > 0
    return shadows


def check_figures(told, trips):
    """Hold figures against pandas: money to the cent (exactly, in fact), ratios to 1e-9.

    What was closed by hand counts in P&L and costs, and in nothing that judges the rules.
    """
    ruled = trips[trips["ruled"]]
    won, lost = ruled[ruled["micro"] > 0]["micro"], ruled[ruled["micro"] < 0]["micro"]
    close = pytest.approx
    assert told.get("round_trips", told.get("trades")) == len(trips)
    assert (told["wins"], told["losses"]) == (len(won), len(lost))
    assert told["total_pnl"] == trips["micro"].sum() / 1e6
    assert told["win_rate"] == close(len(won) / len(ruled), abs=1e-12)
    assert told["expectancy"] == close(ruled["micro"].mean() / 1e6, abs=1e-9)
    if len(lost):
        assert told["profit_factor"] == close(won.sum() / -lost.sum(), rel=1e-12)
        assert told["average_loss"] == close(lost.mean() / 1e6, abs=1e-9)
    else:
        assert told["profit_factor"] is None
    if len(won):
        assert told["average_win"] == close(won.mean() / 1e6, abs=1e-9)
    assert told["costs"] == close((trips["fees"] + trips["slippage"]).sum(), abs=1e-6)
    assert told["mean_bars_held"] == close(ruled["bars_held"].mean(), abs=1e-9)
    assert told["mean_mae"] == close(ruled["mae"].mean(), abs=1e-12)
    assert told["mean_mfe"] == close(ruled["mfe"].mean(), abs=1e-12)


def check_all(rotor, run):
    """Every view of a run against pandas over its JSONL."""
    trips, shadows = frame(run), shadow_frame(run)
    check_figures(asked(rotor, "analytics", "overview", "--run", run), trips)
    groups = {
        "symbols": trips["symbol"],
        "hours": trips["at"].dt.strftime("%H:00"),
        "weekdays": trips["at"].dt.day_name(),
        "directions": trips["direction"],
    }
    for view, key in groups.items():
        told = asked(rotor, "analytics", view, "--run", run)
        assert {row[view[:-1]] for row in told} == set(key)
        for row in told:
            check_figures(row, trips[key == row[view[:-1]]])
    exits = asked(rotor, "analytics", "exits", "--run", run)
    assert sum(row["trades"] for row in exits) == len(trips)

    quality = asked(rotor, "signals", "quality", "--run", run)
    bucket = np.minimum(9, (shadows["signal.confidence"] * 10).astype(int))
    grouped = shadows.groupby(["symbol", "direction", bucket])
    assert len(quality) == grouped.ngroups
    for row in quality:
        mine = grouped.get_group(
            (row["symbol"], row["direction"], round(float(row["confidence"][:3]) * 10))
        )
        assert (row["n"], row["wins"]) == (len(mine), mine["won"].sum())
        assert row["mean_return"] == pytest.approx(mine["return"].mean(), abs=1e-12)
        assert row["expected"] == pytest.approx(mine["signal.win_rate"].mean(), abs=1e-12)

    scored = asked(rotor, "signals", "calibration", "--run", run)["evidence"]["backtest"]
    p, won = shadows["signal.win_rate"].to_numpy(), shadows["won"].to_numpy()
    assert scored["calibrated"]["brier"] == pytest.approx(np.mean((p - won) ** 2), abs=1e-9)
    raw = np.where(shadows["direction"] == "LONG", shadows["signal.probability"],
                   1 - shadows["signal.probability"])  # fmt: skip
    log_loss = -np.mean(np.where(won, np.log(raw), np.log(1 - raw)))
    assert scored["raw"]["log_loss"] == pytest.approx(log_loss, abs=1e-9)
    bins = pd.Series(won).groupby(np.minimum(9, (p * 10).astype(int))).agg(["size", "mean"])
    said = pd.Series(p).groupby(np.minimum(9, (p * 10).astype(int))).mean()
    ece = (bins["size"] * (said - bins["mean"]).abs()).sum() / len(p)
    assert scored["calibrated"]["ece"] == pytest.approx(ece, abs=1e-9)
    return trips


def test_every_number_is_that_of_the_journal(known, run):
    """All views against pandas."""
    check_all(known, run)


@pytest.mark.skipif(not REAL.exists(), reason="needs the real bars beside the project")
def test_sixty_real_sessions_agree_with_pandas(rotor, tmp_path):
    """After a replay of sixty sessions of real bars the database says what the JSONL say."""
    out = tmp_path / "real"
    words = ["--from", "2025-04-10", "--to", "2025-07-08", "--set", "quality.earned_slope=off",
             "--set", "risk.drawdown_pct=100"]  # fmt: skip
    summary = asked(rotor, "replay", REAL, *words, "--out", out)
    trips = check_all(rotor, out)

    assert summary["sessions"] >= 60
    assert summary["round_trips"] == len(trips) > 50
    listed = asked(rotor, "runs", "list")[-1]
    assert listed["total_pnl"] == summary["total_pnl"]
    # flat at the end of each day: the trades are all that moved the account
    assert trips["micro"].sum() == round(summary["total_pnl"] * 1e6)


def test_dates_choose_by_the_exit(known, run):
    """From and to are New York dates, both included."""
    trips = frame(run)
    days = pd.to_datetime(trips["exit_ms"], unit="ms", utc=True).dt.tz_convert(NY).dt.date
    day = sorted(set(days))[1]
    told = asked(known, "analytics", "overview", "--from", day, "--to", day)
    check_figures(told, trips[days == day])


def test_csv_is_the_same_as_json(known):
    """One header, one line a row."""
    _, out, _ = known("analytics", "symbols", "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    told = asked(known, "analytics", "symbols")

    assert [row["symbol"] for row in rows] == [row["symbol"] for row in told]
    assert [float(row["total_pnl"]) for row in rows] == [row["total_pnl"] for row in told]


def test_deciles_and_horizons(known, run):
    """Ten groups of nearly equal size; IC by horizon as the manifest has it."""
    deciles = asked(known, "analytics", "deciles", "--by", "strength")
    shadows = shadow_frame(run)
    assert sum(row["n"] for row in deciles) == len(shadows)
    assert max(row["n"] for row in deciles) - min(row["n"] for row in deciles) <= 2
    assert [row["from"] for row in deciles] == sorted(row["from"] for row in deciles)

    horizons = asked(known, "analytics", "horizons")
    assert [row["horizon_minutes"] for row in horizons] == [15, 30, 60]
    assert all(-1 <= row["ic"] <= 1 and 0 <= row["hit_rate"] <= 1 for row in horizons)


def test_the_filter_is_that_of_the_run(known, run):
    """The calibration made anew of the database says what the run's own last version said."""
    last = [row for row in read_rows(run / "events.jsonl") if row["type"] == "calibrated"][-1]
    sets = ("--set", "quality.min_win_rate=0")
    told = {
        (row["symbol"], row["direction"], round(float(row["confidence"][:3]) * 10)): row
        for row in asked(known, "signals", "filter", *sets)
    }
    cells = {(c["symbol"], c["direction"], c["bucket"]): c for c in last["cells"]}

    assert told.keys() == cells.keys()
    for key, cell in cells.items():
        assert (told[key]["n"], told[key]["wins"]) == (cell["n"], cell["won"])
        assert told[key]["win_rate"] == pytest.approx(cell["win_rate"], abs=1e-6)
        assert told[key]["verdict"] == cell["verdict"]
        assert told[key]["pays_bps"] == pytest.approx(1e4 * cell["return"], abs=1e-5)


@pytest.fixture(scope="module")
def filtered(tmp_path_factory):
    """A run in which the filter refuses a good deal."""
    sets = ("quality.min_outcomes=3", "quality.min_win_rate=0.6")
    return write_run(tmp_path_factory.mktemp("runs") / "two", *sets, sessions=4, commands=False)


def test_what_the_filter_was_worth_is_what_pandas_counts(filtered):
    """n, wins, mean and interval, of the traded sessions' shadows that quality refused."""
    told = orjson.loads((filtered / "summary.json").read_bytes())["filter"]
    refused = traded_shadows(filtered).query("gate == 'quality'")
    n, sums = len(refused), refused.groupby("day")["return"].agg(["sum", "count"])
    assert (told["shadows"], told["won"]) == (n, int(refused["won"].sum()))
    days, mean = len(sums), refused["return"].mean()
    assert n > 10
    assert days >= 2
    assert told["mean_bps"] == pytest.approx(1e4 * mean, rel=1e-9)
    spread = ((sums["sum"] - mean * sums["count"]) ** 2).sum() * days / (days - 1)
    away = student.ppf(0.975, days - 1) * np.sqrt(spread) / n
    assert told["low_bps"] == pytest.approx(1e4 * (mean - away), rel=1e-9)
    assert told["high_bps"] == pytest.approx(1e4 * (mean + away), rel=1e-9)


def test_every_version_tells_the_returns_and_verdicts_that_pandas_counts(filtered):
    """Decayed mean, its lower 90% bound by session, and the rule `estimate` with its memory."""
    shadows = traded_shadows(filtered, all_days=True)
    shadows["bucket"] = (shadows["signal.confidence"] * 10).astype(int).clip(upper=9)
    versions = [row for row in read_rows(filtered / "events.jsonl") if row["type"] == "calibrated"]
    days = [day_of(row["timestamp_ms"]) for row in versions]
    below, said = {}, set()
    for place, version in enumerate(versions):
        assert "rolled_back" not in version
        age = {day: place - since for since, day in enumerate(days[: place + 1])}
        known = shadows[shadows["day"].isin(age)]
        known = known.assign(g=0.5 ** (known["day"].map(age) / 40))
        groups = dict(iter(known.groupby(["symbol", "direction", "bucket"])))
        assert len(groups) == len(version["cells"])
        for cell in version["cells"]:
            key = cell["symbol"], cell["direction"], cell["bucket"]
            mean, low, own = mean_by_session(groups[key])
            assert cell["return"] == pytest.approx(mean, abs=2e-9)
            assert (cell["return_low"] or 0.0) == pytest.approx(np.nan_to_num(low), abs=2e-9)
            few = own < 3
            still = below.get(key, False) and cell["win_rate"] < 0.61
            below[key] = still or (not few and cell["win_rate"] < 0.6)
            verdict = "unproven" if few else "reject" if below[key] and not low > 0 else "pass"
            assert cell["verdict"] == verdict
            said.add(verdict)
    assert {"unproven", "reject"} <= said


def mean_by_session(outcomes):
    """The weighted mean, its lower 90% bound with a session as a cluster, the weight."""
    weight, net = outcomes["g"], outcomes["return"]
    mean, days = np.average(net, weights=weight), outcomes["day"].nunique()
    if days < 2:
        return mean, np.nan, weight.sum()
    sums = (weight * (net - mean)).groupby(outcomes["day"]).sum()
    error = np.sqrt((sums**2).sum() * days / (days - 1)) / weight.sum()
    return mean, mean - student.ppf(0.9, days - 1) * error, weight.sum()


def day_of(ms):
    return pd.Timestamp(ms, unit="ms", tz="UTC").tz_convert(NY).date()


def traded_shadows(run, *, all_days=False):
    """The shadows with the day on which they ended."""
    shadows = shadow_frame(run)
    shadows["day"] = shadows["exit_ms"].map(day_of)
    opened = [row for row in read_rows(run / "events.jsonl") if row["type"] == "session_opened"]
    traded = {pd.Timestamp(row["date"]).date() for row in opened if all_days or row["trading"]}
    return shadows[shadows["day"].isin(traded)]


def test_runs_are_listed_compared_used_and_deleted(known, run, tmp_path):
    """Two runs side by side, one pinned, one gone; its folder stays unless it is to go."""
    other = tmp_path / "two"
    shutil.copytree(run, other)
    change_manifest(other, run_id="two", ended="2025-08-03T12:00:00+00:00")
    assert known("rebuild", other)[0] == 0
    told = {row["run_id"]: row["counts"] for row in asked(known, "runs", "list")}
    assert told == {"one": "", "two": "backtest"}

    assert known("runs", "use", "one")[0] == 0
    told = {row["run_id"]: row["counts"] for row in asked(known, "runs", "list")}
    assert told == {"one": "backtest, pinned", "two": ""}
    compared = asked(known, "runs", "compare", "one", "two")
    assert [row["run_id"] for row in compared["runs"]] == ["one", "two"]
    assert compared["settings"] == {}

    assert known("runs", "delete", "two", "--files")[0] == 2
    assert known("runs", "delete", "two")[0] == 0
    assert (other / "events.jsonl").exists()
    assert known("rebuild", other)[0] == 0
    assert known("runs", "delete", "two", "--files", "--yes")[0] == 0
    assert not other.exists()
    assert [row["run_id"] for row in asked(known, "runs", "list")] == ["one"]


def test_a_deleted_database_comes_back_the_same(known, run, tmp_path):
    """Removed and rebuilt, every answer is the same."""
    questions = (
        ("runs", "list"), ("analytics", "overview"), ("analytics", "strategy", "rotation-ewrls"),
        ("signals", "quality"), ("portfolio",),
    )  # fmt: skip
    before = [asked(known, *words) for words in questions]
    for path in (tmp_path / "runs").glob("rotor.db*"):
        path.unlink()
    assert known("rebuild", run)[0] == 0
    assert [asked(known, *words) for words in questions] == before
    assert known("rebuild")[0] == 0
    assert [asked(known, *words) for words in questions] == before


def test_a_replay_reads_nothing_of_the_last(rotor, tmp_path):
    """The second of two equal replays, with the database of the first, has the same journal."""
    hashes = {asked(rotor, "replay", "--out", tmp_path / name)["journal_sha256"] for name in "ab"}
    assert len(hashes) == 1
    assert len(asked(rotor, "runs", "list")) == 2
    counted = asked(rotor, "analytics", "overview")["round_trips"]
    assert counted == asked(rotor, "analytics", "overview", "--run", tmp_path / "b")["round_trips"]


def test_nothing_yet(rotor):
    """Before the first run every question has an answer that says what to do."""
    assert asked(rotor, "runs", "list") == []
    assert asked(rotor, "analytics", "overview")["round_trips"] == 0
    assert "rotor replay" in rotor("runs", "list")[1]
    for words in (("portfolio",), ("signals", "filter"), ("analytics", "strategy", "x"),
                  ("runs", "delete", "x"), ("explain", "x"), ("verify", "x")):  # fmt: skip
        code, _, err = rotor(*words)
        assert code == 2, words
        assert err.startswith("rotor: ")


def test_what_is_missing_is_said_and_what_is_wrong_refused(rotor, run):
    """Strategies, where there is none; dates that run backwards; runs that are not known yet."""
    _, _, err = rotor("analytics", "strategy", "x")
    assert err == "rotor: x: there is no run yet: rotor replay\n"
    code, _, err = rotor("portfolio", run)
    assert code == 2
    assert f"rotor rebuild {run}" in err
    assert rotor("rebuild", run)[0] == 0
    assert rotor("portfolio", run)[0] == 0
    assert "there are: rotation-ewrls" in rotor("analytics", "strategy", "x")[2]
    backwards = ("--from", "2025-05-02", "--to", "2025-05-01")
    for words in (("analytics", "overview"), ("signals", "quality"), ("replay",)):
        code, _, err = rotor(*words, *backwards)
        assert code == 2
        assert "--from 2025-05-02 is after --to 2025-05-01" in err


def test_runs_started_at_a_moment_in_utc(known):
    """ISO 8601, for scripts."""
    (listed,) = asked(known, "runs", "list")
    assert listed["started"] == "2025-08-01T11:00:00+00:00"


def test_json_or_csv_but_not_both(known):
    """It says so."""
    code, _, err = known("runs", "list", "--json", "--csv")
    assert code == 2
    assert "choose one" in err


def test_without_a_database(rotor, run):
    """An empty url: replays go on, questions say why not."""
    code, _, err = rotor("runs", "list", "--set", "database.url=")
    assert code == 2
    assert "there is no database to ask" in err


def test_a_locked_database_stops_no_run(rotor, tmp_path, monkeypatch):
    """It is told, the run is whole, and rebuild brings the rows."""
    import sqlite3
    from contextlib import closing

    from engine.records.store import database

    monkeypatch.setattr(database.Store.__init__, "__kwdefaults__", {"busy_ms": 50, "migrate": True})
    assert asked(rotor, "runs", "list") == []
    with closing(sqlite3.connect(tmp_path / "runs" / "rotor.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        code, out, err = rotor("replay", "--json", "--out", tmp_path / "run")
        other.execute("ROLLBACK")

    assert code == 0
    assert "another process holds it" in err
    assert "later: rotor rebuild" in err
    assert asked(rotor, "runs", "list") == []
    assert rotor("rebuild", tmp_path / "run")[0] == 0
    (listed,) = asked(rotor, "runs", "list")
    assert listed["round_trips"] == orjson.loads(out)["round_trips"]
