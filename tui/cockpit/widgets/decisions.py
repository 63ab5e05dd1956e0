"""The newest decisions, each in words with its numbers.

KEY INPUT: DecisionView, newest first.
KEY OUTPUT: one line each; the words are cut, the numbers come first in them.
"""

from typing import ClassVar

from actors.cockpit.views import CockpitView, DecisionView
from tui.cockpit import format as fmt
from tui.cockpit.screens.base import Row
from tui.cockpit.widgets.ladder import Ladder, Table, fewer, free
from tui.cockpit.widgets.lines import Line

STYLES = {
    "ENTER": "info",
    **dict.fromkeys(("ROTATE", "EXIT", "TRAIL", "TIME", "EOD"), "warning"),
    **dict.fromkeys(("STOP", "RISK", "HEALTH", "MANUAL"), "danger"),
    "TARGET": "profit",
}
BOLD_PULLS = 10


class Decisions(Ladder):
    """What was decided last; a new line is bold for two seconds."""

    newest_first: ClassVar[bool] = True
    counted = False

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._newest: int | None = None
        self._bold_pulls: dict[int, int] = {}

    def draw(self, view: CockpitView) -> None:
        """Show a view; rows that were not there before are bold."""
        ids = [decision.id for decision in view.decisions]
        if self._newest is not None and not self.low_bandwidth:
            self._bold_pulls |= {one: BOLD_PULLS for one in ids if one > self._newest}
        self._newest = max(ids, default=self._newest)
        super().draw(view)

    def age(self) -> bool:
        """Count a pull, by which what is new becomes usual; tell whether that can be seen."""
        ageing = bool(self._bold_pulls)
        self._bold_pulls = fewer(self._bold_pulls)
        return super().age() or ageing

    def table(self, view: CockpitView) -> Table:
        """Return a line per decision."""
        rows = [
            (
                Row("decision", str(decision.id), decision.symbol),
                decision_row(decision, self.size.width, new=decision.id in self._bold_pulls),
            )
            for decision in view.decisions
        ]
        return Table("Decisions", "e explain", None, rows or [free(" no decisions yet")])


def decision_row(decision: DecisionView, width: int, *, new: bool = False) -> Line:
    """Return one decision as a line."""
    bold = " bold" if new else ""
    refused = decision.label in {"REFUSE", "REFUSED", "HOLD"}
    return (
        (f" {fmt.minute(decision.at_ns)} ", "muted"),
        (
            fmt.words(decision.label, 6) + " ",
            (STYLES.get(decision.label, "muted" if refused else "") + bold).strip(),
        ),
        (fmt.symbol(decision.symbol) + " ", "bold"),
        (fmt.words(decision.text, width - 20), ("muted" if refused else "") + bold),
    )
