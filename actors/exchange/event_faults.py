"""What goes wrong on the order stream: events that come twice, late, in the wrong order, or never.

KEY INPUT: an event that is about to be sent.
KEY OUTPUT: what is sent now in its place; the rest comes later.
"""

from typing import TYPE_CHECKING

from actors.exchange.account import Account
from actors.exchange.fault_kinds import EVENTS
from actors.exchange.odd_words import odd_status, unknown
from actors.exchange.wire import SECOND_NS, Json

if TYPE_CHECKING:
    from actors.exchange.faults import Faults
    from actors.exchange.floor import Floor


class EventFaults:
    """The order stream's part of a floor's faults."""

    def __init__(self, floor: "Floor", faults: "Faults") -> None:
        self._floor = floor
        self._faults = faults
        self._swapped: list[tuple[Account, Json]] = []

    def on_event(self, account: Account, update: Json) -> list[Json]:
        """Return what is sent now in place of an event of the order stream."""
        update = self._worded(update)
        fault = next(
            (f for f in self._faults.on(EVENTS) if f.parameters["event"] in ("", update["event"])),
            None,
        )
        if fault is None:
            return self._told(update)
        fault.hit()
        if fault.kind == "missing":
            return []
        if fault.kind == "duplicate":
            return [update, update]
        if fault.kind == "late":
            self._send_later(account, update, fault.parameters["late_seconds"])
            return []
        return self._swap(account, update, fault.parameters["wait_seconds"])

    def _told(self, update: Json) -> list[Json]:
        fault = self._faults.find("unknown")
        if fault is None:
            return [update]
        fault.hits += 1
        restated = {**update, "event": "restated", "execution_id": None}
        for key in ("price", "qty", "position_qty"):
            restated.pop(key, None)
        strange = {**update, "reason": "a rehearsal", "order": unknown(update["order"])}
        return [strange, restated]

    def _worded(self, update: Json) -> Json:
        odd = self._faults.find("odd_status")
        if odd is None:
            return update
        odd.hits += 1
        return {**update, "order": odd_status(odd, update["order"])}

    def _swap(self, account: Account, update: Json, wait_seconds: float) -> list[Json]:
        self._swapped.append((account, update))
        if len(self._swapped) == 1:
            self._faults.later(round(wait_seconds * SECOND_NS), self._unswap)
        else:
            self._unswap()
        return []

    def _unswap(self) -> None:
        swapped, self._swapped = self._swapped, []
        for account, update in reversed(swapped):
            self._floor.trades.send(account, update)

    def _send_later(self, account: Account, update: Json, seconds: float) -> None:
        self._faults.later(
            round(seconds * SECOND_NS), lambda: self._floor.trades.send(account, update)
        )
