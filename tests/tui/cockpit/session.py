"""A cockpit above a real session: a replay on the simulated broker, beside it in this process."""

import asyncio
from contextlib import asynccontextmanager

import orjson
import trio

from actors.pacing import Pacing
from actors.system import Plan, replay
from tests.bars import config, synth_blocks
from tests.patience import patience
from tests.tui.cockpit.keyboard import screen_text, seen
from tui.cockpit.app import Cockpit
from tui.cockpit.inside import Inside

SETS = (
    "learning.warm_rows=50", "rotation.min_edge_bps=-100", "rotation.min_hold_minutes=0",
    "risk.max_consecutive_losses=1000", "risk.daily_loss_pct=100", "risk.drawdown_pct=100",
)  # fmt: skip


class Trading:
    """The app, its pilot and the session."""

    def __init__(self, app, pilot, folder, ended):
        self.app = app
        self.pilot = pilot
        self.folder = folder
        self.ended = ended

    @property
    def view(self):
        return self.app.source.latest()

    @property
    def held(self):
        return [p.symbol for p in self.view.positions if p.state != "flat"]

    @property
    def text(self):
        return screen_text(self.app)

    async def press(self, *keys):
        for key in keys:
            await self.pilot.press(key)
            await self.pilot.pause()
        self.app.pull()
        return seen(self.app, session=True)

    async def until(self, condition, what="it"):
        """Wait until something is so."""
        async with asyncio.timeout(patience(60)):
            while not condition():
                assert not self.ended.done() or condition(), f"{what} did not happen"
                await asyncio.sleep(0.005)
        self.app.pull()
        await self.pilot.pause()

    async def minute(self):
        """Let one minute go by, as `.` does."""
        before = self.view.header.now_ns
        await self.press("full_stop")
        await self.until(lambda: self.view.header.now_ns > before, "the next minute")

    async def hold_something(self):
        """Go on until two positions are held."""
        await self.app.source.ask({"verb": "transport", "do": "step"})
        await self.until(lambda: self.view is not None, "the first minute")
        for _ in range(90):
            if len(self.held) > 1:
                return
            await self.minute()
        raise AssertionError("nothing was ever bought")

    def commands(self):
        """What the journal says was commanded, and by whom."""
        lines = (self.folder / "events.jsonl").read_bytes().splitlines()
        rows = [orjson.loads(line) for line in lines]
        return [(row["verb"], row["actor"]) for row in rows if row["type"] == "command"]


@asynccontextmanager
async def trading(folder, *sets):
    """Yield a session that stands at the first minutes of its traded day."""
    blocks = synth_blocks(2, seed=3, signal=3.0)
    source = Inside()
    pacing = Pacing(None, [blocks[1].session.date], playing=False)
    plan = Plan(
        config=config(*SETS, *sets), symbols=blocks[0].symbols,
        open_blocks=lambda skip: iter(blocks[skip:]), trade_from=blocks[1].session.date,
        range_label="", first_ts_ns=blocks[0].session.open_ns, folder=folder, level="full",
        executor="inline", pacing=pacing, screen=source.open,
    )  # fmt: skip
    loop = asyncio.get_running_loop()
    ended = loop.create_future()

    async def session():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(source.serve)
            await replay(plan, signals=False)
            nursery.cancel_scope.cancel()

    trio.lowlevel.start_guest_run(
        session,
        run_sync_soon_threadsafe=loop.call_soon_threadsafe,
        done_callback=ended.set_result,
    )
    app = Cockpit(source)
    try:
        async with app.run_test(size=(120, 40)) as pilot:
            yield Trading(app, pilot, folder, ended)
    finally:
        loop.call_soon(pacing.stop.set)
        (await asyncio.wait_for(ended, patience(60))).unwrap()
