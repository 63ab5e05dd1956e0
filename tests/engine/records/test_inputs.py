"""The log of a live session: what goes in comes out; what was changed is named."""

import os
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadInputError, DamagedError
from engine.events import (
    Acknowledge,
    Approve,
    Dismiss,
    Halt,
    Leg,
    Liquidate,
    NotFlat,
    OrderCanceled,
    OrderFilled,
    OrderRejected,
    OrphanFound,
    Resume,
    Side,
    Snooze,
    StreamLost,
    StreamRestored,
)
from engine.records.inputs import MUTE, Frame, InputLog, Met, Reloaded, Said, Told, read_log

SYMBOLS = ("AAA", "BBB")
texts = st.text(max_size=8)
fills = st.builds(
    OrderFilled, ts_ns=st.integers(0, 2**62), order_id=texts, symbol=st.sampled_from(SYMBOLS),
    side=st.sampled_from(Side), shares=st.integers(1, 9), price_micro=st.integers(1, 2**40),
    fee_micro=st.integers(0, 9), slippage_micro=st.integers(-9, 9), final=st.booleans(),
    leg=st.none() | st.sampled_from(Leg),
)  # fmt: skip
gone = {"ts_ns": st.integers(0, 9), "order_id": texts, "symbol": texts, "reason": texts}
reports = st.one_of(
    fills, st.builds(OrderCanceled, **gone), st.builds(OrderRejected, **gone),
    st.builds(StreamLost, ts_ns=st.just(0), reason=texts),
    st.builds(StreamRestored, ts_ns=st.just(0)),
    st.builds(NotFlat, ts_ns=st.just(0), reason=texts),
    st.builds(
        OrphanFound, ts_ns=st.just(0), symbol=texts, shares=st.integers(-9, 9),
        price_micro=st.integers(1, 2**40), fee_micro=st.integers(0, 9), paid=st.booleans(),
    ),
)  # fmt: skip
commands = st.one_of(
    st.builds(Halt, reason=texts), st.just(Resume()),
    st.builds(Acknowledge, symbol=texts),
    st.builds(Liquidate, symbol=st.none() | texts),
    st.builds(Approve, card=texts, version=st.none() | st.integers(1, 9)),
    st.builds(Dismiss, card=texts), st.builds(Snooze, card=texts, minutes=st.integers(1, 9)),
)  # fmt: skip
inputs = st.one_of(
    st.builds(Told, st.lists(reports, min_size=1, max_size=3).map(tuple)),
    st.builds(Said, commands, texts),
    st.builds(Reloaded, texts, st.just({"a": {"b": 1}}), st.just((("a.b", 0, 1),))),
)


def frame(minute):
    bars = np.full((2, 5), np.nan)
    bars[minute % 2] = [1.25, 1.5, 1.0, 1.125, 1e9 + 0.5]
    why = "the bar stream is down" if minute == 3 else ""
    return Frame(minute, bars, late=minute == 1, backfilled=minute == 2, mute=why)


def written(path, given):
    log = InputLog(path, SYMBOLS)
    for one in given:
        log.append(one)
    log.close()


@given(st.lists(inputs, max_size=6))
def test_what_goes_in_comes_out(tmp_path_factory, given):
    """Every kind of input, to the last field."""
    path = tmp_path_factory.mktemp("log") / "inputs.jsonl"
    written(path, given)
    assert read_log(path, SYMBOLS).inputs == tuple(given)


def test_frames_keep_every_bit(tmp_path):
    """Bars, their absence, and how they came."""
    written(tmp_path / "log", [frame(m) for m in range(4)])
    for was, now in zip(
        [frame(m) for m in range(4)], read_log(tmp_path / "log", SYMBOLS).inputs, strict=True
    ):
        assert was.bars.tobytes() == now.bars.tobytes()
        for name in ("minute", "late", "backfilled", "mute"):
            assert getattr(was, name) == getattr(now, name)


def test_a_mute_frame_of_an_earlier_version_is_read(tmp_path):
    """Its log has no words for it."""
    written(tmp_path / "log", [Frame(0, frame(0).bars, mute=True)])

    assert read_log(tmp_path / "log", SYMBOLS).inputs[0].mute == MUTE


def test_it_goes_on_where_it_ended(tmp_path):
    """A second writer takes up the chain; what was about to be sent is known, and what it met."""
    path = tmp_path / "log"
    written(path, [frame(0)])
    log = InputLog(path, SYMBOLS, read_log(path, SYMBOLS).head)
    log.note({"in": "sent", "order_id": "x-1"})
    for bid in (80.0, 80.01):
        quote = {"symbol": "AAA", "bid": bid, "ask": 80.02, "at_ns": 5, "streamed": True}
        log.note({"in": "quote", "order_id": "x-1", **quote})
    log.append(frame(1))
    log.close()

    logged = read_log(path, SYMBOLS)
    assert [one.minute for one in logged.inputs] == [0, 1]
    assert logged.sent == {"x-1"}
    assert logged.met == {"x-1": Met("AAA", 80.01, 80.02, 5, streamed=True)}


def test_what_a_killed_process_wrote_is_made_durable(tmp_path, monkeypatch):
    """It may be in the system's memory only: the first sync counts, though nothing was added."""
    path, synced = tmp_path / "log", []
    written(path, [frame(0)])
    monkeypatch.setattr(os, "fsync", synced.append)
    log = InputLog(path, SYMBOLS, read_log(path, SYMBOLS).head)
    log.sync()
    log.sync()
    log.close()
    assert len(synced) == 1


def test_a_torn_line_is_left_out(tmp_path):
    """Cut anywhere, whole lines stay and their size is told."""
    path = tmp_path / "log"
    written(path, [frame(0), frame(1)])
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for cut in range(first, len(whole)):
        path.write_bytes(whole[:cut])
        logged = read_log(path, SYMBOLS)
        assert (len(logged.inputs), logged.size) == (1, first)


def test_a_changed_line_is_named(tmp_path):
    """A digit, anywhere."""
    path = tmp_path / "log"
    written(path, [frame(0), frame(1)])
    path.write_bytes(path.read_bytes().replace(b"1.125", b"1.126", 1))
    with pytest.raises(BadInputError, match="line 1: was changed"):
        read_log(path, SYMBOLS)


@pytest.mark.parametrize(
    ("chain", "instead"),
    [
        (rb',"chain":"[^"]*"', b""),
        (rb'"chain":"[^"]*"', b'"chain":5'),
        (rb'"chain":"[^"]*"', b'"chain":null'),
        (rb'("chain":"[^"]{5})[^"]*"', rb'\1"'),
        (rb".*", b"{}"),
    ],
)
@pytest.mark.parametrize("line", [1, 2])
def test_a_line_without_its_whole_checksum_is_named(tmp_path, chain, instead, line):
    """The field is missing, cut, or of another type; no KeyError."""
    path = tmp_path / "log"
    written(path, [frame(0), frame(1)])
    lines = path.read_bytes().splitlines()
    lines[line - 1] = re.sub(chain, instead, lines[line - 1], count=1)
    path.write_bytes(b"\n".join(lines) + b"\n")

    with pytest.raises(DamagedError, match=f"log, line {line}: was changed after it was written"):
        read_log(path, SYMBOLS)
