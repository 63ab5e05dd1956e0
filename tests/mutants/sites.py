"""One-line faults that can be planted in a module: where, and what the line then says.

Operators are those of the mutation-testing literature (relational, arithmetic and logical operator
replacement, constant and statement changes; Offutt et al., "An experimental determination of
sufficient mutant operators", 1996). Docstrings, annotations, texts and asserts are left alone.
"""

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

COMPARE = {
    ast.Lt: ("<", "<="), ast.LtE: ("<=", "<"), ast.Gt: (">", ">="), ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="), ast.NotEq: ("!=", "=="), ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"), ast.In: ("in", "not in"), ast.NotIn: ("not in", "in"),
}  # fmt: skip
ARITHMETIC = {
    ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.Mult: ("*", "/"), ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"), ast.Mod: ("%", "*"),
}  # fmt: skip
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any", "floor": "ceil", "ceil": "floor"}


class Mutant(NamedTuple):
    """A fault: one line of one file, as it is and as it becomes."""

    path: str
    line: int
    """1-based."""
    before: str
    after: str
    what: str

    @property
    def name(self) -> str:
        """Return how it is listed."""
        return f"{self.path}:{self.line} {self.what}"


def mutants_of(path: str, source: str) -> list[Mutant]:
    """Return every fault of a module, in the order of its lines."""
    lines = source.splitlines()
    found = {}
    for line, start, end, new, what in _edits(ast.parse(source), lines):
        before = lines[line - 1]
        # columns of the syntax tree count bytes
        raw = before.encode()
        after = (raw[:start] + new.encode() + raw[end:]).decode()
        if _parses(lines, line, after):
            found[line, after] = Mutant(path, line, before.strip(), after.strip(), what)
    return [found[key] for key in sorted(found)]


def _parses(lines, line, after):
    try:
        ast.parse("\n".join([*lines[: line - 1], after, *lines[line:]]))
    except SyntaxError:
        return False
    return True


def _edits(tree: ast.Module, lines: list[str]) -> Iterator[tuple[int, int, int, str, str]]:
    for node in _walk(tree):
        match node:
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                yield from _operator(left, right, COMPARE[type(op)], lines)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
                yield from _operator(left, right, ARITHMETIC[type(op)], lines)
            case ast.BoolOp(op=op, values=values):
                words = ("and", "or") if isinstance(op, ast.And) else ("or", "and")
                for left, right in zip(values, values[1:], strict=False):
                    yield from _operator(left, right, words, lines)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                if node.lineno == operand.lineno:
                    here, there = node.col_offset, operand.col_offset
                    yield node.lineno, here, there, "", "not → "
            case ast.Constant(value=bool() | int() | float()):
                yield from _constant(node)
            case ast.Call(func=ast.Name(id=name)) | ast.Call(func=ast.Attribute(attr=name)):
                if name in NAMES:
                    end = node.func.end_col_offset
                    yield (
                        node.func.end_lineno, end - len(name), end, NAMES[name],
                        f"{name} → {NAMES[name]}",
                    )  # fmt: skip
            case ast.AugAssign(target=target, op=ast.Add() | ast.Sub() as op):
                words = ("+=", "-=") if isinstance(op, ast.Add) else ("-=", "+=")
                yield from _operator(target, node.value, words, lines)
            case _:
                pass
        yield from _statement(node)


def _statement(node: ast.AST) -> Iterator[tuple[int, int, int, str, str]]:
    """A call, or an `await` of one, that is not made."""
    if not (isinstance(node, ast.Expr) and node.lineno == node.end_lineno):
        return
    value = node.value.value if isinstance(node.value, ast.Await) else node.value
    if isinstance(value, ast.Call):
        yield node.lineno, node.col_offset, node.end_col_offset, "pass", "call → pass"


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """Every node that is run: no annotation, no assert, no decorator, no text."""
    if isinstance(node, ast.Assert | ast.JoinedStr | ast.Import | ast.ImportFrom):
        return
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "bases", "type_comment"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _walk(child)


def _operator(left, right, words, lines) -> Iterator[tuple[int, int, int, str, str]]:
    if left.end_lineno != right.lineno:
        return
    raw = lines[left.end_lineno - 1].encode()
    between = raw[left.end_col_offset : right.col_offset].decode()
    old, new = words
    found = re.search(rf"(?<![\w<>=!*/]){re.escape(old)}(?![\w<>=*/])", between)
    if found:
        start = left.end_col_offset + len(between[: found.start()].encode())
        yield left.end_lineno, start, start + len(old), new, f"{old} → {new}"


def _constant(node: ast.Constant) -> Iterator[tuple[int, int, int, str, str]]:
    if node.lineno != node.end_lineno:
        return
    value = node.value
    new = str(not value) if isinstance(value, bool) else repr(value + 1)
    yield node.lineno, node.col_offset, node.end_col_offset, new, f"{value!r} → {new}"
