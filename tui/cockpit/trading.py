"""The keys that trade: liquidate, halt, cards, reload, and leaving a session that holds something.

KEY INPUT: keys, lines.
KEY OUTPUT: requests to the session; dialogs before the risky ones.
"""

import asyncio
from datetime import datetime
from zoneinfo import ZoneInfo

from actors.cockpit.asked import ConfirmView
from actors.cockpit.views import CardView, CockpitView
from engine.errors import RotorError
from tui.cockpit.core import Core, Told
from tui.cockpit.screens.confirm import Confirm
from tui.cockpit.screens.quit import How, Quit, is_flat
from tui.cockpit.source import Json

NEW_YORK = ZoneInfo("America/New_York")
MINUTE_NS = 60_000_000_000
AT_ONCE_SECONDS = 0.05
"""A question that the session answers sooner is opened with the answer: drawn once, not twice."""


class Trading(Core):
    """What changes something."""

    def confirm(
        self, request: Json, sends: str, told: Told, known: ConfirmView | None = None
    ) -> None:
        """Show what a request would send, and give it if `y` is pressed."""
        if self.refused():
            return

        self.run_worker(self._confirm(Confirm(request, sends, known), told), group="ask")

    async def _confirm(self, question: Confirm, told: Told) -> None:
        def answered(yes: bool | None) -> None:  # noqa: FBT001 - as Textual calls it
            if yes:
                self.give(question.command, told)

        try:
            async with asyncio.timeout(AT_ONCE_SECONDS):
                await question.ask(self.source)
        except TimeoutError:
            pass  # it is opened without, and says so
        except RotorError as error:
            self.say(str(error), "error")
            return
        if self.screen is self.shown:  # no other question was opened meanwhile
            self.push_screen(question, answered)

    def refused(self) -> bool:
        """Say why no trading key works now, if that is so."""
        flatten = self.view.flatten if self.view is not None else None
        if self.readonly:
            self.say("read-only: nothing sent", "error")
        elif self.view is None:
            self.say("the session is not there yet: nothing sent", "error")
        elif flatten and flatten.scope == "all" and flatten.confirmed_ns is None:
            self.say("flattening: trading keys wait until the broker confirms flat", "error")
        else:
            return False
        return True

    def action_liquidate_selected(self) -> None:
        """Ask whether to sell the position under the cursor."""
        row = self.shown.selected if self.shown is not None else None
        if row is None or not row.symbol:
            self.say("no position is selected: nothing to liquidate", "error")
        else:
            self.liquidate(row.symbol)

    def action_liquidate_all(self) -> None:
        """Ask whether to sell everything."""
        self.liquidate(None)

    def liquidate(self, symbol: str | None) -> None:
        """Ask whether to sell a symbol, or everything."""
        if self.refused() or self.view is None:
            return
        held = [position.symbol for position in self.view.positions if position.state != "flat"]
        if symbol is not None and symbol not in held:
            self.say(f"no position in {symbol}: nothing to liquidate", "error")
        elif is_flat(self.view):
            self.say("no positions: nothing to liquidate", "error")
        elif symbol is None:
            said = "liquidate all, sent by you. Ends when the broker confirms flat."
            self.confirm({"verb": "liquidate", "symbol": None}, "sell everything", said)
        else:
            said = f"liquidate {symbol}: sent"
            self.confirm({"verb": "liquidate", "symbol": symbol}, "send this", said)

    def action_halt(self) -> None:
        """Halt at once; if it is halted, ask whether to resume."""
        if self.view is not None and self.view.header.halted_ns is not None:
            self.action_resume()
        else:
            self.halt()

    def halt(self, reason: str = "") -> None:
        """Stop entries at once; exits go on."""
        key = f"{self.key_shown('halt')} {self.key_shown('confirm.yes')}"
        said = f"halted by you; exits go on. {key} resumes"
        self.give({"verb": "halt", "reason": reason}, said)

    def action_resume(self) -> None:
        """Ask whether to allow entries again."""
        self.confirm({"verb": "resume"}, "resume", lambda _: self._resumed())

    def _resumed(self) -> str:
        if self.view is None:
            return "resumed"
        next_ns = (self.view.header.now_ns // MINUTE_NS + 1) * MINUTE_NS
        minute = datetime.fromtimestamp(next_ns / 1e9, NEW_YORK)
        return f"resumed; entries from {minute:%H:%M} on"

    def action_reload(self) -> None:
        """Read the configuration and show what it would change; nothing is applied."""
        self.action_open("config")
        self._call("read")

    def action_undo(self) -> None:
        """Show what taking back the last reload would change."""
        self._call("undo")

    def undo_reload(self) -> None:
        """The same, from anywhere."""
        self.action_open("config")
        self.call_after_refresh(self._call, "undo")

    def action_approve(self) -> None:
        """Approve the card under the cursor; elsewhere go where the cards are."""
        self._card("approve")

    def action_dismiss(self) -> None:
        """Dismiss the card under the cursor; elsewhere go where the cards are."""
        self._card("dismiss")

    def action_snooze(self) -> None:
        """Put the card under the cursor off for five minutes."""
        self._card("snooze")

    def _card(self, what: str) -> None:
        if self.shown is not None and self.shown.word != "inbox":
            self.action_open("inbox")
        elif not self.refused():
            self._call(f"{what}_card")

    def on_card(self, verb: str, card: CardView, minutes: int) -> None:
        """Approve (after `y`), dismiss or snooze a card as it stands now."""
        request: Json = {"verb": verb, "card": card.id, "version": card.version}
        if verb == "snooze":
            request["minutes"] = minutes
        if verb != "approve":
            self.give(request, f"{card.id} {verb.removesuffix('e')}ed")
            return
        side = "BUY" if card.direction > 0 else "SHORT"
        known = ConfirmView(
            title=f"Approve {card.id} v{card.version}?",
            sends=(f"{side} {card.shares:,} {card.symbol}",),
            about=(f"limit {card.limit_usd:.2f}",),
            then=("executed when the minute ends, if nothing refuses it then",),
            facts=(f"stop {card.stop_usd:.2f}, target {card.target_usd:.2f}",),
            gone="",
        )
        said = f"{card.id} v{card.version} approved: {side} {card.shares:,} {card.symbol}"
        self.confirm(request, "approve", said, known)

    def action_apply(self) -> None:
        """Confirm what the screen itself asks: a card, a difference."""
        if not self.refused():
            self._call("apply")

    def action_keep(self) -> None:
        """Keep the old configuration."""
        self._call("keep")

    # leaving

    def action_leave(self) -> None:
        """Leave: at once if nothing is open or the session lives elsewhere, else ask how."""
        if isinstance(self.screen, Quit):
            return
        if self._may_leave(self.view):
            self.exit(return_code=0)
            return
        self.push_screen(Quit(), self._leave)

    def _may_leave(self, view: CockpitView | None) -> bool:
        return view is None or self.source.attached or view.header.recorded or is_flat(view)

    def _leave(self, how: How | None) -> None:
        if how == "flatten":
            if self.view is not None and self.view.transport is not None:
                self.give({"verb": "transport", "do": "play"})  # a paused market sells nothing
            meanwhile = "flattening; stops when the broker confirms flat"
            request = {"verb": "stop", "how": "flatten"}
            self.give(request, "flat, confirmed; stopping", meanwhile=meanwhile)
        elif how == "leave":
            self.give({"verb": "stop", "how": "leave"}, "stopping; the stops stay at the broker")

    async def action_quit(self) -> None:
        """Take the way of `q`."""
        self.action_leave()
