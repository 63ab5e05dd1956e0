"""Commands in this process, in an empty folder, and a run to ask about."""

import shutil
import tempfile

import pytest

from tests.engine.records.store.folders import write_run
from tui.cli import main


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run."""
    return write_run(tmp_path_factory.mktemp("runs") / "one", sessions=4)


@pytest.fixture
def rotor(tmp_path, monkeypatch, capfdbinary):
    """Yield a function that runs a command in an empty folder: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    sockets = tempfile.mkdtemp(prefix="rotor-")  # no session of anyone else's is found
    monkeypatch.setenv("ROTOR_RUNTIME_DIR", sockets)

    def command(*words):
        code = main([str(word) for word in words])
        said = capfdbinary.readouterr()
        return code, said.out.decode(), said.err.decode()

    yield command
    shutil.rmtree(sockets)


@pytest.fixture
def known(rotor, run):
    """The same, with the run in the database."""
    assert rotor("rebuild", run)[0] == 0
    return rotor
