"""Pictures of the dashboard in every state, at every size, in every theme."""

import pytest

from tests.tui.cockpit.sample import STATES, FixedSource
from tests.tui.cockpit.shown import SIZES, Still
from tui.cockpit.app import Cockpit
from tui.cockpit.theme import THEMES

LIKE_PAPER = ("live", "halted", "inbox")
"""What differs is in the first two rows."""


def cockpit(state, theme=THEMES[0].name, **settings):
    """Return a cockpit that draws a fixed view once."""
    app = Cockpit(FixedSource(STATES[state]()), Still(**settings))
    app.theme = theme
    return app


@pytest.mark.parametrize("size", SIZES, ids="{0[0]}x{0[1]}".format)
@pytest.mark.parametrize("state", [state for state in STATES if state not in LIKE_PAPER])
def test_dashboard(snap_compare, state, size):
    """Every state at every size."""
    assert snap_compare(cockpit(state), terminal_size=size)


@pytest.mark.parametrize("state", LIKE_PAPER)
def test_first_rows(snap_compare, state):
    """Real money, a halt, cards that wait."""
    assert snap_compare(cockpit(state), terminal_size=SIZES[0])


@pytest.mark.parametrize("theme", [theme.name for theme in THEMES[1:]])
def test_themes(snap_compare, theme):
    """The degraded state has every colour."""
    assert snap_compare(cockpit("degraded", theme), terminal_size=(120, 40))


def test_without_colour(snap_compare, monkeypatch):
    """Fills become reverse, alerts bold; the words are the same."""
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(cockpit("degraded"), terminal_size=(120, 40))


def test_ascii(snap_compare):
    """Glyphs have ASCII ones in the same cells."""
    assert snap_compare(cockpit("flattening", ascii=True), terminal_size=(160, 50))


def test_a_sliver(snap_compare):
    """Positions, and what is needed."""
    assert snap_compare(cockpit("paper"), terminal_size=(71, 20))
