"""What all tests share: Hypothesis runs the same examples everywhere; short paths for sockets."""

import shutil
import tempfile

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "rotor", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("rotor")


@pytest.fixture
def runtime_dir():
    """A folder for sockets, whose path is short enough for one (108 bytes)."""
    folder = tempfile.mkdtemp(prefix="rotor-", dir="/tmp")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
