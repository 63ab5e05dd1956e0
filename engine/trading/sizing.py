"""How many shares an entry may have, which limit binds, and what it then truly risks.

KEY INPUT: the trade (Request), the account as it will be (Exposure), the [risk] limits.
KEY OUTPUT: Sizing: whole shares, the binding limit, the risk in USD after all caps.

Every limit is asked for the shares that it allows; the smallest answer binds. Zero is an answer,
with the limit that gave it. Prices are the worst that the entry may pay, so that what is said here
holds at the fill.
"""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from engine.config import Risk
from engine.events import Gate

LONG_MARGIN, SHORT_MARGIN = 0.25, 0.30
"""Maintenance requirement per unit of leverage (FINRA Rule 4210, Regulatory Notice 09-53)."""
LEAST_MARGIN_EQUITY = 2_000.0
"""USD of equity below which nothing is sold short (FINRA Rule 4210(b))."""


class Request(NamedTuple):
    """A trade that is asked for."""

    symbol: str
    direction: int
    """+1 long, −1 short."""
    price: float
    """The worst that it pays, USD per share."""
    stop: float
    """Distance of the stop, a fraction of the price."""
    target: float
    """Distance of the target, a fraction of the price."""
    leverage: float = 1.0
    """Signed multiple of the underlying."""
    underlying: str = ""
    recent_volume: float | None = None
    """Shares a minute; None: the limit is left out."""
    closing_volume: float | None = None
    """Shares a minute at the flatten; None: the limit is left out."""
    daily_volatility: float | None = None
    """Standard deviation of a day's return, for `volatility_target_pct`."""
    correlation: float | None = 0.0
    """The largest with a held position, its direction counted; None: it cannot be had."""
    factor: float = 1.0
    """In (0, 1]: the share of what all limits allow, by the signal's quality and the symbol's
    track record."""
    factor_name: str = ""


class Exposure(NamedTuple):
    """The account at the moment that the entry would fill, USD."""

    equity: float
    cash: float
    """What is left beside pending entries."""
    buying_power: float
    gross: float = 0.0
    """Σ |value| of positions and pending entries."""
    net: float = 0.0
    """Σ direction × value."""
    heat: float = 0.0
    """Σ shares × (price − stop)⁺ from the real stops, pending entries at their limits."""
    margin: float = 0.0
    """Σ maintenance requirement."""
    underlying: Mapping[str, float] = MappingProxyType({})
    """Underlying → Σ leverage × direction × value."""
    free_slots: int = 1
    orders_this_minute: int = 0


Limit = tuple[str, Gate, float]
"""Its name; the gate under which a refusal by it is counted; the shares that it allows, not yet
rounded down: inf if it does not bind, NaN if it could not be measured."""


class Sizing(NamedTuple):
    """The answer."""

    shares: int
    binding: str
    """The limit that allows least."""
    gate: Gate
    risk_usd: float
    """shares × stop distance: what is lost if the stop holds."""
    value_usd: float
    stop: float
    """Price of the stop if the entry pays the worst."""
    target: float
    stop_fraction: float
    heat_usd: float
    """Of the whole book after the trade."""
    heat_limit_usd: float
    limits: tuple[Limit, ...]


def size(request: Request, exposure: Exposure, risk: Risk, participation_pct: float) -> Sizing:
    """Return the largest whole number of shares that every limit allows."""
    asked = limits(request, exposure, risk, participation_pct)
    binding = asked[0]
    for limit in asked:
        if math.isnan(limit[2]):
            binding = (limit[0], Gate.UNMEASURED, 0.0)
            break
        if limit[2] < binding[2]:
            binding = limit
    name, gate, allowed = binding
    shares = max(0, math.floor(allowed)) if math.isfinite(allowed) else 0
    distance = request.direction * request.price
    return Sizing(
        shares=shares,
        binding=name,
        gate=gate,
        risk_usd=shares * request.price * request.stop,
        value_usd=shares * request.price,
        stop=request.price - distance * request.stop,
        target=request.price + distance * request.target,
        stop_fraction=request.stop,
        heat_usd=exposure.heat + shares * request.price * request.stop,
        heat_limit_usd=exposure.equity * risk.max_heat_pct / 100,
        limits=tuple(asked),
    )


