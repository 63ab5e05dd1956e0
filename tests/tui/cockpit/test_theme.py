"""Every theme can be read, and can be put on."""

import pytest
from textual.color import Color

from tests.tui.cockpit.sample import degraded, live
from tests.tui.cockpit.shown import drive, seen, text_of
from tui.cockpit.theme import THEMES, VARIABLES

TRUE_COLOUR = [theme for theme in THEMES if not theme.ansi]
READ = ("muted", "profit", "loss", "warning", "danger", "info")
BADGES = ("mode-paper", "mode-live", "mode-replay", "badge-warning", "badge-danger")


@pytest.mark.parametrize("theme", TRUE_COLOUR, ids=lambda theme: theme.name)
def test_contrast_is_enough_to_read(theme):
    """4.5 on background, surface and cursor row; text on badges too."""
    grounds = (theme.background, theme.surface, theme.variables["cursor-row"])
    for colour in (theme.foreground, *(theme.variables[token] for token in READ)):
        for ground in grounds:
            assert contrast(colour, ground) >= 4.5, (colour, ground)
    for badge in BADGES:
        fill, text = theme.variables[badge], theme.variables[f"{badge}-text"]
        assert contrast(text, fill) >= 4.5, badge


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_every_theme_can_be_put_on(theme):
    """The words are the same in all of them."""

    async def scenario(app, pilot):
        before = text_of(app)
        app.theme = theme.name
        await pilot.pause()
        assert text_of(app) == before

    assert set(theme.variables) >= set(VARIABLES)
    drive(scenario, degraded())


def test_without_colour_real_money_is_said_twice(monkeypatch):
    """At both ends of the first row."""
    monkeypatch.setenv("NO_COLOR", "1")
    first = seen(live())[0]

    assert first.startswith(" LIVE ")
    assert first.endswith(" LIVE ")


def contrast(one: str, other: str) -> float:
    """Return the contrast by WCAG 2."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    """Return the relative luminance by WCAG 2."""
    parts = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
        for part in Color.parse(colour).normalized
    ]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))
