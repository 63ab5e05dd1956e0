"""What others did to the account, as rows of events.jsonl: one function per kind.

KEY INPUT: an event.
KEY OUTPUT: its row, without seq and timestamp.
"""

from collections.abc import Callable

from engine.events import (
    MICRO,
    CashMoved,
    FillBusted,
    FillCorrected,
    OrphanFound,
    RoundTripVoided,
    SharesSplit,
)

Json = dict[str, object]


def _orphan(event: OrphanFound) -> Json:
    row: Json = {
        "type": "orphan_found", "symbol": event.symbol, "shares": event.shares,
        "price": event.price_micro / MICRO, "fee": event.fee_micro / MICRO, "paid": event.paid,
    }  # fmt: skip
    return row | ({"left": True} if event.left else {})


def _mended(event: FillBusted | FillCorrected) -> Json:
    row: Json = {
        "type": "fill_busted" if isinstance(event, FillBusted) else "fill_corrected",
        "order_id": event.order_id, "symbol": event.symbol, "side": str(event.side),
        "shares": event.shares, "price": event.price_micro / MICRO,
        "fee": event.fee_micro / MICRO,
    }  # fmt: skip
    if isinstance(event, FillCorrected):
        row |= {
            "new_price": event.new_price_micro / MICRO, "new_fee": event.new_fee_micro / MICRO,
        }  # fmt: skip
    return row | {"pnl": event.realised_micro / MICRO}


def _voided(event: RoundTripVoided) -> Json:
    trip = event.trip
    row: Json = {
        "type": "round_trip_voided", "trip": event.number, "symbol": trip.symbol,
        "pnl": trip.pnl_micro / MICRO,
    }  # fmt: skip
    return row | ({"orphan": True} if trip.orphan else {})


BY_OTHERS: dict[type, Callable[..., Json]] = {
    OrphanFound: _orphan,
    FillBusted: _mended,
    FillCorrected: _mended,
    CashMoved: lambda e: {
        "type": "cash_moved", "amount": e.amount_micro / MICRO, "reason": e.reason,
    },
    SharesSplit: lambda e: {
        "type": "shares_split", "symbol": e.symbol, "before": e.before, "after": e.after,
    },
    RoundTripVoided: _voided,
}  # fmt: skip
