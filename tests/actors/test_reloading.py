"""A changed file is read once, whole: never while somebody still writes it."""

import pytest
import trio

from actors.reloading import Reloading, on_change
from engine.config import Config
from tests.patience import patience

PAUSE = 0.02
"""Between two writes; much shorter than what the file must be unchanged for."""


@pytest.fixture(autouse=True)
def still(monkeypatch):
    """The time for which a file must be unchanged: short, and longer on a busy machine."""
    monkeypatch.setattr("actors.reloading.STILL_SECONDS", patience(0.1))


async def test_a_file_is_read_when_its_writer_is_done(tmp_path):
    """An editor that writes half, waits and writes the rest is not taken at its half."""
    path = tmp_path / "config.toml"
    path.write_text("")
    seen, read = [], trio.Event()

    def reread():
        seen.append(path.read_text())
        read.set()
        return Config()

    reloading = Reloading(reread, Config, lambda _: None)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(on_change, (path,), reloading)
        while not read.is_set():  # the watch may not stand yet
            with path.open("w") as file:
                for part in ("[risk]\n", "max_positions = 2\n", "# end\n"):
                    file.write(part)
                    file.flush()
                    await trio.sleep(PAUSE)
            with trio.move_on_after(patience(0.5)):
                await read.wait()
        nursery.cancel_scope.cancel()

    assert set(seen) == {"[risk]\nmax_positions = 2\n# end\n"}


async def test_a_file_that_is_replaced_is_read_when_it_is_there_again(tmp_path):
    """Some editors take the old file away first."""
    path = tmp_path / "config.toml"
    path.write_text("old")
    read = trio.Event()

    def reread():
        assert path.read_text() == "new"
        read.set()
        return Config()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(on_change, (path,), Reloading(reread, Config, lambda _: None))
        while not read.is_set():
            path.unlink()
            await trio.sleep(PAUSE)
            (tmp_path / "swap").write_text("new")
            (tmp_path / "swap").rename(path)
            with trio.move_on_after(patience(0.5)):
                await read.wait()
        nursery.cancel_scope.cancel()
