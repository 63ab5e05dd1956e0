"""The words that choose rows: `tqqq`, `why:STOP`, `pnl<0`, `!actor:broker`, all of which must hold.

KEY INPUT: words, and the fields of a row.
KEY OUTPUT: whether the row is shown; BadInputError for words that mean nothing.
"""

import operator
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from engine.errors import BadInputError

Field = str | int | float | None
_TERM = re.compile(r"(?P<field>\w+)(?P<sign>:|<=|>=|=|<|>)(?P<value>.*)")
_COMPARED: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq,
    ":": operator.eq,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a filter."""

    field: str
    """Empty: any field that holds words."""
    sign: str
    value: str
    negated: bool

    def holds(self, row: Mapping[str, Field]) -> bool:
        """Whether a row has it; an unknown number is neither below nor above anything."""
        return self._found(row) is not self.negated

    def _found(self, row: Mapping[str, Field]) -> bool:
        if not self.field:
            return any(self._within(field) for field in row.values())
        field = row[self.field]
        if isinstance(field, str):
            return self._within(field)
        return field is not None and _COMPARED[self.sign](field, float(self.value))

    def _within(self, field: Field) -> bool:
        return isinstance(field, str) and self.value.casefold() in field.casefold()


def parse(words: str, numbers: Collection[str], texts: Collection[str]) -> tuple[Term, ...]:
    """Read a filter over fields that are numbers or words; raises BadInputError naming the word."""
    return tuple(_term(word, numbers, texts) for word in words.split())


def _term(word: str, numbers: Collection[str], texts: Collection[str]) -> Term:
    negated, bare = word.startswith("!"), word.removeprefix("!")
    if not bare:
        raise BadInputError("! negates the word that follows it: !why:STOP")
    found = _TERM.fullmatch(bare)
    if found is None:
        return Term("", ":", bare, negated)
    field, sign, value = found["field"].casefold(), found["sign"], found["value"]
    if field not in numbers and field not in texts:
        raise BadInputError(f"no field {field}; there are {', '.join([*texts, *numbers])}")
    if field in texts and sign not in (":", "="):
        raise BadInputError(f"{word}: {field} is words, ask {field}:{value or 'word'}")
    if field in numbers and not _is_number(value):
        raise BadInputError(f"{word}: wanted a number after {field}{sign}")
    return Term(field, sign, value, negated)


def _is_number(value: str) -> bool:
    return re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)", value) is not None
