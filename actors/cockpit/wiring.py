"""The cockpit of a live session: whom it asks for what the desk does not know.

KEY INPUT: the parts of a live session, as actors.live has wired them.
KEY OUTPUT: its Cockpit, told of every page.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from actors.cockpit.cockpit import Cockpit
from actors.cockpit.confirming import Confirming
from actors.cockpit.scene import About, Outside, masked
from actors.cockpit.views import Link
from actors.execution import Execution
from actors.mailbox import Mailbox
from actors.minutes import Minutes
from actors.predictor import Learner
from actors.trader import Trader

if TYPE_CHECKING:
    from actors.live import LivePlan


def live_cockpit(
    plan: "LivePlan",
    trader: Trader,
    minutes: Minutes,
    execution: Execution,
    confirming: Confirming,
    mailboxes: Sequence[Mailbox[Any]],
    learners: Sequence[Learner],
) -> Cockpit:
    """Return the cockpit of a session that is about to begin."""
    trust = execution.trust

    def orders() -> Link:
        if not trust.down:
            return "up"
        return "down" if trust.ready.is_set() else "connecting"

    def counts() -> tuple[tuple[str, int], ...]:
        told = minutes.counts
        return (
            ("late bars", told.late), ("revised bars", told.revised),
            ("bars outside", told.outside), ("minutes asked for", told.backfilled),
            ("statuses ignored", execution.ignored),
        )  # fmt: skip

    about = About(
        mode=plan.mode, symbols=plan.symbols, run_id=plan.folder.name, folder=plan.folder,
        account=masked(plan.account), session=plan.session,
    )  # fmt: skip
    outside = Outside(
        now_ns=plan.clock.now_ns, span_ns=plan.clock.span_ns, feed=lambda: minutes.link,
        orders=orders, orders_down=lambda: trust.down, carrying=execution.carrying,
        flat_since=confirming.agreed_since, counts=counts, mailboxes=mailboxes, learners=learners,
        frame_ms=trader.frame_ms,
    )  # fmt: skip
    cockpit = Cockpit(trader.desk, about, outside)
    trader.closed, trader.obeyed = cockpit.page, confirming.obeyed
    return cockpit
