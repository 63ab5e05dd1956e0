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

FRAMES = 60
INCIDENTS = 20


def health_view(
    about: About, outside: Outside, desk: Desk, incidents: tuple[str, ...], inputs: int
) -> HealthView:
    """Return how everything is."""
    frame_ms = tuple(round(ms, 2) for ms in list(outside.frame_ms)[-FRAMES:])
    return HealthView(
        actors=(*_mailboxes(outside), *_predictors(about, outside, desk)),
        frame_ms=frame_ms,
        frame_p50_ms=round(float(np.percentile(frame_ms, 50)), 2) if frame_ms else None,
        frame_p99_ms=round(float(np.percentile(frame_ms, 99)), 2) if frame_ms else None,
        memory_mb=round(_memory_mb(), 0),
        disk_free_gb=round(shutil.disk_usage(_existing(about.folder)).free / 1e9, 1),
        inputs=inputs,
        counts=outside.counts(),
        incidents=incidents[-INCIDENTS:],
    )


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
                capacity=1, peak=0,
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
