"""The track record: how the trades in each symbol went, as a bounded factor on its size.

KEY INPUT: closed round trips, in order.
KEY OUTPUT: a factor in [0.5, 1] by symbol: 1 until its trades lose.

The factor is twice the probability that a symbol's mean net return is positive, under a normal
approximation with a prior of ten trades that broke even; never below one half, never above one:
limits are not to be exceeded because things went well.
"""

import math

import numpy as np

from engine.market.frames import Floats

KEEP = 0.5 ** (1.0 / 50.0)
"""A trade counts half as much after fifty more in its symbol."""
PRIOR_TRADES = 10.0
PRIOR_SD = 0.01
"""Standard deviation of a trade's return before there are any, a fraction."""
LEAST = 0.5


class TrackRecord:
    """Decayed returns by symbol."""

    def __init__(self, symbols: int) -> None:
        self._n = [0.0] * symbols
        self._sum = [0.0] * symbols
        self._squares = [0.0] * symbols

    def closed(self, column: int, net_return: float, *, back: bool = False) -> None:
        """Take a round trip's net return, a fraction of the entry's value, or take it back.

        What is taken back counts as the newest: by so little it may have decayed since.
        """
        if back:
            self._n[column] = max(0.0, self._n[column] - 1.0)
            self._sum[column] -= net_return
            self._squares[column] = max(0.0, self._squares[column] - net_return * net_return)
            return
        self._n[column] = KEEP * self._n[column] + 1.0
        self._sum[column] = KEEP * self._sum[column] + net_return
        self._squares[column] = KEEP * self._squares[column] + net_return * net_return

    def checkpoint(self) -> Floats:
        """Return what is kept, (3, S): n, sum and sum of squares, decayed."""
        return np.array([self._n, self._sum, self._squares])

    def restore(self, kept: Floats) -> None:
        """Take up a checkpoint of as many symbols."""
        self._n, self._sum, self._squares = kept.tolist()

    def factor(self, column: int) -> float:
        """Return the factor on the symbol's size."""
        n = self._n[column] + PRIOR_TRADES
        mean = self._sum[column] / n
        variance = (self._squares[column] + PRIOR_TRADES * PRIOR_SD**2) / n - mean * mean
        z = mean / math.sqrt(max(variance, 1e-12) / n)
        return max(LEAST, min(1.0, 1.0 + math.erf(z / math.sqrt(2.0))))
