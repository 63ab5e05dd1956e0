"""The simulated broker as an actor: orders in, reports out.

KEY INPUT: messages of the supervisor, in order.
KEY OUTPUT: for each Match and CloseBar, the reports of that frame.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from actors.mailbox import Mailbox
from engine.events import Approved, OcoOrder, Order, Report
from engine.market.frames import Block
from engine.simulation.broker import SimulatedBroker


@dataclass(frozen=True, slots=True)
class Submit:
    """Take these orders."""

    orders: tuple[Approved[Order | OcoOrder], ...]


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel these working entries; `Match` reports it."""

    order_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Replace:
    """Move these resting stops: (order id, micro-dollars)."""

    stops: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Match:
    """Report what frame `t` does to the working orders at its open."""

    block: Block
    t: int


@dataclass(frozen=True, slots=True)
class CloseBar:
    """Report what the rest of frame `t` does to resting legs."""

    block: Block
    t: int


ToBroker = Submit | Cancel | Replace | Match | CloseBar


class BrokerPort:
    """The supervisor's side of the broker: what any broker offers it."""

    def __init__(self, orders: Mailbox[ToBroker], reports: Mailbox[list[Report]]) -> None:
        self._orders = orders
        self._reports = reports

    async def submit(self, orders: Sequence[Approved[Order | OcoOrder]]) -> None:
        """Hand approved orders over; they are filled from the next `match` on."""
        if orders:
            await self._orders.send(Submit(tuple(orders)))

    async def cancel(self, order_ids: Sequence[str]) -> None:
        """Cancel working entries; the next `match` reports it."""
        if order_ids:
            await self._orders.send(Cancel(tuple(order_ids)))

    async def replace(self, stops: Sequence[tuple[str, int]]) -> None:
        """Move resting stops."""
        if stops:
            await self._orders.send(Replace(tuple(stops)))

    async def match(self, block: Block, t: int) -> list[Report]:
        """Return what happened to the working orders at the open of frame `t`."""
        await self._orders.send(Match(block, t))
        return await self._reports.receive()

    async def close_bar(self, block: Block, t: int) -> list[Report]:
        """Return what happened in the rest of frame `t`."""
        await self._orders.send(CloseBar(block, t))
        return await self._reports.receive()

    def close(self) -> None:
        """Say that no order will follow."""
        self._orders.close_sender()


async def broker(
    account: SimulatedBroker, orders: Mailbox[ToBroker], reports: Mailbox[list[Report]]
) -> None:
    """Serve the account until the supervisor closes."""
    async for message in orders:
        match message:
            case Match(block=block, t=t):
                await reports.send(account.match(block, t))
            case CloseBar(block=block, t=t):
                await reports.send(account.close_bar(block, t))
            case Submit(orders=submitted):
                account.submit(submitted)
            case Replace(stops=stops):
                account.replace(stops)
            case Cancel(order_ids=order_ids):
                account.cancel(order_ids)
