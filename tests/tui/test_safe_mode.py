"""A session whose records were damaged: nothing is lost, and what is open is never left alone."""

import orjson
import pytest

from actors.exchange.order import Status
from engine.errors import DamagedError
from engine.records.journal import FILES
from tests.tui.live_days import day, lived
from tui.live_folder import INPUTS
from tui.live_report import end_words
from tui.safe_mode import keep_whole, leave_to

RECORDS = (*(f"{name}.jsonl" for name in FILES["full"]), INPUTS, "manifest.json", "warmup.npz")


@pytest.fixture
def live(tmp_path, monkeypatch):
    """Yield a function that runs what is done in a day, given the day."""

    def run(act, *sets):
        async def main():
            async with day(tmp_path / "run", *sets) as here:
                return await act(here)

        return lived(main, monkeypatch)

    return run


def bytes_of(folder):
    """Return the files of a run's records."""
    return {name: (folder / name).read_bytes() for name in RECORDS if (folder / name).exists()}


def manifest_of(folder):
    return orjson.loads((folder / "manifest.json").read_bytes())


def rows(here):
    return [orjson.loads(x) for x in (here.folder / "events.jsonl").read_bytes().splitlines()]


def cut(path, share=0.5, *, inside=False):
    """Cut a file at a line's end, or inside a line."""
    lines = path.read_bytes().splitlines(keepends=True)
    left = lines[: int(share * len(lines))]
    path.write_bytes(b"".join(left)[: -20 if inside else None])


def flip(path, at=0.5):
    """Flip a bit."""
    data = bytearray(path.read_bytes())
    data[int(at * len(data))] ^= 4
    path.write_bytes(bytes(data))


def missing(here):
    (here.folder / INPUTS).unlink()


def shortened(here):
    cut(here.folder / INPUTS)


def empty(here):
    (here.folder / INPUTS).write_bytes(b"")


def changed(here):
    flip(here.folder / INPUTS)


def no_manifest(here):
    (here.folder / "manifest.json").unlink()


def torn_manifest(here):
    path = here.folder / "manifest.json"
    path.write_bytes(path.read_bytes()[:900])


def changed_warmup(here):
    """And what was learned of it is gone: it cannot be learned again."""
    flip(here.folder / "warmup.npz")
    next((here.folder / "pass").glob("state-*.npz")).unlink()


