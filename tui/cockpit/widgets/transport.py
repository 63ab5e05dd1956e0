"""Where a replay stands: playing or not, how fast, which bar, session and trade.

KEY INPUT: TransportView.
KEY OUTPUT: one line above the lane.
"""

from collections.abc import Sequence

from actors.cockpit.views import CockpitView, TransportView
from tui.cockpit import format as fmt
from tui.cockpit.widgets.header import SPLENDID, WIDE, speed
from tui.cockpit.widgets.lines import Line, Lines, Piece, plain

MINUTE_NS = 60_000_000_000
KEYS = "space play/pause  . step  < > speed  g goto  "
ONWARD_KEYS = "space play/pause  . step  < > speed  ] session  n trade  g goto  "
MORE_KEYS = "space play/pause  . step  < > speed  [ ] session  n N trade  g goto  "


class Transport(Lines):
    """A replay's place and pace."""

    def make(self, view: CockpitView) -> Sequence[Line]:
        """Return the line; nothing in a session that is no replay."""
        if view.transport is None:
            return (plain(),)
        newest = view.header.open_ns + max(view.transport.minute - 1, 0) * MINUTE_NS
        return (transport_row(view.transport, fmt.minute(newest), self.size.width),)


def transport_row(transport: TransportView, newest: str, width: int) -> Line:
    """Return the state, the keys where there is place, and the session as a bar."""
    wide = width >= WIDE
    state = "■ end" if transport.ended else "► play" if transport.playing else "‖ paused"
    splendid = MORE_KEYS if transport.can_step_back else ONWARD_KEYS
    keys = splendid if width >= SPLENDID else KEYS if wide else ""
    left: Line = (
        (f" {state} ", "bold info" if transport.playing else "bold warning"),
        (f" {speed(transport):<5}", ""),
        ((" " if wide else "") + keys, "muted"),
    )
    end = (
        f" bar {newest}  session {transport.session_index}/{transport.sessions}"
        f"  trade {transport.trades} "
    )
    room = width - sum(len(text) for text, _ in left) - len(end) - 2
    return (*left, *_bar(transport, max(room, 3)), (end, ""))


def _bar(transport: TransportView, width: int) -> tuple[Piece, ...]:
    now = round(transport.minute / max(transport.minutes, 1) * (width - 1))
    return (
        ("├", "muted"),
        ("━" * now, "info"),
        ("●", "bold"),
        ("┄" * (width - 1 - now) + "┤", "muted"),
    )
