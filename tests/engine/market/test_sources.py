import datetime as dt
import gzip

import numpy as np
import pandas as pd
import pytest

from engine.errors import SourceError
from engine.market.sources import open_source
from engine.market.synth import generate, write_parquet
from tests.bars import DAY, REAL, session, walk

SEED_HEADER = "ts_utc,ts_nyt_epoch,open,high,low,close,volume"
NEXT = dt.date(2025, 6, 26)


def frame(symbol="TQQQ", days=(DAY, NEXT), missing=0.1, seed=0):
    """Bars of whole sessions as a table with the time in ns."""
    parts = []
    for i, day in enumerate(days):
        bars = pd.DataFrame(
            walk(session(day).minutes, seed=seed + i, missing=missing),
            columns=["open", "high", "low", "close", "volume"],
        )
        bars["ns"] = session(day).open_ns + np.arange(len(bars)) * 60_000_000_000
        parts.append(bars.dropna())
    table = pd.concat(parts, ignore_index=True)
    table["symbol"] = symbol
    return table


def seeds_csv(table, path):
    """Write the seeds' layout."""
    out = table.drop(columns=["symbol", "ns"])
    moments = pd.to_datetime(table["ns"], utc=True).dt.tz_convert("America/New_York")
    out.insert(0, "ts_utc", [moment.isoformat() for moment in moments])
    out.insert(1, "ts_nyt_epoch", table["ns"] // 1_000_000_000)
    out.to_csv(path, index=False)


def alpaca(table):
    """Return the columns of alpaca-py."""
    out = table.rename(columns={"ns": "timestamp"})
    out["timestamp"] = pd.to_datetime(out["timestamp"], utc=True)
    return out[["symbol", "timestamp", "open", "high", "low", "close", "volume"]]


def arrays(path, **options):
    """Read a source whole."""
    source = open_source(path, **options)
    return source, {s.session.date: s.bars for s in source.sessions()}


def write_layouts(tmp_path):
    """Write the same bars in every layout; return the paths."""
    table = frame()
    folders = {name: tmp_path / name for name in ("seeds", "gz", "ms", "alpaca", "pq", "pqms")}
    for folder in folders.values():
        folder.mkdir()
    seeds_csv(table, folders["seeds"] / "TQQQ_RTH_NH.csv")
    seeds_csv(table, folders["gz"] / "TQQQ_RTH_NH.csv.gz")
    ms = table.assign(timestamp_ms=table["ns"] // 1_000_000)
    columns = ["timestamp_ms", "open", "high", "low", "close", "volume"]
    ms[columns].to_csv(folders["ms"] / "TQQQ.csv", index=False)
    alpaca(table).to_csv(folders["alpaca"] / "bars.csv", index=False)
    alpaca(table).to_parquet(folders["pq"] / "bars.parquet", index=False)
    ms[columns].to_parquet(folders["pqms"] / "TQQQ.parquet", index=False)
    return folders


def test_all_layouts_read_the_same(tmp_path):
    """Seeds' CSV, gzipped, six columns, alpaca-py's and two Parquets give the same bars (A19)."""
    folders = write_layouts(tmp_path)
    _, expected = arrays(folders["seeds"])

    for folder in folders.values():
        source, actual = arrays(folder)
        assert source.symbols == ("TQQQ",)
        assert list(actual) == [DAY, NEXT]
        for day, bars in actual.items():
            np.testing.assert_array_equal(bars, expected[day])


def test_a_file_and_its_folder_are_the_same_source(tmp_path):
    """SOURCE may be the file itself."""
    folders = write_layouts(tmp_path)
    _, by_file = arrays(folders["gz"] / "TQQQ_RTH_NH.csv.gz")

    np.testing.assert_array_equal(by_file[DAY], arrays(folders["gz"])[1][DAY])


@pytest.mark.parametrize("order", [["timestamp", "symbol"], ["symbol", "timestamp"]])
def test_many_symbols_in_one_parquet_sorted_either_way(tmp_path, order):
    """One Parquet of many symbols reads the same sorted by time or by symbol."""
    both = pd.concat([alpaca(frame()), alpaca(frame("SQQQ", seed=5))]).sort_values(order)
    both.to_parquet(tmp_path / "bars.parquet", index=False, row_group_size=200)
    seeds_csv(frame("SQQQ", seed=5), tmp_path / "SQQQ.csv")

    source, bars = arrays(tmp_path / "bars.parquet")
    _, alone = arrays(tmp_path / "SQQQ.csv")

    assert source.symbols == ("SQQQ", "TQQQ")
    np.testing.assert_array_equal(bars[NEXT][:, 0], alone[NEXT][:, 0])


def test_a_range_covers_exactly_its_days(tmp_path):
    """Both ends are included, nothing else is."""
    seeds_csv(frame(days=(DAY, NEXT, dt.date(2025, 6, 27))), tmp_path / "TQQQ.csv")
    source = open_source(tmp_path)

    assert [s.session.date for s in source.sessions(NEXT, NEXT)] == [NEXT]
    assert source.session_dates() == [DAY, NEXT, dt.date(2025, 6, 27)]


def test_rows_outside_the_session_are_dropped_and_counted(tmp_path):
    """The 16:00 row and the early morning never reach a session, in either policy (B26)."""
    table = frame(missing=0.0)
    extra = table.iloc[[389]].copy()
    extra["ns"] += 60_000_000_000
    early = table.iloc[[0]].copy()
    early["ns"] -= 3_600_000_000_000
    seeds_csv(pd.concat([early, table.iloc[:390], extra, table.iloc[390:]]), tmp_path / "TQQQ.csv")

    source, bars = arrays(tmp_path)

    assert source.report.outside_session == 2
    assert source.report.rows == 782
    assert bars[DAY].shape == (390, 1, 5)


def test_half_day_has_210_minutes(tmp_path):
    """2025-07-03 closes at 13:00."""
    day = dt.date(2025, 7, 3)
    seeds_csv(frame(days=(day,)), tmp_path / "TQQQ.csv")

    assert arrays(tmp_path)[1][day].shape == (210, 1, 5)


def test_fractional_volume_is_kept(tmp_path):
    """Volume may be fractional."""
    table = frame(missing=0.0)
    table["volume"] = 7.25
    seeds_csv(table, tmp_path / "TQQQ.csv")

    assert set(arrays(tmp_path)[1][DAY][:, 0, 4]) == {7.25}


def _bad(table, row, **values):
    table = table.copy()
    for column, value in values.items():
        table.loc[row, column] = value
    return table


BAD_ROWS = {
    "high < low": lambda t: _bad(t, 5, high=1.0),
    "zero or negative": lambda t: _bad(t, 5, low=-1.0),
    "negative volume": lambda t: _bad(t, 5, volume=-1.0),
    "not a number": lambda t: _bad(t, 5, close=np.inf),
    "outside of low": lambda t: _bad(t, 5, open=t.loc[5, "high"] * 1.01),
    "whole minute": lambda t: _bad(t, 5, ns=t.loc[5, "ns"] + 1_000_000_000),
    "repeats the minute": lambda t: _bad(t, 5, ns=t.loc[4, "ns"]),
    "goes back in time": lambda t: _bad(t, 5, ns=t.loc[3, "ns"]),
}


@pytest.mark.parametrize("reason", BAD_ROWS)
def test_bad_rows_are_refused_by_file_row_and_reason(tmp_path, reason):
    """The strict policy names file, row and reason, and the way out."""
    seeds_csv(BAD_ROWS[reason](frame(missing=0.0)), tmp_path / "TQQQ_RTH.csv")

    with pytest.raises(SourceError) as raised:
        arrays(tmp_path)

    message = str(raised.value)
    assert "TQQQ_RTH.csv: row 6 " in message
    assert reason in message
    assert "--lenient" in message


@pytest.mark.parametrize("reason", BAD_ROWS)
def test_bad_rows_are_dropped_and_counted_when_lenient(tmp_path, reason):
    """The lenient policy drops exactly the bad row and says so."""
    seeds_csv(BAD_ROWS[reason](frame(missing=0.0)), tmp_path / "TQQQ_RTH.csv")

    source, bars = arrays(tmp_path, lenient=True)

    assert sum(source.report.dropped.values()) == 1
    assert reason in next(iter(source.report.dropped))
    assert np.isnan(bars[DAY][5, 0, 3])
    assert np.count_nonzero(np.isnan(bars[DAY][:, 0, 3])) == 1


def _files(tmp_path):
    good = tmp_path / "good.csv"
    seeds_csv(frame(), good)
    return good.read_text()


BAD_FILES = {
    "the file is empty": lambda path, text: path.write_text(""),
    "header but no rows": lambda path, text: path.write_text(SEED_HEADER + "\n"),
    "no close": lambda path, text: path.write_text(text.replace("close", "klose")),
    "no time column": lambda path, text: path.write_text(text.replace("ts_nyt_epoch", "when")),
    "not a number": lambda path, text: path.write_text(text.replace("17508", "x7508", 1)),
    "not the same moment": lambda path, text: path.write_text(
        text.replace("T09:31:00-04:00", "T09:32:00-04:00", 1)
    ),
    "mixes zones": lambda path, text: path.write_text(
        text.replace("T09:31:00-04:00", "T13:31:00+00:00", 1)
    ),
}


@pytest.mark.parametrize("reason", BAD_FILES)
def test_bad_files_are_refused_by_name_and_reason(tmp_path, reason):
    """Empty, header only, wrong columns, junk and disagreeing times are told apart."""
    text = _files(tmp_path)
    path = tmp_path / "TQQQ.csv"
    BAD_FILES[reason](path, text)

    with pytest.raises(SourceError, match=reason) as raised:
        arrays(path)

    assert "TQQQ.csv" in str(raised.value)


def test_truncated_gzip_is_named(tmp_path):
    """A gzip cut short is not read half-way."""
    text = _files(tmp_path)
    path = tmp_path / "TQQQ.csv.gz"
    path.write_bytes(gzip.compress(text.encode())[:-2000])

    with pytest.raises(SourceError, match=r"TQQQ\.csv\.gz: cannot be read to its end"):
        arrays(path)


def test_naive_and_foreign_parquet_are_refused(tmp_path):
    """A Parquet without a zone, and one that is none, are named."""
    table = alpaca(frame())
    table["timestamp"] = table["timestamp"].dt.tz_localize(None)
    table.to_parquet(tmp_path / "bars.parquet", index=False)
    (tmp_path / "TQQQ.parquet").write_bytes(b"not parquet at all")

    with pytest.raises(SourceError, match="must be a timestamp with a zone"):
        open_source(tmp_path / "bars.parquet")
    with pytest.raises(SourceError, match="not a Parquet file"):
        open_source(tmp_path / "TQQQ.parquet")


def test_missing_symbols_paths_and_doubles_are_named(tmp_path):
    """A symbol that is not there is an error that lists what is (A25, B25)."""
    seeds_csv(frame(), tmp_path / "TQQQ_RTH.csv")
    with pytest.raises(SourceError, match="has no SQQQ; it has TQQQ"):
        open_source(tmp_path, symbols=["TQQQ", "SQQQ"])
    with pytest.raises(SourceError, match="no such file or folder"):
        open_source(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="holds no"):
        open_source(tmp_path / "empty")
    seeds_csv(frame(), tmp_path / "TQQQ_copy.csv")
    with pytest.raises(SourceError, match="TQQQ is in"):
        open_source(tmp_path)


def test_a_symbol_column_beats_the_file_name(tmp_path):
    """Symbols come from the data where it has them (A12, A15)."""
    alpaca(frame("SSO")).to_csv(tmp_path / "TQQQ_RTH.csv", index=False)

    assert open_source(tmp_path).symbols == ("SSO",)


def test_sessions_without_bars_are_skipped_and_told(tmp_path):
    """A day that the calendar has and the data has not is never invented."""
    seeds_csv(frame(days=(DAY, dt.date(2025, 6, 27))), tmp_path / "TQQQ.csv")
    source, bars = arrays(tmp_path)

    assert list(bars) == [DAY, dt.date(2025, 6, 27)]
    assert source.report.empty_sessions == ["2025-06-26"]


def test_parquet_reads_what_was_generated(tmp_path):
    """A written market reads back to the cent, session by session."""
    path = tmp_path / "bars.parquet"
    write_parquet(path, first=DAY, sessions=3, seed=4, signal=1.0)
    source = open_source(path)
    expected = generate(
        [s.session for s in source.sessions()], symbols=source.symbols, seed=4, signal=1.0
    )

    for actual, made in zip(source.sessions(), expected, strict=True):
        np.testing.assert_array_equal(actual.bars, made.bars)
    assert "seed 4, signal 1" in source.origins()[0]


@pytest.mark.skipif(not REAL.is_dir(), reason="the real bars are not on this machine")
def test_the_real_bars_read_whole():
    """105 sessions of twelve symbols, with the 16:00 rows dropped."""
    source = open_source(REAL)
    sessions = list(source.sessions())

    assert len(sessions) == 105
    assert len(source.symbols) == 12
    assert source.report.outside_session > 500
    assert source.report.dropped == {}


ROW = "2025-06-25T13:30:00Z,50,51,49,50,100"


def many(tmp_path, *rows, header="symbol,timestamp,open,high,low,close,volume", name="bars.csv"):
    path = tmp_path / name
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_a_row_without_a_symbol_is_refused_not_traded_as_another(tmp_path):
    """An empty cell is no symbol; NA and NULL are."""
    with pytest.raises(SourceError, match="row 2: symbol is missing"):
        open_source(many(tmp_path, f"TQQQ,{ROW}", f",{ROW}"))

    assert open_source(many(tmp_path, f"NA,{ROW}", f"NULL,{ROW}")).symbols == ("NA", "NULL")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_sessions_without_a_chosen_symbol_do_not_count(tmp_path, suffix):
    """A file of many symbols gives the sessions of those that are asked for."""
    later = ROW.replace("06-25", "06-26")
    path = many(tmp_path, f"AAA,{ROW}", f"BBB,{ROW}", f"BBB,{later}")
    if suffix == "parquet":
        frame = pd.read_csv(path, parse_dates=["timestamp"])
        path = tmp_path / "bars.parquet"
        frame.to_parquet(path)

    assert len(open_source(path, symbols=["AAA"]).session_dates()) == 1
    assert len(open_source(path, symbols=["BBB"]).session_dates()) == 2


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        ("1750858200", "no moment in whole milliseconds"),
        ("1750858200000000000", "no moment in whole milliseconds"),
        ("1e20", "no moment in whole milliseconds"),
        ("1750858200000.7", "no moment in whole milliseconds"),
    ],
)
def test_a_unit_that_was_mistaken_is_named(tmp_path, moment, words):
    """Seconds or nanoseconds in timestamp_ms name the file, the row and the column."""
    path = many(
        tmp_path, f"{moment},50,51,49,50,100", name="TQQQ.csv",
        header="timestamp_ms,open,high,low,close,volume",
    )  # fmt: skip
    with pytest.raises(SourceError, match=rf"TQQQ\.csv: row 1: timestamp_ms .* {words}"):
        open_source(path).session_dates()


