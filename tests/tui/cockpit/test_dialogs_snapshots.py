"""Pictures of what stands above a screen: dialogs, overlays, lines, toasts.

Each is pictured at 120×40, and at 80×24 one of each layout: above a screen of any other size it is
held against what the picture tells.
"""

import re
from dataclasses import replace

import pytest

from tests.tui.cockpit.answers import ANSWERS
from tests.tui.cockpit.keyboard import typed
from tests.tui.cockpit.sample import STATES, FixedSource, MessageView, at, degraded
from tests.tui.cockpit.shown import Still, text_of
from tests.tui.cockpit.stage import play, settled
from tui.cockpit.app import Cockpit
from tui.cockpit.screens import confirm

ONE = {
    "title": "Liquidate TQQQ?",
    "sends": ["SELL 402 TQQQ"],
    "about": ["market, last 82.17, about 33,032.34"],
    "then": [
        "entries in TQQQ are barred for 10 minutes",
        "cancel its 2 resting orders (stop, target)",
        "sell; what is left after 10 s is sold again",
    ],
    "facts": ["P&L if filled at last  +196.98 +0.60%"],
    "gone": "",
}
ALL = {
    "title": "Liquidate all 3 positions?",
    "sends": ["SELL 402 TQQQ", "SELL 1,150 SVIX", "SELL 530 TNA"],
    "about": ["about 33,032.34", "about 17,905.50", "about 32,711.60"],
    "then": [
        "no entries until you resume (h y)",
        "cancel 6 resting orders",
        "sell everything; the panel shows it until the broker confirms flat",
    ],
    "facts": ["P&L if filled at last  +91.88 +0.11%"],
    "gone": "",
}
EXPLAINED = {
    "title": "TQQQ long 402, since 13:22",
    "sections": [
        [
            "signal",
            ["rank 1, strength 0.058, p 0.531, confidence 0.62", "win rate 58 of 100: pass"],
        ],
        ["forecast", ["5 min +3.1 bp, 15 min +6.8 bp, 30 min +10.9 bp"]],
        ["why", ["return 15m over volatility +3.4, universe last minute +2.1, vwap distance +1.6"]],
        ["gates", ["edge, twins, cooldown, heat, exposure: passed", "earned slope +0.31: passed"]],
        ["size", ["402 shares: bound by the notional cap of 33%; heat would have allowed 611"]],
        ["order", ["market 402, sent 13:22:02.118, filled 13:22:03.020 at 81.68, +0.4 bp"]],
        ["exits", ["stop 81.95 trailing, target 84.13, both at the broker since 13:22:03"]],
    ],
}
REJECTED = MessageView(
    id=7, ns=at("13:47:20"), text="FAS rejected: trading is halted at the exchange", kind="error",
    actor="broker",
)  # fmt: skip
SHOWN = {
    "confirm one": ("paper", ONE, ["l"]),
    "confirm all": ("paper", ALL, ["L"]),
    "confirm real money": ("live", ALL, ["L"]),
    "quit": ("paper", ONE, ["q"]),
    "help": ("inbox", ONE, ["question_mark"]),
    "help in a replay": ("replay", ONE, ["question_mark"]),
    "explain": ("paper", ONE, ["e"]),
    "command": ("paper", ONE, ["colon", *typed("li")]),
    "filter": ("paper", ONE, ["tab", "slash", *typed("off")]),
    "palette": ("paper", ONE, ["ctrl+p", *typed("liq")]),
    "approval": ("inbox", ONE, ["colon", *typed("approve A-17"), "enter"]),
    "approval armed": ("inbox", ONE, ["3", "a"]),
    "toasts": ("paper", ONE, []),
}
"""A state, the session's word on what would be sent, the keys."""


ONE_OF_A_LAYOUT = (
    *("confirm real money", "help in a replay", "explain", "command", "palette", "approval armed"),
    "toasts",
)
OTHERWISE = {("help in a replay", (80, 24)), ("toasts", (80, 24))}
"""What is laid out in another way there: it scrolls, it has a line each."""
PICTURES = [
    *(pytest.param(name, (120, 40), id=f"{name}-120x40") for name in SHOWN),
    *(pytest.param(name, (80, 24), id=f"{name}-80x24") for name in ONE_OF_A_LAYOUT),
]


@pytest.fixture(autouse=True)
def still(monkeypatch):
    """Nothing counts down or goes away by itself."""
    monkeypatch.setattr(confirm.Confirm, "_count", lambda self: None)
    monkeypatch.setattr(Cockpit, "NOTIFICATION_TIMEOUT", 3600.0)
    monkeypatch.setattr("tui.cockpit.core.SAID_SECONDS", 3600.0)


def cockpit(name):
    state, sends, _ = SHOWN[name]
    answers = ANSWERS | {"confirm": {"show": sends}, "explain": {"show": EXPLAINED}}
    return Cockpit(FixedSource(STATES[state](), answers), Still())


async def lead(pilot, name):
    """Do what brings it up."""
    for key in SHOWN[name][2]:
        await pilot.press(key)
        await settled(pilot)
    if name == "toasts":
        pilot.app.source.view = replace(degraded(), sequence=99, message=REJECTED)
        pilot.app.pull()
        await settled(pilot)


@pytest.mark.parametrize(("name", "size"), PICTURES)
def test_above(snap_compare, name, size):
    def led(pilot):
        return lead(pilot, name)

    assert snap_compare(cockpit(name), terminal_size=size, run_before=led)


def boxes(app):
    """What stands above the screen, words by line; none of it is outside, or covers the ends."""
    found, lines = [], text_of(app)
    for widget in app.screen.query("#frame, #palette, #prompt, #card, Toast"):
        x, y, width, height = widget.region
        room = (
            app.screen.region if widget.id == "prompt" else app.screen.region.shrink((2, 0, 2, 0))
        )
        assert widget.region in room, (widget, widget.region)
        rows = [re.sub("[━┃┏┓┗┛▌]+", " ", line[x : x + width]) for line in lines[y : y + height]]
        assert not any(row.rstrip().endswith("…") for row in rows), rows
        found += [" ".join(row.split()) for row in rows]
    return [row for row in found if row]


@pytest.mark.parametrize("name", SHOWN)
def test_it_tells_the_same_in_every_window(name):
    """What the picture shows is seen to its end, in a window that changes its size too."""

    async def scenario():
        app = cockpit(name)
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await pilot.pause()
            await lead(pilot, name)
            pictured = boxes(app)
            assert pictured
            for size in ((160, 50), (80, 24)):
                await pilot.resize_terminal(*size)
                await settled(pilot)
                if (name, size) not in OTHERWISE:
                    assert boxes(app) == pictured, size

    play(scenario())
