"""Why a held position leaves: the rules of DESIGN.md §6, in their order.

KEY INPUT: the frame, the position's column, direction and minutes held.
KEY OUTPUT: (decision, reason in words) or None.
"""

from engine.config import Config
from engine.events import Decision
from engine.trading.frame import FrameView

Verdict = tuple[Decision, str]


def exit_rule(
    frame: FrameView, column: int, direction: int, held_minutes: int, config: Config
) -> Verdict | None:
    """Return the first rule that makes the position leave; `min_hold` delays only the last two."""
    rules = config.rotation
    minutes = frame.block.session.minutes
    if frame.minute >= flatten_minute(minutes, config):
        left = minutes - frame.minute - 1
        return Decision.EOD_EXIT, f"flat before the close: {left} minutes left"
    stale = frame.stale_minutes(column)
    if stale > rules.max_cold_minutes:
        return (
            Decision.RISK_EXIT,
            f"no forecast for {stale} minutes (at most {rules.max_cold_minutes})",
        )
    if held_minutes >= rules.max_hold_minutes:
        return Decision.TIME_EXIT, f"held {held_minutes} minutes (at most {rules.max_hold_minutes})"
    if frame.cold(column):
        return None  # a crashed predictor says nothing; the position waits for max_cold_minutes
    if frame.direction(column) == -direction:
        return Decision.EXIT, f"reversal: the signal is {_word(-direction)}"
    if held_minutes < rules.min_hold_minutes:
        return None
    strength = frame.own_strength(column, direction)
    if strength < rules.min_strength_to_hold:
        return Decision.EXIT, f"strength {strength:.4f} < {rules.min_strength_to_hold:g} to hold"
    rank = frame.rank(column)
    if rank > rules.min_rank_to_hold:
        return Decision.EXIT, f"rank {rank} > {rules.min_rank_to_hold} to hold"
    return None


def flatten_minute(session_minutes: int, config: Config) -> int:
    """Return the session minute whose frame decides the flatten."""
    return session_minutes - config.session.flatten_before_close_minutes - 1


def _word(direction: int) -> str:
    return "LONG" if direction > 0 else "SHORT"
