"""A trading floor with a cockpit, whose clock is the end of the last minute."""

from actors.cockpit.cockpit import Cockpit
from actors.cockpit.scene import About, Outside
from tests.actors.floor import Floor, bar, wish
from tests.bars import config

SYMBOLS = ("AAA", "BBB", "CCC")
SETS = (
    "rotation.min_hold_minutes=0", "rotation.min_edge_bps=-100", "rotation.max_positions=2",
    "rotation.cooldown_minutes=5", 'universe.symbols=["CCC","AAA","BBB"]',
)  # fmt: skip
MINUTE = 60 * 10**9


class Watched(Floor):
    """A floor that is looked at."""

    def __init__(self, *sets):
        super().__init__(config(*SETS, *sets), SYMBOLS)
        self.now_ns = self.session.open_ns
        about = About(mode="replay", symbols=SYMBOLS, run_id="run")
        self.cockpit = Cockpit(self.desk, about, Outside(now_ns=lambda: self.now_ns))
        self.closed = self._close

    def _close(self, page):
        self.now_ns = page.block.ts_ns(0) + MINUTE
        self.cockpit.page(page)

    @property
    def view(self):
        return self.cockpit.view()


def prices(*values):
    """Return a minute in which nothing moves."""
    return [bar(value) for value in values]


def two(strong=0.8, weak=0.7):
    """Return signals in which AAA is the strongest, then BBB; CCC is neutral."""
    values = wish(SYMBOLS, "AAA", probability=strong)
    values[1] = wish(SYMBOLS, "BBB", probability=weak)[1]
    return values


def holding():
    """Return a floor on which AAA and BBB are held, up and down."""
    floor = Watched()
    floor.play([prices(50, 50, 50)] * 2, two())
    floor.frame([bar(51), bar(49.8), bar(50)], two())
    assert set(floor.state.ledger.positions) == {"AAA", "BBB"}
    return floor
