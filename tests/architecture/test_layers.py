"""What may be loaded when: a start that is slow, or a core that needs more than numbers."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = (
    "alpaca", "exchange_calendars", "numba", "numpy", "pandas", "pyarrow", "sqlmodel", "textual",
    "trio",
)  # fmt: skip
ENGINE_MAY_LOAD = {"engine", "numba", "numpy", "orjson", "pydantic", *sys.stdlib_module_names}
STORE_MAY_LOAD = {"alembic", "sqlalchemy", "sqlmodel"}
"""The database's part, which nothing else in engine imports."""


@pytest.mark.parametrize("module", ["tui.cli", "engine.config", "engine.errors", "engine.events"])
def test_the_foot_and_the_command_line_load_nothing_heavy(module):
    """Importing them in a fresh process loads no library that takes a tenth of a second."""
    code = f"import sys, {module}; print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == []


def at_import(tree):
    """Yield the modules that are imported outside of any function, so whenever the file is."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from at_import(node)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "engine").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT))
)
def test_the_engine_imports_pandas_and_its_like_late(path):
    """At import, an engine file needs the standard library, numpy, numba, pydantic and orjson."""
    store = "store" in path.relative_to(ROOT).parts
    allowed = ENGINE_MAY_LOAD | (STORE_MAY_LOAD if store else set())
    assert set(at_import(ast.parse(path.read_text()))) <= allowed
