"""Themes: a placeholder until the real ones are there."""

from textual.theme import Theme

THEMES = (
    Theme(name="rotor-dark", primary="#6CB6FF", background="#0B0F14", surface="#121820"),
    Theme(name="rotor-light", primary="#0B57B7", background="#FBFAF7", dark=False),
)
VARIABLES = {"muted": "#8C99A8", "mode-live": "#C62A2F", "rule": "#3A4654"}
