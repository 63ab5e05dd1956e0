"""An order of ours of which the session that goes on knows nothing but the id.

KEY INPUT: an order as the broker shows it, with our epoch in its id.
KEY OUTPUT: an intent that is over; what fills of it all the same is told as a late fill.

Ids are EPOCH-DATE-SYMBOL-SIDE-NUMBER-ATTEMPT, a moved stop's with its level behind.
"""

from actors.intents import Intent
from actors.venue import BrokerOrder
from engine.events import Decision, OcoOrder, Order
from engine.trading.approval import approve_exit

_WITHOUT_ATTEMPT = 5


def order_id_of(client_id: str) -> str:
    """Return the id of the order that a client id of ours stands for."""
    parts = client_id.split("-")
    if len(parts) <= _WITHOUT_ATTEMPT:
        return client_id
    return "-".join((*parts[:_WITHOUT_ATTEMPT], "0"))


def revived(order_id: str, order: BrokerOrder) -> Intent:
    """Return an intent for an order of which nothing but the broker's word is known."""
    shares = max(1, order.shares)
    moved = order.client_id.count("-") > _WITHOUT_ATTEMPT
    if moved or order.legs:
        stop = order.stop_micro or next((leg.stop_micro for leg in order.legs), None)
        legs = OcoOrder(
            order_id, order.symbol, order.side, shares, stop or 0, order.limit_micro or 0, 0.0
        )
        return Intent(approve_exit(legs, shares))
    # whether it entered or left is not asked of it again
    lone = Order(order_id, order.symbol, order.side, shares, entry=False, decision=Decision.EXIT)
    return Intent(approve_exit(lone, shares))
