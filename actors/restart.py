"""The restart policy: how often a child may crash before it is given up.

The one place with a broad `except`: a crash of a child is a fact to act on here, a bug elsewhere.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from engine.errors import RotorError

R = TypeVar("R")


@dataclass(slots=True)
class Intensity:
    """At most `max_restarts` − 1 crashes within `minutes` session minutes are forgiven."""

    max_restarts: int = 3
    minutes: int = 60
    _crashes: deque[int] = field(default_factory=deque)

    def crashed(self, minute: int) -> int:
        """Note a crash at a running count of session minutes; return the crashes in the window."""
        self._crashes.append(minute)
        while self._crashes[0] <= minute - self.minutes:
            self._crashes.popleft()
        return len(self._crashes)

    @property
    def spent(self) -> bool:
        """Return whether the last crash was one too many."""
        return len(self._crashes) >= self.max_restarts


@dataclass(frozen=True, slots=True)
class Crash:
    """What a child died of."""

    error: str


def attempt(task: Callable[[], R]) -> R | Crash:
    """Run a child's step; return its result, or the crash.

    Errors that Rotor raises on purpose (bad input, a broken invariant) are no crashes: they pass.
    """
    try:
        return task()
    except RotorError:
        raise
    except Exception as error:  # noqa: BLE001 - the restart policy is where crashes end
        return Crash(f"{type(error).__name__}: {error}")


async def attempt_async(task: Callable[[], Awaitable[R]]) -> R | Crash:
    """Do the same with a step that waits; being cancelled is no crash."""
    try:
        return await task()
    except RotorError:
        raise
    except Exception as error:  # noqa: BLE001 - as above
        return Crash(f"{type(error).__name__}: {error}")
