"""How many shares: an equal share of the free slots, whole shares, never more than cash.

KEY INPUT: equity, what is bound in positions and pending entries, free slots, price.
KEY OUTPUT: shares, 0 when the budget does not buy one.
"""

CASH_BUFFER = 0.01
"""Share of equity kept for the move between the decision and the next open."""


def equal_share(*, equity: float, bound: float, free_slots: int, price: float) -> int:
    """Return the whole shares that one of `free_slots` equal shares of the free equity buys.

    `equity` and `bound` (gross value of positions that stay and of pending entries) are USD.
    """
    free = equity * (1 - CASH_BUFFER) - bound
    return max(0, int(free / free_slots / price))
