"""What trading costs: spread and impact inside the fill price, dated US fees beside it.

KEY INPUT: a reference price (the open of the bar), side, shares, the bar's volume.
KEY OUTPUT: the fill price; a day's fees, exact to the cent; a round trip in basis points.

Half spread = max(½ tick, minimum); impact = coefficient × √participation (the square-root law of
market impact, e.g. Almgren et al., "Direct estimation of equity market impact", 2005).
"""

import datetime as dt
import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from engine.config import Costs
from engine.events import Side

_CENT_MICRO = 10_000
_UNITS = 10**14
_CENT = 10**12
_BP = 1e-4


@dataclass(frozen=True, slots=True)
class FeeRates:
    """The regulatory fees that a broker passes through, as of one day."""

    sec_per_usd: Fraction
    """SEC section 31, per dollar sold."""
    taf_per_share: Fraction
    """FINRA trading activity fee, USD per share sold."""
    taf_cap: Fraction
    """The most that one sale pays in TAF, USD."""
    cat_per_share: Fraction
    """Consolidated audit trail, USD per share, bought or sold."""


_SEC_PER_MILLION = {
    dt.date(2024, 5, 22): "27.80",
    dt.date(2025, 5, 14): "0",
    dt.date(2026, 4, 4): "20.60",
}
"""SEC fee rate advisories."""
_TAF = {dt.date(2024, 1, 1): ("0.000166", "8.30"), dt.date(2026, 1, 1): ("0.000195", "9.79")}
"""FINRA by-laws, schedule A section 1: per share, cap."""
_CAT = {
    dt.date(2024, 9, 1): "0.000035",
    dt.date(2025, 1, 1): "0.000022",
    dt.date(2025, 7, 1): "0.000009",
    dt.date(2026, 1, 1): "0.000003",
}
"""CAT fees 2024-1, 2025-1, 2025-2, 2026-1."""


def fee_rates(day: dt.date) -> FeeRates:
    """Return the fees in force on `day`; before a schedule's first date, its first rate."""
    taf, cap = _TAF[_since(_TAF, day)]
    return FeeRates(
        sec_per_usd=Fraction(_SEC_PER_MILLION[_since(_SEC_PER_MILLION, day)]) / 1_000_000,
        taf_per_share=Fraction(taf),
        taf_cap=Fraction(cap),
        cat_per_share=Fraction(_CAT[_since(_CAT, day)]),
    )


class DayFees:
    """The fees of one day: each kind's running total is rounded up to the cent.

    Totals are integers of 1e-14 USD, so that they are exact: a price in micro-dollars times a
    rate of eight decimals.
    """

    def __init__(self, day: dt.date, *, charged: bool = True) -> None:
        rates = fee_rates(day)
        self._charged = charged
        self._sec_rate = int(rates.sec_per_usd * 10**8)
        self._taf_rate = int(rates.taf_per_share * _UNITS)
        self._taf_cap = int(rates.taf_cap * _UNITS)
        self._cat_rate = int(rates.cat_per_share * _UNITS)
        self._sec = self._taf = self._cat = 0
        self._booked_micro = 0

    @property
    def booked_micro(self) -> int:
        """Return the day's fees so far."""
        return self._booked_micro

    def charge(self, side: Side, shares: int, value_micro: int) -> int:
        """Book one fill; return what it adds to the day's fees, micro-dollars (whole cents).

        A fill that is undone has its shares and value negative.
        """
        if not self._charged:
            return 0
        self._cat += shares * self._cat_rate
        if side is Side.SELL:
            self._sec += value_micro * self._sec_rate
            taf = min(abs(shares) * self._taf_rate, self._taf_cap)
            self._taf += taf if shares >= 0 else -taf
        cents = -(-self._sec // _CENT) - (-self._taf // _CENT) - (-self._cat // _CENT)
        added = cents * _CENT_MICRO - self._booked_micro
        self._booked_micro += added
        return added


def half_spread(price: float, costs: Costs) -> float:
    """Return half the spread, USD per share."""
    return max(costs.tick_usd / 2, price * costs.min_half_spread_bps * _BP)


def impact(price: float, shares: int, volume: float, costs: Costs) -> float:
    """Return what `shares` of a bar's `volume` move the price, USD per share."""
    participation = min(shares / volume, 1.0) if volume > 0 else 1.0
    return price * costs.impact_bps * _BP * math.sqrt(participation)


def fill_price(reference: float, side_sign: int, shares: int, volume: float, costs: Costs) -> float:
    """Return the price of a market order at `reference`, USD: half spread and impact against it."""
    paid = half_spread(reference, costs) + impact(reference, shares, volume, costs)
    return reference + side_sign * paid


def round_trip_terms(day: dt.date, costs: Costs, participation: float) -> tuple[float, float]:
    """Return (bps, USD per share) whose sum, bps + 1e4 × usd / price, is a round trip's cost.

    The half spread's floor of ½ tick is not in it: see `ranking`, which takes the larger one.
    Impact is that of an order at the participation cap, the most that it can be.
    """
    bps = 2 * costs.impact_bps * math.sqrt(participation)
    if not costs.fees:
        return bps, 0.0
    rates = fee_rates(day)
    per_share = rates.taf_per_share + 2 * rates.cat_per_share
    return bps + float(rates.sec_per_usd) * 1e4, float(per_share)


def _since(table: Mapping[dt.date, object], day: dt.date) -> dt.date:
    dates = list(table)
    return dates[max(0, bisect_right(dates, day) - 1)]
