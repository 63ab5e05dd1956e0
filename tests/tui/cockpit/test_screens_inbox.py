"""Screen 3: `a` arms the version that is seen, `y` sends exactly that one, or nothing."""

from dataclasses import replace

from tests.tui.cockpit.sample import inbox, paper
from tests.tui.cockpit.stage import on_stage, play, settled, text_of


def pressed(*keys, between=None):
    """Return what was sent and said after keys; `between` changes the view before the last."""

    async def scenario():
        async with on_stage("inbox", view=inbox()) as (app, pilot):
            for key in keys[:-1]:
                await pilot.press(key)
                await settled(pilot)
            if between is not None:
                app.source.view = between(app.source.view)
                app.pull()
                await settled(pilot)
            await pilot.press(keys[-1])
            await settled(pilot)
            sent = [request for request in app.source.requests if request["verb"] != "show"]
            return sent, app.said.text if app.said else "", "\n".join(text_of(app))

    return play(scenario())


def terms(sent):
    return [(one["verb"], one["card"], one["version"]) for one in sent]


def test_approval_takes_two_keys_and_sends_the_version_seen():
    armed, said, shown = pressed("a")
    sent, _, _ = pressed("a", "y")

    assert armed == []
    assert said == "A-17 v3: y approves it"
    assert "y sends exactly this version" in shown
    assert terms(sent) == [("approve", "A-17", 3)]


def test_y_alone_sends_nothing():
    sent, said, _ = pressed("y")

    assert sent == []
    assert said == "press a first: it shows the version that y sends"


def test_the_cursor_takes_the_a_back():
    assert pressed("a", "down", "y")[0] == []
    assert pressed("a", "down", "up", "y")[0] == []


def test_a_card_that_comes_is_met_by_a_cursor_on_one_that_is_over():
    """One key approves it then; a cursor on a card that is open stays there."""

    def comes(view):
        return replace(view, sequence=99, inbox=inbox().inbox[:1])

    async def scenario(view, *keys):
        async with on_stage("inbox", view=view) as (app, pilot):
            await pilot.press(*keys)
            before = app.shown.sheet.row
            app.source.view = comes(view)
            app.pull()
            await settled(pilot)
            return before, app.shown.sheet.row

    over, met = play(scenario(replace(inbox(), inbox=())))
    first, stayed = play(scenario(replace(inbox(), inbox=inbox().inbox[:1])))

    assert over.card is None
    assert (met.id, met.state) == ("A-17", "open")
    assert first.id == stayed.id


def test_a_newer_version_takes_the_a_back():
    def newer(view):
        card = replace(view.inbox[0], version=4, shares=190)
        return replace(view, sequence=99, inbox=(card, *view.inbox[1:]))

    sent, said, shown = pressed("a", "y", between=newer)

    assert sent == []
    assert said.startswith("press a first")
    assert "190 FAS" in shown


def test_another_screen_takes_the_a_back():
    assert pressed("a", "2", "3", "y")[0] == []


def test_dismiss_and_snooze_are_one_key():
    assert terms(pressed("down", "d")[0]) == [("dismiss", "A-16", 3)]
    assert terms(pressed("z")[0]) == [("snooze", "A-17", 3)]


def test_what_is_closed_or_expired_is_not_sent():
    def later(view):
        header = replace(view.header, now_ns=view.inbox[1].expires_ns)
        return replace(view, sequence=99, header=header)

    assert pressed("down", "down", "a")[1] == "A-15 is approved: nothing sent"
    sent, said, _ = pressed("down", "d", between=later)
    assert sent == []
    assert said == "A-16 is expired: nothing sent"


def test_a_readonly_viewer_sends_nothing():
    from tui.cockpit.settings import Settings

    async def scenario():
        own = Settings(readonly=True)
        async with on_stage("inbox", view=inbox(), settings=own) as (app, pilot):
            await pilot.press("a", "y", "d", "z")
            await settled(pilot)
            return [request for request in app.source.requests if request["verb"] != "show"]

    assert play(scenario()) == []


def test_the_countdown_goes_on_without_news():
    async def scenario():
        view = inbox()
        async with on_stage("inbox", view=view) as (app, pilot):
            header = replace(view.header, now_ns=view.header.now_ns + 5 * 10**9)
            app.source.view = replace(view, header=header)
            app.pull()
            await settled(pilot)
            return text_of(app)

    lines = play(scenario())

    assert "33 s open" in lines[4]
    assert "expires in 33 s" in "".join(lines)


def test_an_empty_inbox_says_what_would_wait_here():
    async def scenario():
        async with on_stage("inbox", view=paper()) as (app, pilot):
            await pilot.press("a")
            await settled(pilot)
            return "\n".join(text_of(app)), app.said.text

    shown, said = play(scenario())

    assert "Nothing waits here." in shown
    assert said == "no card to approve"
