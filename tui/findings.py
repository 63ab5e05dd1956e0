"""What the doctor found: one line per check, with what to do about it.

KEY INPUT: checks.
KEY OUTPUT: Findings, for people or as JSON.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Verdict = Literal["ok", "warning", "bad"]
_MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "bad": ("✗", "red")}


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check."""

    check: str
    verdict: Verdict
    said: str
    todo: str = ""
    """What to do; empty for what is ok."""


def ok(check: str, said: str) -> Finding:
    """Return a finding that needs nothing."""
    return Finding(check, "ok", said)


def warning(check: str, said: str, todo: str) -> Finding:
    """Return a finding that may matter."""
    return Finding(check, "warning", said, todo)


def bad(check: str, said: str, todo: str) -> Finding:
    """Return a finding with which no session should begin."""
    return Finding(check, "bad", said, todo)


def green(findings: Sequence[Finding]) -> bool:
    """Return whether nothing is bad."""
    return not any(finding.verdict == "bad" for finding in findings)


def as_json(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return the findings as one object."""
    counts = {v: sum(f.verdict == v for f in findings) for v in _MARKS}
    return {"green": green(findings), **counts, "checks": [asdict(f) for f in findings]}


def show(findings: Sequence[Finding]) -> None:
    """Print the findings for people."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        mark, colour = _MARKS[finding.verdict]
        said = Text(finding.said)
        if finding.todo:
            said.append(f"\n→ {finding.todo}", style="bold")
        table.add_row(Text(mark, style=colour), finding.check, said)
    console = Console()
    console.print(table)
    counts = as_json(findings)
    words = "nothing is bad" if counts["green"] else f"{counts['bad']} bad"
    console.print(f"\n{words}, {counts['warning']} to look at, {counts['ok']} ok", highlight=False)
