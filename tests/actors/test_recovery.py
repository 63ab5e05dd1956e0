"""Orders taken up after a kill: which of them are still to be sent."""

from types import SimpleNamespace

from actors.recovery import take_up
from engine.market.frames import MINUTE_NS

OPEN = 10**18


def working(order_id, *, entry, minute, released=True):
    """An order that was decided in a minute of the session."""
    order = SimpleNamespace(order_id=order_id, entry=entry)
    return SimpleNamespace(order=order, approved=order, released=released, decided_minute=minute)


def test_what_may_still_be_sent_is_told():
    """An exit whenever it was decided, an entry while its minute runs, none that waits for one."""
    known = (
        working("exit", entry=False, minute=2),
        working("old entry", entry=True, minute=3),
        working("entry", entry=True, minute=4),
        working("held back", entry=True, minute=4, released=False),
    )
    trader = SimpleNamespace(
        desk=SimpleNamespace(state=SimpleNamespace(legs={}, working=dict(enumerate(known)))),
        session=SimpleNamespace(open_ns=OPEN), orphans=[],
    )  # fmt: skip
    restored = {}
    execution = SimpleNamespace(
        learn=lambda *_: None,
        restore=lambda approved, stale: restored.setdefault(approved.order_id, stale),
    )

    sendable = take_up(
        execution, trader, OPEN + 5 * MINUTE_NS + 1, SimpleNamespace(inputs=(), before=None)
    )

    assert sendable == ["exit", "entry"]
    assert restored == {"exit": False, "old entry": True, "entry": False}
