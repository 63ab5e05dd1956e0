"""Lockstep: a whole day, its determinism, and what holds time."""

from tests.actors.exchange.venue import Trader, floor_of, serving, walking_market


async def test_a_day_runs_to_its_close_and_every_bar_is_told_once(tmp_path):
    """A client that is quiet at once sees 390 minutes in order, each after its end."""
    floor = floor_of(walking_market(tmp_path))
    async with serving(floor) as api:
        trader = Trader(api)
        async with trader.connected():
            await trader.tell()
            await trader.until(391)
    assert len(trader.bars) == sum(len(floor.market.ended(m)) for m in range(390))
    assert [b["t"] for b in trader.bars] == sorted(b["t"] for b in trader.bars)
