"""Matching against its oracle, the simulated broker: same orders, same bars, same fills."""

import random
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from actors.exchange.order import Force, Kind
from actors.exchange.refusal import Refusal
from actors.exchange.tickets import Change, Ticket
from engine.events import MICRO, Decision, Leg, OcoOrder, OrderCanceled, OrderFilled, Side
from engine.events import Order as SimOrder
from engine.simulation.broker import SimulatedBroker
from tests.actors.exchange.venue import DAY, MINUTE, floor_of, write_market
from tests.bars import approved, block_of, config, flat, walk
from tests.budget import examples

SYMBOLS = ("AAA", "BBB", "CCC")
MINUTES = 40


def market(seed, missing, volume):
    """(minutes, 5) bars of three walks, to the cent, some thin."""
    bars = {}
    for i, symbol in enumerate(SYMBOLS):
        rows = walk(MINUTES, seed=seed * 3 + i, missing=missing, price=20.0 + 15 * i, step=4e-3)
        rows[:, :4] = np.round(rows[:, :4], 2)
        rows[:, 1] = np.maximum(rows[:, 1], rows[:, [0, 3]].max(axis=1))
        rows[:, 2] = np.minimum(rows[:, 2], rows[:, [0, 3]].min(axis=1))
        rows[:, 4] = np.floor(rows[:, 4] * volume) + 1
        rows[0] = 20.0 + 15 * i, 20.1 + 15 * i, 19.9 + 15 * i, 20.0 + 15 * i, 5000
        bars[symbol] = rows
    return bars


def ticket(symbol, side, shares, *, kind=Kind.MARKET, force=Force.DAY, **more):
    """An order as the desk reads it."""
    fields = {"client_id": None, "order_class": "simple", "limit_micro": None, "stop_micro": None}
    fields |= {"extended_hours": False, **more}
    return Ticket(symbol=symbol, side=side, kind=kind, force=force, shares=shares, **fields)


def to_minute(floor, minute):
    """Pass one minute's end."""
    floor.clock.jump(floor.market.start_ns(minute))
    floor.end_minute(minute - 1)
    floor.publish(minute - 1)


class Twins:
    """The same trader at the exchange and at the simulated broker."""

    def __init__(self, floor, block, settings):
        self.floor, self.block = floor, block
        self.account = floor.account("key", "secret")
        self.simulated = SimulatedBroker(settings, SYMBOLS)
        self.fills = []
        self.canceled = set()
        self.legs = {}
        self.ids = {}
        self.count = 0

    def minute(self, t, actions):
        """Run frame t with orders that arrive during it."""
        if t:
            self.keep(self.simulated.close_bar(self.block, t - 1))
        to_minute(self.floor, t)
        self.keep(self.simulated.match(self.block, t))
        for action in actions:
            action(t)

    def keep(self, reports):
        """Note what the simulated broker says."""
        for report in reports:
            if isinstance(report, OrderFilled):
                self.fills.append(report)
            elif isinstance(report, OrderCanceled):
                self.canceled.add(report.order_id)

    def new_id(self, kind):
        self.count += 1
        return f"{kind}{self.count:04d}"

    def enter(self, symbol, side, shares, limit, t):
        """An entry: immediate or cancel, at the market or with a limit."""
        name = self.new_id("in")
        kind = Kind.LIMIT if limit else Kind.MARKET
        asked = ticket(symbol, side, shares, kind=kind, force=Force.IOC, limit_micro=limit or None)
        try:
            order = self.floor.broker.submit(self.account, asked)
        except Refusal:
            return  # beyond the buying power
        self.ids[order.order_id] = name
        self.simulated.submit(
            [approved(SimOrder(name, symbol, side, shares, True, Decision.ENTER_LONG, (), limit))]
        )
        self.keep(self.simulated.match(self.block, t))
        if self.account.shares(symbol):
            self.protect(symbol)

    def protect(self, symbol):
        """The legs of what was bought: one OCO order."""
        held = self.account.shares(symbol)
        sign = 1 if held > 0 else -1
        level = self.floor.market.price(symbol)
        stop, target = cents(level * (1 - sign * 0.006)), cents(level * (1 + sign * 0.008))
        name, side = self.new_id("oco"), Side.SELL if held > 0 else Side.BUY
        order = self.floor.broker.submit(
            self.account,
            ticket(
                symbol, side, abs(held), kind=Kind.LIMIT, order_class="oco",
                target_micro=target, loss_micro=stop,
            ),
        )  # fmt: skip
        self.ids[order.order_id] = self.ids[order.legs[0].order_id] = name
        self.legs[symbol] = order
        self.simulated.submit([approved(OcoOrder(name, symbol, side, abs(held), stop, target, 0))])

    def trail(self, symbol, to):
        """The stop leg is replaced."""
        order = self.legs[symbol]
        if not order.live:
            return
        name = self.ids[order.order_id]
        leg = self.floor.broker.replace(
            self.account,
            order.legs[0],
            Change(shares=None, force=None, limit_micro=None, stop_micro=to, client_id=None),
        )
        self.ids[leg.order_id] = name
        self.simulated.replace([(name, to)])

    def leave(self, symbol, t):
        """An exit: cancel the legs, then sell at the market."""
        held, legs = self.account.shares(symbol), self.legs[symbol]
        if not held or not legs.live:
            return
        self.floor.broker.cancel(self.account, legs)
        order = self.floor.broker.close(self.account, symbol)
        name, side = self.new_id("out"), order.side
        self.ids[order.order_id] = name
        exit_ = SimOrder(name, symbol, side, abs(held), False, Decision.EXIT)
        self.simulated.submit([approved(exit_._replace(protection=None))])
        self.simulated._resting.pop(self.ids[legs.order_id], None)
        self.keep(self.simulated.match(self.block, t))

    def act(self, rng):
        """One action per symbol, drawn; exits first, as the simulated broker takes them."""
        exits, entries = [], []
        for symbol in SYMBOLS:
            held, dice = self.account.shares(symbol), rng.random()
            price = self.floor.market.price(symbol)
            if held and dice < 0.1:
                exits.append(lambda t, s=symbol: self.leave(s, t))
            elif held and dice < 0.3:
                sign = 1 if held > 0 else -1
                to = cents(price * (1 - sign * rng.uniform(0.001, 0.01)))
                exits.append(lambda t, s=symbol, to=to: self.trail(s, to))
            elif not held and not self.account.live(symbol) and dice < 0.3:
                side = rng.choice(list(Side))
                far = rng.choice([-0.001, 0.0003, 0.001, 0.01])
                limit = rng.choice([0, cents(price * (1 + side.sign * far))])
                power = self.floor.broker.admission.buying_power(self.account) / MICRO
                most = int(power * rng.uniform(0.97, 1.04) / price)
                shares = max(1, rng.choice([10, 200, 900, 4000, most, most]))
                entries.append(lambda t, a=(symbol, side, shares, limit): self.enter(*a, t))
        return exits + entries


