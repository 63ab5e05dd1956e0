"""What all tests share: Hypothesis's budgets, and folders that are not the user's own."""

import contextlib
import secrets
import shutil
import signal
import tempfile

import pytest

from tests.budget import PROFILE, register_profiles
from tests.kernels import compile_once

register_profiles()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    """Do what all workers share: draw the seed of random examples, compile the kernels."""
    profile = config.getoption("hypothesis_profile") or PROFILE
    if profile != "ci" and config.getoption("hypothesis_seed") is None:
        config.option.hypothesis_seed = str(secrets.randbelow(2**32))
    if config.getoption("numprocesses", None):  # none in a worker
        compile_once()


def pytest_terminal_summary(terminalreporter, config):
    """Print what repeats random examples."""
    seed = config.getoption("hypothesis_seed")
    if seed is not None:
        profile = config.getoption("hypothesis_profile") or PROFILE
        terminalreporter.write_line(
            f"Hypothesis: --hypothesis-profile={profile} --hypothesis-seed={seed}"
        )


@contextlib.contextmanager
def _short_folder():
    """A folder whose path is short enough for a socket in it (108 bytes)."""
    folder = tempfile.mkdtemp(prefix="rotor-", dir="/tmp")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def _signals_as_in_a_terminal():
    """Let the processes of tests begin with the signals that `nohup` or `&` ignore.

    An ignored signal stays so in what is started; one with a handler does not.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for one in (signal.SIGHUP, signal.SIGQUIT):
        if signal.getsignal(one) is signal.SIG_IGN:
            signal.signal(one, lambda *_: None)


@pytest.fixture(scope="session", autouse=True)
def _nothing_of_the_users():
    """No test reads or writes the settings, the state or the sessions of who runs it.

    The cache stays where it is: the compiled engine lies there.
    """
    with _short_folder() as folder, pytest.MonkeyPatch.context() as patch:
        for name in ("ROTOR_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"):
            patch.setenv(name, folder)
        yield


@pytest.fixture(autouse=True)
def runtime_dir(_nothing_of_the_users, monkeypatch):
    """A fresh folder for the sockets of this test, which is its ROTOR_RUNTIME_DIR."""
    with _short_folder() as folder:
        monkeypatch.setenv("ROTOR_RUNTIME_DIR", folder)
        yield folder
