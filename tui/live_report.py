"""How a live session ended: its summary, for people and for scripts.

KEY INPUT: the outcome, and how the account stands.
KEY OUTPUT: a summary, what is wrong first.
"""

from pathlib import Path
from typing import Any

from actors.live import LiveOutcome
from engine.config import Config
from engine.records.summary import learning_figures, learning_sentence, sentences, summarise
from tui.output import print_json
from tui.parity import parity_words

Json = dict[str, Any]


def summary_of(ended: LiveOutcome, config: Config, folder: Path) -> Json:
    """Return the figures of a session."""
    outcome = ended.outcome
    summary = summarise(outcome.stats, config)
    return summary | {
        "learning": learning_figures(outcome.scores, outcome.slope.pooled),
        "journal_sha256": outcome.journal_sha256,
        "run_dir": str(folder.resolve()),
        "resumed_inputs": ended.resumed,
        "late_bars": ended.counts.late,
        "revised_bars": ended.counts.revised,
        "backfilled_minutes": ended.counts.backfilled,
        "order_events_ignored": ended.ignored,
    }


def end_words(summary: Json) -> str:
    """Return the end of a session in a line."""
    how = "interrupted" if summary["interrupted"] else "over"
    flat = ["the broker confirms: flat"] if summary["confirmed_flat"] else []
    words = "; ".join([*summary["problems"], *flat])
    return f"the session is {how}: {summary['total_pnl']:+,.2f} USD, {words}"


def report(summary: Json, folder: Path, *, json: bool) -> None:
    """Print the summary."""
    if json:
        print_json(summary)
        return
    from rich.console import Console

    from tui.summary_table import render

    console = Console()
    for problem in summary["problems"]:
        console.print(f"NOT AS IT SHOULD BE: {problem}", style="bold red", soft_wrap=True)
    said = [*sentences(summary, []), learning_sentence(summary["learning"])]
    if summary["confirmed_flat"]:
        said.append("The broker confirms: flat.")
    if summary["held_beside"]:
        beside = ", ".join(summary["held_beside"])
        said.append(f"The account also holds {beside}, which is not this session's to sell.")
    if "parity" in summary:
        said.append(parity_words(summary["parity"]))
    render(summary, console, baselines=[], comparison=None, said=said)
    console.print(f"\nrecords in {folder.resolve()}", highlight=False, soft_wrap=True)
