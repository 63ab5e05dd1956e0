"""The screens drawn from the view alone: risk and health."""

from tests.tui.cockpit.sample import degraded, halted, paper
from tests.tui.cockpit.stage import on_stage, play, text_of


def seen(name, view, size=(80, 24)):
    async def scenario():
        async with on_stage(name, view=view, size=size) as (app, _):
            return text_of(app), app.shown.selected

    return play(scenario())


def found(lines, words):
    return next((line.rstrip() for line in lines if words in line), "")


def test_limits_are_gauges_with_their_numbers():
    lines, _ = seen("risk", paper())

    assert found(lines, " heat ").endswith("0.93 of  10.00%")
    assert found(lines, " exposure ").endswith("83.30 of 100.00%")
    assert found(lines, " losses ").endswith("1 of      3 in a row")
    assert "━" in found(lines, " exposure ")
    assert "━" not in found(lines, " day loss ")


def test_tripped_breakers_come_first_and_say_why_and_when_they_re_arm():
    lines, row = seen("risk", degraded())

    assert found(lines, "─ Breakers").endswith("2 tripped · entries blocked, exits always ─")
    assert found(lines, "▸ data") == (
        "▸ data               TRIPPED 13:48 with the next bar    no bar for 75 s, auto"
    )
    assert found(lines, "! rejects").startswith("! rejects            TRIPPED 13:46 2 min after")
    assert found(lines, " entries    ").endswith("refused: no bar for 75 s")
    assert (
        found(lines, " breaker    ")
        == (
            " breaker    data TRIPPED since 13:48: no bar for 75 s, auto; re-arms with the next bar"
        )[:79]
        + "…"
    )
    assert row == ("breaker", "data", "")


def test_who_halted_is_told():
    free, _ = seen("risk", paper())
    stopped, _ = seen("risk", halted())

    assert "not halted (h halts" in found(free, " halt ")
    assert "halted by you at 13:47; h y resumes" in found(stopped, " halt ")
    assert "entries blocked" in found(stopped, "─ Breakers")


def test_refusals_by_check_come_where_there_is_room():
    low, _ = seen("risk", paper())
    high, _ = seen("risk", paper(), (120, 40))

    assert not found(low, "Refusals")
    assert found(high, " rotation ").endswith("━━━    61")


def test_what_is_not_well_comes_first():
    lines, _ = seen("health", degraded())

    assert lines[2].endswith("1 not up ─")
    assert lines[4].startswith("▸ predictor UVXY       quarantined        3      0 of 64")
    assert found(lines, " feed   ✗").startswith(" feed   ✗ down   last bar 13:46   data age 75s!")
    assert found(lines, "13:44 predictor UVXY: 3 crashes")


def test_the_budget_is_told_with_its_percentiles():
    lines, _ = seen("health", paper(), (120, 40))

    assert found(lines, "decisions ").endswith("p50 4.1  p99 11.8 of 50 ms")
    assert found(lines, "memory").startswith(" memory 212 MB   disk 38 GB free")
    assert found(lines, "    9.5 ┤")


def test_what_is_not_measured_is_not_told():
    lines, _ = seen("health", paper())

    assert found(lines, "journal ").split()[-2:] == ["0.80", "1.90"]
    assert found(lines, "clock ").split()[-2:] == ["-", "-"]
