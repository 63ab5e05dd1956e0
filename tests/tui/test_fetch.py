"""`rotor fetch` against a fake Alpaca: what it asks, what it keeps, what it goes on from."""

import datetime as dt
from pathlib import Path

import numpy as np
import orjson
import pyarrow.parquet as pq
import pytest

from engine.errors import BadInputError
from engine.market.calendar import sessions_between
from engine.market.fetched_file import FetchedFile, Span
from engine.market.sources import open_source
from tests.actors.alpaca.fakes import Answer, Rest
from tui import fetch
from tui.cli import main

OUT = Path("bars")
BARS = "/v2/stocks/bars"
MINUTE = dt.timedelta(minutes=1)


def market(query, every=30, before=3):
    """Answer with a bar every 30 minutes of each session asked for, and three before its open."""
    first, last = (dt.datetime.fromisoformat(query[name]) for name in ("start", "end"))
    bars = []
    for day in sessions_between(first.date(), last.date()):
        opens = dt.datetime.fromtimestamp(day.open_ns // 10**9, dt.UTC)
        for minute in range(-before, day.minutes, every):
            at = opens + minute * MINUTE
            price = 50 + day.date.day + minute / 1000
            if first.replace(tzinfo=dt.UTC) <= at <= last.replace(tzinfo=dt.UTC):
                bars.append(
                    {
                        "t": at.isoformat(),
                        "o": price,
                        "h": price + 1,
                        "l": price - 1,
                        "c": price,
                        "v": 100,
                    }
                )
    return Answer(200, {"bars": {query["symbols"]: bars}, "next_page_token": None})


@pytest.fixture
def alpaca(monkeypatch, tmp_path):
    """A fake Alpaca, keys for it, and no long waits."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("APCA_API_KEY_ID", "KEY")
    monkeypatch.setenv("APCA_API_SECRET_KEY", "SECRET")
    monkeypatch.setattr(fetch, "PAUSES", (0.01, 0.01))
    server = Rest()
    server.will("GET", BARS, market)
    yield server
    server.close()


def fetched(alpaca, *options):
    """Run the command; return its exit code."""
    return main(["fetch", *options, "--endpoint", alpaca.url])


def asked(alpaca):
    """Return (symbol, first, last day) of each request."""
    return [(q["symbols"], q["start"][:10], q["end"][:10]) for _, q, _ in alpaca.sent("GET")]


SPAN = ["--from", "2025-06-16", "--to", "2025-08-08"]


def test_a_file_a_symbol_that_a_replay_reads(alpaca, capfd):
    """Month by month, sessions only, in the layout of our sources; --json says what is there."""
    assert fetched(alpaca, "tqqq,SQQQ", *SPAN, "--json") == 0

    said = orjson.loads(capfd.readouterr().out)
    source = open_source(OUT)
    sessions = list(source.sessions())
    expected = [day.date for day in sessions_between(dt.date(2025, 6, 16), dt.date(2025, 8, 8))]
    assert source.symbols == ("SQQQ", "TQQQ")
    assert [session.session.date for session in sessions] == expected
    assert source.report.outside_session == 0
    assert sum(row["bars"] for row in said["symbols"]) == source.report.rows
    assert [row["months_fetched"] for row in said["symbols"]] == [3, 3]
    half_day = next(s for s in sessions if s.session.date == dt.date(2025, 7, 3))
    assert np.isfinite(half_day.bars[:, 0, 3]).sum() == 7
    assert sorted(asked(alpaca)) == sorted(
        (symbol, *span)
        for symbol in ("SQQQ", "TQQQ")
        for span in [
            ("2025-06-16", "2025-06-30"),
            ("2025-07-01", "2025-07-31"),
            ("2025-08-01", "2025-08-08"),
        ]
    )
    assert source.origins() == ["Alpaca, feed iex, as traded (not adjusted)"]


def test_a_second_run_fetches_only_what_is_missing(alpaca, capsys):
    """Nothing for the same range; the grown months alone for a longer one."""
    assert fetched(alpaca, "TQQQ", *SPAN) == 0
    before = (OUT / "TQQQ.parquet").read_bytes()
    alpaca.requests.clear()

    assert fetched(alpaca, "TQQQ", *SPAN) == 0
    assert asked(alpaca) == []
    assert "0 months fetched, 3 were there" in capsys.readouterr().out
    assert (OUT / "TQQQ.parquet").read_bytes() == before

    assert fetched(alpaca, "TQQQ", "--from", "2025-05-01", "--to", "2025-08-15") == 0
    assert asked(alpaca) == [
        ("TQQQ", "2025-05-01", "2025-05-30"),
        ("TQQQ", "2025-06-02", "2025-06-30"),
        ("TQQQ", "2025-08-01", "2025-08-15"),
    ]
    table = pq.read_table(OUT / "TQQQ.parquet")
    stamps = table.column("timestamp").to_pylist()
    assert stamps == sorted(set(stamps))
    assert len(open_source(OUT).session_dates()) == len(
        sessions_between(dt.date(2025, 5, 1), dt.date(2025, 8, 15))
    )


def test_what_was_fetched_before_a_failure_is_kept(alpaca, capsys):
    """The third month never answers: two are kept, and the next run asks for the third alone."""
    bad = Answer(502, "<html>")
    alpaca.will("GET", BARS, market, market, bad, bad, bad, market)

    assert fetched(alpaca, "TQQQ", *SPAN) == 1
    said = capsys.readouterr().err
    assert "TQQQ 2025-08: HTTP 502" in said
    assert "goes on" in said
    assert len(open_source(OUT).session_dates()) == 32
    alpaca.requests.clear()

    assert fetched(alpaca, "TQQQ", *SPAN) == 0
    assert asked(alpaca) == [("TQQQ", "2025-08-01", "2025-08-08")]


def test_a_passing_fault_is_asked_again(alpaca):
    """A 502, then the answer: no failure."""
    alpaca.will("GET", BARS, Answer(502, "<html>"), market)

    assert fetched(alpaca, "TQQQ", "--from", "2025-08-01", "--to", "2025-08-08") == 0
    assert len(asked(alpaca)) == 2


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(401, "<html>"), "Alpaca refuses"),
        (Answer(422, {"code": 42210000, "message": "does not permit recent SIP"}), "recent SIP"),
    ],
)
def test_a_refusal_ends_it_at_once(alpaca, capsys, answer, words):
    """Keys or plan: one request, exit code 2, and Alpaca's words."""
    alpaca.will("GET", BARS, answer)

    assert fetched(alpaca, "TQQQ", "--from", "2025-08-01", "--to", "2025-08-08") == 2
    assert words in capsys.readouterr().err
    assert len(asked(alpaca)) == 1


def test_feeds_do_not_mix(alpaca, capsys):
    """A folder of iex bars takes no sip bars."""
    range_ = ["--from", "2025-08-01", "--to", "2025-08-08"]
    assert fetched(alpaca, "TQQQ", *range_) == 0

    assert fetched(alpaca, "TQQQ", *range_, "--feed", "sip") == 2
    assert "feeds do not mix" in capsys.readouterr().err


def test_a_symbol_without_bars_leaves_no_file(alpaca, capsys):
    """It is said, and the folder stays readable."""
    alpaca.will("GET", BARS, Answer(200, {"bars": {}, "next_page_token": None}))

    assert fetched(alpaca, "TQQQ", "--from", "2025-08-01", "--to", "2025-08-08") == 0
    assert "TQQQ: no bars from 2025-08-01" in capsys.readouterr().out
    assert list(OUT.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["tqqq!", *SPAN], "not a symbol"),
        ([*SPAN], "name symbols"),
        (["TQQQ", "--from", "July"], "write a date as"),
        (["TQQQ", "--from", "2025-07-05", "--to", "2025-07-06"], "no finished session"),
        (["TQQQ", "--from", "2035-01-02"], "no finished session"),
    ],
)
def test_bad_input_is_named_before_anything_is_asked(alpaca, capsys, options, words):
    """Exit code 2, and no request."""
    assert fetched(alpaca, *options) == 2
    assert words in capsys.readouterr().err
    assert alpaca.requests == []


