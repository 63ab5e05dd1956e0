"""A live session whose disk fills up, or whose folder is deleted under it."""

import shutil

import orjson
import pytest
import trio

from engine.errors import DiskError
from engine.market.frames import MINUTE_NS
from tests.actors.test_disk import SmallDisk
from tests.tui.live_days import day, lived
from tui.live_folder import INPUTS


def events(folder):
    return [orjson.loads(line) for line in (folder / "events.jsonl").read_bytes().splitlines()]


def in_a_day(folder, monkeypatch, act):
    async def main():
        async with day(folder) as here:
            return await act(here)

    return lived(main, monkeypatch)


def test_the_reserve_carries_it_to_the_close(tmp_path, monkeypatch):
    """Entries end with the words in the journal; what is held leaves, all is recorded."""
    disk = SmallDisk(monkeypatch, 10**9)
    freed = []

    def free(reserve):
        freed.append(1)
        reserve.freed.set()
        reserve.freed = trio.Event()
        disk.room += 10**9 * (len(freed) == 1)
        return len(freed) == 1

    monkeypatch.setattr("actors.disk.Reserve.free", free)

    async def act(here):
        async def fill():
            await here.clock.sleep_until(here.open_ns + 12 * MINUTE_NS + MINUTE_NS // 2)
            disk.room = 100
            monkeypatch.setattr("actors.disk.shutil.disk_usage", lambda _: _Full())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(fill)
            code = await here.trade()
        return code, here

    code, here = in_a_day(tmp_path / "run", monkeypatch, act)
    rows = events(here.folder)
    (halt,) = [row for row in rows if row["type"] == "command"]
    bought = [
        row["timestamp_ms"] for row in rows
        if row["type"] == "order_submitted" and row["side"] == "BUY"
    ]  # fmt: skip

    assert code == 0
    assert here.held == {}
    assert "0 MB are free on the disk of" in halt["reason"]
    assert "; open: " in halt["reason"]
    assert max(bought) <= halt["timestamp_ms"]


class _Full:
    free = 0


def test_without_room_it_says_what_is_open_and_goes_on_once_there_is_some(tmp_path, monkeypatch):
    """File, positions in dollars, what to do; the next start has lost nothing."""
    disk = SmallDisk(monkeypatch, 10**9)
    monkeypatch.setattr("actors.disk.Reserve.free", lambda _: False)

    async def act(here):
        async def fill():
            await here.clock.sleep_until(here.open_ns + 2 * MINUTE_NS - MINUTE_NS // 2)
            disk.room = 200

        async def filled():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(fill)
                await here.trade()

        with pytest.raises(BaseExceptionGroup) as group:
            await filled()
        held, disk.room = here.held, 10**9
        code = await here.trade()
        return group.value, held, code, here

    group, held, code, here = in_a_day(tmp_path / "run", monkeypatch, act)
    error = group
    while isinstance(error, BaseExceptionGroup):
        (error,) = error.exceptions

    assert isinstance(error, DiskError)
    assert str(error).startswith(f"{here.folder}/")
    assert ".jsonl: cannot be written: the disk is full; open: " in str(error)
    assert ".again" not in str(error)
    for symbol, shares in held.items():
        assert f"{shares:,} {symbol} ($" in str(error)
    assert "make room, then rotor live takes the session up again" in str(error)
    assert code == 0
    assert here.held == {}


def test_a_deleted_folder_is_told_while_something_can_be_done(tmp_path, monkeypatch, capfd):
    """Entries end, positions leave, exit code 1: its records are gone."""

    async def act(here):
        async def delete():
            await here.clock.sleep_until(here.open_ns + 12 * MINUTE_NS + MINUTE_NS // 2)
            shutil.rmtree(here.folder)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(delete)
            code = await here.trade()
        return code, here

    code, here = in_a_day(tmp_path / "run", monkeypatch, act)
    said = capfd.readouterr()

    assert code == 1
    assert here.held == {}
    assert f"{here.folder / INPUTS} was deleted or replaced" in orjson.loads(said.out)["blocked_by"]
    assert f"how this session ended is not recorded: {here.folder}/summary.json" in said.err
