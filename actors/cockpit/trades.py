"""The session's round trips as a screen shows them.

KEY INPUT: RoundTripClosed events.
KEY OUTPUT: TradeViews.
"""

from actors.cockpit.labels import LABELS, usd
from actors.cockpit.views import TradeView
from engine.events import RoundTripClosed


def trade_view(closed: RoundTripClosed) -> TradeView:
    """Return a round trip as it is shown."""
    trip, signal = closed.trip, closed.trip.signal
    cost = trip.fee_micro + trip.slippage_micro
    return TradeView(
        number=closed.number,
        in_ns=trip.entry_ts_ns,
        out_ns=trip.exit_ts_ns,
        symbol=trip.symbol,
        direction=trip.direction,
        shares=trip.shares,
        entry_usd=trip.entry_price,
        exit_usd=trip.exit_price,
        pnl_usd=usd(trip.pnl_micro),
        pnl_pct=100 * trip.pnl_micro / trip.entry_micro,
        costs_usd=usd(cost),
        bars=trip.bars_held,
        label=LABELS[trip.decision],
        entry_reason=trip.entry_reason,
        exit_reason=trip.exit_reason,
        mae_pct=100 * closed.mae,
        mfe_pct=100 * closed.mfe,
        said_win_rate=signal.win_rate if signal is not None else None,
        said_edge_bps=signal.edge_bps if signal is not None else None,
    )
