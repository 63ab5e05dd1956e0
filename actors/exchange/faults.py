"""The faults at work: who is hit by what, now.

KEY INPUT: a schedule, or faults by hand; what is about to be answered, sent or filled.
KEY OUTPUT: what is answered, sent or filled instead.
"""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from actors.exchange.account import Account
from actors.exchange.bounds import FAULTS
from actors.exchange.connection import Connection
from actors.exchange.fault import EVENTS, FOR_EVER, REST, SOCKETS, Fault, read_fault
from actors.exchange.wire import SECOND_NS, Json
from engine.errors import BadInputError
from engine.market.frames import MINUTE_NS

if TYPE_CHECKING:
    from actors.exchange.floor import Floor

_REVISION_NS = 30 * SECOND_NS


class Faults:
    """What goes wrong on one floor."""

    def __init__(self, floor: "Floor") -> None:
        self._floor = floor
        self._faults: list[Fault] = []
        self._swapped: list[tuple[Account, Json]] = []
        self._limit: Fault | None = None
        """How many symbols one market connection may subscribe to."""

    @property
    def schedule(self) -> list[Fault]:
        """Return all faults, past ones too."""
        return list(self._faults)

    @property
    def skew_ns(self) -> int:
        """Return how wrong /v2/clock is."""
        fault = self._find("skew")
        return 0 if fault is None else round(fault.parameters["skew_seconds"] * SECOND_NS)

    def add(self, faults: Iterable[Fault]) -> None:
        """Have faults begin when their time comes."""
        for fault in faults:
            self._faults.append(fault)
            if fault.at_ns <= self._floor.clock.now_ns:
                self._begin(fault)
            else:
                self._floor.clock.call_at(fault.at_ns, lambda fault=fault: self._begin(fault))  # type: ignore[misc]

    def inject(self, asked: Mapping[str, Any]) -> None:
        """Add a fault by hand, now or at its time; raises BadInputError."""
        floor = self._floor
        if len(self._faults) >= FAULTS:
            raise BadInputError(f"too many faults: {FAULTS} a session")
        self.add([read_fault(asked, floor.market.session, floor.clock.now_ns)])

    def state(self) -> list[Json]:
        """Return all faults as JSON."""
        now = self._floor.clock.now_ns
        return [{**fault.shown(), "on": fault.on(now)} for fault in self._faults]

    def on_request(self, method: str, path: str) -> Fault | None:
        """Return the fault that hits a request, if any."""
        down = self._find("restart")
        if down is not None:
            down.hit()
            return down
        for fault in self._on(REST):
            asked = fault.parameters.get("method", method)
            if asked == method and (fault.kind != "gateway_timeout" or "/orders" in path):
                fault.hit()
                return fault
        return None

    def on_submit(self) -> str | None:
        """Return how the order that is being submitted is rejected, None if it is not."""
        fault = self._take("reject")
        return None if fault is None else str(fault.parameters["how"])

    def on_answer(self, value: Any) -> Any:
        """Return what is answered in place of a value."""
        fault = self._find("unknown")
        if fault is None or isinstance(value, str | int | float | None):
            return value
        fault.hits += 1
        return [_strange(x) for x in value] if isinstance(value, list) else _strange(value)

    def on_event(self, account: Account, update: Json) -> list[Json]:
        """Return what is sent now in place of an event of the order stream."""
        fault = next(
            (f for f in self._on(EVENTS) if f.parameters["event"] in ("", update["event"])), None
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

    def on_bars(self, items: list[Json]) -> list[Json]:
        """Return which of a minute's bars are sent now."""
        revised = self._take("revised_bars")
        if revised is not None:
            again = [{**item, "T": "u", "v": item["v"] + 100} for item in items]
            self._later(_REVISION_NS, lambda: self._floor.data.offer(again))
        if self._take("missing_bars") is not None:
            return []
        late = self._take("late_bars")
        if late is None:
            return items
        wait = round(late.parameters["late_seconds"] * SECOND_NS)
        self._later(wait, lambda: self._floor.data.offer(items))
        return []

    def stream_refusal(self) -> int | None:
        """Return the error with which new market connections are refused."""
        fault = self._find("connection_limit", "market")
        if fault is None:
            return None
        fault.hits += 1
        return int(fault.parameters["code"])

    def handshake_refusal(self, stream: str) -> int | None:
        """Return the HTTP status with which a handshake is refused."""
        if self._find("restart") is not None:
            return 503
        if stream == "trades" and self._find("connection_limit", "trades") is not None:
            return 429
        return None

    def cancel_ns(self) -> int:
        """Return how long a cancellation takes."""
        fault = self._find("slow_cancel")
        return 0 if fault is None else round(fault.parameters["cancel_seconds"] * SECOND_NS)

    def pieces(self) -> int:
        """Return into how many executions the next fill is cut."""
        fault = self._take("partial")
        return 1 if fault is None else int(fault.parameters["pieces"])

    def thinning(self) -> float:
        """Return the share of the usual volume that can be had."""
        fault = self._find("thin")
        return 1.0 if fault is None else float(fault.parameters["share"])

    def _on(self, kinds: Iterable[str]) -> list[Fault]:
        now = self._floor.clock.now_ns
        return [fault for fault in self._faults if fault.kind in kinds and fault.on(now)]

    def too_many(self, wanted: Mapping[str, set[str]]) -> bool:
        """Return whether a subscription goes beyond a symbol limit, of a channel or of them all."""
        if self._limit is None:
            return False
        limit, channel = (self._limit.parameters[name] for name in ("limit", "channel"))
        counted = wanted.get(channel, set()) if channel else set().union(*wanted.values())
        return len(counted) > int(limit)

    def _find(self, kind: str, stream: str | None = None) -> Fault | None:
        for fault in self._on((kind,)):
            if stream is None or fault.parameters["stream"] in (stream, "all"):
                return fault
        return None

    def _take(self, kind: str) -> Fault | None:
        fault = self._find(kind)
        if fault is not None:
            fault.hit()
        return fault

    def _begin(self, fault: Fault) -> None:
        fault.begun = True
        if fault.kind in SOCKETS:
            fault.hits += len(self._break(fault))
        elif fault.kind == "symbol_limit":
            self._limit = fault
        elif fault.kind == "halt":
            self._halt(fault)

    def _break(self, fault: Fault) -> list[Connection]:
        """Do to the sockets what the fault does; return them."""
        connections = self._connections(fault.parameters.get("stream", "all"))
        for connection in connections:
            if fault.kind == "mute":
                connection.muted = True
                self._floor.trades.fall_silent(connection)
            elif fault.kind == "half_open":
                connection.half_open()
                self._floor.trades.fall_silent(connection)
            else:
                connection.drop()
        if fault.kind == "mute" and fault.seconds < FOR_EVER:
            for connection in connections:
                self._later(round(fault.seconds * SECOND_NS), partial(self._unmute, connection))
        return connections

    def _unmute(self, connection: Connection) -> None:
        connection.unmute()
        self._floor.trades.speak_again(connection)

    def _connections(self, stream: str) -> list[Connection]:
        market = self._floor.data.connections if stream in ("market", "all") else []
        trades = self._floor.trades.connections if stream in ("trades", "all") else []
        return [*market, *trades]

    def _halt(self, fault: Fault) -> None:
        market, symbol = self._floor.market, fault.parameters["symbol"]
        if symbol not in market.symbols:
            return
        fault.hits += 1
        first = (fault.at_ns - market.session.open_ns) // MINUTE_NS + 1
        last = max(first, (fault.end_ns - market.session.open_ns) // MINUTE_NS)
        market.halt(symbol, first, last)
        self._status(symbol, "H", "Trading Halt")
        end = market.start_ns(last + 1) - self._floor.clock.now_ns
        self._later(end, lambda: self._status(symbol, "T", "Trading Resumption"))

    def _status(self, symbol: str, code: str, words: str) -> None:
        now = self._floor.clock.now_ns
        item = {"T": "s", "S": symbol, "sc": code, "sm": words, "rc": "T12", "rm": "a rehearsal"}
        self._floor.data.offer([{**item, "t": now, "z": "B"}])

    def _told(self, update: Json) -> list[Json]:
        fault = self._find("unknown")
        if fault is None:
            return [update]
        fault.hits += 1
        restated = {**update, "event": "restated", "execution_id": None}
        for key in ("price", "qty", "position_qty"):
            restated.pop(key, None)
        strange = {**update, "reason": "a rehearsal", "order": _strange(update["order"])}
        return [strange, restated]

    def _swap(self, account: Account, update: Json, wait_seconds: float) -> list[Json]:
        self._swapped.append((account, update))
        if len(self._swapped) == 1:
            self._later(round(wait_seconds * SECOND_NS), self._unswap)
        else:
            self._unswap()
        return []

    def _unswap(self) -> None:
        swapped, self._swapped = self._swapped, []
        for account, update in reversed(swapped):
            self._floor.trades.send(account, update)

    def _send_later(self, account: Account, update: Json, seconds: float) -> None:
        self._later(round(seconds * SECOND_NS), lambda: self._floor.trades.send(account, update))

    def _later(self, wait_ns: int, task: Any) -> None:
        self._floor.clock.call_at(self._floor.clock.now_ns + wait_ns, task)


def _strange(value: Any) -> Any:
    """Return an object with fields and words that nobody knows."""
    if not isinstance(value, dict):
        return value
    changed = {**value, "swap_rate_basis": "1.0", "regime": {"code": 7, "since": None}}
    if value.get("status") in ("new", "accepted"):
        changed["status"] = "queued_at_venue"
    if value.get("order_class") == "simple":
        changed["order_class"] = "plain"
    if "exchange" in value:
        changed["exchange"] = "NEWX"
    return changed
