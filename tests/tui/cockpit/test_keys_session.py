"""Keys pressed above a real session: what they begin, to the broker's last word and the journal."""

import asyncio
import getpass
import re

import orjson
import pytest

from tests.patience import patience
from tests.tui.cockpit.session import trading

ME = f"tui:{getpass.getuser()}@"


@pytest.fixture(autouse=True)
def _own_sockets(monkeypatch, runtime_dir):
    monkeypatch.setenv("ROTOR_RUNTIME_DIR", runtime_dir)


def above(folder, scenario, *sets):
    """Run a scenario above a session; what the journal has of commands."""

    async def run():
        async with trading(folder / "run", *sets) as session:
            await scenario(session)
        return session.commands()

    return asyncio.run(run())


def test_everything_is_liquidated_until_it_is_confirmed_flat(tmp_path):
    async def scenario(session):
        await session.hold_something()
        held = session.held
        await session.press("L")
        await session.until(lambda: "sell everything" in session.text, "the question")
        for symbol in held:
            assert re.search(rf"SELL [\d,]+ {symbol} +about", session.text)
        await session.press("y")
        await session.minute()
        flatten = session.view.flatten
        assert flatten is not None
        assert flatten.scope == "all"
        assert [step.state for step in flatten.steps] == ["done"] * len(flatten.steps)
        assert flatten.confirmed_ns is not None
        assert (flatten.left, session.held) == ("", [])
        assert "Flatten" in session.text
        await session.minute()
        await session.minute()
        assert "no positions" in session.text
        assert session.view.header.trading_mode == "REDUCE_ONLY"
        assert session.held == []
        await session.press("h")
        await session.until(lambda: "Resume entries?" in session.text, "the question")
        await session.press("y")
        await session.minute()
        assert session.view.header.trading_mode == "ACTIVE"

    assert above(tmp_path, scenario) == [
        ("liquidate", ME + "dashboard"),
        ("resume", ME + "dashboard"),
    ]


def test_one_is_liquidated_and_the_others_stay(tmp_path):
    async def scenario(session):
        await session.hold_something()
        first, *others = session.held
        session.app.run_line(f"liquidate {first}")
        await session.until(lambda: f"Liquidate {first}?" in session.text, "the question")
        await session.press("y")
        await session.minute()
        assert first not in session.held
        assert set(others) <= set(session.held)

    assert above(tmp_path, scenario) == [("liquidate", ME + "dashboard")]


def test_what_was_left_alone_sold_nothing(tmp_path):
    async def scenario(session):
        await session.hold_something()
        held = session.held
        for key in ("l", "L", "q"):
            await session.press(key)
            await session.until(lambda: "?" in session.text, "the question")
            await session.press("escape")
        await session.minute()
        assert set(held) <= set(session.held)

    assert above(tmp_path, scenario) == []


def test_a_halt_stops_entries_and_is_journalled_with_its_place(tmp_path):
    async def scenario(session):
        await session.hold_something()
        await session.press("6", "h")
        await session.minute()
        assert session.view.header.halted_ns is not None
        opened = session.view.stats.opened
        for _ in range(20):
            await session.minute()
        assert session.view.stats.opened == opened

    assert above(tmp_path, scenario) == [("halt", ME + "risk")]


async def first_card(session):
    """Step to the first card of the day."""
    await session.app.source.ask({"verb": "transport", "do": "step"})
    await session.until(lambda: session.view is not None, "the first minute")
    for _ in range(90):
        if session.view.inbox:
            break
        await session.minute()
    return session.view.inbox[0]


def test_a_card_is_approved_as_it_was_shown(tmp_path):
    async def scenario(session):
        card = await first_card(session)
        session.app.run_line(f"approve {card.id}")
        await session.until(lambda: f"Approve {card.id}" in session.text, "the question")
        assert f"{card.shares:,} {card.symbol}" in session.text
        assert session.held == []
        await session.press("y")
        for _ in range(3):
            await session.minute()
        assert card.symbol in session.held

    assert above(tmp_path, scenario, "inbox.mode=approve") == [("approve", ME + "dashboard")]


@pytest.mark.parametrize("where", ["line", "inbox"])
@pytest.mark.parametrize("late", [False, True])
def test_the_version_that_was_read_is_the_one_that_is_sent(tmp_path, where, late):
    """A card whose terms have changed since is not entered; the inbox does not even send it."""
    shown = []

    async def step(session):
        before = session.view.header.now_ns
        await session.app.source.ask({"verb": "transport", "do": "step"})
        await session.until(lambda: session.view.header.now_ns > before, "the next minute")

    def now(session, id_):
        return next((card for card in session.view.inbox if card.id == id_), None)

    async def scenario(session):
        card = await first_card(session)
        shown.append(card)
        if where == "inbox":
            await session.press("3", "home", "a")
        else:
            session.app.run_line(f"approve {card.id}")
            await session.until(lambda: f"Approve {card.id} v{card.version}" in session.text, "it")
        for _ in range(30):
            newer = now(session, card.id)
            if not late or newer is None or newer.version > card.version:
                break
            await step(session)
        await session.press("y")
        for _ in range(3):
            await step(session)
        assert (card.symbol in session.held) is not late

    above(tmp_path, scenario, "inbox.mode=approve")
    lines = (tmp_path / "run" / "events.jsonl").read_bytes().splitlines()
    rows = [row for row in map(orjson.loads, lines) if row["type"] == "command"]
    (card,) = shown
    sent = [(row["verb"], row["card"], row["version"]) for row in rows]
    disarmed = late and where == "inbox"
    assert sent == ([] if disarmed else [("approve", card.id, card.version)])


@pytest.mark.parametrize(("key", "flat"), [("y", True), ("b", False)])
def test_leaving_with_positions_ends_the_session_as_was_said(tmp_path, key, flat):
    async def scenario(session):
        await session.hold_something()
        await session.press("q")
        await session.until(lambda: "Quit with open positions?" in session.text, "the question")
        await session.press(key)
        await asyncio.wait_for(asyncio.shield(session.ended), patience(60))
        assert (session.held == []) is flat

    commands = above(tmp_path, scenario)
    assert commands == ([("liquidate", ME + "dashboard")] if flat else [])


def test_what_the_session_refuses_is_said_in_its_words(tmp_path):
    async def scenario(session):
        await session.hold_something()
        await session.press("comma")
        await session.until(lambda: session.app.said is not None, "an answer")
        assert session.app.said.kind == "error"
        assert session.app.said.text == "one minute back: only a finished run can go back"

    assert above(tmp_path, scenario) == []
