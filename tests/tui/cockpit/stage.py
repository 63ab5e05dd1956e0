"""One screen of the cockpit on a fixed view, without the session behind it."""

from tests.tui.cockpit.sample import FixedSource
from tui.cockpit.app import Cockpit


def text_of(app):
    """Return what is on the terminal, a line a row."""
    width, height = app.size
    strips = app.screen._compositor.render_strips()
    return ["".join(segment.text for segment in strip)[:width] for strip in strips[:height]]
