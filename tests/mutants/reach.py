"""Which tests reach which lines, and how long each takes: a pytest plugin and what it leaves.

`python -m pytest -n 2 -p tests.mutants.reach` under coverage.py with a context per test. Processes
that a test starts are measured too: they inherit the test's name.
"""

import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import orjson
import pytest
from coverage import Coverage, CoverageData

TEST = "ROTOR_TEST"
"""The environment's name for the test that is running."""


def record(root: Path, folder: Path, modules, args=()) -> None:
    """Run the suite of a tree once and note what it reaches; a test that fails finds no faults.

    Raises where the suite cannot be run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    settings = folder / "coveragerc"
    include = "\n    ".join(str(root / module) for module in modules)
    settings.write_text(
        f"[run]\ndata_file = {folder / 'data'}\nparallel = true\nsigterm = true\n"
        f"patch =\n    subprocess\n    _exit\n    fork\ncontext = ${{{TEST}-}}\n"
        f"include =\n    {include}\ndisable_warnings = dynamic-conflict, no-data-collected\n"
    )
    for old in folder.glob("data*"):
        old.unlink()
    env = os.environ | {
        "COVERAGE_PROCESS_START": str(settings), "PYTHONPATH": str(root),
        "ROTOR_DURATIONS": str(folder / "durations"),
    }  # fmt: skip
    command = [sys.executable, "-m", "pytest", "-n", "2", "-p", "tests.mutants.reach", *args]
    (folder / "durations").mkdir(exist_ok=True)
    for old in (folder / "durations").iterdir():
        old.unlink()
    code = subprocess.run(command, cwd=root, env=env, check=False).returncode
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise SystemExit(f"the suite of {root} cannot be run: pytest ended with {code}")
    whole = Coverage(data_file=str(folder / "data"), config_file=str(settings))
    whole.combine()
    whole.save()


class Reach:
    """What a recorded run of the suite has reached."""

    def __init__(self, root: Path, folder: Path) -> None:
        self._root = root
        self._data = CoverageData(str(folder / "data"))
        self._data.read()
        self.seconds: dict[str, float] = {}
        for path in sorted((folder / "durations").iterdir()):
            self.seconds |= orjson.loads(path.read_bytes())
        self._lines: dict[str, dict[int, set[str]]] = {}

    def tests(self, path: str, line: int) -> list[str]:
        """Return the tests that reach a line; all that reach its module where none does.

        Lines that are run when the module is loaded, or compiled by numba, are no test's own.
        Those of the module's own test file come first, then the quickest.
        """
        by_line = self._of(path)
        found = by_line.get(line) or set().union(*by_line.values(), set())
        stem = Path(path).stem
        own = f"test_{stem}.py"
        return sorted(
            (test for test in found if test in self.seconds),
            key=lambda test: (own not in test, self.seconds[test], test),
        )

    def _of(self, path: str) -> dict[int, set[str]]:
        if path not in self._lines:
            lines: dict[int, set[str]] = defaultdict(set)
            found = self._data.contexts_by_lineno(str(self._root / path))
            for line, contexts in found.items():
                for context in contexts:
                    lines[line] |= {part for part in context.split("|") if "::" in part}
            self._lines[path] = lines
        return self._lines[path]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Give the test's name to coverage, and to the processes that it starts."""
    os.environ[TEST] = item.nodeid
    running = Coverage.current()
    if running is not None:
        running.switch_context(item.nodeid)
    return (yield)


_seconds: dict[str, float] = defaultdict(float)
_failed: set[str] = set()


def pytest_runtest_logreport(report):
    """Add up set-up, call and tear-down."""
    _seconds[report.nodeid] += report.duration
    if report.failed:
        _failed.add(report.nodeid)


def pytest_sessionfinish(session):
    """Leave the durations of this worker."""
    folder = os.environ.get("ROTOR_DURATIONS")
    if folder and hasattr(session.config, "workerinput"):
        name = session.config.workerinput["workerid"]
        Path(folder, f"{name}.json").write_bytes(
            orjson.dumps({test: s for test, s in _seconds.items() if test not in _failed})
        )
