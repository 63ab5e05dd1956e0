"""Which code decides."""

import shutil
import sys

import pytest

from tests.bars import config
from tui import code
from tui.code import fingerprint, other_code, versions


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """Copies of engine and actors, to be changed."""
    for package in (code.engine, code.actors):
        home = tmp_path / package.__name__
        shutil.copytree(package.__path__[0], home, ignore=shutil.ignore_patterns("__pycache__"))
        monkeypatch.setattr(package, "__path__", [str(home)])
    return tmp_path


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("engine/trading/cycle.py", True), ("engine/records/rows.py", True),
        ("actors/desk.py", True), ("engine/records/store/follow.py", False),
        ("engine/market/xnys.csv", False),
    ],
)  # fmt: skip
def test_it_is_that_of_the_files_that_decide(packages, name, counts):
    """A changed rule is other code; the database and what is no code are not."""
    before = fingerprint("ewrls")
    with (packages / name).open("a") as file:
        file.write("\n")

    assert (fingerprint("ewrls") != before) is counts


def test_names_count_too(packages):
    """What is called otherwise is other code."""
    before = fingerprint("ewrls")
    (packages / "actors" / "desk.py").rename(packages / "actors" / "table.py")

    assert fingerprint("ewrls") != before


def test_a_predictor_of_ones_own_counts(tmp_path, monkeypatch):
    """Its module is part of what decides."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "my_predictor.py").write_text("class Mine: ...\n")
    before = fingerprint("my_predictor.Mine")
    assert before != fingerprint("ewrls")
    (tmp_path / "my_predictor.py").write_text("class Mine: x = 1\n")
    assert fingerprint("my_predictor.Mine") != before
    assert fingerprint("not_there.Mine") == fingerprint("ewrls")
    sys.modules.pop("my_predictor")


def test_what_differs_is_told():
    """Code and versions; of a run that does not know its code it is unknown."""
    manifest = {"config": config().model_dump(), "versions": versions()}
    here = fingerprint("ewrls")

    assert other_code({**manifest, "code": here}) == ""
    assert other_code({**manifest, "code": "0" * 64}) == f"code {'0' * 12} then, {here[:12]} now"
    assert other_code(manifest) == f"code unknown then, {here[:12]} now"
    old = {**manifest, "code": here, "versions": {"numpy": "1.0", "gone": "2"}}
    assert other_code(old) == f"numpy 1.0 then, {versions()['numpy']} now, gone 2 then, none now"
