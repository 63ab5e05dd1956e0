"""What all tests share: Hypothesis runs the same examples everywhere; short paths for sockets."""

import os
import shutil
import tempfile

import pytest
from hypothesis import HealthCheck, settings

SOCKETS = pytest.StashKey[str]()
settings.register_profile(
    "rotor", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("rotor")


def pytest_configure(config):
    """No test meets the sockets and locks of this machine's own sessions."""
    config.stash[SOCKETS] = os.environ["ROTOR_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="rotor-")


def pytest_unconfigure(config):
    shutil.rmtree(config.stash[SOCKETS], ignore_errors=True)


@pytest.fixture
def runtime_dir():
    """A folder for sockets, whose path is short enough for one (108 bytes)."""
    folder = tempfile.mkdtemp(prefix="rotor-", dir="/tmp")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
