"""The seat in front of a session of this process: what it says goes to the log, not the screen.

KEY INPUT: what the session says, and what is to be done once the terminal is free again.
KEY OUTPUT: both, at the end, on the terminal.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

import trio

from actors.cockpit.cockpit import Cockpit
from actors.control import Answer
from tui.cockpit.inside import Inside


@dataclass(slots=True)
class Seat:
    """One screen before one session."""

    source: Inside = field(default_factory=Inside)
    stop: trio.Event = field(default_factory=trio.Event)
    said: list[str] = field(default_factory=list)
    later: list[Callable[[], object]] = field(default_factory=list)
    """Done once the terminal is free: the summary."""
    _cockpit: Cockpit | None = None

    def open(self, cockpit: Cockpit, answer: Answer) -> None:
        """Take what the session hands over; what was said before goes to its log."""
        self._cockpit = cockpit
        for words in self.said:
            self._log(words)
        self.source.open(cockpit, answer)

    def hear(self, words: str) -> None:
        """Take what the session says to its operator."""
        self.said.append(words)
        self._log(words)

    def _log(self, words: str) -> None:
        if self._cockpit is not None:
            cockpit = self._cockpit
            cockpit.log.add(cockpit.outside.now_ns(), "info", "live", words)


class Noted(logging.Handler):
    """Keeps what is logged until the terminal is free."""

    def __init__(self, seat: Seat) -> None:
        super().__init__(logging.WARNING)
        self._seat = seat

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record; the session's own log has it already."""
        self._seat.said.append(record.getMessage())
