"""The dialog before a session with open positions is left.

KEY INPUT: the newest view: what is held, what rests at the broker.
KEY OUTPUT: flatten (`y`), leave (`b`), or None: stay.
"""

from typing import Literal

from textual import events

from actors.cockpit.views import CockpitView
from tui.cockpit.screens.dialog import Dialog

How = Literal["flatten", "leave"]
WORKING = ("held", "sent", "working")
_LEAVING = (
    "{b}: nobody watches trailing stops or the close; the",
    "broker still holds each stop and target (day orders).",
)


def is_flat(view: CockpitView) -> bool:
    """Tell whether nothing is held and no order works."""
    held = any(position.state != "flat" for position in view.positions)
    return not held and not any(order.state in WORKING for order in view.orders)


class Quit(Dialog[How | None]):
    """Flatten first, leave the stops, or stay."""

    def on_mount(self) -> None:
        """Show what is open."""
        if self.cockpit.view is not None:
            self.redraw(self.cockpit.view)

    def redraw(self, view: CockpitView) -> None:
        """Show what is open now."""
        mode = view.header.mode.upper()
        self.query_one("#frame").set_class(mode == "LIVE", "-live")
        yes, leave = (self.cockpit.key_shown(id_) for id_ in ("confirm.yes", "quit.leave"))
        lines = [
            *_open(view),
            "",
            f"{yes}  flatten, wait until confirmed flat, then stop",
            f"{leave}  stop now, leave the stops at the broker",
            "esc  stay",
            "",
            *(line.format(b=leave) for line in _LEAVING),
        ]
        self.frame(f"Quit with open positions? · {mode}", "", lines)

    async def on_key(self, event: events.Key) -> None:
        """Take one of the two keys; any other stays."""
        event.stop()
        event.prevent_default()
        answers: dict[str, How] = dict.fromkeys(self.cockpit.keys_of("confirm.yes"), "flatten")
        answers |= dict.fromkeys(self.cockpit.keys_of("quit.leave"), "leave")
        how = answers.get(event.key)
        self.dismiss(how if how != "flatten" or self.readable() else None)


def _open(view: CockpitView) -> list[str]:
    held = [position for position in view.positions if position.state != "flat"]
    working = [order for order in view.orders if order.state in WORKING]
    stops = sum(order.type == "stop" for order in working)
    targets = sum(order.purpose.startswith("target") for order in working)
    pnl = view.money.unrealised_usd
    sign = "▲ " if pnl > 0 else "▼ " if pnl < 0 else ""
    positions = "1 position is" if len(held) == 1 else f"{len(held)} positions are"
    orders = "1 order rests" if len(working) == 1 else f"{len(working)} orders rest"
    return [
        f"{positions} open, unrealised {sign}{pnl:+,.2f}",
        f"{orders} at the broker ({_count(stops, 'stop')}, {_count(targets, 'target')})",
    ]


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"
