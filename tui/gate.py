"""The gate to real money: what must be true before `rotor live --live` may trade.

KEY INPUT: a venue of real money, its account, the configuration.
KEY OUTPUT: nothing, or BadInputError that names everything which is in the way.

Four keys turn it: --live, `[live] account` with the account's own number, settings that ask of a
signal what it has earned (tui/money.py, asked before all else), and a doctor who finds nothing bad.
There is no option to pass it by.
"""

from typing import TYPE_CHECKING

import trio

from actors.session_clock import SessionClock
from actors.venue import Account
from engine.config import Config
from engine.errors import BadInputError
from tui.doctor import clock_of
from tui.doctor_machine import examine_machine
from tui.doctor_venue import Patient, examine_venue, gate_finding
from tui.findings import Finding, green

if TYPE_CHECKING:
    from actors.alpaca.venue import AlpacaVenue


async def pass_gate(
    venue: "AlpacaVenue",
    account: Account,
    config: Config,
    symbols: tuple[str, ...],
    clock: SessionClock,
    endpoint: str | None,
) -> None:
    """Return if real money may be traded; raises BadInputError if not."""
    named = gate_finding(account, config)
    if not green([named]):
        raise BadInputError(f"--live: {named.said}; {named.todo}")
    patient = Patient(
        venue=venue,
        config=config,
        symbols=symbols,
        now=clock_of(clock.now_ns),
        real=True,
        endpoint=endpoint,
    )
    findings = await examine_venue(patient)
    findings += await trio.to_thread.run_sync(examine_machine, config)
    if not green(findings):
        lines = [_line(f) for f in findings if f.verdict == "bad"]
        raise BadInputError("--live: the doctor is not green:\n  " + "\n  ".join(lines))


def _line(finding: Finding) -> str:
    return f"{finding.check}: {finding.said}; {finding.todo}"