def cents(price):
    return round(price * 100) * 10_000


def executed(account, ids):
    """The exchange's fills in the simulated broker's words."""
    return [
        (
            x.ts_ns // MINUTE * MINUTE, ids[x.order.order_id], x.order.side, x.shares,
            x.price_micro, x.fee_micro, leg_of(x.order),
        )
        for x in account.executions
    ]  # fmt: skip


def leg_of(order):
    if order.order_class != "oco":
        return None
    return Leg.TARGET if order.kind is Kind.LIMIT else Leg.STOP


@examples(1.2)
@given(
    seed=st.integers(0, 10_000),
    missing=st.sampled_from([0.0, 0.1, 0.4]),
    volume=st.sampled_from([0.1, 1.0, 20.0]),
    capital=st.sampled_from([3_000, 30_000, 1_000_000]),
    policy=st.sampled_from(["stop", "target"]),
    fees=st.booleans(),
)
def test_every_fill_is_the_simulated_brokers(seed, missing, volume, capital, policy, fees):
    """Price, shares, fee, order, leg and minute of each fill agree, and so does cash, exactly."""
    sets = (
        f"simulation.starting_capital={capital}",
        f"simulation.both_touched={policy}",
        f"costs.fees={str(fees).lower()}",
    )
    bars = market(seed, missing, volume)
    day = {symbol: np.vstack([rows, flat(390 - MINUTES, 30.0)]) for symbol, rows in bars.items()}
    with tempfile.TemporaryDirectory() as folder:
        floor = floor_of(write_market(Path(folder), {DAY: day}), *sets)
    block = block_of(np.stack([bars[s] for s in SYMBOLS], axis=1), day=DAY, symbols=SYMBOLS)
    twins, rng = Twins(floor, block, config(*sets)), random.Random(seed)
    for t in range(MINUTES):
        twins.minute(t, [lambda t: [action(t) for action in twins.act(rng)]])

    expected = [
        (f.ts_ns, f.order_id, f.side, f.shares, f.price_micro, f.fee_micro, f.leg)
        for f in twins.fills
    ]
    assert executed(twins.account, twins.ids) == expected
    assert twins.account.cash_micro == twins.simulated._cash_micro
    for symbol in SYMBOLS:
        assert twins.account.shares(symbol) == twins.simulated._shares[symbol]
