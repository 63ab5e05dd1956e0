"""A session whose own records cannot be trusted, while the broker has something of it open.

KEY INPUT: a run folder; the broker's orders and positions.
KEY OUTPUT: all of before, kept whole under a numbered name; what a session in its place is given
first: a halt, what is held, and the sale of what no stop protects.
"""

import filecmp
import os
import re
import shutil
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import trio

from actors.orphans import found
from actors.retaking import numbered
from actors.venue import BrokerOrder, Holding, Unreachable, Venue
from engine.errors import DamagedError, RotorError
from engine.events import Halt, Liquidate, Side
from engine.market.frames import Session
from engine.records.inputs import NAME as INPUTS
from engine.records.inputs import Input, Logged, Said, Told
from engine.records.warmup import BACKTEST
from engine.records.warmup import NAME as WARMUP
from engine.trading.costs import DayFees
from tui.history import forget
from tui.run_folder import FILES, JOURNALS

ACTOR = "safe mode"
_KEPT = (*FILES, INPUTS, WARMUP)
_RENEWED = (*JOURNALS, INPUTS, "summary.json")
_OURS = re.compile(r"[0-9a-f]{8}-(\d{8})-(.+)-(?:BUY|SELL)-\d+-\d")
_ATTEMPTS = 5
_PAUSE_SECONDS = 2.0


class Standing(NamedTuple):
    """What the broker has of a session: of the symbols in which Rotor sent orders that day."""

    holdings: tuple[Holding, ...]
    orders: tuple[BrokerOrder, ...]
    """Those that may still fill."""
    sent: tuple[str, ...]
    """Client ids of all of the day's orders."""

    @property
    def words(self) -> str:
        """Return what is open, in words; empty if nothing is."""
        held = [f"{each.shares:,} {each.symbol}" for each in self.holdings]
        orders = [f"{len(self.orders)} orders"] if self.orders else []
        return ", ".join([*held, *orders])


async def standing(venue: Venue, session: Session, symbols: Collection[str]) -> Standing:
    """Ask the broker; raises RotorError if it does not answer."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            orders = await venue.orders(since_ns=session.open_ns - 10**12)
            holdings = await venue.holdings()
            break
        except Unreachable as error:
            if attempt == _ATTEMPTS:
                raise RotorError(f"the broker cannot be asked what is open: {error}") from None
            await trio.sleep(_PAUSE_SECONDS)
    day = f"{session.date:%Y%m%d}"
    ids = [order.client_id for order in orders]
    ours = {m[2] for m in map(_OURS.match, ids) if m and m[1] == day} & set(symbols)
    return Standing(
        tuple(h for h in holdings if h.symbol in ours and h.shares),
        tuple(o for o in orders if o.symbol in ours and _open(o)),
        tuple(ids),
    )


def check_known(log: Path, logged: Logged, epoch: str, sent: Iterable[str]) -> None:
    """Raise DamagedError if the broker has an order of the session that its log does not know."""
    known = {_intent(order_id) for order_id in logged.sent}
    for client_id in sent:
        if client_id.startswith(f"{epoch}-") and _intent(client_id) not in known:
            ends = f", line {logged.lines}: ends here" if log.exists() else ": is missing"
            raise DamagedError(
                f"{log}{ends}, and the broker has an order that this session sent: {client_id}"
            )


def _intent(client_id: str) -> str:
    return "-".join(client_id.split("-")[:5])


def _open(order: BrokerOrder) -> bool:
    return not order.status.final or any(map(_open, order.legs))


def keep_whole(folder: Path) -> Path:
    """Keep a run's files as they are under a numbered name in its folder; return the place."""
    place = numbered(folder, "before")
    place.mkdir()
    for name in _KEPT:
        if (folder / name).exists():
            _link(folder / name, place / name)
    if (folder / BACKTEST).is_dir():
        shutil.copytree(folder / BACKTEST, place / BACKTEST, copy_function=_link)
    return place


def _link(path: str | Path, there: str | Path) -> None:
    try:
        os.link(path, there)
    except OSError:  # a file system without such links
        shutil.copy2(path, there)


def leave_to(folder: Path, kept: str) -> None:
    """Take those of a run's files away that are kept under a numbered name."""
    for name in _RENEWED:
        path, there = folder / name, folder / kept / name
        if path.exists() and there.exists() and filecmp.cmp(path, there, shallow=False):
            path.unlink()
    forget(folder)


def opening(why: str, standing: Standing, session: Session) -> tuple[Input, ...]:
    """Return what a session in safe mode is given first."""
    held = {holding.symbol: holding for holding in standing.holdings}
    prices = {h.symbol: h.entry_price_micro or h.market_micro or 0 for h in held.values()}
    free = DayFees(session.date, charged=False)
    adopted = found(held, held, prices, 0, free, leaves=False)
    naked = [h.symbol for h in standing.holdings if not _protected(h, standing.orders)]
    return (
        Said(Halt(reason=why), ACTOR),
        *([Told(tuple(adopted))] if adopted else []),
        *(Said(Liquidate(symbol=symbol), ACTOR) for symbol in sorted(naked)),
    )


def _protected(holding: Holding, orders: Sequence[BrokerOrder]) -> bool:
    """Return whether a stop rests, or an exit is under way, for all that is held."""
    exits = Side.SELL if holding.shares > 0 else Side.BUY
    covering = [
        each
        for order in orders
        for each in (order, *order.legs)
        if each.symbol == holding.symbol and each.side is exits and not each.status.final
        if "stop" in each.kind or each.kind == "market"
    ]
    return sum(each.shares - each.filled for each in covering) >= abs(holding.shares)
