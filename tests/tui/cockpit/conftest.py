"""No test reads or writes the user's own settings; many cockpits are cheap."""

import pytest

from tests.tui.cockpit.quick import hurry


@pytest.fixture(scope="module", autouse=True)
def _quick():
    with pytest.MonkeyPatch.context() as patch, hurry(patch):
        yield


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """An empty home for settings and state."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("NO_COLOR", raising=False)
    return tmp_path
