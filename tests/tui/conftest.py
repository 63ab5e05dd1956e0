"""Commands in this process, in an empty folder, and a run to ask about."""

import contextlib
import io
import shutil

import pytest

from tests.engine.records.store.folders import write_run
from tui.cli import main


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run."""
    return write_run(tmp_path_factory.mktemp("runs") / "one", sessions=4)


@pytest.fixture
def rotor(tmp_path, monkeypatch, capfdbinary):
    """Return a function that runs a command in an empty folder: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def command(*words):
        code = main([str(word) for word in words])
        said = capfdbinary.readouterr()
        return code, said.out.decode(), said.err.decode()

    return command


@pytest.fixture(scope="module")
def database(run, tmp_path_factory):
    """A runs folder with a database that has the run; to be copied."""
    folder = tmp_path_factory.mktemp("database")
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
        assert main(["rebuild", str(run)]) == 0
    return folder / "runs"


@pytest.fixture
def known(rotor, database, tmp_path):
    """The same, with the run in the database."""
    shutil.copytree(database, tmp_path / "runs")
    return rotor
