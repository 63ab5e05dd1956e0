"""A full disk: nothing is written twice or half, the reserve goes first, entries end."""

import errno
from collections import deque
from types import SimpleNamespace

import pytest
import trio

from actors.disk import MB, NAME, DiskWatch, Reserve, held_words
from actors.session_clock import TrioClock
from engine.errors import DiskError
from engine.records.growing import GrowingFile
from engine.trading.lots import Lot, Position


class SmallDisk:
    """A disk with so much room, for files that are opened on it."""

    def __init__(self, monkeypatch, room):
        self.room = room
        really = GrowingFile.__init__

        def opened(growing, path, **given):
            really(growing, path, **given)
            growing._file = _OnSmallDisk(growing._file, self)

        monkeypatch.setattr(GrowingFile, "__init__", opened)


class _OnSmallDisk:
    def __init__(self, file, disk):
        self._file, self._disk = file, disk

    def write(self, data):
        data = data[: self._disk.room]
        if not data:
            raise OSError(errno.ENOSPC, "No space left on device")
        self._disk.room -= len(data)
        return self._file.write(data)

    def fileno(self):
        return self._file.fileno()

    def close(self):
        self._file.close()


def test_what_did_not_fit_follows_once_there_is_room(tmp_path, monkeypatch):
    """Byte for byte, none twice, whether the room was asked for or came later."""
    disk = SmallDisk(monkeypatch, 5)
    freed = []

    def room():
        freed.append(1)
        disk.room += 3 if len(freed) == 1 else 0
        return len(freed) == 1

    file = GrowingFile(tmp_path / "log", new=True, room=room)
    file.append(b"abcdefghij")
    with pytest.raises(DiskError, match=r"log: cannot be written: the disk is full"):
        file.flush()
    assert (tmp_path / "log").read_bytes() == b"abcdefgh"
    file.append(b"k")
    disk.room = 100
    file.sync()
    file.close()

    assert (tmp_path / "log").read_bytes() == b"abcdefghijk"
    assert freed == [1, 1]


def test_the_reserve_is_taken_once_and_given_up_once(tmp_path):
    """It takes real room; where there is not so much, none is taken."""
    reserve = Reserve(tmp_path, 1_000_000)
    assert reserve.take()
    assert reserve.take()
    assert (tmp_path / NAME).stat().st_blocks * 512 >= 1_000_000
    freed = reserve.freed
    assert reserve.free()
    assert freed.is_set()
    assert not reserve.free()
    assert not Reserve(tmp_path, 2**62).take()
    assert list(tmp_path.iterdir()) == []


async def test_little_room_ends_entries_once_and_again_after_it_was_made(
    tmp_path, autojump_clock, monkeypatch
):
    """The words say how much there is, where, and what to do; the reserve is taken again."""
    free = [500, 100, 90, 500, 50]
    monkeypatch.setattr(
        "actors.disk.shutil.disk_usage", lambda _: SimpleNamespace(free=free.pop(0) * MB)
    )
    told, reserve = [], Reserve(tmp_path, 1000)
    log = SimpleNamespace(in_place=True, path=tmp_path / "inputs.jsonl")
    watch = DiskWatch(tmp_path, 200, reserve, TrioClock(0), told.append)
    with trio.move_on_after(4 * 60 + 1):
        await watch.run(log)

    assert [words[:20] for words in told] == ["100 MB are free on t", "50 MB are free on th"]
    assert f"{tmp_path}, fewer than [live] min_free_mb = 200: make room, then rotor re" in told[0]
    assert (tmp_path / NAME).exists()


async def test_a_deleted_log_and_a_freed_reserve_are_seen_at_once(tmp_path, autojump_clock):
    """Not a minute later."""
    told, reserve = [], Reserve(tmp_path, 1000)
    log = SimpleNamespace(in_place=True, path=tmp_path / "inputs.jsonl")
    watch = DiskWatch(tmp_path, 0, reserve, TrioClock(0), told.append)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch.run, log)
        await trio.sleep(30)
        log.in_place = False
        reserve.free()
        await trio.sleep(1)
        nursery.cancel_scope.cancel()

    (words,) = told
    assert words.startswith(f"{log.path} was deleted or replaced while this session writes it")


def test_all_that_is_held_is_named():
    """Ours and what others hold of one symbol apart, shorts with their sign, nothing as such."""
    ours = Position("TQQQ", 1, 0, deque([Lot(100, 5_000_000_000, 0)]), 100)
    theirs = Position("TQQQ", -1, 0, deque([Lot(7, 350_000_000, 0)]), 7, orphan=True)

    assert held_words([ours, theirs]) == (
        "100 TQQQ ($5,000), -7 TQQQ ($350, not opened by Rotor, without a stop)"
    )
    assert held_words([]) == "nothing"
