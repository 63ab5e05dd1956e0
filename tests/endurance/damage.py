"""Damage to a run's files, and every command that reads them.

What must hold whatever was damaged: exit code 0, 1 or 2, one sentence that names the file, no
traceback, the folder byte for byte as it was, and `rotor verify` that does not say "Everything
holds".
"""

import contextlib
import io
import random
import sys
from pathlib import Path

import orjson

from engine.errors import BadInputError, RotorError
from engine.records.journal import FILES
from engine.records.run_source import open_run
from tui.analytics import show_overview
from tui.explain import explain_command
from tui.options import Database, Scope
from tui.portfolio import show_portfolio
from tui.rebuild import rebuild_runs
from tui.recorded import open_run as open_finished
from tui.runs import list_runs
from tui.verify import verify_command

JOURNALS = tuple(f"{name}.jsonl" for name in FILES["full"])
FOREIGN = (5, None, [], {}, "text", -1, 1e300, [[]], {"a": 1}, "2025-13-45", True)


# --- damage -------------------------------------------------------------------------------------


def missing(_data, _rng):
    """The file is gone."""


def empty(_data, _rng):
    """Nothing is in it."""
    return b""


def cut_at_a_line(data, rng):
    """Whole lines are missing at the end."""
    lines = data.splitlines(keepends=True)
    return b"".join(lines[: rng.randrange(1, max(2, len(lines) // 2))])


def cut_in_a_line(data, rng):
    """It ends inside of a line."""
    at = rng.randrange(2, len(data) // 2)
    return data[:at] if data[at - 1] != ord("\n") else data[: at - 1]


def flipped(data, rng):
    """One bit is another."""
    changed = bytearray(data)
    changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def swapped(data, rng):
    """Two lines have changed places."""
    lines = data.splitlines(keepends=True)
    pairs = [i for i in range(len(lines) - 1) if lines[i] != lines[i + 1]]
    if not pairs:
        return data[len(data) // 2 :] + data[: len(data) // 2]
    i = rng.choice(pairs)
    lines[i], lines[i + 1] = lines[i + 1], lines[i]
    return b"".join(lines)


def doubled(data, rng):
    """A line is there twice."""
    lines = data.splitlines(keepends=True)
    i = rng.randrange(len(lines))
    return b"".join([*lines[: i + 1], *lines[i:]])


def dropped(data, rng):
    """A line in the middle is missing."""
    lines = data.splitlines(keepends=True)
    i = rng.randrange(max(1, len(lines) - 1))
    return b"".join([*lines[:i], *lines[i + 1 :]])


def foreign(data, rng):
    """A line, or a value of a table, is of another type."""
    other = rng.choice(FOREIGN)
    try:
        table = orjson.loads(data)
    except ValueError:
        lines = data.splitlines(keepends=True)
        lines[rng.randrange(len(lines))] = orjson.dumps(other) + b"\n"
        return b"".join(lines)
    table[rng.choice(sorted(table))] = other
    return orjson.dumps(table)


DAMAGES = (
    missing, empty, cut_at_a_line, cut_in_a_line, flipped, swapped, doubled, dropped, foreign,
)  # fmt: skip


@contextlib.contextmanager
def damaged(path, damage, rng):
    """Damage a file for as long as the body runs; yields False if that changes nothing."""
    before = path.read_bytes()
    after = damage(before, rng)
    path.unlink()
    if after is not None:
        path.write_bytes(after)
    try:
        yield after != before
    finally:
        path.unlink(missing_ok=True)
        path.write_bytes(before)


# --- readers ------------------------------------------------------------------------------------


def asked(act, *given):
    """Run a command; return its exit code, as `tui.cli.main` has it, and all that it said."""
    said = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            code = act(*given)
        except BadInputError as error:
            code = 2
            said.write(f"rotor: {error}\n")
        except (RotorError, OSError) as error:
            code = 1
            said.write(f"rotor: {error}\n")
        sys.stdout.flush()
    return code if isinstance(code, int) else 0, said.buffer.getvalue().decode()


DATABASE, NONE = Database(), Database(sets=("database.url=",))
READERS = {
    "verify": lambda folder: verify_command(folder, NONE, json=False),
    "rebuild": lambda folder: rebuild_runs((folder,), DATABASE, json=False),
    "replay": lambda folder: open_run(Path(folder)),
    "explain": lambda folder: explain_command(folder, None, NONE, json=True),
    "portfolio": lambda folder: show_portfolio(folder, DATABASE, "json"),
    "analytics": lambda folder: show_overview(Scope(run=folder), DATABASE, "json"),
    "runs": lambda _folder: list_runs(DATABASE, "json"),
    "cockpit": lambda folder: open_finished(Path(folder)),
}


_RUN = (*JOURNALS, "manifest.json")
USES = {
    "rebuild": (*_RUN, "summary.json"), "replay": _RUN, "explain": _RUN,
    "cockpit": (*_RUN, "inputs.jsonl"), "portfolio": (*_RUN, "summary.json"),
    "analytics": (*_RUN, "summary.json"),
}  # fmt: skip
"""The files that a reader relies on; verify asks for all."""
WARNS = ("portfolio", "analytics")
"""They tell what the database knows, and warn."""


def contents(folder):
    """Return every file below a folder."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def faults(name, folder, path, before, *, may_be_a_kill=False):
    """Ask a reader of a run of which a file is damaged; return what must not be, in sentences.

    `may_be_a_kill`: the damage is one that a kill may leave.
    """
    code, said = asked(READERS[name], str(folder))
    place, found = path.relative_to(folder).as_posix(), []
    if code not in (0, 1, 2):
        found.append(f"exit code {code}")
    if "Traceback" in said:
        found.append("a traceback")
    if contents(folder) != before:
        found.append("it changed the folder")
    if code != 0 and path.name not in said:
        found.append(f"it does not name the file: {said.strip()[-300:]}")
    accepts = code == 0 and ("Everything holds" in said or name not in ("verify", *WARNS))
    relies = name == "verify" or place in USES.get(name, ())
    if accepts and relies and not may_be_a_kill:
        found.append(f"it accepts the file: {said.strip()[-300:]}")
    if name in WARNS and place in USES[name] and path.name not in said and not may_be_a_kill:
        found.append(f"it does not warn: {said.strip()[-300:]}")
    return [f"{name}, {path.name}: {words}" for words in found]


def rng_of(*seed):
    """Return a generator that follows a seed, in every process alike."""
    return random.Random(repr(seed))
