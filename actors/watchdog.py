"""The watchdog: waits for the supervisor's heart to stop, then makes the account flat.

KEY INPUT: the heartbeat of a run folder; a venue; the session's symbols.
KEY OUTPUT: no order and no position of these symbols, verified by asking, or the news that it is
not so.

It runs in a process of its own, by the wall's time. It knows nothing of the trader's plans, and
needs not: it cancels what works, closes what is held, and asks until the broker says so twice.
"""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Protocol

import trio

from actors.heartbeat import BEAT_SECONDS
from actors.venue import Accepted, Answer, BrokerOrder, Holding, Unknown, Unreachable

SILENCE_SECONDS = 90.0
LOOK_SECONDS = 1.0
"""Between two looks at the account."""
GIVE_UP_SECONDS = 3_600.0
SURE = 2
"""How many looks in a row must find it flat: an order may still have been on its way."""

Say = Callable[[str], None]


class Exits(Protocol):
    """What of a venue is needed to get out."""

    async def orders(self) -> list[BrokerOrder]:
        """Return open orders, legs nested; raises Unreachable."""
        ...

    async def cancel(self, broker_id: str) -> Answer | None:
        """Ask for a cancellation."""
        ...

    async def holdings(self) -> list[Holding]:
        """Return all positions; raises Unreachable."""
        ...

    async def close(self, symbol: str) -> Answer:
        """Close a position at the market."""
        ...


async def until_silent(heartbeat: Path, silence_seconds: float) -> None:
    """Return when the heartbeat has not changed for so long; it may be missing at first."""
    seen, since = _read(heartbeat), trio.current_time()
    while trio.current_time() < since + silence_seconds:
        await trio.sleep(min(BEAT_SECONDS, silence_seconds / 4))
        now = _read(heartbeat)
        if now != seen and now:
            seen, since = now, trio.current_time()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""  # gone, or unreadable: no beat


class Flattener:
    """Makes some symbols of an account flat."""

    def __init__(self, exits: Exits, symbols: Collection[str], say: Say) -> None:
        self._exits = exits
        self._symbols = frozenset(symbols)
        self._say = say
        self._closing: set[str] = set()
        """Broker ids of our own closing orders."""
        self._said: set[str] = set()

    async def flatten(self) -> bool:
        """Cancel, close and ask until it is flat; return whether it is, after an hour at most."""
        sure = 0
        with trio.move_on_after(GIVE_UP_SECONDS):
            while sure < SURE:
                try:
                    sure = 0 if await self._step() else sure + 1
                except Unreachable as error:
                    sure = 0
                    self._once(f"the broker does not answer: {error}")
                if sure < SURE:
                    await trio.sleep(LOOK_SECONDS)
        return sure >= SURE

    async def _step(self) -> bool:
        """Do what can be done now; return whether there was anything left."""
        working = [o for o in await self._exits.orders() if self._works(o)]
        held = [h for h in await self._exits.holdings() if h.symbol in self._symbols and h.shares]
        for order in working:
            if order.broker_id not in self._closing:
                await self._cancel(order)
        busy = {order.symbol for order in working}
        for holding in held:
            if holding.symbol not in busy:
                await self._close(holding)
        return bool(working or held)

    def _works(self, order: BrokerOrder) -> bool:
        live = not order.status.final or any(not leg.status.final for leg in order.legs)
        return live and order.symbol in self._symbols

    async def _cancel(self, order: BrokerOrder) -> None:
        self._once(f"{order.symbol}: cancelling {order.side} {order.shares} ({order.kind})")
        if not order.status.final:
            await self._exits.cancel(order.broker_id)
        else:
            for leg in order.legs:
                if not leg.status.final:
                    await self._exits.cancel(leg.broker_id)

    async def _close(self, holding: Holding) -> None:
        self._once(f"{holding.symbol}: closing {holding.shares} at the market")
        answer = await self._exits.close(holding.symbol)
        if isinstance(answer, Accepted):
            self._closing.add(answer.order.broker_id)
        elif answer is not None:
            kind = "no answer" if isinstance(answer, Unknown) else "refused"
            self._once(f"{holding.symbol}: closing: {kind}: {answer.reason}")

    def _once(self, words: str) -> None:
        if words not in self._said:
            self._said.add(words)
            self._say(words)
