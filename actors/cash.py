"""The account's cash, held against the book's: what moved it that was no trade.

KEY INPUT: the broker's cash, the book's; the account's activities.
KEY OUTPUT: how much more the broker has than it should; CashMoved, in the broker's words.

Where the broker posts a fill's fees later, its cash is above the book's by what is not posted yet.
"""

from collections.abc import Callable

from actors.venue import Activity, Unreachable, Venue
from engine.events import CashMoved
from engine.market.frames import Session
from engine.trading.costs import DayFees

CENT_MICRO = 10_000
FEES = frozenset({"FEE", "CFEE"})
UNEXPLAINED = "no fill, fee or activity of the account explains it"


class Cash:
    """One session's comparison of cash."""

    def __init__(
        self, venue: Venue, session: Session, fees: DayFees, fills: Callable[[], int]
    ) -> None:
        """`fills`: how many there were; the broker may round each to the cent."""
        self._venue = venue
        self._session = session
        self._fees = fees
        self._fills = fills
        self._posted_micro = 0
        """Fees of the session that the broker has taken already."""
        self._used: set[str] = set()
        """Activities that were told."""
        self._ours = 0
        self._told: tuple[int, int] | None = None
        """What differed and the book's cash when it was told last: it is not told twice."""

    async def ask(self) -> int | None:
        """Return the account's cash, micro-dollars; None if the broker does not say."""
        try:
            return (await self._venue.account()).cash_micro
        except Unreachable:
            return None

    def beside(self, theirs: int, ours: int, *, shares_differ: bool) -> int:
        """Return how much more the broker has than the book and what is not posted yet.

        0 if it is no more than a cent a fill, unless shares differ too: then it tells their price.
        """
        unposted = 0 if self._venue.fees_at_once else self._fees.booked_micro - self._posted_micro
        beside, self._ours = theirs - ours - unposted, ours
        most = CENT_MICRO * max(1, self._fills())
        return beside if shares_differ or abs(beside) > most else 0

    async def moved(self, beside: int) -> list[CashMoved]:
        """Return what moved it, by the account's activities, or that none tells."""
        if not beside or (beside, self._ours) == self._told:
            return []
        self._told = beside, self._ours
        fresh = [a for a in await self._activities() if a.activity_id not in self._used]
        posted = self._post(fresh)
        beside += posted
        most = CENT_MICRO * max(1, self._fills())
        if abs(beside) <= most:
            return []
        for since in range(len(fresh)):  # the newest that come to as much
            if abs(sum(a.amount_micro for a in fresh[since:]) - beside) <= most:
                self._used.update(a.activity_id for a in fresh[since:])
                return [_moved(a.amount_micro, a.words) for a in fresh[since:]]
        return [_moved(beside, UNEXPLAINED)]

    async def _activities(self) -> list[Activity]:
        try:
            return await self._venue.activities(self._session.date)
        except Unreachable:
            return []  # that there is a difference is known without them

    def _post(self, fresh: list[Activity]) -> int:
        """Take fees of the session that were posted; return by how much they lower the cash."""
        if self._venue.fees_at_once:
            fees = [a for a in fresh if a.kind in FEES]  # they were charged with the fills
            for activity in fees:
                fresh.remove(activity)
            return 0
        today = str(self._session.date)
        posted = [a for a in fresh if a.kind in FEES and a.date == today]
        taken = -sum(a.amount_micro for a in posted)
        taken = min(taken, self._fees.booked_micro - self._posted_micro)
        for activity in posted:
            self._used.add(activity.activity_id)
            fresh.remove(activity)
        self._posted_micro += taken
        return taken


def _moved(amount_micro: int, words: str) -> CashMoved:
    return CashMoved(ts_ns=0, amount_micro=amount_micro, reason=words)
