"""Thirty faults chosen by hand: each would cost money, or hide that money was lost.

A row is a module, a text that stands on exactly one of its lines, what stands there instead, and
what it would do.
"""

import ast

from tests.mutants.sites import Mutant

CHOSEN = (
    ("engine/trading/lots.py", "lot = lots[0]", "lot = lots[-1]", "last in, first out"),
    ("engine/trading/positions.py", "fill.price_micro + fill.fee_micro",
     "fill.price_micro - fill.fee_micro", "fees are income"),
    ("engine/trading/lots.py", "- entry_fee - fill.fee_micro", "- fill.fee_micro",
     "the entry's fees are forgotten"),
    ("engine/trading/costs.py", "if side is Side.SELL:", "if side is Side.BUY:",
     "sales pay no SEC fee and no TAF"),
    ("engine/trading/costs.py", "return reference + side_sign * paid",
     "return reference - side_sign * paid", "the spread is earned"),
    ("engine/trading/costs.py", "self._booked_micro += added", "pass",
     "each fill is charged the day's fees so far"),
    ("engine/trading/sizing.py", '("cash", Gate.SIZE, exposure.cash / price),',
     '("cash", Gate.SIZE, math.inf),',
     "no cash limit"),
    ("engine/trading/sizing.py", "if math.isnan(limit[2]):", "if False:",
     "a limit that cannot be measured does not bind"),
    ("engine/trading/sizing.py", "if limit[2] < binding[2]:", "if limit[2] > binding[2]:",
     "the largest limit binds"),
    ("engine/trading/approval.py", "if not 1 <= order.shares <= held:", "if order.shares < 1:",
     "an exit may sell more than is held"),
    ("engine/trading/approval.py",
     "if order.shares < 1 or order.shares > sizing.shares:", "if order.shares < 1:",
     "an entry may be larger than its sizing"),
    ("engine/trading/breakers.py", "if readings.losses < risk.max_consecutive_losses:",
     "if readings.losses <= risk.max_consecutive_losses:", "one more loss than the limit"),
    ("engine/trading/breakers.py",
     "if readings.equity >= readings.day_open * (1 - risk.daily_loss_pct / 100):",
     "if not readings.equity < readings.day_open * (1 - risk.daily_loss_pct / 100):",
     "an equity that is no number does not trip"),
    ("engine/trading/risk_state.py", "self.halt = self.flattened = None",
     "self.flattened = None", "resume does not lift a halt"),
    ("engine/trading/risk_state.py", "self.day_open = equity", "pass",
     "a re-armed daily loss trips again at once"),
    ("engine/trading/state.py", "self.sequence += 1", "pass", "two orders with one id"),
    ("engine/trading/protect.py", "symbol not in leaving", "True", "legs beside an exit"),
    ("engine/simulation/broker.py", "if stopped and reached:", "if False:",
     "a bar that touches both is taken as the stop, uncounted"),
    ("engine/simulation/broker.py", "reference = sign * max(sign * open_, sign * level)",
     "reference = sign * min(sign * open_, sign * level)", "a gap fills at the stop"),
    ("actors/intents.py", "if carrier.seen + update.shares > carrier.told:", "if False:",
     "a fill counts from the snapshot and once more from its event"),
    ("actors/intents.py", "or update.execution_id in self.executions", "",
     "a repeated event is another fill"),
    ("actors/orders.py", "short = intent.filled < intent.order.shares", "short = False",
     "an order cut short ends unsaid"),
    ("actors/sending.py", "shares=order.shares - intent.filled", "shares=order.shares",
     "the ladder's market order sells what the limit has sold"),
    ("actors/inquiry.py", "if missed >= 2:", "if missed >= 1:",
     "an order is given up after one miss"),
    ("actors/execution.py", "legs.silent = True", "pass", "legs that are cancelled are told"),
    ("actors/flatness.py", "and not alarmed", "and alarmed", "no alarm where it is not flat"),
    ("actors/orphans.py", "if gone <= 0 or ours * left < 0:", "if False:",
     "what was bought on top is booked as sold"),
    ("actors/comparison.py", "if len(self._seen) < LOOKS:", "if False:",
     "a fill on its way is a difference"),
    ("actors/recovery.py", "silent, stop = not legs.resting, legs.stop_micro",
     "silent, stop = not legs.resting, 0", "a moved stop is forgotten at a restart"),
    ("actors/control.py", "before = os.umask(0o177)", "before = os.umask(0)",
     "everybody may command the session"),
    ("actors/reloading.py", "if stuck:", "if False:", "a key is changed that needs a restart"),
    ("engine/records/inputs.py", "os.fsync(self._file.fileno())", "pass",
     "an order leaves before its note is durable"),
    ("engine/records/inputs.py", 'if row.get("chain") != head:', "if False:",
     "a changed log is taken"),
    ("tui/verify.py", "if a != b and a.endswith", "if a == b and a.endswith",
     "other records pass as the same"),
)  # fmt: skip


def chosen(read) -> list[Mutant]:
    """Return them, for the sources that `read(path)` gives."""
    found = []
    for path, old, new, what in CHOSEN:
        lines = read(path).splitlines()
        places = [n for n, line in enumerate(lines, start=1) if old in line]
        if len(places) != 1:
            raise SystemExit(f"{path}: {old!r} stands on {len(places)} lines; mend chosen.py")
        number = places[0]
        before = lines[number - 1].strip()
        after = before.replace(old, new)
        ast.parse(
            "\n".join([*lines[: number - 1], lines[number - 1].replace(old, new), *lines[number:]])
        )
        found.append(Mutant(path, number, before, after, what))
    return found
