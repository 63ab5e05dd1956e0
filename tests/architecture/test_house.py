"""The house rules that a reader relies on."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from engine.errors import InvariantViolation
from engine.events import Approved, OcoOrder, Side

ROOT = Path(__file__).parents[2]
FORBIDDEN = {"trio", "asyncio", "threading", "socket", "textual", "alpaca", "time", "subprocess"}


def tracked():
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / line for line in listed.stdout.splitlines()]


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]


@pytest.mark.parametrize("path", sorted((ROOT / "engine").rglob("*.py")), ids=lambda p: p.stem)
def test_the_engine_knows_no_clock_no_actor_no_socket(path):
    """No engine module imports what would make it impure."""
    assert not FORBIDDEN & set(imports(path))


def test_no_address_in_what_builds():
    """Pins, project and build files name no registry or host."""
    for path in tracked():
        if path.suffix in {".txt", ".toml"} or path.name in {"Makefile", "run"}:
            assert not re.search(r"https?://|file://", path.read_text()), path


def test_no_path_of_a_machine_is_committed():
    """No tracked text names a home or work folder of the machine it was written on."""
    for path in tracked():
        if path.suffix in {".py", ".toml", ".md", ".txt"} or path.name == "Makefile":
            text = path.read_text()
            assert not re.search(r"/(root|home/[a-z]+|work)/", text.replace(r"/(root|", "")), path


def test_broad_excepts_live_in_the_restart_policy_only():
    """Only actors/restart.py catches Exception."""
    for folder in ("engine", "actors", "tui"):
        for path in (ROOT / folder).rglob("*.py"):
            if re.search(r"except (Base)?Exception\b|except:", path.read_text()):
                assert path.name == "restart.py"


def test_orders_are_approved_in_one_place():
    """Only engine/trading/approval.py makes an Approved, and nobody can without its key (A13)."""
    makers = {
        path.name
        for folder in ("engine", "actors", "tui")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Approved"
    }
    order = OcoOrder(
        order_id="x", symbol="A", side=Side.SELL, shares=1, stop_micro=1, target_micro=2, trail=0.0
    )

    assert makers == {"approval.py"}
    with pytest.raises(InvariantViolation, match="no check has approved it"):
        Approved(order, object())
