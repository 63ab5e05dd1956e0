"""Where sessions of a user find each other, and how a living one is told from a dead one."""

import os
import pwd
import stat
from types import SimpleNamespace

import pytest

from actors import presence
from actors.presence import HeldError, announced, folder_of, holder, living, locked, runtime_folder
from engine.errors import BadInputError


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A user's home, whatever the environment says."""
    monkeypatch.setattr(pwd, "getpwuid", lambda _: SimpleNamespace(pw_dir=str(tmp_path)))
    monkeypatch.delenv("ROTOR_RUNTIME_DIR", raising=False)
    monkeypatch.setattr(presence, "MOST_BYTES", 1000)
    return tmp_path


@pytest.mark.parametrize(
    "environment",
    [
        {"XDG_RUNTIME_DIR": "/run/user/1000", "HOME": "/nonexistent/a"},  # a login shell
        {"HOME": "/", "TMPDIR": "/nonexistent"},  # cron, a service
        {
            "HOME": "/nonexistent/b",
            "XDG_STATE_HOME": "/nonexistent/b/state",
            "SUDO_USER": "b",
        },  # sudo -u
    ],
)
def test_login_cron_and_service_share_one_folder(home, monkeypatch, environment):
    """It hangs on the user, and on nothing that differs between them."""
    for name in ("XDG_RUNTIME_DIR", "HOME", "TMPDIR", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert runtime_folder() == home / ".local/state/rotor/run"
    assert stat.S_IMODE(runtime_folder().stat().st_mode) == 0o700


def test_without_a_home_that_will_do_it_is_in_tmp(home, monkeypatch):
    """A path too long for a socket; a home that is not there, is not ours, or is not known."""
    elsewhere = f"/tmp/rotor-{os.getuid()}"

    assert str(folder_of(os.getuid() + 1)) == f"/tmp/rotor-{os.getuid() + 1}"
    monkeypatch.setattr(presence, "MOST_BYTES", 20)
    assert str(folder_of(os.getuid())) == elsewhere
    monkeypatch.setattr(presence, "MOST_BYTES", 1000)
    home.rmdir()
    assert str(folder_of(os.getuid())) == elsewhere
    monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)
    assert str(folder_of(os.getuid())) == elsewhere


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("rotor/run", "must be an absolute path"),
        (f"/{'x' * 100}", "too long for a socket's path"),
        ("/dev/null/rotor", "set ROTOR_RUNTIME_DIR to a folder of yours"),
    ],
)
def test_a_folder_that_cannot_be_used_is_named(monkeypatch, named, words):
    """With what to do."""
    monkeypatch.setenv("ROTOR_RUNTIME_DIR", named)

    with pytest.raises(BadInputError, match=words):
        runtime_folder()


@pytest.fixture
def sockets(runtime_dir, monkeypatch):
    monkeypatch.setenv("ROTOR_RUNTIME_DIR", runtime_dir)


def test_a_session_is_found_while_it_lives(sockets, tmp_path, monkeypatch):
    """With its kind, its folder, its process, and the folder that it was started in."""
    monkeypatch.chdir(tmp_path)
    with announced(tmp_path / "run", "PAPER", "PA1"):
        (found,) = living().values()

    assert (found.session, found.kind, found.account) == ("run", "PAPER", "PA1")
    assert (found.run_dir, found.cwd) == (str(tmp_path / "run"), str(tmp_path))
    assert found.pid == os.getpid()
    assert living() == {}
    assert list(runtime_folder().iterdir()) == []


def test_of_two_the_second_is_refused_by_name(sockets, tmp_path):
    """And the first goes on."""
    with announced(tmp_path, "PAPER", ""):
        with (
            pytest.raises(BadInputError, match=rf"runs there already \(process {os.getpid()}\)"),
            announced(tmp_path, "PAPER", ""),
        ):
            pass
        assert len(living()) == 1


def test_what_a_killed_session_left_is_no_session(sockets, tmp_path):
    """A record that nobody holds."""
    record = runtime_folder() / "0123456789abcdef.session"
    record.write_text('{"session": "killed", "pid": 1}')

    assert living() == {}
    with locked(record, {"session": "another"}):
        assert holder(record) == {"session": "another"}


@pytest.mark.parametrize("text", ["", "5", "[", '{"session": 5, "pid": "x", "else": 1}'])
def test_a_record_that_cannot_be_read_is_still_a_session(sockets, text):
    """It is held, so a process lives; what it says is taken as far as it goes."""
    record = runtime_folder() / "0123456789abcdef.session"
    with locked(record, {}):
        record.write_text(text)
        (found,) = living().values()

    assert (found.session, found.pid) == ("unnamed", 0)


def test_a_lock_whose_file_was_removed_meanwhile_is_tried_again(sockets, monkeypatch):
    """Its last holder removed it between our opening and our locking it."""
    path = runtime_folder() / "account.lock"
    lies = iter([False, True])
    monkeypatch.setattr(presence, "_lies_at", lambda *_: next(lies))
    with locked(path, {"pid": 1}):
        assert holder(path) == {"pid": 1}
        with pytest.raises(HeldError, match="held by process 1"), locked(path, {}):
            pass
