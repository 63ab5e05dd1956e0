"""Orders as the broker has them: the working ones, then the newest done.

KEY INPUT: OrderView.
KEY OUTPUT: lines at 80 and, with ids, at 104 cells.
"""

from actors.cockpit.views import CockpitView, OrderView
from tui.cockpit import format as fmt
from tui.cockpit.screens.base import Row
from tui.cockpit.widgets.ladder import Ladder, Table, free
from tui.cockpit.widgets.lines import Line, plain

BROAD = 103
DONE = frozenset({"filled", "canceled", "cancelled", "rejected", "expired"})
HEADING = " SENT  SYM   SIDE TYPE   SHARES FILLED    PRICE STATE      FOR"


class Orders(Ladder):
    """Every order of the session."""

    counted = False
    newest_first = True

    def table(self, view: CockpitView) -> Table:
        """Return a line per order."""
        width = self.size.width
        rows = [
            (Row("order", order.id, order.symbol), order_row(order, width)) for order in view.orders
        ]
        done = sum(order.state in DONE for order in view.orders)
        heading = f"{HEADING:<80}ID" if width >= BROAD else HEADING
        return Table(
            "Orders",
            f"{len(rows) - done} working · {done} done",
            plain(heading, "muted"),
            rows or [free(" no orders today")],
        )


def order_row(order: OrderView, width: int) -> Line:
    """Return one order as a line."""
    style = "muted" if order.state in DONE else ""
    state = "danger" if order.state == "rejected" else style
    purpose = 20 if width >= BROAD else max(width - 59, 20)
    return (
        (f" {fmt.minute(order.sent_ns)} ", "muted"),
        (fmt.symbol(order.symbol) + " ", f"{style} bold".strip()),
        (f"{fmt.words(order.side.upper(), 4)} {fmt.words(order.type, 6)} ", style),
        (f"{fmt.shares(order.shares)} {fmt.shares(order.filled)} ", style),
        (fmt.price(order.price_usd, 8) + " ", style),
        (fmt.words(order.state, 10) + " ", state),
        (fmt.words(order.purpose, purpose), style),
        (" " + fmt.tail(order.id, 23) if width >= BROAD else "", "muted"),
    )
