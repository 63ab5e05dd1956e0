"""The words of the trader: decisions, gates, sides, modes.

KEY INPUT: nothing; these are constants.
KEY OUTPUT: enumerations, the numbers of the journal.
"""

from enum import IntEnum, StrEnum

MICRO = 1_000_000
"""Micro-dollars in a dollar."""


class Decision(IntEnum):
    """What was decided for a symbol; the numbers are those of decisions.jsonl."""

    HOLD = 0
    EXIT = 1
    ENTER_LONG = 2
    ENTER_SHORT = 3
    ROTATE_OUT = 4
    PROFIT_TARGET = 5
    STOP_LOSS = 6
    EOD_EXIT = 7
    TRAILING_STOP = 8
    TIME_EXIT = 9
    MANUAL_EXIT = 10
    RISK_EXIT = 11
    REFUSED = 12


class Gate(IntEnum):
    """Why a candidate does not enter: the first check that refuses it.

    The ranking's come first, up to EARNED_SLOPE and then QUALITY and UNPROVEN; then what the book
    says, risk, and last the inbox.
    """

    NONE = 0
    """Not a candidate: neutral, a direction that is not traded, or already held."""
    PASS = 1
    COLD = 2
    STALE = 3
    WINDOW = 4
    STRENGTH = 5
    RANK = 6
    EDGE = 7
    EARNED_SLOPE = 8
    QUARANTINE = 9
    COOLDOWN = 10
    TWIN = 11
    SLOTS = 12
    SIZE = 13
    """What the account, the slot or the risk budget allows does not buy one share."""
    HALTED = 14
    REDUCE_ONLY = 15
    """Everything was liquidated by hand: no entries until Resume."""
    DAILY_LOSS = 16
    DRAWDOWN = 17
    CONSECUTIVE_LOSSES = 18
    STALE_DATA = 19
    LOST_STREAM = 20
    REJECTS = 21
    PRICES = 22
    ORDER_RATE = 23
    LIQUIDITY = 24
    HEAT = 25
    GROSS_EXPOSURE = 26
    NET_EXPOSURE = 27
    UNDERLYING = 28
    CORRELATION = 29
    MARGIN = 30
    UNMEASURED = 31
    """A figure that a check needs cannot be had."""
    QUALITY = 32
    """Such signals have won too seldom: their verdict is reject."""
    UNPROVEN = 33
    """Too little is known of such signals, and `[quality] unproven` hides them."""
    INBOX = 34
    """It waits in the inbox for approval."""
    DISMISSED = 35
    """An operator dismissed or snoozed it."""
    ORPHAN = 36
    """A position that Rotor did not open is not acknowledged, or has the same underlying."""
    BY_HAND = 37
    """It was traded by hand in this session."""
    BROKER_REFUSES = 38
    """The broker has refused orders in the symbol three times for one kind of reason."""
    ACCOUNT = 39
    """The broker refuses whatever the account orders: restricted, or keys that are not valid."""


class RefusalKind(StrEnum):
    """Why a broker refuses an order; whatever code and words it has for it."""

    SHARES = "shares not released"
    """They are held by other orders, or not there."""
    BUYING_POWER = "buying power"
    WASH_TRADE = "wash trade"
    """An order on the other side would meet it."""
    RESTRICTED = "restricted or blocked"
    """The account may not do it: restricted, blocked, or by its owner's settings."""
    NOT_TRADABLE = "not tradable or halted"
    PRICE_OR_SIZE = "price or size rule"
    KEYS = "keys"
    """They are revoked, or not the account's."""
    RATE = "rate"
    """Too many requests: it was not looked at."""
    UNKNOWN = "unknown"

    @property
    def account_wide(self) -> bool:
        """Return whether every other order of the account is refused for it too."""
        return self in (RefusalKind.RESTRICTED, RefusalKind.KEYS)


class Side(StrEnum):
    """The side of an order."""

    BUY = "BUY"
    SELL = "SELL"

    sign: int
    """+1 for BUY, −1 for SELL."""

    def __init__(self, value: str) -> None:
        self.sign = 1 if value == "BUY" else -1


class Mode(StrEnum):
    """What the trader may do."""

    ACTIVE = "ACTIVE"
    REDUCE_ONLY = "REDUCE_ONLY"
    """Exits only."""
    FLATTENING = "FLATTENING"
    """Everything is being sold."""


class Leg(StrEnum):
    """Which leg of an OCO order filled."""

    STOP = "stop"
    TARGET = "target"
