"""The machinery on the screen: actors, mailboxes, how long a frame takes, memory, disk.

KEY INPUT: a desk, whom to ask outside of it.
KEY OUTPUT: HealthView, measured anew every few seconds.
"""

import resource
import shutil
import sys
from pathlib import Path

import numpy as np

from actors.cockpit.scene import About, Outside
from actors.cockpit.views import ActorView, HealthView
from actors.desk import Desk
from actors.durations import Durations

FRAMES = 60
INCIDENTS = 20


def health_view(
    about: About, outside: Outside, desk: Desk, incidents: tuple[str, ...], inputs: int
) -> HealthView:
    """Return how everything is."""
    frame_ms = tuple(round(ms, 2) for ms in list(outside.frame_ms)[-FRAMES:])
    percentiles = [
        round(float(np.percentile(frame_ms, percent)), 2) if frame_ms else None
        for percent in (50, 99)
    ]
    return HealthView(
        actors=(*_trader(*percentiles), *_mailboxes(outside), *_predictors(about, outside, desk)),
        frame_ms=frame_ms,
        frame_p50_ms=percentiles[0],
        frame_p99_ms=percentiles[1],
        memory_mb=round(_memory_mb(), 0),
        disk_free_gb=round(shutil.disk_usage(_existing(about.folder)).free / 1e9, 1),
        inputs=inputs,
        counts=outside.counts(),
        incidents=incidents[-INCIDENTS:],
    )


def measure(outside: Outside) -> None:
    """Begin to measure how long the actors take."""
    for mailbox in outside.mailboxes:
        mailbox.durations = Durations()
    for learner in outside.learners:
        learner.durations = Durations()


def _took(durations: Durations | None) -> dict[str, float | None]:
    if durations is None:
        return {}
    return {"p50_ms": durations.percentile(50), "p99_ms": durations.percentile(99)}


def _trader(p50_ms: float | None, p99_ms: float | None) -> list[ActorView]:
    if p50_ms is None:
        return []
    return [
        ActorView(
            name="trader", state="up", restarts=0, mailbox=0, capacity=0, peak=0, p50_ms=p50_ms,
            p99_ms=p99_ms,
        )
    ]  # fmt: skip


def _mailboxes(outside: Outside) -> list[ActorView]:
    views = []
    for mailbox in outside.mailboxes:
        figures = mailbox.statistics()
        views.append(
            ActorView(
                name=figures.name,
                state="up",
                restarts=0,
                mailbox=mailbox.waiting,
                capacity=figures.capacity,
                peak=figures.high_water,
                **_took(mailbox.durations),
            )
        )
    return views


def _predictors(about: About, outside: Outside, desk: Desk) -> list[ActorView]:
    barred = {symbol for symbol, _ in desk.stats.quarantined}
    views = []
    for symbol, learner in zip(about.symbols, outside.learners, strict=False):
        state = "quarantined" if symbol in barred else "up"
        if state == "up" and learner.restarts:
            state = "restarted"
        views.append(
            ActorView(
                name=f"predictor {symbol}", state=state, restarts=learner.restarts, mailbox=0,
                capacity=1, peak=0, **_took(learner.durations),
            )
        )  # fmt: skip
    return views


def _memory_mb() -> float:
    status = Path("/proc/self/statm")
    if status.exists():
        return int(status.read_text(encoding="ascii").split()[1]) * resource.getpagesize() / 1e6
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1e6 if sys.platform == "darwin" else most / 1e3


def _existing(folder: Path | None) -> Path:
    return folder if folder is not None and folder.exists() else Path.cwd()
