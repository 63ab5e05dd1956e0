"""Where each panel of the dashboard stands: what gives way when there is less place.

KEY INPUT: the size of the place between header and lane, and what there is to show.
KEY OUTPUT: a region per panel; a panel that has none gives way whole.

From 120 cells on there are two columns, the left one 80 wide, or 104 from 150 on. First to give
way is health, then orders, equity, session, risk (a strip takes its place), the track, rows of the
ladder beyond six, decisions beyond three.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from textual.geometry import Region

SMALLEST = (80, 24)
AROUND = 4
"""Rows of the header, the lane and the footer."""
WIDE, SPLENDID = 120, 150
FLATTEN_NARROW, FLATTEN_WIDE = 8, 10
REST = 1_000_000


@dataclass(frozen=True, slots=True)
class Shape:
    """What there is to place."""

    symbols: int
    max_positions: int
    flattening: bool = False
    transport: bool = False


Places = dict[str, Region]


def places(width: int, height: int, shape: Shape) -> Places:
    """Return a region for every panel that is shown."""
    if width < SMALLEST[0] or height + AROUND < SMALLEST[1]:
        return _sliver(width, height)
    return _one_column(width, height, shape) if width < WIDE else _two_columns(width, height, shape)


def _sliver(width: int, height: int) -> Places:
    found: Places = {"positions": Region(0, 0, width, max(height - 1, 1))}
    if height > 1:
        found["needs"] = Region(0, height - 1, width, 1)
    return found


def _one_column(width: int, height: int, shape: Shape) -> Places:
    positions = 2 + _slots(height, shape)
    end = height - 1 - shape.transport
    ladder, orders = 2 + shape.symbols, 6
    heights = _share(
        end - positions,
        [
            *(("decisions", 4), ("signals", 8), ("decisions", 6), ("signals", ladder)),
            *(("decisions", 11), ("orders", orders), ("equity", 10), ("orders", 10)),
            ("equity", REST),
        ],
        whole={"orders": orders, "equity": 8},
    )
    found = {"positions": Region(0, 0, width, positions)}
    order = ("signals", "decisions", "orders", "equity")
    found |= _stack(0, positions, width, heights, order)
    found["strip"] = Region(0, end, width, 1)
    if shape.transport:
        found["transport"] = Region(0, end + 1, width, 1)
    return _flatten(found, FLATTEN_NARROW) if shape.flattening else found


def _two_columns(width: int, height: int, shape: Shape) -> Places:
    splendid = width >= SPLENDID
    left = 104 if splendid else 80
    track = int(height + AROUND >= 30)
    top = track + 2 + _slots(height, shape) + 1
    room = height - shape.transport - top
    found: Places = {"positions": Region(0, track, width, top - track)}
    if track:
        found["track"] = Region(0, 0, width, 1)
    found |= _stack(0, top, left, _left(room, shape), ("signals", "decisions", "orders"))
    found["divider"] = Region(left, top, 1, room)
    order = ("equity", "stats", "risk", "health")
    found |= _stack(left + 1, top, width - left - 1, _right(room, splendid=splendid), order)
    if shape.transport:
        found["transport"] = Region(0, height - 1, width, 1)
    return _flatten(found, FLATTEN_WIDE) if shape.flattening else found


def _left(room: int, shape: Shape) -> dict[str, int]:
    ladder = 2 + shape.symbols
    return _share(
        room,
        [
            *(("decisions", 4), ("signals", 8), ("decisions", 6), ("signals", ladder + 1)),
            *(("orders", 6), ("decisions", 8), ("orders", 10), ("decisions", 12)),
            *(("signals", ladder + 2), ("decisions", 26), ("orders", 22), ("decisions", REST)),
        ],
        whole={"orders": 6},
    )


def _right(room: int, *, splendid: bool) -> dict[str, int]:
    return _share(
        room,
        [
            *(("risk", 8), ("stats", 8), ("equity", 12), ("stats", 9)),
            *((("health", 4),) if splendid else ()),
            *(("equity", 17), ("stats", 10), ("equity", REST)),
        ],
        whole={"risk": 8, "stats": 8, "equity": 7, "health": 4},
    )


def _slots(height: int, shape: Shape) -> int:
    return max(min(shape.max_positions, height + AROUND - 18), 3)


def _share(room: int, steps: Iterable[tuple[str, int]], *, whole: dict[str, int]) -> dict[str, int]:
    heights: dict[str, int] = {}
    for name, upto in steps:
        has = heights.get(name, 0)
        more = min(upto - has, room)
        if more > 0 and has + more >= whole.get(name, 0):
            heights[name] = has + more
            room -= more
    if room and heights:
        last = "equity" if "equity" in heights else next(iter(heights))
        heights[last] += room
    return heights


def _stack(x: int, y: int, width: int, heights: dict[str, int], order: Iterable[str]) -> Places:
    found: Places = {}
    for name in order:
        if name in heights:
            found[name] = Region(x, y, width, heights[name])
            y += heights[name]
    return found


def _flatten(found: Places, most: int) -> Places:
    ladder = found["signals"]
    height = min(most, ladder.height)
    found["flatten"] = Region(ladder.x, ladder.y, ladder.width, height)
    if ladder.height - height >= 3:
        found["signals"] = Region(ladder.x, ladder.y + height, ladder.width, ladder.height - height)
    else:
        found["flatten"] = ladder
        del found["signals"]
    return found
