"""Pictures of what stands above a screen, at the three sizes: dialogs, overlays, lines, toasts."""

from dataclasses import replace

import pytest

from tests.tui.cockpit.answers import ANSWERS
from tests.tui.cockpit.keyboard import typed
from tests.tui.cockpit.sample import STATES, FixedSource, MessageView, at, degraded
from tests.tui.cockpit.shown import SIZES, Still
from tests.tui.cockpit.stage import settled
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
    "flatten": ("flattening", ONE, []),
    "toasts": ("paper", ONE, []),
}
"""A state, the session's word on what would be sent, the keys."""


@pytest.mark.parametrize("size", SIZES, ids="{0[0]}x{0[1]}".format)
@pytest.mark.parametrize("name", SHOWN)
def test_above(snap_compare, name, size, monkeypatch):
    state, sends, keys = SHOWN[name]
    monkeypatch.setattr(confirm.Confirm, "_count", lambda self: None)
    monkeypatch.setattr(Cockpit, "NOTIFICATION_TIMEOUT", 3600.0)
    monkeypatch.setattr("tui.cockpit.core.SAID_SECONDS", 3600.0)
    answers = ANSWERS | {"confirm": {"show": sends}, "explain": {"show": EXPLAINED}}
    app = Cockpit(FixedSource(STATES[state](), answers), Still())

    async def lead(pilot):
        for key in keys:
            await pilot.press(key)
            await settled(pilot)
        if name == "toasts":
            app.source.view = replace(degraded(), sequence=99, message=REJECTED)
            app.pull()
            await settled(pilot)

    assert snap_compare(app, terminal_size=size, run_before=lead)
