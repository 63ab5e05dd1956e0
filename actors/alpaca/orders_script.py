"""The doctor's orders: what is sent, step by step, one share at a time.

KEY INPUT: a Practice, a symbol, its price.
KEY OUTPUT: Played: what was done, what went wrong; answers and events stand in the Practice.

Whatever happens, what it has sent is cancelled and what it has bought is sold before it ends.
"""

import secrets
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import trio
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderClass, OrderSide, TimeInForce
from alpaca.trading.requests import (
    LimitOrderRequest,
    MarketOrderRequest,
    ReplaceOrderRequest,
    StopLossRequest,
    TakeProfitRequest,
)

from actors.alpaca.practice import Call, Practice

EVENT_SECONDS = 15.0
"""How long an event may take."""
SETTLE_SECONDS = 0.5
"""What may still come once all that was waited for is there."""
ENTRY_TRIES = 3
_CENTS = 2
_NESTED = {"nested": "true"}
_FAR, _NEARER = 0.5, 0.51
"""The resting limit, as a share of the price."""
_THROUGH = 1.005
_TARGET, _STOP, _MOVED = 1.1, 0.9, 0.91
"""The legs, as shares of the price."""
_DONE_SECONDS = 30.0
_ENDS = ("fill", "canceled", "rejected", "expired")
_ACCEPTED = 200

Json = dict[str, Any]


@dataclass(slots=True)
class Played:
    """What came of a script."""

    names: dict[str, str] = field(default_factory=dict)
    """Which order is which, by client id."""
    steps: list[str] = field(default_factory=list)
    """What was done, in order."""
    trouble: list[str] = field(default_factory=list)
    """What went otherwise than it must, in sentences."""