def test_headers_may_have_capitals_blanks_and_a_mark(tmp_path):
    """Case, blanks, quotes and a byte-order mark do not matter; nor does the suffix's case."""
    header = '\ufeffSymbol, Timestamp,"Open",HIGH,low ,close,volume'
    path = many(tmp_path, f"AAA,{ROW}", header=header, name="BARS.CSV")

    assert open_source(path).symbols == ("AAA",)


def test_columns_that_do_not_fit_the_header_are_refused(tmp_path):
    """A comma too many, or a column twice."""
    with pytest.raises(SourceError, match="more cells than the header"):
        open_source(many(tmp_path, f"AAA,{ROW},"))
    twice = "symbol,timestamp,open,high,low,close,volume,close"
    with pytest.raises(SourceError, match="column close is there twice"):
        open_source(many(tmp_path, f"AAA,{ROW},1", header=twice))


def test_parquet_of_other_types_and_damaged_is_bad_input(tmp_path):
    """Types and pages are named; nothing of pyarrow comes through."""
    frame = pd.DataFrame(
        {"timestamp_ms": [1.75e12], **dict.fromkeys(("open", "high", "low", "close"), 5.0)}
    )
    frame["volume"] = 1.0
    path = tmp_path / "TQQQ.parquet"
    frame.to_parquet(path)
    with pytest.raises(SourceError, match="timestamp_ms is double; it must be integer"):
        open_source(path)

    whole = frame.assign(timestamp_ms=np.int64(1750858200000))
    whole.assign(open="x").to_parquet(path)
    with pytest.raises(SourceError, match=r"column open is .*; it must be a number"):
        open_source(path)

    whole.to_parquet(path)
    data = bytearray(path.read_bytes())
    data[4:60] = bytes(56)
    path.write_bytes(data)
    with pytest.raises(SourceError, match="is damaged"):
        list(open_source(path).sessions())
