"""Alerts: who is told when something happens to a session, without the session waiting for it.

KEY INPUT: what happened, from any thread.
KEY OUTPUT: messages to webhooks, chats, the desktop (apprise), and the terminal's bell.

A thread of its own sends them. What comes faster than the rate goes together in the next message;
an address that does not answer costs that thread's time, never the trader's.
"""

import os
import queue
import re
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from actors.alpaca.keys import read_dot_env
from actors.restart import attempt
from engine.config import AlertKind
from engine.config import Alerts as Settings
from engine.errors import BadInputError

Send = Callable[[str, str], bool]
"""Sends a title and a text; returns whether everybody has it."""

MOST_WAITING = 1_000
MOST_LINES = 20
"""Of one message; of what is beyond only the number is told."""
WINDOW_SECONDS = 60.0
CLOSING_SECONDS = 15.0
_NAMED = re.compile(r"\$\{(\w+)\}")


class Alert(NamedTuple):
    """Something that somebody should know."""

    kind: AlertKind
    words: str


class Alerter:
    """Tells what happened, from a thread of its own."""

    def __init__(
        self,
        name: str,
        send: Send | None,
        settings: Settings,
        *,
        ring: Callable[[], None] | None = None,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start nothing if there is nobody to tell."""
        self.name = name
        """Every title begins with it."""
        self.settings = settings
        self.begun = self.ended = False
        """Whether the session began, and whether its end was told."""
        self.sent = self.failed = self.dropped = 0
        """Messages that everybody has; that somebody does not; alerts for which was no room."""
        self._send = send
        self._ring = ring
        self._kinds = frozenset(settings.kinds)
        self._per_minute = settings.per_minute
        self._seconds = seconds
        self._waiting: queue.Queue[Alert | None] = queue.Queue(MOST_WAITING)
        self._closing = threading.Event()
        self._times: deque[float] = deque()
        self._thread: threading.Thread | None = None
        if send is not None or ring is not None:
            self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)
            self._thread.start()

    def begin(self, name: str) -> None:
        """Take note that the session begins, and what it is called."""
        self.name, self.begun = name, True

    def tell(self, kind: AlertKind, words: str) -> None:
        """Have it told; returns at once, whatever becomes of it."""
        self.ended |= kind == "end"
        if self._thread is None or kind not in self._kinds:
            return
        try:
            self._waiting.put_nowait(Alert(kind, words))
        except queue.Full:
            self.dropped += 1

    def close(self, seconds: float = CLOSING_SECONDS) -> None:
        """Send what waits, without regard to the rate, and end; waits so long at most."""
        if self._thread is None:
            return
        self._closing.set()
        with suppress(queue.Full):  # then the thread ends when it has taken what waits
            self._waiting.put_nowait(None)
        self._thread.join(seconds)
        self._thread = None

    def _run(self) -> None:
        over = False
        while not over:
            first = self._waiting.get()
            if first is None:
                return
            alerts = [first]
            over = self._gather(alerts, self._wait())
            self._tell(alerts)
            over = over or (self._closing.is_set() and self._waiting.empty())

    def _wait(self) -> float:
        """Return for how many seconds no message may go."""
        now = self._seconds()
        while self._times and self._times[0] <= now - WINDOW_SECONDS:
            self._times.popleft()
        if len(self._times) < self._per_minute:
            return 0.0
        return self._times[0] + WINDOW_SECONDS - now

    def _gather(self, alerts: list[Alert], wait: float) -> bool:
        """Take what else comes while none may go; return whether it is the end."""
        until = self._seconds() + wait
        while True:
            left = until - self._seconds()
            try:
                if left > 0 and not self._closing.is_set():
                    alert = self._waiting.get(timeout=left)
                else:
                    alert = self._waiting.get_nowait()
            except queue.Empty:
                return False
            if alert is None:
                return True
            alerts.append(alert)

    def _tell(self, alerts: list[Alert]) -> None:
        self._times.append(self._seconds())
        if self._ring is not None:
            self._ring()
        if self._send is None:
            return
        kinds = list(dict.fromkeys(alert.kind for alert in alerts))
        title = f"{self.name}: {', '.join(kinds)}"
        lines = [alert.words for alert in alerts[:MOST_LINES]]
        if len(alerts) > MOST_LINES:
            lines.append(f"and {len(alerts) - MOST_LINES} more")
        if attempt(partial(self._send, title, "\n".join(lines))) is True:
            self.sent += 1
            return
        if not self.failed:
            _say("an alert did not reach everybody: check [alerts] urls, or rotor doctor")
        self.failed += 1


def make_alerter(name: str, settings: Settings, *, terminal: str = "") -> Alerter:
    """Return the alerter of a session; apprise is loaded only if there is an address.

    The bell is that of `terminal`, else of our own. Raises BadInputError for an address that cannot
    be one, without showing it.
    """
    send = sender(settings) if settings.urls else None
    terminal = terminal or own_terminal()
    ring = partial(_ring, terminal) if settings.bell and terminal else None
    return Alerter(name, send, settings, ring=ring)


def own_terminal() -> str:
    """Return the terminal that stderr goes to; empty if it goes elsewhere."""
    with suppress(OSError, ValueError):
        return os.ttyname(sys.stderr.fileno()) if sys.stderr.isatty() else ""
    return ""


def sender(
    settings: Settings, *, environ: Mapping[str, str] | None = None, folder: Path | None = None
) -> Send:
    """Return what sends to all addresses.

    Raises BadInputError that names the address by its place and kind, never by its text.
    """
    import apprise

    values = read_dot_env((folder or Path()) / ".env")
    values |= os.environ if environ is None else environ
    everybody = apprise.Apprise(asset=apprise.AppriseAsset(app_id="Rotor"))
    for place, url in enumerate(settings.urls):
        if not everybody.add(_plain(url, place, values)):
            kind = url.partition("://")[0]
            raise BadInputError(
                f"alerts.urls[{place}] ({kind}://, the rest is not shown): no address that apprise "
                "knows; slack://, discord://, json://HOST/PATH, …"
            )

    def send(title: str, text: str) -> bool:
        # apprise's own asynchronous form does not run under Trio, and needs not: this is a thread
        return bool(everybody.notify(title=title, body=text))

    return send


def _plain(url: str, place: int, values: Mapping[str, str]) -> str:
    """Return an address with its variables put in; a web address of nobody's is a webhook."""
    for name in _NAMED.findall(url):
        if not values.get(name):
            raise BadInputError(
                f"alerts.urls[{place}]: {name} is set neither in the environment nor in .env"
            )
    url = _NAMED.sub(lambda found: values[found[1]], url)
    scheme, _, rest = url.partition("://")
    hosts = ("hooks.slack.com/", "discord.com/api/webhooks/", "discordapp.com/api/webhooks/")
    if scheme in {"http", "https"} and not rest.startswith(hosts):
        return f"json{'s' if scheme == 'https' else ''}://{rest}"
    return url


def _ring(terminal: str) -> None:
    with suppress(OSError):  # it was closed
        # never our controlling terminal: a watchdog has none, and wants none
        descriptor = os.open(terminal, os.O_WRONLY | os.O_NOCTTY)
        try:
            os.write(descriptor, b"\a")
        finally:
            os.close(descriptor)


def _say(words: str) -> None:
    sys.stderr.write(f"rotor: {words}\n")
