"""The cockpit's colours: a token has one meaning, a theme gives it a value.

KEY INPUT: nothing.
KEY OUTPUT: THEMES in the order in which a key goes round them, and VARIABLES, the values that the
stylesheet is parsed with before a theme is set.

Profit and loss are used for signed money, percent and edge only; warning from 70% of a limit;
danger for what is tripped, stale, down or rejected; muted for headings and times. Contrast is 4.5
or more on background, surface and cursor row. In `safe`, profit and loss are blue and orange.
"""

from typing import Any

from rich.style import Style
from textual.app import App
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme
from textual.widget import Widget

TOKENS = (
    *("muted", "profit", "loss", "warning", "danger", "info", "rule", "cursor-row"),
    *("mode-paper-text", "mode-paper", "mode-live-text", "mode-live"),
    *("mode-replay-text", "mode-replay"),
    *("badge-warning-text", "badge-warning", "badge-danger-text", "badge-danger"),
)
GROUNDS = {"cursor": "cursor-row", "faint-cursor": "surface"}
"""What lies under a whole row, and leaves the colours of the row alone."""
WITHOUT_COLOUR = {"danger": Style(bold=True), "muted": Style(dim=True), "rule": Style(dim=True)}


def _theme(name: str, grounds: str, colours: str, badges: str, *, dark: bool = True) -> Theme:
    background, surface, foreground = grounds.split()
    ansi = background.startswith("ansi")
    muted, profit, loss, warning, danger, info, rule, cursor = colours.split()
    return Theme(
        name=name,
        primary=info,
        secondary=muted,
        accent=info,
        warning=warning,
        error=danger,
        success=profit,
        foreground=foreground,
        background=background,
        surface=surface,
        panel=surface,
        dark=dark,
        ansi=ansi,
        variables=(BUILTIN_THEMES["ansi-dark"].variables if ansi else {})
        | dict(
            zip(
                TOKENS,
                (muted, profit, loss, warning, danger, info, rule, cursor, *badges.split()),
                strict=True,
            )
        ),
    )


THEMES = (
    _theme(
        "rotor-dark",
        "#0B0F14 #121820 #D7DEE6",
        "#8C99A8 #4CC38A #FF8580 #E8B84A #FF6B66 #6CB6FF #3A4654 #1E2F45",
        "#0B0F14 #5AA9FF #FFFFFF #C62A2F #0B0F14 #E2B6FF #0B0F14 #E8B84A #FFFFFF #B4232A",
    ),
    _theme(
        "rotor-light",
        "#FBFAF7 #F1EFEA #1C2329",
        "#5A6570 #0A6B3B #B3261E #7A4F00 #A8071A #0B57B7 #B9B4A8 #DCE8F7",
        "#FFFFFF #0B57B7 #FFFFFF #A8071A #1C2329 #D9B8F5 #1C2329 #E8B84A #FFFFFF #A8071A",
        dark=False,
    ),
    _theme(
        "rotor-safe",
        "#0B0F14 #121820 #E6EAEE",
        "#9AA5B1 #5CB8F2 #F2A33A #F0E442 #FF9166 #C9D1D9 #3A4654 #26313D",
        "#0B0F14 #2FBF9A #0B0F14 #FF7A2F #0B0F14 #E2B6FF #0B0F14 #F0E442 #0B0F14 #FF9166",
    ),
    _theme(
        "rotor-terminal",
        "ansi_default ansi_default ansi_default",
        "ansi_bright_black ansi_green ansi_red ansi_yellow ansi_bright_red ansi_cyan"
        " ansi_bright_black ansi_default",
        "ansi_black ansi_cyan ansi_bright_white ansi_red ansi_black ansi_magenta"
        " ansi_black ansi_yellow ansi_bright_white ansi_red",
    ),
)

VARIABLES = dict(THEMES[0].variables)


def style(word: str, app: App[Any]) -> Style:
    """Return how a token is drawn by the app's theme; without colour fills are reverse."""
    if word in GROUNDS:
        # the terminal's own colours have no tint that is sure to be readable under all of them
        reverse = word == "cursor" and (app.no_color or app.theme == "rotor-terminal")
        return Style(bgcolor=_colour(GROUNDS[word], app), reverse=reverse or None)
    text = f"{word}-text"
    if app.no_color:
        return Style(reverse=True) if text in TOKENS else WITHOUT_COLOUR.get(word, Style.null())
    if text not in TOKENS:
        return Style(color=_colour(word, app))
    return Style(color=_colour(text, app), bgcolor=_colour(word, app))


def dress(widget: Widget) -> tuple[object, ...]:
    """Return what a widget's colours come from.

    Textual tells of new styles at every change of screens; only if this differs are they others.
    """
    styles = widget.styles
    return widget.app.theme, widget.has_focus, styles.background, styles.color


def _colour(token: str, app: App[Any]) -> Any:
    value = app.theme_variables[token]
    return None if value in ("ansi_default", "transparent") else Color.parse(value).rich_color
