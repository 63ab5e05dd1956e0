"""The control socket: who may talk, what it answers, and that nothing said to it hurts."""

import stat

import orjson
import pytest
import trio

from actors.control import Console, control
from actors.mailbox import Mailbox
from actors.presence import runtime_folder, socket_path
from actors.views import Views
from engine.errors import BadInputError
from engine.events import Halt, Liquidate, Resume
from tests.bars import SIX


@pytest.fixture
def commands():
    return Mailbox("control", 8)


@pytest.fixture
def console(commands):
    return Console(SIX, Views(), commands)


async def talk(folder, *lines):
    """Send lines of bytes, return the replies as objects."""
    stream = await trio.open_unix_socket(str(socket_path(folder)))
    async with stream:
        replies = []
        for line in lines:
            await stream.send_all(line + b"\n")
            data = b""
            while not data.endswith(b"\n"):
                data += await stream.receive_some(4096)
            replies.append(orjson.loads(data))
        return replies


async def test_it_answers_status_before_the_first_frame(tmp_path, console):
    """Until a frame was traded it says that it warms up."""
    async with control(tmp_path / "run", console.answer):
        (reply,) = await talk(tmp_path / "run", b'{"verb":"status"}')

    assert (reply["ok"], reply["state"], reply["session"]) == (True, "warming up", "run")


async def test_commands_arrive_with_their_actor(tmp_path, console, commands):
    """Each verb becomes its command, in order, with who gave it."""
    async with control(tmp_path / "run", console.answer):
        replies = await talk(
            tmp_path / "run",
            b'{"verb":"halt","reason":"lunch","actor":"cli:ann"}',
            b'{"verb":"liquidate","symbol":"TQQQ"}',
            b'{"verb":"liquidate"}',
            b'{"verb":"resume"}',
        )
        heard = [await commands.receive() for _ in replies]

    assert [reply["accepted"] for reply in replies] == ["halt", "liquidate", "liquidate", "resume"]
    assert [h.command for h in heard] == [
        Halt(reason="lunch"), Liquidate(symbol="TQQQ"), Liquidate(), Resume(),
    ]  # fmt: skip
    assert heard[0].actor == "cli:ann"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"nonsense", "not a line of JSON"),
        (b"[]", "an object with a verb"),
        (b"{}", "is no verb"),
        (b'{"verb":"sell"}', "status, positions, inbox, liquidate"),
        (b'{"verb":"liquidate","symbol":"AAPL"}', "not traded in this session"),
        (b'{"verb":"acknowledge","symbol":"TQQQ"}', "no position that Rotor did not open"),
        (b'{"verb":"liquidate","symbol":["TQQQ"]}', "not traded in this session"),
    ],
)
async def test_what_cannot_be_understood_is_answered(tmp_path, console, commands, line, words):
    """Bad requests get an error, the connection lives on, and nothing is commanded."""
    async with control(tmp_path / "run", console.answer):
        bad, good = await talk(tmp_path / "run", line, b'{"verb":"status"}')

    assert not bad["ok"]
    assert words in bad["error"]
    assert good["ok"]
    assert commands.statistics().sent == 0


async def test_a_flood_without_an_end_is_cut_off(tmp_path, console):
    """A line beyond the limit ends its connection, and no other."""
    async with control(tmp_path / "run", console.answer):
        stream = await trio.open_unix_socket(str(socket_path(tmp_path / "run")))
        async with stream:
            with pytest.raises(trio.BrokenResourceError):
                await stream.send_all(b"x" * 10_000_000)
        assert (await talk(tmp_path / "run", b'{"verb":"status"}'))[0]["ok"]


async def test_only_the_owner_may_open_it(tmp_path, console):
    """The socket and its folder are the owner's alone, and gone afterwards."""
    path = socket_path(tmp_path / "run")
    async with control(tmp_path / "run", console.answer):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    assert not path.exists()


async def test_a_second_session_in_the_same_folder_is_refused(tmp_path, console):
    """One session a run folder."""
    async with control(tmp_path / "run", console.answer):
        with pytest.raises(BadInputError, match="a session runs there already"):
            async with control(tmp_path / "run", console.answer):
                pass


async def test_the_socket_of_a_dead_session_is_taken_over(tmp_path, console):
    """What a kill -9 left behind does not bar the next session."""
    socket_path(tmp_path / "run").touch()
    async with control(tmp_path / "run", console.answer):
        assert (await talk(tmp_path / "run", b'{"verb":"status"}'))[0]["ok"]


def test_a_runtime_folder_open_to_others_is_refused(tmp_path):
    """A folder that others may enter is not used for sockets."""
    runtime_folder().chmod(0o755)

    with pytest.raises(BadInputError, match="nobody else"):
        runtime_folder()


async def test_a_request_that_breaks_what_would_answer_it_is_refused(tmp_path, commands):
    """Trading goes on without the answer."""
    console = Console(SIX, Views(), commands, turn=lambda _: 1 / 0)
    with pytest.raises(BadInputError, match="cannot be answered: ZeroDivisionError"):
        await console.answer({"verb": "transport", "do": "play"})


async def test_what_may_open_nothing_is_not_resumed(commands):
    """The reply says why; everything else is taken."""
    console = Console(SIX, Views(), commands, barred=lambda: "real money refuses it")
    with pytest.raises(BadInputError, match="real money refuses it"):
        await console.answer({"verb": "resume"})
    await console.answer({"verb": "liquidate"})

    assert (await commands.receive()).command == Liquidate()
