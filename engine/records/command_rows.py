"""Operators' commands as rows, and back.

KEY INPUT: a command; a row with its verb.
KEY OUTPUT: the row; the command.
"""

from typing import Any

from engine.events import (
    Acknowledge,
    Approve,
    CardCommand,
    Command,
    Dismiss,
    Halt,
    Liquidate,
    Resume,
    Snooze,
)

Json = dict[str, Any]


def command_row(command: Command) -> Json:
    """Return a command's verb and what it says."""
    row: Json = {"verb": type(command).__name__.lower()}
    if isinstance(command, Liquidate | Acknowledge):
        row["symbol"] = command.symbol
        if isinstance(command, Acknowledge) and command.keep is not None:
            row["keep"] = command.keep
    elif isinstance(command, Halt):
        row["reason"] = command.reason
    elif isinstance(command, CardCommand):
        row |= {"card": command.card, "version": command.version}
        if isinstance(command, Snooze):
            row["minutes"] = command.minutes
    return row


def command_of(row: Json) -> Command:
    """Return the command of a row; raises KeyError for a verb that is none."""
    card: Json = {"card": row.get("card"), "version": row.get("version")}
    commands: dict[str, Any] = {
        "halt": lambda: Halt(reason=row["reason"]),
        "resume": Resume,
        "liquidate": lambda: Liquidate(symbol=row["symbol"]),
        "acknowledge": lambda: Acknowledge(symbol=row["symbol"], keep=row.get("keep")),
        "approve": lambda: Approve(**card),
        "dismiss": lambda: Dismiss(**card),
        "snooze": lambda: Snooze(**card, minutes=row["minutes"]),
    }
    command: Command = commands[row["verb"]]()
    return command