def test_without_keys_the_variables_are_named(alpaca, monkeypatch, capsys):
    """Before anything is asked."""
    monkeypatch.delenv("APCA_API_KEY_ID")
    monkeypatch.delenv("APCA_API_SECRET_KEY")

    assert fetched(alpaca, "TQQQ", *SPAN) == 2
    assert "APCA_API_KEY_ID" in capsys.readouterr().err
    assert alpaca.requests == []


def test_today_counts_when_its_bars_have_settled():
    """Twenty minutes after the close; before that the range ends the day before."""
    close = dt.datetime(2025, 8, 8, 20, 0, tzinfo=dt.UTC)

    early = fetch._sessions("2025-08-06", None, close + dt.timedelta(minutes=19))
    late = fetch._sessions("2025-08-06", "2025-12-31", close + dt.timedelta(minutes=20))

    assert [day.date.day for day in early] == [6, 7]
    assert [day.date.day for day in late] == [6, 7, 8]


def test_an_interrupt_is_an_interrupt(alpaca, monkeypatch, capsys):
    """Ctrl-C while symbols are fetched: exit code 1 and one line, no traceback."""

    async def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(fetch._Worker, "_month", interrupt)

    assert fetched(alpaca, "TQQQ", *SPAN) == 1
    assert capsys.readouterr().err == "rotor: interrupted\n"


def test_a_full_disk_is_said(alpaca, monkeypatch, capsys):
    """Exit code 1 and the system's words."""

    def fail(_descriptor):
        raise OSError("disk full")

    monkeypatch.setattr("engine.market.fetched_file.os.fsync", fail)

    assert fetched(alpaca, "TQQQ", *SPAN) == 1
    assert capsys.readouterr().err == "rotor: disk full\n"


def test_a_file_that_was_not_fetched_is_left_alone(tmp_path):
    """Neither another's Parquet file nor rubbish is overwritten."""
    path = tmp_path / "TQQQ.parquet"
    path.write_bytes(b"rubbish")
    with pytest.raises(BadInputError, match="is damaged"):
        FetchedFile(path, "TQQQ", "iex")
    from engine.market.synth import write_parquet

    write_parquet(path, symbols=("TQQQ",), first=dt.date(2025, 8, 1), sessions=1)
    with pytest.raises(BadInputError, match="was not fetched"):
        FetchedFile(path, "TQQQ", "iex")


def test_a_failing_write_leaves_the_old_file(tmp_path, monkeypatch):
    """The file is replaced whole or not at all, and no scratch file stays."""
    path = tmp_path / "TQQQ.parquet"
    day = sessions_between(dt.date(2025, 8, 1), dt.date(2025, 8, 1))[0]
    bars = np.array([[1.0, 2.0, 0.5, 1.5, 10.0]])
    file = FetchedFile(path, "TQQQ", "iex")
    file.put(Span(day.date, day.date), np.array([day.open_ns]), bars)
    before = path.read_bytes()

    def fail(_descriptor):
        raise OSError("disk full")

    monkeypatch.setattr("engine.market.fetched_file.os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        file.put(Span(dt.date(2025, 9, 2), dt.date(2025, 9, 2)), np.array([day.open_ns]), bars)

    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["TQQQ.parquet"]
