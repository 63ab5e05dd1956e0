"""Pictures of the screens 2-9 at the three sizes, from fixed views and answers."""

from dataclasses import asdict, replace

import pytest

from tests.tui.cockpit.answers import INVALID
from tests.tui.cockpit.sample import STATES
from tests.tui.cockpit.stage import SIZES, opened, staged

VIEWS = {
    "trades": "paper",
    "inbox": "inbox",
    "symbol": "paper",
    "analytics": "paper",
    "risk": "degraded",
    "config": "paper",
    "health": "degraded",
    "log": "paper",
}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", VIEWS)
def test_screen(snap_compare, name, size):
    async def open_it(pilot):
        await opened(pilot, name)

    app = staged(STATES[VIEWS[name]]())
    assert snap_compare(app, terminal_size=size, run_before=open_it)


@pytest.mark.parametrize("size", SIZES[:2], ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_file_that_is_no_toml(snap_compare, size):
    """Where it is wrong is read to the end."""
    path = "/data/ann/a-folder/of-configurations/for-the-summer/config.toml"
    error = f"{path}: not valid TOML: Invalid value (at line 41, column 17)"
    answers = {"config": {"show": asdict(replace(INVALID, error=error))}}

    async def open_it(pilot):
        await opened(pilot, "config")

    app = staged(STATES["paper"](), answers)
    assert snap_compare(app, terminal_size=size, run_before=open_it)
