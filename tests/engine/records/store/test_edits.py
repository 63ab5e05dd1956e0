"""The table of settings' history follows the file of it, once."""

from engine.records.overrides import patch_overrides
from engine.records.store.edits import follow_edits
from engine.records.store.queries import rows
from engine.records.store.tables import RiskParameter
from tests.engine.records.store.folders import on_both


def edit(folder, key, value, when):
    patch_overrides(folder, {key: value}, "PAPER", config_text="", who="ann", why="calm", when=when)


@on_both
def test_each_change_is_a_row_once(store, tmp_path):
    """Key, old and new value, who, why and when; asked twice nothing is doubled."""
    assert follow_edits(store, tmp_path) == 0
    edit(tmp_path, "risk.stop_loss_pct", 2.0, "2025-08-01T12:00:00+00:00")
    assert follow_edits(store, tmp_path) == 1
    edit(tmp_path, "risk.stop_loss_pct", 2.5, "2025-08-01T13:00:00+00:00")
    edit(tmp_path, "risk.max_heat_pct", 8.0, "2025-08-01T14:00:00+00:00")
    assert follow_edits(store, tmp_path) == 2
    assert follow_edits(store, tmp_path) == 0

    found = rows(store, RiskParameter)
    assert [(r["key"], r["old"], r["new"], r["actor"], r["reason"]) for r in found] == [
        ("risk.stop_loss_pct", "1.5", "2.0", "ann", "calm"),
        ("risk.stop_loss_pct", "2.0", "2.5", "ann", "calm"),
        ("risk.max_heat_pct", "10.0", "8.0", "ann", "calm"),
    ]
    assert [r["changed_at"].hour for r in found] == [12, 13, 14]


@on_both
def test_every_kind_of_account_is_followed(store, tmp_path):
    """Each history by its own file; that of an earlier version by its folder, as its rows were."""
    when = "2025-08-01T12:00:00+00:00"
    edit(tmp_path, "risk.stop_loss_pct", 2.0, when)
    (tmp_path / "overrides.paper.history.jsonl").rename(tmp_path / "overrides.history.jsonl")
    edit(tmp_path, "risk.stop_loss_pct", 2.5, when)
    patch_overrides(tmp_path, {"risk.max_heat_pct": 8.0}, "LIVE", who="ann", why="", when=when)
    assert follow_edits(store, tmp_path) == 3
    assert follow_edits(store, tmp_path) == 0

    here = str(tmp_path.resolve())
    assert {(r["folder"], r["new"]) for r in rows(store, RiskParameter)} == {
        (here, "2.0"), (f"{here}/overrides.paper.history.jsonl", "2.5"),
        (f"{here}/overrides.live.history.jsonl", "8.0"),
    }  # fmt: skip
