"""The faults at work: who is hit by what, now.

KEY INPUT: a schedule, or faults by hand; what is about to be answered, sent or filled.
KEY OUTPUT: what is answered, sent or filled instead.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from actors.exchange.account import Account
from actors.exchange.bar_faults import BarFaults
from actors.exchange.bounds import FAULTS
from actors.exchange.connection import Connection
from actors.exchange.event_faults import EventFaults
from actors.exchange.fault import Fault, read_fault
from actors.exchange.fault_kinds import DEEDS, FOR_EVER, REST, SOCKETS
from actors.exchange.odd_words import odd_positions, odd_status, unknown
from actors.exchange.order import Order, Refused
from actors.exchange.refusal import Refusal
from actors.exchange.refusing import KEYS, hits, refusal_of
from actors.exchange.tickets import Ticket
from actors.exchange.wire import SECOND_NS, Json
from engine.errors import BadInputError

if TYPE_CHECKING:
    from actors.exchange.floor import Floor


class Faults:
    """What goes wrong on one floor."""

    def __init__(self, floor: "Floor") -> None:
        self._floor = floor
        self._faults: list[Fault] = []
        self.events = EventFaults(floor, self)
        self.bars = BarFaults(floor, self)
        self._limit: Fault | None = None
        """How many symbols one market connection may subscribe to."""

    @property
    def schedule(self) -> list[Fault]:
        """Return all faults, past ones too."""
        return list(self._faults)

    @property
    def skew_ns(self) -> int:
        """Return how wrong /v2/clock is."""
        fault = self.find("skew")
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
        down = self.find("restart")
        if down is not None:
            down.hit()
            return down
        for fault in self.on(REST):
            asked = fault.parameters.get("method", method)
            if asked == method and (fault.kind != "gateway_timeout" or "/orders" in path):
                fault.hit()
                return fault
        return None

    def on_submit(self) -> str | None:
        """Return how the order that is being submitted is rejected, None if it is not."""
        fault = self.take("reject")
        return None if fault is None else str(fault.parameters["how"])

    def on_answer(self, path: str, value: Any) -> Any:
        """Return what is answered in place of a value."""
        positions, odd = self.find("odd_positions"), self.find("odd_status")
        if positions is not None and path.rstrip("/") == "/v2/positions":
            positions.hits += 1
            value = odd_positions(positions, value)
        if odd is not None and path.startswith("/v2/orders"):
            odd.hits += 1
            value = _each(partial(odd_status, odd), value)
        fault = self.find("unknown")
        if fault is None or isinstance(value, str | int | float | None):
            return value
        fault.hits += 1
        return _each(unknown, value)

    def refusal(
        self, account: Account, method: str, order: Order | Ticket, *, opens: bool
    ) -> Refusal | None:
        """Return the refusal of an order, a cancellation or a replacement, if a fault refuses."""
        symbol, protects = order.symbol, order.order_class == "oco"
        for fault in self.on(("refuse",)):
            if not hits(fault, symbol, opens=opens, protects=protects):
                continue
            fault.hit()
            now, why = self._floor.clock.now_ns, fault.parameters["why"]
            client_id = order.client_id or ""
            account.refused.append(Refused(now, fault.end_ns, why, method, symbol, client_id))
            return refusal_of(why, symbol, order.shares)
        return None

    def keys_refusal(self, *, streams: bool = False) -> Refusal | None:
        """Return the refusal of the keys themselves, if a fault refuses them."""
        for fault in self.on(("refuse",)):
            why = fault.parameters["why"]
            if why in KEYS and (fault.parameters["streams"] or not streams):
                fault.hit()
                return refusal_of(why)
        return None

    def postpones(self, account: Account, order: Order, shares: int, price: float) -> bool:
        """Return whether an entry's fill is told after its cancellation; it comes later then."""
        fault = self.take("late_fill")
        if fault is None:
            return False
        floor = self._floor

        def fill() -> None:
            floor.matching.fill_late(account, order, shares, price, floor.clock.now_ns)

        self.later(round(fault.parameters["late_seconds"] * SECOND_NS), fill)
        return True

    def stream_refusal(self) -> int | None:
        """Return the error with which new market connections are refused."""
        fault = self.find("connection_limit", "market")
        if fault is None:
            return None
        fault.hits += 1
        return int(fault.parameters["code"])

    def handshake_refusal(self, stream: str) -> int | None:
        """Return the HTTP status with which a handshake is refused."""
        if self.find("restart") is not None:
            return 503
        if stream == "trades" and self.find("connection_limit", "trades") is not None:
            return 429
        return None

    def cancel_ns(self) -> int:
        """Return how long a cancellation takes."""
        fault = self.find("slow_cancel")
        return 0 if fault is None else round(fault.parameters["cancel_seconds"] * SECOND_NS)

    def pieces(self) -> int:
        """Return into how many executions the next fill is cut."""
        fault = self.take("partial")
        return 1 if fault is None else int(fault.parameters["pieces"])

    def thinning(self) -> float:
        """Return the share of the usual volume that can be had."""
        fault = self.find("thin")
        return 1.0 if fault is None else float(fault.parameters["share"])

    def on(self, kinds: Iterable[str]) -> list[Fault]:
        """Return the faults of some kinds that are at work now."""
        now = self._floor.clock.now_ns
        return [fault for fault in self._faults if fault.kind in kinds and fault.on(now)]

    def too_many(self, wanted: Mapping[str, set[str]]) -> bool:
        """Return whether a subscription goes beyond a symbol limit, of a channel or of them all."""
        if self._limit is None:
            return False
        limit, channel = (self._limit.parameters[name] for name in ("limit", "channel"))
        counted = wanted.get(channel, set()) if channel else set().union(*wanted.values())
        return len(counted) > int(limit)

    def find(self, kind: str, stream: str | None = None) -> Fault | None:
        """Return the first fault of a kind that is at work now."""
        for fault in self.on((kind,)):
            if stream is None or fault.parameters["stream"] in (stream, "all"):
                return fault
        return None

    def take(self, kind: str) -> Fault | None:
        """Return the first fault of a kind that is at work now, and count that it hit."""
        fault = self.find(kind)
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
            self.bars.halt(fault)
        elif fault.kind in DEEDS:
            self._floor.deeds.begin(fault)
        elif fault.kind == "refuse" and fault.parameters["streams"]:
            fault.hits += len(self._break(fault))

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
                self.later(round(fault.seconds * SECOND_NS), partial(self._unmute, connection))
        return connections

    def _unmute(self, connection: Connection) -> None:
        connection.unmute()
        self._floor.trades.speak_again(connection)

    def _connections(self, stream: str) -> list[Connection]:
        market = self._floor.data.connections if stream in ("market", "all") else []
        trades = self._floor.trades.connections if stream in ("trades", "all") else []
        return [*market, *trades]

    def later(self, wait_ns: int, task: Callable[[], None]) -> None:
        """Have something done after some session time."""
        self._floor.clock.call_at(self._floor.clock.now_ns + wait_ns, task)


def _each(change: Callable[[object], object], value: Any) -> Any:
    return [change(x) for x in value] if isinstance(value, list) else change(value)
