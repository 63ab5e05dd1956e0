"""Before the doctor's orders: whether they may be sent, and whether the user wants them.

KEY INPUT: a DoctorRequest with --orders.
KEY OUTPUT: Findings of what was sent; BadInputError for what must not be.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from actors.venue import Account, Unreachable
from engine.errors import BadInputError, RotorError
from tui.doctor_sessions import locks
from tui.findings import Finding
from tui.prepare import read_config, symbols_of
from tui.shapes import Difference
from tui.venues import keys_for, venue_at

if TYPE_CHECKING:
    from actors.alpaca.venue import AlpacaVenue
    from tui.doctor import DoctorRequest

FILE = "doctor-orders.json"


def check_orders(request: "DoctorRequest") -> None:
    """Raise BadInputError for --orders with real money, or unasked where nobody can be asked."""
    if not request.orders:
        if request.yes or request.out is not None:
            raise BadInputError("--yes and --out belong to --orders")
        return
    if request.real:
        raise BadInputError("--orders is for paper alone: leave --live out")
    if not request.yes and (request.json or not sys.stdin.isatty()):
        raise BadInputError("--orders sends orders and asks first; for scripts add --yes")


async def order_findings(
    request: "DoctorRequest",
) -> tuple[list[Finding], list[Difference]]:
    """Ask, send, compare; raises BadInputError where the account or the symbol will not do."""
    from tui.doctor_orders import Wanted, examine_orders, plan

    config, _ = read_config(request, Path())
    named = symbols_of(request.symbols)
    symbol = named[0] if named else min(config.universe.symbols)
    keys = keys_for(request.endpoint, real=False)
    venue = venue_at(request.endpoint, keys, real=False, live=config.live)
    try:
        account = await venue.account()
        price, trading = await _market(venue, symbol)
        await _check_free(venue, symbol)
    except Unreachable as error:
        raise RotorError(f"--orders: no answer: {error}") from None
    _check_alone(account)
    wanted = Wanted(
        keys=keys,
        endpoint=request.endpoint,
        symbol=symbol,
        price=price,
        trading=trading,
        account=account.number,
        out=request.out or Path(FILE),
    )
    if not request.yes and not await trio.to_thread.run_sync(_agreed, plan(wanted)):
        raise BadInputError("--orders: nothing was sent")
    return await examine_orders(wanted)


async def _market(venue: "AlpacaVenue", symbol: str) -> tuple[float, bool]:
    """Return a share's price, and whether the market is open."""
    quote = (await venue.quotes([symbol])).get(symbol)
    if quote is None:
        raise BadInputError(f"--orders: {symbol} has no quote: name another with --symbols")
    return (quote.bid + quote.ask) / 2, (await venue.facts.clock()).is_open


async def _check_free(venue: "AlpacaVenue", symbol: str) -> None:
    """Raise BadInputError if something of the symbol is held or open."""
    held = any(holding.symbol == symbol for holding in await venue.holdings())
    if held or any(order.symbol == symbol for order in await venue.orders()):
        words = f"the account holds {symbol}, or has orders in it"
        raise BadInputError(f"--orders: {words}: name another with --symbols")


def _check_alone(account: Account) -> None:
    """Raise BadInputError if a session trades on the account: it would take these for its own."""
    if any(account.number in finding.said and finding.verdict != "ok" for finding in locks()):
        raise BadInputError(f"--orders: a session trades on account {account.number} now")


def _agreed(words: str) -> bool:
    """Show what will be sent; return whether the user says yes."""
    sys.stderr.write(f"{words}\nType yes to send them: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() == "yes"
