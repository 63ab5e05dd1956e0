"""Bounded channels with names and figures: how actors talk.

Data flows left to right; the sender closes. A full mailbox makes its sender wait: nothing is lost.
"""

from dataclasses import dataclass
from typing import Generic, Self, TypeVar

import trio

from actors.durations import Durations

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MailboxStatistics:
    """How a mailbox was used."""

    name: str
    capacity: int
    sent: int
    high_water: int
    """The most messages that ever waited in it."""


class Mailbox(Generic[T]):
    """One bounded channel, one sender, one receiver."""

    def __init__(self, name: str, capacity: int) -> None:
        self.name = name
        self._capacity = capacity
        self._sender, self._receiver = trio.open_memory_channel[T](capacity)
        self._sent = self._received = self._high_water = 0
        self.durations: Durations | None = None
        """How long whoever iterates takes over a message; None: nobody wants to know."""

    async def send(self, message: T) -> None:
        """Deliver a message; waits while the mailbox is full.

        Raises trio.BrokenResourceError when the receiver is gone.
        """
        try:
            # without a checkpoint while there is room: the bound makes the sender yield in time
            self._sender.send_nowait(message)
        except trio.WouldBlock:
            await self._sender.send(message)
        self._sent += 1
        waiting = self._sent - self._received
        if waiting > self._high_water:
            self._high_water = waiting

    async def receive(self) -> T:
        """Take the next message; raises trio.EndOfChannel when the sender has closed."""
        try:
            message = self._receiver.receive_nowait()
        except trio.WouldBlock:
            message = await self._receiver.receive()
        self._received += 1
        return message

    def close_sender(self) -> None:
        """Say that no message will follow."""
        self._sender.close()

    def close_receiver(self) -> None:
        """Say that nobody listens any more."""
        self._receiver.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        if self.durations is not None:
            self.durations.end()
        try:
            message = await self.receive()
        except trio.EndOfChannel:
            raise StopAsyncIteration from None
        if self.durations is not None:
            self.durations.begin()
        return message

    @property
    def waiting(self) -> int:
        """Return how many messages wait in it."""
        return max(0, self._sent - self._received)

    def statistics(self) -> MailboxStatistics:
        """Return the figures so far."""
        return MailboxStatistics(self.name, self._capacity, self._sent, self._high_water)
