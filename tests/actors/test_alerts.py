"""Alerts: everybody is told, nobody waits, nothing secret is shown."""

import os
import pty
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from actors.alerts import MOST_WAITING, Alerter, make_alerter, sender
from actors.herald import Herald
from engine.config import Alerts
from engine.errors import BadInputError
from engine.events import (
    Approve,
    Gate,
    Halt,
    Liquidate,
    OrderCanceled,
    OrderRejected,
    Resume,
    StreamLost,
    StreamRestored,
)
from tests.actors.alpaca.fakes import Answer, Rest

ROOT = Path(__file__).parents[2]
QUIET = {"bell": False}


class Post:
    """A send that can be held up."""

    def __init__(self, *answers):
        self.messages = []
        self.gate = threading.Event()
        self.entered = threading.Event()
        self.gate.set()
        self._answers = list(answers)

    def __call__(self, title, text):
        self.entered.set()
        self.gate.wait()
        self.messages.append((title, text))
        answer = self._answers.pop(0) if self._answers else True
        if isinstance(answer, BaseException):
            raise answer
        return answer


@pytest.fixture
def hook(monkeypatch):
    """A receiver of webhooks."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Rest()
    server.will("POST", "/hook", Answer(200, {}))
    yield server
    server.close()


def bodies(hook):
    return [(body["title"], body["message"]) for _, _, body in hook.sent("POST")]


def test_a_webhook_receives_what_happened(hook):
    """A plain web address is a generic webhook: it gets the session, the kinds and the words."""
    alerter = make_alerter("live-x", Alerts(urls=(f"{hook.url}/hook",), **QUIET))
    alerter.tell("halt", "halted by ann: lunch")
    alerter.close()

    assert bodies(hook) == [("live-x: halt", "halted by ann: lunch")]
    assert (alerter.sent, alerter.failed, alerter.dropped) == (1, 0, 0)


def test_what_comes_too_fast_goes_together_in_the_next_message():
    """The rate bounds messages, and loses none of what they say."""
    post = Post()
    alerter = Alerter("s", post, Alerts(per_minute=1, **QUIET), seconds=lambda: 0.0)
    post.gate.clear()
    alerter.tell("halt", "one")
    post.entered.wait()
    for kind, words in (("reject", "two"), ("reject", "three"), ("breaker", "four")):
        alerter.tell(kind, words)
    post.gate.set()
    alerter.close()

    assert post.messages == [("s: halt", "one"), ("s: reject, breaker", "two\nthree\nfour")]


def test_an_address_that_does_not_answer_delays_nobody():
    """Alerts wait for it up to a bound, beyond which they are counted; the teller never waits."""
    post = Post()
    post.gate.clear()
    alerter = Alerter("s", post, Alerts(**QUIET))
    alerter.tell("halt", "first")
    post.entered.wait()
    for n in range(MOST_WAITING + 7):
        alerter.tell("reject", f"{n}")
    alerter.close(seconds=0.0)

    assert alerter.dropped == 7
    assert post.messages == []
    post.gate.set()


def test_a_failure_is_counted_said_once_and_not_the_end(capsys):
    """A refusal and a crash of the sender: the next message is sent all the same."""
    post = Post(False, OSError("no route"), True)
    alerter = Alerter("s", post, Alerts(**QUIET))
    for count, words in enumerate(("a", "b", "c"), start=1):
        post.entered.clear()
        alerter.tell("halt", words)
        post.entered.wait()
        while alerter.sent + alerter.failed < count:
            threading.Event().wait(0.001)
    alerter.close()

    assert [text for _, text in post.messages] == ["a", "b", "c"]
    assert (alerter.sent, alerter.failed) == (1, 2)
    assert capsys.readouterr().err.count("did not reach everybody") == 1


def test_only_the_kinds_that_were_asked_for_are_told():
    """[alerts] kinds chooses."""
    post = Post()
    alerter = Alerter("s", post, Alerts(kinds=("breaker",), **QUIET))
    alerter.tell("halt", "no")
    alerter.tell("breaker", "yes")
    alerter.close()

    assert post.messages == [("s: breaker", "yes")]


def test_the_bell_rings_on_a_terminal():
    """One bell a message, on the terminal that is named, and none once it is closed."""
    ours, theirs = pty.openpty()
    alerter = make_alerter("s", Alerts(), terminal=os.ttyname(theirs))
    alerter.tell("halt", "x")
    alerter.close()
    rung = os.read(ours, 10)
    os.close(theirs)
    os.close(ours)

    assert rung == b"\a"
    assert (alerter.sent, alerter.failed) == (0, 0)


def test_apprise_is_loaded_only_for_an_address():
    """Without one there is no thread and no library."""
    code = (
        "import sys; from actors.alerts import make_alerter; from engine.config import Alerts; "
        "a = make_alerter('s', Alerts()); a.tell('halt', 'x'); a.close(); "
        "print('apprise' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
        "https://discord.com/api/webhooks/4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
        "json://localhost/hook",
        "https://example.com/hook",
    ],
)
def test_slack_discord_and_generic_addresses_are_known(url, tmp_path):
    """As the services themselves write them, and as apprise does."""
    assert callable(sender(Alerts(urls=(url,)), environ={}, folder=tmp_path))


def test_an_address_may_name_variables(hook, tmp_path):
    """From the environment, which goes over .env; a missing one is named."""
    (tmp_path / ".env").write_text("WHERE=nowhere\nPORT_AND_PATH=x\n")
    variables = {"PORT_AND_PATH": hook.url.partition("://")[2] + "/hook"}
    settings = Alerts(urls=("json://${PORT_AND_PATH}",))

    assert sender(settings, environ=variables, folder=tmp_path)("t", "m")
    assert bodies(hook) == [("t", "m")]
    with pytest.raises(BadInputError, match=r"alerts.urls\[0\]: TOKEN is set neither"):
        sender(Alerts(urls=("slack://${TOKEN}",)), environ={}, folder=tmp_path)


def test_an_unknown_address_is_refused_without_being_shown(tmp_path):
    """Its place and kind are named; the rest may be a token."""
    with pytest.raises(BadInputError) as refused:
        sender(Alerts(urls=("json://a/b", "slak://SECRET")), environ={}, folder=tmp_path)

    assert "alerts.urls[1] (slak://" in str(refused.value)
    assert "SECRET" not in str(refused.value)


def test_the_herald_tells_what_matters_and_nothing_else():
    """Rejected orders, lost streams, halts; not a cancellation, not a card."""
    told = []
    herald = Herald(lambda kind, words: told.append((kind, words)))
    herald.reports(
        [
            OrderCanceled(ts_ns=0, order_id="1", symbol="A", reason="done"),
            OrderRejected(ts_ns=0, order_id="2", symbol="B", reason="no shares"),
            StreamLost(ts_ns=0, reason="dropped"),
            StreamRestored(ts_ns=0),
        ]
    )
    herald.bars_lost("mute")
    commands = (Halt(reason="lunch"), Resume(), Liquidate(symbol="TQQQ"), Approve(card="x"))
    for command in commands:
        herald.command(command, "cli:ann")

    assert told == [
        ("reject", "B: the broker rejected an order: no shares"),
        ("disconnect", "the order stream is lost, no entries: dropped"),
        ("disconnect", "the order stream is back, and reconciled"),
        ("disconnect", "the bar stream is lost, it connects again: mute"),
        ("halt", "halted by cli:ann: lunch"),
        ("halt", "resumed by cli:ann"),
        ("halt", "TQQQ liquidated by cli:ann"),
    ]


def test_the_herald_reads_breakers_off_a_page():
    """Of a session that trades; a warm-up trips nothing that anybody waits for."""
    from types import SimpleNamespace

    from engine.events import BreakerTripped

    told = []
    herald = Herald(lambda kind, words: told.append((kind, words)))
    tripped = BreakerTripped(
        ts_ns=0, breaker=Gate.DAILY_LOSS, reason="lost 6%", rearms="next session", rearm_minute=None
    )
    herald.page(SimpleNamespace(trading=False, entries=[(0, tripped)]))
    herald.page(SimpleNamespace(trading=True, entries=[(0, tripped), (0, object())]))

    assert told == [("breaker", "no entries: lost 6%; it re-arms next session")]
