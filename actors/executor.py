"""Where heavy kernels run: inline for small work, in a worker thread for large; same results."""

from collections.abc import Callable
from typing import Literal, TypeVar

import trio

Executor = Literal["inline", "threads"]
R = TypeVar("R")

THREAD_THRESHOLD = 512
"""Symbol-bars from which a thread's round trip (about 88 µs of CPU) is worth it."""


async def execute(executor: Executor, work: int, task: Callable[[], R]) -> R:
    """Run `task`, of `work` symbol-bars; inline everywhere under a mock clock."""
    if executor == "threads" and work >= THREAD_THRESHOLD:
        return await trio.to_thread.run_sync(task)
    return task()
