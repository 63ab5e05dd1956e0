"""`rotor check`: is a predictor fit to be traded on? A line for each check, and what to do.

KEY INPUT: a predictor's name or dotted path; bars to audit it on.
KEY OUTPUT: lines, or one JSON object; exit code 1 if a check fails.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

import orjson

from actors.crew import contexts_of
from actors.restart import Crash, attempt
from engine.learning.battery import yield_checks
from engine.learning.look_ahead import Finding, look_ahead
from engine.learning.predictors import BY_NAME, make_predictor
from engine.learning.signals import Context, Predictor
from engine.market.frames import Block
from tui.prepare import Prepared, Request, prepare

SESSIONS, MOMENTS = 6, 8
SHORT_SESSIONS, SHORT_MOMENTS = 4, 4
REMEDY = {
    "check_shapes": "make Signals with neutral(len(block), features, horizons=…), fill it in",
    "check_finite": "guard divisions, roots and logarithms; absent bars have NaN before the first",
    "check_deterministic": "draw from a generator seeded by the context, not by time or set order",
    "check_block_size": "carry what is needed in self; reset it only where block.first == 0",
    "check_causal": "row t may use block.bars[: t + 1] and no more",
    "check_resumable": "checkpoint() must hold all that process() changes, restore() take it up",
    "check_reads_only": "copy before you change: block.bars is everybody's",
    "check_instances_are_apart": "keep state in self, not in the class or the module",
    "look_ahead": "row t may use block.bars[: t + 1] and no more",
}  # fmt: skip


def check_command(name: str, request: Request) -> int:
    """Run `rotor check`; return 0 if every check holds, else 1."""
    sets = (*request.sets, f"learning.predictor={name}")
    prepared = prepare(replace(request, sets=sets))
    rows = list(_rows(prepared))
    failed = sum(row["problem"] is not None for row in rows)
    if request.json:
        told = {"predictor": name, "ok": not failed, "checks": rows}
        sys.stdout.buffer.write(orjson.dumps(told, option=orjson.OPT_INDENT_2) + b"\n")
    else:
        _print(name, rows, failed)
    return 1 if failed else 0


def short_audit(prepared: Prepared) -> str | None:
    """Return in a sentence what looks ahead in a predictor of the user's own, None if nothing does.

    A crash is none of its business: the run tells it.
    """
    if prepared.config.learning.predictor in BY_NAME:
        return None
    found = attempt(partial(_audit, prepared, SHORT_SESSIONS, SHORT_MOMENTS))
    return found.words() if isinstance(found, Finding) else None


def _rows(prepared: Prepared) -> Iterator[dict[str, Any]]:
    learning = prepared.config.learning

    def make(context: Context) -> Predictor:
        return make_predictor(learning.predictor, context, learning.options)

    for name, check in yield_checks(make):
        said = (check.func.__doc__ or name).strip() if isinstance(check, partial) else name
        yield _row(name, said, _problem(check))
    sessions = len(_blocks(prepared, SESSIONS))
    what = f"Other bars after a moment change no earlier forecast ({sessions} sessions of bars)."
    found = attempt(partial(_audit, prepared, SESSIONS, MOMENTS))
    if isinstance(found, Crash):
        yield _row("look_ahead", what, found.error)
    else:
        yield _row("look_ahead", what, None if found is None else found.words())


def _problem(check: Callable[[], None]) -> str | None:
    outcome = attempt(check)
    return outcome.error.removeprefix("AssertionError: ") if isinstance(outcome, Crash) else None


def _row(name: str, what: str, problem: str | None) -> dict[str, Any]:
    return {"check": name, "what": what, "problem": problem,
            "fix": REMEDY.get(name) if problem is not None else None}  # fmt: skip


def _blocks(prepared: Prepared, sessions: int) -> list[Block]:
    return list(islice(prepared.open_blocks(), sessions))


def _audit(prepared: Prepared, sessions: int, moments: int) -> Finding | None:
    learning = prepared.config.learning
    make = partial(make_predictor, learning.predictor, options=learning.options)
    contexts = contexts_of(prepared.config, prepared.source.symbols)
    return look_ahead(make, contexts[:2], _blocks(prepared, sessions), moments)


def _print(name: str, rows: Sequence[dict[str, Any]], failed: int) -> None:
    lines = [f"{name}: {len(rows)} checks, {failed} failed."]
    for row in rows:
        lines.append(f"  {'ok    ' if row['problem'] is None else 'FAILED'} {row['what']}")
        if row["problem"] is not None:
            lines += [f"         {row['problem']}", f"         To do: {row['fix']}."]
    print("\n".join(lines))  # noqa: T201
