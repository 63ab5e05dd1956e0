"""When an account was cut off: no order stream of its stood, or its requests were hit by faults.

KEY INPUT: order-stream connections that come and go; requests answered as they should be, or not.
KEY OUTPUT: spans of session time; a trader is judged by what it did outside of them.
"""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Outage:
    """Spans in which one way to the exchange was closed."""

    spans: list[tuple[int, int | None]] = field(default_factory=list)
    """(from, to) in ns; the last one lasts if its end is None."""

    def begin(self, now_ns: int) -> None:
        """Note that the way is closed, if it was open."""
        if not self.spans or self.spans[-1][1] is not None:
            self.spans.append((now_ns, None))

    def end(self, now_ns: int) -> None:
        """Note that the way is open, if it was closed."""
        if self.spans and self.spans[-1][1] is None:
            self.spans[-1] = (self.spans[-1][0], now_ns)


@dataclass(slots=True)
class Contact:
    """Both ways, and whether what is sent on the first is heard."""

    order_stream: Outage = field(default_factory=Outage)
    silence: Outage = field(default_factory=Outage)
    """While an order stream stood that a fault had made mute or half open."""
    requests: Outage = field(default_factory=Outage)
    """From a request that a fault hit to the next one that was answered as it should be."""
    _listening: int = 0

    def listens(self, now_ns: int) -> None:
        """Note a connection that listens to the account's orders."""
        self._listening += 1
        self.order_stream.end(now_ns)

    def leaves(self, now_ns: int) -> None:
        """Note that such a connection is gone."""
        self._listening -= 1
        self.silence.end(now_ns)
        if not self._listening:
            self.order_stream.begin(now_ns)
