"""A `rotor live` that notes when a frame closes, when its orders are durable and when they leave.

Runs as a process of its own: the whole command, real alpaca-py, real sockets, with four methods
wrapped. An order has left when the socket has taken the last byte of its POST. Every moment is
noted by two clocks: the wall's, and the CPU that this process has used.
"""

import http.client
import json
import sys
import time
from pathlib import Path

import actors.execution
import actors.minutes
import actors.trader
from engine.records.inputs import Frame
from tui.live import live_command
from tui.live_session import LiveRequest


def now():
    """Return this moment."""
    return time.perf_counter_ns(), time.process_time_ns()


class Wire:
    """What was noted; a moment is (wall, CPU), both in nanoseconds."""

    def __init__(self):
        self.closed = now()
        """When the last frame closed."""
        self.by_frame = False
        """True while what the trader was given last is a frame."""
        self.frames = []
        """[closed, handed to execution] of every frame that sent something."""
        self.orders = {}
        """Id → [closed, handed over, entry, left] of every order that a frame sent."""
        self.requests = []
        """(left, method) of every request."""

    def install(self):
        """Wrap the methods."""
        _after(actors.minutes.Minutes, "_close", before=self._frame_closes)
        _after(actors.trader.Trader, "take", before=self._given)
        _after(actors.execution.Execution, "send", before=self._handed_over)
        plain = http.client.HTTPConnection.send

        def send(connection, data):
            plain(connection, data)
            self._left(connection, data)

        http.client.HTTPConnection.send = send

    def _frame_closes(self, *_args, **_kwargs):
        self.closed = now()

    def _given(self, _trader, given):
        self.by_frame = isinstance(given, Frame)

    def _handed_over(self, _execution, outgoing, moves):
        if not self.by_frame:
            return
        moment = now()
        if outgoing.orders:
            self.frames.append([self.closed, moment])
        for approved in outgoing.orders:
            order = approved.order
            self.orders[order.order_id] = [
                self.closed,
                moment,
                getattr(order, "entry", False),
                None,
            ]

    def _left(self, connection, data):
        moment = now()
        if not isinstance(data, bytes):
            return
        method = data[:12].partition(b" ")[0].decode(errors="replace")
        if method in ("GET", "POST", "PATCH", "DELETE"):
            connection._rotor_posts = data.startswith(b"POST /v2/orders ")
            self.requests.append((moment, method))
        elif getattr(connection, "_rotor_posts", False):
            noted = self.orders.get(json.loads(data).get("client_order_id"))
            if noted is not None:
                noted[3] = moment


def _after(kind, name, *, before):
    plain = getattr(kind, name)

    async def noted(*args, **kwargs):
        before(*args, **kwargs)
        return await plain(*args, **kwargs)

    setattr(kind, name, noted)


def main():
    spec = json.loads(sys.argv[1])
    wire = Wire()
    wire.install()
    code = live_command(
        LiveRequest(
            endpoint=spec["endpoint"], symbols=",".join(spec["symbols"]),
            sets=tuple(spec["sets"]), out=Path(spec["out"]), json=True,
        )
    )  # fmt: skip
    noted = {"frames": wire.frames, "orders": list(wire.orders.values()), "code": code}
    Path(spec["noted"]).write_text(json.dumps(noted | {"requests": wire.requests}))


if __name__ == "__main__":
    main()