class OrdersScript:
    """One run of it."""

    def __init__(self, practice: Practice, symbol: str, price: float, *, trading: bool) -> None:
        """`trading`: whether the market is open, so that a share can be bought."""
        self.played = Played()
        self._practice = practice
        self._symbol = symbol
        self._price = price
        self._trading = trading
        self._run = secrets.token_hex(4)
        self._open: dict[str, str] = {}
        """Broker ids of what may still be open, by client id."""
        self._held = 0
        self._taken_back = False

    async def run(self) -> Played:
        """Play all steps; what is left over is taken back."""
        try:
            await self._limit()
            if self._trading and not self.played.trouble and await self._buy():
                await self._legs()
        finally:
            with trio.move_on_after(_DONE_SECONDS, shield=True):
                await self._take_back()
        await trio.sleep(SETTLE_SECONDS)
        return self.played

    async def _limit(self) -> None:
        """A limit far below the market: placed, looked up, moved, cancelled."""
        sent = await self._submit("limit", self._limit_order("limit", self._price * _FAR))
        if sent is None or not await self._heard("limit", "new"):
            return
        client_id = self._id("limit")
        await self._ask("look up", lambda client: client.get_order_by_client_id(client_id))
        await self._ask("list", lambda client: client.get("/orders", self._open_orders()))
        again = self._limit_order("limit", self._price * _FAR)
        await self._ask("the same id again", lambda client: client.submit_order(again))
        moved = await self._replace("limit", "moved limit", {"limit_price": self._price * _NEARER})
        if moved is None or not await self._heard("moved limit", "new"):
            return
        await self._cancel("moved limit")
        await self._ask("cancel twice", lambda client: client.cancel_order_by_id(moved))

    async def _buy(self) -> bool:
        """A share, by a limit through the quote, immediate or cancel, as Rotor's entries are."""

        for attempt in range(1, ENTRY_TRIES + 1):
            name = "entry" if attempt == 1 else f"entry {attempt}"
            limit = self._limit_order(name, self._price * _THROUGH**attempt, TimeInForce.IOC)
            if await self._submit(name, limit) is None:
                return False
            if await self._heard(name, "fill", quietly=attempt < ENTRY_TRIES):
                self._held = 1
                break
        else:
            return False
        symbol = self._symbol
        await self._ask("position", lambda client: client.get_open_position(symbol))
        return True

    async def _legs(self) -> None:
        """Stop and target as one OCO: listed, moved, one leg cancelled; then the share is sold."""
        if await self._submit("legs", self._oco()) is not None and await self._heard("legs", "new"):
            await self._sell_held()
            stop = await self._stop_leg()
            if stop is not None:
                self._open[self._id("stop")] = stop
                level = {"stop_price": self._price * _MOVED}
                moved = await self._replace("stop", "moved stop", level)
                await self._ask("list legs", lambda c: c.get("/orders", self._open_orders()))
                if moved is not None:
                    await self._cancel("moved stop", of="legs")
        await self._take_back()
        query = {"activity_types": "FILL", "page_size": "2"}
        await self._ask("activities", lambda client: client.get("/account/activities", query))

    async def _sell_held(self) -> None:
        """Try to sell what the legs hold: the refusal is what a session goes by."""
        sell = self._market("held exit")
        body = await self._ask("sell what the legs hold", lambda c: c.submit_order(sell))
        if isinstance(body, dict) and "id" in body:
            self._open[self._id("held exit")] = str(body["id"])
            self._trouble("held exit: accepted, although the legs hold the share")

    async def _take_back(self) -> None:
        """Cancel what is open, sell what is held, and look whether it is so; once."""
        if self._taken_back and not self._open and not self._held:
            return
        self._taken_back = True
        for client_id, broker_id in tuple(self._open.items()):
            await self._practice.ask("clean up", partial(_cancel, broker_id))
            self._open.pop(client_id)
        if self._held:
            await self._exit()
        symbol = self._symbol
        await self._ask("flat", lambda client: client.get_open_position(symbol))
        await self._ask("nothing open", lambda client: client.get("/orders", self._open_orders()))
        self._check_flat()

    async def _exit(self) -> None:
        for attempt in range(1, ENTRY_TRIES + 1):
            name = "exit" if attempt == 1 else f"exit {attempt}"
            if await self._submit(name, self._market(name), quietly=attempt < ENTRY_TRIES) is None:
                await trio.sleep(1.0)  # the legs may not have let go of it yet
                continue
            if await self._heard(name, "fill"):
                self._held = 0
                return

    def _check_flat(self) -> None:
        by_step = {said.step: said for said in self._practice.said}
        flat, left = by_step.get("flat"), by_step.get("nothing open")
        if flat is None or flat.status == _ACCEPTED:
            self._trouble(f"{self._symbol} is still held, or the broker does not say: look there")
        if left is None or left.body != []:
            self._trouble(f"orders in {self._symbol} are still open, or not told: look there")

    async def _submit(self, name: str, request: Any, *, quietly: bool = False) -> str | None:
        """Send an order; return the broker's id, None if it was refused."""
        body = await self._ask(name, lambda client: client.submit_order(request))
        if not isinstance(body, dict) or "id" not in body:
            if not quietly:
                self._trouble(f"{name}: not accepted: {self._words()}")
            return None
        self._open[self._id(name)] = str(body["id"])
        return str(body["id"])

    async def _replace(self, before: str, name: str, change: Json) -> str | None:

        broker_id = self._open[self._id(before)]
        rounded = {key: round(value, _CENTS) for key, value in change.items()}
        request = ReplaceOrderRequest(**rounded, client_order_id=self._id(name))
        body = await self._ask(name, lambda c: c.replace_order_by_id(broker_id, request))
        if not isinstance(body, dict) or "id" not in body:
            self._trouble(f"{name}: not replaced: {self._words()}")
            return None
        del self._open[self._id(before)]
        self._open[self._id(name)] = str(body["id"])
        return str(body["id"])

    async def _cancel(self, name: str, of: str = "") -> None:
        broker_id = self._open.pop(self._id(name))
        await self._ask(f"cancel the {name}", partial(_cancel, broker_id))
        if await self._heard(of or name, "canceled"):
            self._open.pop(self._id(of), None)
        query = f"/orders/{broker_id}"
        await self._ask(f"the {name} once cancelled", lambda c: c.get(query, _NESTED))

    async def _heard(self, name: str, event: str, *, quietly: bool = False) -> bool:
        """Wait for an event of an order, or for its end; return whether that event came."""
        closed = event == "new" and not self._trading
        event = "accepted" if closed else event  # it is new once the market opens
        came = await self._practice.heard(self._id(name), (event, *_ENDS), EVENT_SECONDS)
        if came in _ENDS:
            self._open.pop(self._id(name), None)
        if came != event and not quietly:
            instead = f"{came} instead" if came else f"within {EVENT_SECONDS:g} s"
            self._trouble(f"{name}: no event {event} {instead}")
        return came == event

    async def _ask(self, step: str, call: Call) -> Any:
        """Make a call; return its answer's body, None if none came."""
        self.played.steps.append(step)
        before = len(self._practice.said)
        await self._practice.ask(step, call)
        if len(self._practice.said) == before:
            self._trouble(f"{step}: no answer")
            return None
        said = self._practice.said[-1]
        return said.body if said.status == _ACCEPTED else None

    async def _stop_leg(self) -> str | None:
        broker_id = self._open[self._id("legs")]
        body = await self._ask("legs, nested", lambda c: c.get(f"/orders/{broker_id}", _NESTED))
        legs = body.get("legs") if isinstance(body, dict) else None
        if not legs:
            self._trouble("legs: the stop is not shown with its parent")
            return None
        return str(legs[0].get("id"))

    def _words(self) -> str:
        body = self._practice.said[-1].body if self._practice.said else None
        return str(body.get("message")) if isinstance(body, dict) else "no answer"

    def _trouble(self, words: str) -> None:
        if words not in self.played.trouble:
            self.played.trouble.append(words)

    def _id(self, name: str) -> str:
        client_id = f"doctor-{self._run}-{name.replace(' ', '-')}"
        self.played.names[client_id] = name
        return client_id

    def _open_orders(self) -> dict[str, str]:
        return {"status": "open", "symbols": self._symbol, **_NESTED}

    def _limit_order(self, name: str, price: float, force: Any = None) -> Any:
        return LimitOrderRequest(
            symbol=self._symbol, qty=1, side=OrderSide.BUY, limit_price=round(price, _CENTS),
            time_in_force=force or TimeInForce.DAY, client_order_id=self._id(name),
        )  # fmt: skip

    def _market(self, name: str) -> Any:
        return MarketOrderRequest(
            symbol=self._symbol, qty=1, side=OrderSide.SELL, time_in_force=TimeInForce.DAY,
            client_order_id=self._id(name),
        )  # fmt: skip

    def _oco(self) -> Any:
        return LimitOrderRequest(
            symbol=self._symbol, qty=1, side=OrderSide.SELL, time_in_force=TimeInForce.DAY,
            order_class=OrderClass.OCO, client_order_id=self._id("legs"),
            take_profit=TakeProfitRequest(limit_price=round(self._price * _TARGET, _CENTS)),
            stop_loss=StopLossRequest(stop_price=round(self._price * _STOP, _CENTS)),
        )  # fmt: skip


def _cancel(broker_id: str, client: TradingClient) -> Any:
    return client.cancel_order_by_id(broker_id)
