"""What goes wrong in the market: bars that are late, missing, revised or wrong; halts.

KEY INPUT: a minute's bars that are about to be sent, or shown.
KEY OUTPUT: what is sent or shown in their place; the rest comes later.
"""

from functools import partial
from typing import TYPE_CHECKING

from actors.exchange.fault import Fault
from actors.exchange.market import MarketBar, ShownBar
from actors.exchange.wire import SECOND_NS, Json
from engine.market.frames import MINUTE_NS

if TYPE_CHECKING:
    from actors.exchange.faults import Faults
    from actors.exchange.floor import Floor

_REVISION_NS = 30 * SECOND_NS
_PRICES = ("o", "h", "l", "c", "vw")


class BarFaults:
    """The market's part of a floor's faults."""

    def __init__(self, floor: "Floor", faults: "Faults") -> None:
        self._floor = floor
        self._faults = faults
        self._wrong: dict[tuple[str, int], float] = {}
        """By what the prices of a bar are multiplied until it is corrected."""
        self.told: list[tuple[str, int]] = []
        """Every wrong bar that was told: symbol, start."""

    def on_bars(self, items: list[Json]) -> list[Json]:
        """Return which of a minute's bars are sent now."""
        for bad in self._faults.on(("bad_bar",)):
            items = self._falsified(bad, items)
        revised = self._faults.take("revised_bars")
        if revised is not None:
            again = [{**item, "T": "u", "v": item["v"] + 100} for item in items]
            self._faults.later(_REVISION_NS, lambda: self._floor.data.offer(again))
        if self._faults.take("missing_bars") is not None:
            return []
        late = self._faults.take("late_bars")
        if late is None:
            return items
        wait = round(late.parameters["late_seconds"] * SECOND_NS)
        self._faults.later(wait, lambda: self._floor.data.offer(items))
        return []

    def halt(self, fault: Fault) -> None:
        """Stop a symbol's trading for as long as the fault is on."""
        market, symbol = self._floor.market, fault.parameters["symbol"]
        if symbol not in market.symbols:
            return
        fault.hits += 1
        first = (fault.at_ns - market.session.open_ns) // MINUTE_NS + 1
        last = max(first, (fault.end_ns - market.session.open_ns) // MINUTE_NS)
        market.halt(symbol, first, last)
        self._status(symbol, "H", "Trading Halt")
        end = market.start_ns(last + 1) - self._floor.clock.now_ns
        self._faults.later(end, lambda: self._status(symbol, "T", "Trading Resumption"))

    def _status(self, symbol: str, code: str, words: str) -> None:
        now = self._floor.clock.now_ns
        item = {"T": "s", "S": symbol, "sc": code, "sm": words, "rc": "T12", "rm": "a rehearsal"}
        self._floor.data.offer([{**item, "t": now, "z": "B"}])

    def shown(self, shown: ShownBar) -> ShownBar:
        """Return a bar as it is shown: as it was told."""
        factor = self._wrong.get((shown.symbol, shown.start_ns))
        if factor is None:
            return shown
        *prices, volume = shown.bar
        wrong = MarketBar._make([*(round(p * factor, 4) for p in prices), volume])
        return shown._replace(bar=wrong)

    def _falsified(self, fault: Fault, items: list[Json]) -> list[Json]:
        """Return a minute's bars, that of a held symbol with wrong prices."""
        symbol = fault.parameters["symbol"] or self._held()
        true = next((item for item in items if item["S"] == symbol), None)
        if true is None:
            return items
        fault.hit()
        factor, key = fault.parameters["factor"], (symbol, true["t"])
        self._wrong[key] = factor
        self.told.append(key)
        wrong = {**true, **{name: round(true[name] * factor, 4) for name in _PRICES}}
        if fault.parameters["corrected"]:
            self._faults.later(_REVISION_NS, partial(self._correct, key, true))
        return [wrong if item is true else item for item in items]

    def _correct(self, key: tuple[str, int], true: Json) -> None:
        self._wrong.pop(key, None)
        self._floor.data.offer([{**true, "T": "u"}])

    def _held(self) -> str:
        held = (s for account in self._floor.accounts.values() for s in account.holdings)
        return min(held, default="")
