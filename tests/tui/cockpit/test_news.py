"""What happened that the user did not cause is told once, not as often as it flickers."""

from dataclasses import replace

from actors.cockpit.views import AlertView
from tests.tui.cockpit.sample import paper
from tui.cockpit.news import AGAIN_NS, News

MINUTE_NS = 60_000_000_000


def test_an_alert_that_flickers_is_told_once_in_a_while():
    """With other figures it is the same alert; after ten minutes it is told again."""
    news, view, told = News(), paper(), []
    news.of(replace(view, alerts=()), "tui:ann@")
    for minute in range(AGAIN_NS // MINUTE_NS + 1):
        now_ns = view.header.now_ns + minute * MINUTE_NS
        alert = AlertView(
            severity="danger", text=f"no bar for {75 + minute} s: exits work", advice="wait",
            since_ns=now_ns, screen="health",
        )  # fmt: skip
        header = replace(view.header, now_ns=now_ns)
        told += news.of(replace(view, header=header, alerts=(alert,)), "tui:ann@")
        news.of(replace(view, header=header, alerts=()), "tui:ann@")

    assert [toast.title for toast in told] == [
        "no bar for 75 s: exits work", "no bar for 85 s: exits work",
    ]  # fmt: skip


def test_two_alerts_are_two():
    """Each by its own words."""
    news, view = News(), paper()
    news.of(replace(view, alerts=()), "tui:ann@")
    alerts = tuple(
        AlertView(severity="warning", text=text, advice="", since_ns=1, screen="risk")
        for text in ("daily loss 5% tripped", "drawdown 10% tripped")
    )
    assert len(news.of(replace(view, alerts=alerts), "tui:ann@")) == 2
