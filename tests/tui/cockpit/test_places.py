"""Panels never overlap, never leave the terminal, and give way in their order."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st
from textual.geometry import Region

from tui.cockpit.widgets.places import AROUND, Shape, places

shapes = st.builds(
    Shape,
    symbols=st.integers(1, 30),
    max_positions=st.integers(1, 20),
    flattening=st.booleans(),
    transport=st.booleans(),
)


@given(st.integers(20, 300), st.integers(3, 120), shapes)
def test_panels_tile_without_overlap(width, height, shape):
    """Inside the place, apart from each other; positions always among them."""
    found = places(width, height, shape)
    whole = Region(0, 0, width, height)

    assert "positions" in found
    assert all(region in whole and region.area for region in found.values())
    assert not any(one.overlaps(other) for one, other in combinations(found.values(), 2))


@given(st.integers(80, 300), st.integers(20, 120), shapes)
def test_what_must_be_seen_is_seen(width, height, shape):
    """From 80×24 on: signals or the liquidation, decisions, and risk as panel or strip."""
    found = places(width, height, shape)

    assert {"signals", "flatten"} & set(found)
    assert "decisions" in found
    assert {"risk", "strip"} & set(found)


def test_what_gives_way_first():
    """Health before orders, orders before equity, equity before session and risk."""
    shape = Shape(symbols=12, max_positions=3)
    lost = []
    before = set(places(160, 50 - AROUND, shape))
    for height in range(49, 23, -1):
        now = set(places(160, height - AROUND, shape))
        lost += sorted(before - now)
        before = now

    assert lost.index("health") < lost.index("equity")
    assert lost.index("orders") < lost.index("equity") < lost.index("stats")
    assert "risk" not in lost


def test_the_budgets_of_the_design():
    """Rows by panel at the three sizes, in a replay too."""
    shape = Shape(symbols=12, max_positions=3)

    def heights(width, height, shape=shape):
        return {name: at.height for name, at in places(width, height - AROUND, shape).items()}

    narrow = heights(80, 24)
    assert (narrow["positions"], narrow["signals"], narrow["decisions"]) == (5, 8, 6)
    wide = heights(120, 40)
    assert [wide[name] for name in ("signals", "decisions", "orders")] == [15, 8, 6]
    assert [wide[name] for name in ("equity", "stats", "risk")] == [12, 9, 8]
    splendid = heights(160, 50)
    assert [splendid[name] for name in ("signals", "decisions", "orders")] == [16, 13, 10]
    assert [splendid[name] for name in ("equity", "stats", "risk", "health")] == [17, 10, 8, 4]
    replaying = heights(80, 24, Shape(symbols=12, max_positions=3, transport=True))
    assert replaying["decisions"] == 5


def test_spare_height_of_one_column():
    """The ladder until all symbols show, then decisions to ten, then orders, then equity."""
    shape = Shape(symbols=20, max_positions=3)
    tall = [set(places(80, height - AROUND, shape)) for height in range(24, 80)]

    assert "orders" not in tall[0]
    first_orders = next(at for at, names in enumerate(tall) if "orders" in names)
    first_equity = next(at for at, names in enumerate(tall) if "equity" in names)
    assert first_orders < first_equity
    assert places(80, 24 + first_orders - AROUND, shape)["signals"].height == 22