def both_shortened(here):
    """As if a copy of an earlier moment had been put back: log and journal fit together."""
    folder = here.folder
    lines = (folder / INPUTS).read_bytes().splitlines(keepends=True)
    (folder / INPUTS).write_bytes(b"".join(lines[: len(lines) // 3]))
    for name in FILES["full"]:
        (folder / f"{name}.jsonl").unlink()


DAMAGES = (
    missing, shortened, empty, changed, no_manifest, torn_manifest, changed_warmup, both_shortened,
)  # fmt: skip
NAMED = {
    missing: "inputs.jsonl: is missing, and ", shortened: "inputs.jsonl, line ",
    empty: "inputs.jsonl, line 0: ends here", changed: "inputs.jsonl, line ",
    no_manifest: "manifest.json: is missing", torn_manifest: "manifest.json: is no manifest",
    changed_warmup: "warmup.npz: was changed", both_shortened: "inputs.jsonl, line ",
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_open_is_taken_over_and_sold(live, damage, capfd):
    """Old records whole beside the new ones, no entry, flat, exit code 1, both places named."""

    async def act(here):
        await here.killed(bool)
        damage(here)
        before = bytes_of(here.folder)
        code = await here.trade()
        return here, before, code

    here, before, code = live(act)
    said = capfd.readouterr()
    manifest, kept = manifest_of(here.folder), here.folder / "before-1"

    assert code == 1
    assert bytes_of(kept) == before
    assert manifest["kept"] == "before-1"
    assert NAMED[damage] in said.err
    assert f"is kept in {kept}" in said.err
    assert here.held == {}
    summary = orjson.loads(said.out)
    assert summary["kept"] == str(kept)
    assert summary["problems"] == [
        f"this session went on in safe mode: the records of before are in {kept}"
    ]
    assert end_words(summary).endswith(f"are in {kept}; the broker confirms: flat")
    submitted = [row for row in rows(here) if row["type"] == "order_submitted"]
    assert all(row["side"] == "SELL" for row in submitted)
    assert next(row["verb"] for row in rows(here) if row["type"] == "command") == "halt"


@pytest.mark.parametrize("damage", [missing, shortened, no_manifest, changed_warmup])
def test_where_nothing_is_open_it_is_refused_and_nothing_changes(live, damage):
    """The sentence names the files and what to do; exit code 2 by its kind."""

    async def act(here):
        await here.killed(lambda held: not held, after=5)
        damage(here)
        before = bytes_of(here.folder)
        with pytest.raises(DamagedError) as error:
            await here.trade()
        return here, before, str(error.value)

    here, before, said = live(act)

    assert bytes_of(here.folder) == before
    assert not (here.folder / "before-1").exists()
    assert not (here.folder / ".again").exists()
    assert NAMED[damage] in said
    assert said.endswith("put the file back from a copy, or begin another session with a new --out")


def test_a_position_without_a_stop_is_sold_at_once_the_others_keep_theirs(live):
    """Legs that rest go on resting; what none protects leaves within a minute."""

    async def act(here):
        books = here.venue.books

        def guarded():
            return sorted(o.symbol for o in books.orders.values() if o.live and o.kind == "stop")

        await here.killed(lambda _: len(guarded()) > 1, after=1)
        bare, now = guarded()[0], here.clock.now_ns()
        for order in books.orders.values():
            if order.symbol == bare and order.live:
                order.status = Status.CANCELED
        missing(here)
        assert await here.trade() == 1
        return bare, now, here

    bare, now, here = live(act)
    sold = [e.ts_ns - now for e in here.venue.books.executions if e.order.symbol == bare]
    liquidated = [r for r in rows(here) if r.get("reason") == "liquidated by safe mode"]

    assert here.held == {}
    assert [row["symbol"] for row in liquidated] == [bare]
    assert max(sold) < 60 * 10**9


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("signals", "flipped"), ("decisions", "missing"), ("trades", "flipped"),
        ("positions", "dropped"), ("events", "flipped"), ("events", "dropped"),
        ("events", "doubled"), ("events", "swapped"), ("events", "missing"), ("events", "empty"),
    ],
)  # fmt: skip
def test_a_damaged_journal_is_made_anew_from_a_whole_log(live, name, how, caplog):
    """The damaged file is kept as it is; the session goes on as if nothing had been."""

    async def act(here):
        await here.killed(bool)
        path = here.folder / f"{name}.jsonl"
        whole = path.read_bytes()
        lines = whole.splitlines(keepends=True)
        middle = len(lines) // 2
        if how == "flipped":
            flip(path)
        elif how == "missing":
            path.unlink()
        else:
            lines[middle : middle + 2] = {
                "dropped": [], "doubled": lines[middle : middle + 1] * 3, "empty": [],
                "swapped": [lines[middle + 1], lines[middle]],
            }[how]  # fmt: skip
            path.write_bytes(b"" if how == "empty" else b"".join(lines))
        damaged = path.read_bytes() if path.exists() else None
        code = await here.trade()
        return here, path, whole, damaged, code

    here, path, whole, damaged, code = live(act)
    kept = here.folder / "damaged-1" / path.name

    assert code == 0
    assert here.held == {}
    assert path.read_bytes().startswith(whole)
    if how in ("flipped", "dropped", "doubled", "swapped"):
        assert kept.read_bytes() == damaged
        assert f"{path}: was changed after it was written; it is kept in" in caplog.text
    assert not (here.folder / "before-1").exists()


def test_killed_while_the_journal_is_written_anew_the_old_one_stands(live, monkeypatch):
    """Byte for byte; and the next start goes on."""

    async def act(here):
        await here.killed(bool)
        before = bytes_of(here.folder)
        with monkeypatch.context() as patch:
            patch.setattr("actors.live.put_in_place", _killed)
            with pytest.raises(BaseExceptionGroup):
                await here.trade()
        assert bytes_of(here.folder) == before
        return await here.trade()

    assert live(act) == 0


def _killed(*_):
    raise MemoryError("killed")


@pytest.mark.parametrize("step", ["begin", "leave_to", "enrol"])
def test_killed_while_it_turns_to_safe_mode_nothing_is_lost(live, monkeypatch, step):
    """Whatever was done already: all of before is kept whole, and the next start goes on."""

    async def act(here):
        await here.killed(bool)
        shortened(here)
        before = bytes_of(here.folder)
        with monkeypatch.context() as patch:
            patch.setattr(f"tui.live_session.{step}", _killed)
            with pytest.raises(MemoryError):
                await here.trade()
        code = await here.trade()
        return here, before, code

    here, before, code = live(act)

    assert code == 1
    assert bytes_of(here.folder / "before-1") == before
    assert here.held == {}


def test_a_session_in_safe_mode_can_be_killed_too(live):
    """It goes on from its own records, and still ends with exit code 1."""

    async def act(here):
        await here.killed(bool)
        missing(here)
        await here.killed(after=20)
        code = await here.trade()
        return here, code

    here, code = live(act)

    assert code == 1
    assert here.held == {}
    assert not (here.folder / "before-2").exists()


def test_what_is_kept_is_a_run_of_its_own(tmp_path):
    """Linked, so that it needs no room; a name that is taken is not taken again."""
    run = tmp_path / "run"
    run.mkdir()
    (run / INPUTS).write_bytes(b"1\n")
    (run / "events.jsonl").write_bytes(b"2\n")
    assert [keep_whole(run).name, keep_whole(run).name] == ["before-1", "before-2"]
    (run / "events.jsonl").unlink()
    (run / "events.jsonl").write_bytes(b"3\n")
    leave_to(run, "before-1")

    assert not (run / INPUTS).exists()
    assert (run / "events.jsonl").read_bytes() == b"3\n"
    assert (run / "before-2" / INPUTS).read_bytes() == b"1\n"
