"""The simulated broker as an actor: orders in, reports out.

KEY INPUT: Submit and Match messages of the supervisor, in order.
KEY OUTPUT: for each Match, the reports of that frame.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from actors.mailbox import Mailbox
from engine.events import Order, Report
from engine.market.frames import Block
from engine.simulation.broker import SimulatedBroker


@dataclass(frozen=True, slots=True)
class Submit:
    """Take these orders."""

    orders: tuple[Order, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """Report what frame `t` does to the working orders."""

    block: Block
    t: int


class BrokerPort:
    """The supervisor's side of the broker: what any broker offers it."""

    def __init__(self, orders: Mailbox[Submit | Match], reports: Mailbox[list[Report]]) -> None:
        self._orders = orders
        self._reports = reports

    async def submit(self, orders: Sequence[Order]) -> None:
        """Hand orders over; they are filled from the next `match` on."""
        await self._orders.send(Submit(tuple(orders)))

    async def match(self, block: Block, t: int) -> list[Report]:
        """Return what happened to the working orders in frame `t`."""
        await self._orders.send(Match(block, t))
        return await self._reports.receive()

    def close(self) -> None:
        """Say that no order will follow."""
        self._orders.close_sender()


async def broker(
    account: SimulatedBroker, orders: Mailbox[Submit | Match], reports: Mailbox[list[Report]]
) -> None:
    """Serve the account until the supervisor closes."""
    async for message in orders:
        if isinstance(message, Submit):
            account.submit(message.orders)
        else:
            await reports.send(account.match(message.block, message.t))
