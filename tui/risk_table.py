"""Risk as a person reads it.

KEY INPUT: the JSON of tui/risk.py.
KEY OUTPUT: tables on a rich console.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

Json = Mapping[str, Any]


def limits_table(rows: Sequence[Json], breakers: Sequence[Json]) -> None:
    """Print every limit, then the breakers."""
    console = Console()
    table = _table("Key", "Value", "Unit", "Set by", "Takes effect")
    for row in rows:
        value = row["value"]
        shown = f"{value:g}" if isinstance(value, float) else str(value)
        table.add_row(
            row["key"].removeprefix("risk."), shown, row["unit"], row["set_by"], row["reload"]
        )
    console.print(table)
    console.print()
    table = _table("Breaker", "Measures and blocks", "Re-arms")
    for row in breakers:
        table.add_row(row["breaker"], row["measures"], row["rearms"])
    console.print(table)
    console.print("\nNothing here touches a halt: only `rotor resume` lifts one.", highlight=False)


def sizing_table(shown: Json) -> None:
    """Print what each limit allows, and the answer."""
    console = Console()
    table = _table("Limit", "Shares")
    table.columns[1].justify = "right"
    for name, shares in shown["limits"].items():
        mark = "  ← binds" if name == shown["binding"] else ""
        table.add_row(name, f"{'no limit' if shares is None else f'{shares:,.2f}'}{mark}")
    console.print(table)
    if "refused" in shown:
        refused = shown["refused"]
        console.print(f"\n0 shares: {refused['reason']}; {refused['advice']}.", highlight=False)
        return
    console.print(
        f"\n{shown['shares']:,} shares, ${shown['value_usd']:,.2f}, by {shown['binding']}: "
        f"${shown['risk_usd']:,.2f} ({100 * shown['risk_pct']:.2f}% of equity) at risk to the stop "
        f"at {shown['stop']:.2f}, target {shown['target']:.2f}.",
        highlight=False,
    )


def checks_table(shown: Json) -> None:
    """Print every check, and the verdict."""
    console = Console()
    table = _table("Check", "", "Asked", "Allowed", "What to do")
    for check in shown["checks"]:
        allowed = check.get("allowed")
        table.add_row(
            check["check"],
            "ok" if check["ok"] else "REFUSED",
            f"{check['asked']:,}" if "asked" in check else "",
            "" if allowed is None else f"{allowed:,.2f}",
            check["advice"],
        )
    console.print(table)
    verdict = "may be made" if shown["can_trade"] else "is refused"
    console.print(
        f"\nThe trade {verdict}: ${shown['risk_usd']:,.2f} at risk, heat after it "
        f"${shown['heat_after_usd']:,.2f}.",
        highlight=False,
    )


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column)
    return table
