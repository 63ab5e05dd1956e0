"""`rotor verify` on every file of a live session, and what a damaged one does when it goes on."""

import shutil

import orjson
import pytest
import trio

from engine.errors import BadInputError, DamagedError
from engine.records.manifest import write_summary
from engine.records.store.database import Store
from engine.records.store.follow import finish, move, rebuild, register, reopen
from engine.records.store.queries import find_run, runs
from tests.endurance.damage import DAMAGES, READERS, asked, damaged, rng_of
from tests.engine.records.store.folders import change_manifest, every_row, seal, write_run
from tests.tui.live_days import day, lived

WHOLE = "inputs.jsonl"


@pytest.fixture(scope="module")
def patch():
    """Keep what a live day patches for the whole module."""
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def over(tmp_path_factory, patch):
    """A live session that was over."""
    folder = tmp_path_factory.mktemp("runs") / "live"

    async def act():
        async with day(folder) as here:
            assert await here.trade() == 0

    assert asked(lived, act, patch)[0] == 0
    return folder


@pytest.fixture
def copy(over, tmp_path):
    """A copy to be spoilt."""
    shutil.copytree(over, tmp_path / "live")
    return tmp_path / "live"


def verify(folder):
    return asked(READERS["verify"], str(folder))


def test_a_live_session_that_was_over_holds(over):
    """All its files, its accounts, and a second run with the same figures."""
    code, said = verify(over)
    assert code == 0, said
    assert "manifest.json, summary.json, inputs.jsonl, warmup.npz, pass as written" in said
    assert said.endswith("Everything holds.\n")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda f: f.joinpath(WHOLE).unlink(), "inputs.jsonl: is missing"),
        (lambda f: more(f / WHOLE, b"junk"), "inputs.jsonl: 4 bytes follow line "),
        (lambda f: more(f / WHOLE, b"junk\n"), "is no JSON"),
        (lambda f: f.joinpath("summary.json").unlink(), "summary.json: is missing"),
        (lambda f: f.joinpath("summary.json").write_bytes(b"{}"), "summary.json: was changed"),
        (lambda f: f.joinpath("warmup.npz").write_bytes(b"x"), "warmup.npz: was changed"),
    ],
)
def test_every_file_is_asked(copy, spoil, told):
    """Missing, replaced, or with something behind its end."""
    spoil(copy)
    code, said = verify(copy)
    assert code == 1
    assert told in said
    assert "Do not trust this run." in said


def more(path, data):
    path.write_bytes(path.read_bytes() + data)


def test_a_falsified_summary_is_found_though_its_checksum_was_made_anew(copy):
    """Its figures are reckoned again."""
    summary = orjson.loads((copy / "summary.json").read_bytes())
    seal = write_summary(copy, summary | {"total_pnl": summary["total_pnl"] + 100.0})
    change_manifest(copy, summary_sha256=[seal])
    code, said = verify(copy)

    assert code == 1
    assert "summary.json: total_pnl is " in said


def test_of_an_older_rotor_it_is_said_what_no_checksum_covers(copy):
    """That is not asked, and no word says that everything holds."""
    manifest = orjson.loads((copy / "manifest.json").read_bytes())
    sealed = ("checksum", "summary_sha256", "inputs_sha256", "warmup_sha256")
    plain = {key: value for key, value in manifest.items() if key not in sealed}
    (copy / "manifest.json").write_bytes(orjson.dumps(plain))
    code, said = verify(copy)

    assert code == 0
    assert "no checksum covers manifest.json, summary.json, inputs.jsonl, warmup.npz" in said
    assert said.endswith("What was asked holds; not asked: files.\n")
    (copy / "warmup.npz").write_bytes(b"PK\x03\x04 and so on")
    code, said = verify(copy)
    assert code == 1
    assert "warmup.npz: is no archive of arrays" in said


@pytest.mark.parametrize("name", ["inputs.jsonl", "events.jsonl", "manifest.json", "warmup.npz"])
def test_a_session_goes_on_or_leaves_its_folder_as_it_was(tmp_path, monkeypatch, name):
    """Each kind of damage to a session that was killed with nothing open."""
    folder, spare = tmp_path / "live", tmp_path / "spare"

    async def act():
        found = []
        async with day(folder) as here:
            await here.killed(lambda held: not held, after=5)
            shutil.copytree(folder, spare)
            for damage in DAMAGES:
                found += await _goes_on(here, damage)
                shutil.rmtree(folder)
                shutil.copytree(spare, folder)
        return found

    async def _goes_on(here, damage):
        stop = trio.Event()
        stop.set()
        with damaged(folder / name, damage, rng_of(name, damage.__name__)):
            before = {p: p.read_bytes() for p in folder.iterdir() if p.suffix != ""}
            try:
                await here.trade(stop)
            except DamagedError as error:
                after = {p: p.read_bytes() for p in folder.iterdir() if p.suffix != ""}
                changed = [p.name for p in {*before, *after} if before.get(p) != after.get(p)]
                named = f"{folder / name}" in str(error)
                return [] if named and not changed else [(damage.__name__, str(error), changed)]
            goes = ("events.jsonl", "warmup.npz")  # what it taught lies in pass/
            return [] if name in goes else [(damage.__name__, "it went on", [])]

    assert lived(act, monkeypatch) == []


def test_a_row_follows_its_records(tmp_path):
    """Moved aside they keep their rows; what is taken up again is followed again."""
    first, aside = write_run(tmp_path / "run", sessions=1), tmp_path / "run" / "before-1"
    with Store(f"sqlite:///{tmp_path}/rotor.db") as store:
        register(store, first)
        finish(store, first)
        rows = every_row(store)
        reopen(store, first)
        assert find_run(store, str(first))["state"] == "running"
        finish(store, first)
        assert every_row(store) == rows
        aside.mkdir()
        move(store, first, aside)
        register(store, first)
        assert [(r["folder"], r["state"]) for r in runs(store)] == [
            (str(aside), "finished"), (str(first), "running"),
        ]  # fmt: skip


def test_a_journal_that_has_become_shorter_takes_no_row_along(tmp_path):
    """A killed run's may end anywhere, but never before what was read of it."""
    folder = write_run(tmp_path / "run", sessions=1)
    change_manifest(folder, ended=None)
    with Store(f"sqlite:///{tmp_path}/rotor.db") as store:
        register(store, folder)
        finish(store, folder)
        rows = every_row(store)
        lines = (folder / "events.jsonl").read_bytes().splitlines(keepends=True)
        (folder / "events.jsonl").write_bytes(b"".join(lines[: len(lines) // 2]))
        for act in (rebuild, finish):
            with pytest.raises(DamagedError, match=r"events\.jsonl: has .* were read before"):
                act(store, folder)
        assert every_row(store) == rows


def test_a_rebuild_that_fails_half_way_leaves_all_rows(tmp_path):
    """A journal with all checksums made anew, and one row that no Rotor writes."""
    folder = write_run(tmp_path / "run", sessions=1)
    with Store(f"sqlite:///{tmp_path}/rotor.db") as store:
        rebuild(store, folder)
        rows = every_row(store)
        path = folder / "events.jsonl"
        head, mark, tail = path.read_bytes().rpartition(b'"type":"round_trip"')
        path.write_bytes(head + mark + tail.replace(b'"shares":', b'"pieces":', 1))
        seal(folder)
        with pytest.raises(BadInputError, match="no 'shares'"):
            rebuild(store, folder)
        assert every_row(store) == rows
