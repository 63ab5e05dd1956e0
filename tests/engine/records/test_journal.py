import orjson
import pytest

from actors.system import run
from engine.errors import BadInputError
from engine.records.journal import FILES, Journal
from engine.records.reading import journal_sha256, read_rows, verify_chain
from tests.actors.test_system import plan
from tests.bars import synth_blocks


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A short run with a full journal."""
    folder = tmp_path_factory.mktemp("run")
    run(plan([b.slice(0, 120) for b in synth_blocks(1, signal=3.0)], folder, block_size=50))
    return folder


@pytest.fixture
def copy(folder, tmp_path):
    for name in FILES["full"]:
        (tmp_path / f"{name}.jsonl").write_bytes((folder / f"{name}.jsonl").read_bytes())
    return tmp_path


def edit(path, change):
    lines = path.read_bytes().splitlines(keepends=True)
    change(lines)
    path.write_bytes(b"".join(lines))


def _alter(lines):
    lines[40] = lines[40].replace(b'"symbol":"', b'"symbol":"X', 1)


TAMPERINGS = {
    "an edited row": _alter,
    "a removed row": lambda lines: lines.pop(40),
    "two swapped rows": lambda lines: lines.__setitem__(slice(40, 42), lines[40:42][::-1]),
    "an inserted row": lambda lines: lines.insert(40, lines[40]),
    "a forged checksum": lambda lines: lines.__setitem__(
        47, lines[47].replace(b'"chain":"', b'"chain":"0', 1)[:-4] + b'"}\n'
    ),
}


@pytest.mark.parametrize("how", TAMPERINGS)
def test_tampering_is_found_and_placed(copy, how):
    """Any change of a written row breaks the chain in its frame, and the run's one hash."""
    edit(copy / "signals.jsonl", TAMPERINGS[how])
    report = verify_chain(copy / "signals.jsonl")

    assert not report.whole
    assert report.tampered_line is not None
    assert 31 <= report.tampered_line <= 48
    assert journal_sha256(copy) is None


def test_a_torn_end_is_told_from_tampering_at_every_byte(copy):
    """Cut anywhere in its last frame, a file is torn, never tampered with, and says where."""
    path = copy / "trades.jsonl"
    whole = (copy / "events.jsonl").read_bytes()
    path.write_bytes(whole)
    frames = [i + 1 for i, c in enumerate(whole) if c == 10]
    last_start = [
        end for end in frames if b'"chain"' in whole[whole.rfind(b"\n", 0, end - 1) + 1 : end]
    ][-2]
    for size in range(last_start + 1, len(whole)):
        path.write_bytes(whole[:size])
        report = verify_chain(path)

        assert report.tampered_line is None
        assert report.torn_at == last_start


def test_an_untouched_journal_is_whole(folder):
    """Every file's chain holds, over every frame."""
    for name in FILES["full"]:
        report = verify_chain(folder / f"{name}.jsonl")
        assert report.whole
    assert verify_chain(folder / "positions.jsonl").frames == 120


def test_rows_have_the_seeds_fields(folder):
    """Each file's rows carry the fields that others rely on."""
    fields = {
        "signals": {"timestamp_ms", "bar_id", "symbol", "signal", "direction", "probability",
                    "confidence", "strength", "expected_edge_bps"},
        "positions": {"timestamp_ms", "bar", "positions", "total_unrealized_pnl",
                      "current_equity"},
        "events": {"seq", "timestamp_ms", "type"},
    }  # fmt: skip
    for name, expected in fields.items():
        for row in read_rows(folder / f"{name}.jsonl"):
            assert expected <= set(row)


def test_the_inputs_are_in_the_events(folder):
    """At level full events.jsonl holds each minute's bars of the symbols that had one."""
    block = synth_blocks(1, signal=3.0)[0]
    frames = [r for r in read_rows(folder / "events.jsonl") if r["type"] == "frame"]

    assert len(frames) == 120
    for t, row in enumerate(frames):
        present = {s: i for i, s in enumerate(block.symbols) if block.bars[t, i, 5]}
        assert set(row["bars"]) == set(present)
        for symbol, column in present.items():
            assert row["bars"][symbol] == block.bars[t, column, :5].tolist()


def test_nothing_of_the_run_itself_is_chained(folder):
    """No path, host, version of a library, block size or wall time in any record."""
    text = b"".join((folder / f"{name}.jsonl").read_bytes() for name in FILES["full"])

    for word in (b"tmp", b"host", b"block", b"numpy", b"run_id", str(folder.name).encode()):
        assert word not in text


def test_a_run_is_never_written_over_another(folder):
    """Files that exist are refused by name."""
    with pytest.raises(BadInputError, match=r"signals\.jsonl exists"):
        Journal(folder, "full", "0" * 8, 0)


def test_level_none_makes_nothing(tmp_path):
    """Without a journal there is no file and no hash."""
    with Journal(None, "none", "0" * 8, 0) as journal:
        assert journal.sha256 is None


def test_orjson_reads_every_row(folder):
    """Rows are plain JSON objects."""
    for name in FILES["full"]:
        for line in (folder / f"{name}.jsonl").read_bytes().splitlines():
            assert isinstance(orjson.loads(line), dict)
