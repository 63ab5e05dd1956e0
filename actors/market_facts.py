"""What a broker knows of the market and of the account beside trading, in the trader's own terms.

KEY INPUT: answers to questions.
KEY OUTPUT: MarketClock, MarketDay, Asset, Settings.
"""

import datetime as dt
from typing import NamedTuple


class MarketClock(NamedTuple):
    """What time it is for the broker."""

    now_ns: int
    is_open: bool
    next_open_ns: int
    next_close_ns: int


class MarketDay(NamedTuple):
    """A session as the broker's calendar has it."""

    date: dt.date
    open_ns: int
    close_ns: int


class Asset(NamedTuple):
    """What may be done with a symbol."""

    symbol: str
    status: str
    """active, or inactive."""
    tradable: bool
    marginable: bool
    shortable: bool
    easy_to_borrow: bool
    fractionable: bool


class Settings(NamedTuple):
    """What the account's owner has set at the broker."""

    suspended: bool
    no_shorting: bool
    max_multiplier: float | None
    """None: not set, or not told."""