def limits(
    request: Request, exposure: Exposure, risk: Risk, participation_pct: float
) -> list[Limit]:
    """Return every limit with the shares that it allows, in the order in which ties are named."""
    price, equity = request.price, exposure.equity
    if not (price > 0.0 and equity > 0.0 and request.stop > 0.0):
        known = not math.isnan(price + equity + request.stop)
        return [("equity", Gate.SIZE if known else Gate.UNMEASURED, 0.0)]
    pct = equity / 100 / price
    cap = risk.symbol_max_position_pct.get(request.symbol, risk.max_position_pct)
    at_risk = price * request.stop
    found = [
        ("risk_per_trade", Gate.SIZE, pct * risk.risk_per_trade_pct / request.stop),
        ("position_cap", Gate.SIZE, pct * cap),
        ("slot_share", Gate.SIZE, (equity - exposure.gross) / max(1, exposure.free_slots) / price),
        ("cash", Gate.SIZE, exposure.cash / price),
        ("buying_power", Gate.SIZE, exposure.buying_power / price),
        ("heat", Gate.HEAT, (equity * risk.max_heat_pct / 100 - exposure.heat) / at_risk),
        (
            "gross_exposure",
            Gate.GROSS_EXPOSURE,
            pct * risk.max_gross_exposure_pct - exposure.gross / price,
        ),
        (
            "net_exposure",
            Gate.NET_EXPOSURE,
            pct * risk.max_net_exposure_pct - request.direction * exposure.net / price,
        ),
        ("underlying_exposure", Gate.UNDERLYING, _underlying(request, exposure, risk)),
        ("intraday_margin", Gate.MARGIN, _margin(request, exposure)),
    ]
    share = participation_pct / 100
    if request.recent_volume is not None:
        found.append(("participation", Gate.LIQUIDITY, share * request.recent_volume))
    if request.closing_volume is not None:
        found.append(("exit_liquidity", Gate.LIQUIDITY, share * request.closing_volume))
    if risk.volatility_target_pct > 0:
        volatility = request.daily_volatility
        target = pct * risk.volatility_target_pct
        found.append(
            ("volatility_target", Gate.SIZE, target / volatility if volatility else math.nan)
        )
    if risk.max_correlation < 1.0:
        found.append(("correlation", Gate.CORRELATION, _correlation(request, risk)))
    if exposure.orders_this_minute >= risk.max_orders_per_minute:
        found.append(("order_rate", Gate.ORDER_RATE, 0.0))
    if request.factor < 1.0:
        least = min(shares for _, _, shares in found)
        found.append((request.factor_name, Gate.SIZE, request.factor * least))
    return found


def exceeds(now: Exposure, then: Exposure, risk: Risk) -> bool:
    """Return whether what leaves takes net or underlying exposure beyond its limit, or further."""
    pairs = [(now.net, then.net, risk.max_net_exposure_pct)]
    pairs += [
        (now.underlying.get(name, 0.0), value, risk.max_underlying_exposure_pct)
        for name, value in then.underlying.items()
    ]
    return any(
        abs(value) > max(abs(before), now.equity * limit / 100) for before, value, limit in pairs
    )


def margin_rate(leverage: float, direction: int) -> float:
    """Return the maintenance requirement as a fraction of the position's value, at most 1."""
    base = LONG_MARGIN if direction > 0 else SHORT_MARGIN
    return min(1.0, base * max(1.0, abs(leverage)))


def _underlying(request: Request, exposure: Exposure, risk: Risk) -> float:
    # an entry against the exposure that is there may use it up, then build its own
    if not request.underlying or request.leverage == 0.0:
        return math.inf
    now = exposure.underlying.get(request.underlying, 0.0)
    toward = math.copysign(1.0, request.leverage * request.direction)
    room = exposure.equity * risk.max_underlying_exposure_pct / 100 - toward * now
    return room / (abs(request.leverage) * request.price)


def _margin(request: Request, exposure: Exposure) -> float:
    if request.direction < 0 and exposure.equity < LEAST_MARGIN_EQUITY:
        return 0.0
    rate = margin_rate(request.leverage, request.direction)
    return (exposure.equity - exposure.margin) / (request.price * rate)


def _correlation(request: Request, risk: Risk) -> float:
    if request.correlation is None or math.isnan(request.correlation):
        return math.nan
    return math.inf if request.correlation <= risk.max_correlation else 0.0
