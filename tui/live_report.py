"""How a live session ended: its summary, for people and for scripts.

KEY INPUT: the outcome, the venue.
KEY OUTPUT: a summary; whether the broker confirms that nothing is held.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from actors.live import LiveOutcome
from engine.config import Config
from engine.records.summary import learning_figures, learning_sentence, sentences, summarise
from tui.output import print_json
from tui.parity import parity_words

if TYPE_CHECKING:
    from actors.alpaca.venue import AlpacaVenue

Json = dict[str, Any]


async def confirmed_flat(venue: "AlpacaVenue") -> bool | None:
    """Return whether the broker says that nothing is held; None if it does not answer."""
    from actors.venue import Unreachable

    try:
        return not await venue.holdings()
    except Unreachable:
        return None


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
    flat = {True: "flat", False: "THE BROKER STILL HOLDS POSITIONS"}
    held = flat.get(summary["confirmed_flat"], "whether it is flat is not known")
    return f"the session is {how}: {summary['total_pnl']:+,.2f} USD, {held}"


def report(summary: Json, folder: Path, *, json: bool) -> None:
    """Print the summary."""
    if json:
        print_json(summary)
        return
    from rich.console import Console

    from tui.summary_table import render

    said = [*sentences(summary, []), learning_sentence(summary["learning"])]
    flat = {True: "The broker confirms: flat.", False: "THE BROKER STILL HOLDS POSITIONS."}
    said.append(flat.get(summary["confirmed_flat"], "The broker did not say whether it is flat."))
    if "parity" in summary:
        said.append(parity_words(summary["parity"]))
    console = Console()
    render(summary, console, baselines=[], comparison=None, said=said)
    console.print(f"\nrecords in {folder.resolve()}", highlight=False, soft_wrap=True)
