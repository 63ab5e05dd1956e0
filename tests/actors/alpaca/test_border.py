"""alpaca-py stays behind its border, and its retry stays off."""

import ast
import subprocess
import sys
from pathlib import Path

from tests.actors.alpaca.conftest import venue_at

ROOT = Path(__file__).parents[3]


def imported(path):
    """Return the names of the top packages that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").split(".")[0]


def test_nothing_but_the_adapter_imports_alpaca_py():
    """Nor its transports."""
    strangers = {"alpaca", "requests", "urllib3", "websockets", "msgpack"}
    for folder in ("engine", "actors", "tui"):
        for path in (ROOT / folder).rglob("*.py"):
            if ROOT / "actors" / "alpaca" not in path.parents:
                found = set(imported(path))
                assert "alpaca" not in found, path
                if "exchange" not in path.parts:
                    assert not strangers & found, path


def test_the_command_line_starts_without_alpaca_py():
    """It costs half a second: `rotor --help` must not pay it."""
    program = "import sys, tui.cli; sys.exit('alpaca' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


def test_the_sdks_own_retry_is_off():
    """With it, one order became four; see also the tests of REST, which count the POSTs."""
    venue = venue_at("http://127.0.0.1:9")

    assert venue._rest.trading.client._retry == 0
    assert venue._rest.data.client._retry == 0


def test_without_an_endpoint_it_is_alpaca_itself_paper_by_its_own_address():
    """Paper and real money are different hosts; the streams choose their own."""
    paper = venue_at(None)._rest.trading.client._base_url
    real = venue_at(None, paper=False)._rest.trading.client._base_url

    assert "paper" in str(paper.value)
    assert "paper" not in str(real.value)
