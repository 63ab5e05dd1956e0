"""The screens that ask the session: symbol, analytics, config, log; when, and what they show."""

from dataclasses import asdict, replace

import pytest

from engine.config import Rotation
from engine.errors import BadInputError
from tests.tui.cockpit.answers import CONFIG, INVALID, LOG, UNCHANGED
from tests.tui.cockpit.sample import paper
from tests.tui.cockpit.stage import on_stage, play, settled, text_of
from tui.cockpit.screens import sheets

LONG = "/data/ann/a-folder/of-configurations/for-the-summer/config.toml"
KEYS = ", ".join(Rotation.model_fields)


@pytest.fixture(autouse=True)
def calm(monkeypatch):
    """No question is asked again because the machine is slow."""
    monkeypatch.setattr(sheets, "EVERY_SECONDS", 600.0)


def seen(name, *keys, answers=None, size=(80, 24), view=None):
    async def scenario():
        async with on_stage(name, view=view, answers=answers, size=size) as (app, pilot):
            for key in keys:
                await pilot.press(key)
                await settled(pilot)
            asked = [request for request in app.source.requests if request["verb"] == "show"]
            sent = [request for request in app.source.requests if request["verb"] != "show"]
            return text_of(app), asked, sent, app.said.text if app.said else ""

    return play(scenario())


def found(lines, words):
    return next((line.rstrip() for line in lines if words in line), "")


# symbol


def test_the_symbol_that_is_held_comes_first_and_its_neighbours_by_arrow():
    lines, asked, _, _ = seen("symbol", "right", "right", "left")

    assert [request["symbol"] for request in asked if request["what"] == "symbol"] == [
        *("TQQQ", "SVIX", "FAS", "SVIX"),
    ]
    assert lines[2].startswith("─ 4 Symbol › SVIX ─")
    assert lines[3].startswith(" held long 1,150 @ 15.58, +80.50 +0.45%  stop 15.35")


def test_tab_turns_the_lower_half():
    first, _, _, _ = seen("symbol")
    second, _, _, _ = seen("symbol", "tab")
    third, _, _, _ = seen("symbol", "tab", "tab")
    again, _, _, _ = seen("symbol", "tab", "tab", "tab")

    assert found(first, "15 min").startswith("15 min     +6.8   54  0.042  1,830")
    assert "+3.4 ━━" in found(first, "return 15m over")
    assert "54→ 54% (47-61)    118 ✓" in found(second, "50-60%")
    assert not found(second, "15 min")
    assert found(third, "13:22 ENTER").startswith(" 13:22 ENTER  long 402: rank 1")
    assert again == first


def test_wide_shows_all_of_it_at_once():
    lines, _, _, _ = seen("symbol", size=(120, 40))

    for words in ("15 min", "Why · contributions", "Calibration", "Today in TQQQ", "24,310 rows"):
        assert found(lines, words), words


@pytest.mark.parametrize(("size", "keys"), [((80, 24), ("tab", "tab")), ((120, 40), ())])
def test_the_predictor_is_in_sight_after_a_day_of_decisions(size, keys):
    """Decisions take the lines that are left, the newest first."""
    view = paper()
    many = tuple(
        replace(view.decisions[0], id=500 - n, symbol="TQQQ", text=f"decision {n}")
        for n in range(12)
    )
    lines = seen("symbol", *keys, size=size, view=replace(view, decisions=many))[0]

    assert found(lines, "24,310 rows learned").startswith(" warm")
    assert found(lines, "─ Predictor")
    assert [bool(found(lines, f"decision {n} ")) for n in (0, 4, 5)] == [True, True, False]
    assert "12 decisions" in found(lines, "Today in TQQQ")


def test_the_price_marks_entries_and_exits_and_z_shows_the_day():
    hour, _, _, _ = seen("symbol")
    day, _, _, _ = seen("symbol", "z")

    assert "▼ 81.95" in found(hour, "▲ 81.68")
    assert found(hour, "12:47").endswith("13:46")
    assert found(day, "09:30").endswith("13:46")
    assert "z zoom the day" in day[2]


def test_an_answer_for_the_symbol_before_is_not_shown_as_the_next_one():
    lines, _, _, _ = seen("symbol", "right")  # the fixed answer is always TQQQ's

    assert found(lines, "asking the session")
    assert not found(lines, "15 min")


# analytics


def test_tab_turns_the_grouping_and_each_has_its_interval():
    async def scenario():
        async with on_stage("analytics") as (app, pilot):
            await pilot.press("tab")
            await settled(pilot)
            hours = text_of(app)
            await pilot.press("shift+tab", "shift+tab")
            await settled(pilot)
            return hours, text_of(app)

    hours, reasons = play(scenario())

    assert hours[2].startswith("─ 5 Analytics › hours ─")
    assert found(hours, "10:30") == (
        "▸ 10:30           144   58 50-66     1.38     +8.71 ▲+1,254.24"
    )
    assert found(reasons, "TARGET").endswith("38  100 91-100       -   +155.01 ▲+5,890.20")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=str)
def test_no_total_stands_alone(size):
    """The forecasts' correlations with how many there were; what no skill would have made."""
    lines, *_ = seen("analytics", size=size)
    text = "\n".join(lines)

    assert "IC 5m +0.024  15m +0.031  30m -0.004  n 7,260" in text
    for name, pct in (
        ("this session", "+0.61%"), ("never trading", "+0.00%"), ("buy and hold", "+1.22%"),
        ("random rotation", "-2.80%"),
    ):  # fmt: skip
        assert pct in text.partition(name)[2][:45], name
    assert "closed trips at p95 of it" in text


def test_wide_shows_the_other_groupings_below():
    lines, asked, _, _ = seen("analytics", size=(120, 40))

    assert [request["by"] for request in asked] == ["symbol", "hour", "confidence", "reason"]
    assert found(lines, "By exit reasons")
    assert found(lines, "  STOP ").startswith(
        "  STOP             77    0 0-5       0.00    -93.53 ▼-7,201.98"
    )


def test_all_round_trips_stay_below_whatever_the_order():
    down, _, _, _ = seen("analytics")
    up, _, _, _ = seen("analytics", "O")

    for lines in (down, up):
        places = [
            place for place, line in enumerate(lines) if line[2:6] in ("TQQQ", "ERX ", "all ")
        ]
        assert lines[places[-1]].startswith("  all             709   54 50-58     1.16     +4.23")
    assert found(down, "▸").startswith("▸ TQQQ")


# config


def test_the_difference_is_shown_and_y_applies_it():
    lines, asked, sent, _ = seen("config")
    _, asked_again, applied, _ = seen("config", "y")

    assert found(lines, "~ risk.stop_loss_pct").endswith("1.5 →       1.2  next entry")
    assert sent == []
    assert [(one["verb"], "revert" in one) for one in applied] == [("reload", False)]
    assert len(asked_again) > len(asked)  # the file is read again before it is applied


def test_a_file_that_changed_since_it_was_seen_is_not_applied():
    async def scenario():
        async with on_stage("config") as (app, pilot):
            other = replace(CONFIG, changes=CONFIG.changes[:1])
            app.source.answers["config"] = {"show": asdict(other)}
            await pilot.press("y")
            await settled(pilot)
            sent = [request for request in app.source.requests if request["verb"] != "show"]
            return sent, app.said.text, len(app.shown._answer.changes)

    sent, said, changes = play(scenario())

    assert sent == []
    assert said == "the file has changed since: look again, then y"
    assert changes == 1


def test_an_invalid_file_is_named_and_nothing_is_applied():
    lines, _, sent, said = seen("config", "y", answers={"config": {"show": asdict(INVALID)}})

    assert "✗ config.toml line 41 [rotation] max_positions" in found(lines, "line 41")
    assert "the old configuration stays" in found(lines, "─ Reload")
    assert sent == []
    assert said == "nothing to apply: the file is in force, or cannot be"


@pytest.mark.parametrize(
    ("error", "last"),
    [
        (f"{LONG}: not valid TOML: Invalid value (at line 41, column 17)", "line 41, column 17)"),
        (f"{LONG} or --set is invalid:\n  rotation.max_positons: unknown; [rotation] has {KEYS}",
         KEYS.rpartition(" ")[2]),
    ],
    ids=["no TOML", "an unknown key"],
)  # fmt: skip
def test_an_error_is_folded_to_its_end(error, last):
    """At 80×24 the line and column are seen, and all that would have been right."""
    lines = seen("config", answers={"config": {"show": asdict(replace(INVALID, error=error))}})[0]

    assert last in "\n".join(lines)
    assert "Nothing was changed. Mend the line" in "\n".join(lines)
    assert not any(line.endswith("…") for line in lines[3:12])


def test_an_undo_is_folded_to_its_end():
    """What would be taken back is read whole before `y`."""
    changed = "; ".join(f"rotation.a_long_key_{n} 0.00{n} → 0.01{n}" for n in range(4))
    history = (f"13:02 by ann: {changed}", *CONFIG.history)
    answers = {"config": {"show": asdict(replace(CONFIG, history=history))}}
    lines = seen("config", "u", answers=answers)[0]

    assert changed in " ".join(" ".join(lines).split())


def test_undo_shows_what_it_takes_back_and_asks():
    lines, _, sent, _ = seen("config", "u")
    kept = seen("config", "u", "n", "y")[2]
    away = seen("config", "u", "2", "7", "y")[2]
    undone = seen("config", "u", "y")[2]

    assert "takes back: 13:02:11 you: rotation.min_edge_bps" in found(lines, "takes back")
    assert sent == []
    assert not any(request.get("revert") for request in kept + away)
    assert [(one["verb"], one["revert"]) for one in undone] == [("reload", True)]


def test_without_a_reload_there_is_nothing_to_undo():
    _, _, sent, said = seen("config", "u", "y", answers={"config": {"show": asdict(UNCHANGED)}})

    assert sent == []
    assert said.startswith("nothing to apply")


def test_settings_are_filtered():
    async def scenario():
        async with on_stage("config") as (app, pilot):
            said = app.shown.filter_rows("from:overrides")
            await settled(pilot)
            return said, [setting[0] for setting in app.shown.sheet.shown]

    said, keys = play(scenario())

    assert said == "from:overrides: 2 of 6"
    assert keys == ["rotation.min_edge_bps", "signal.buy_threshold"]


# log


def test_the_log_follows_until_the_cursor_goes_up_and_counts_what_is_new():
    newer = replace(LOG.lines[-1], id=1205, text="a newer line")

    async def scenario():
        async with on_stage("log") as (app, pilot):
            following = text_of(app)[2]
            await pilot.press("up", "up")
            under = app.shown.tape.cursor
            app.source.answers["log"] = {"show": asdict(replace(LOG, lines=(*LOG.lines, newer)))}
            app.shown.ask_now()
            await settled(pilot)
            paused, stays = text_of(app)[2], app.shown.tape.cursor
            await pilot.press("f")
            await settled(pilot)
            return following, paused, under == stays, text_of(app)

    following, paused, stays, end = play(scenario())

    assert "follow on" in following
    assert "paused, 1 new ↓" in paused
    assert stays
    assert "follow on" in end[2]
    assert found(end, "▸").endswith("a newer line")


def test_the_session_filters_and_the_level_is_asked_for():
    _, asked, _, _ = seen("log", "v")

    assert asked[0]["filter"].split() == []
    assert asked[-1]["filter"].split() == ["!level:info"]

    async def scenario():
        async with on_stage("log") as (app, pilot):
            await pilot.press("/", *"actor:broker !text:fill", "enter")
            await settled(pilot)
            bad = app.shown.filter_rows("nobody:x")
            return app.source.requests[-1], text_of(app)[2], bad

    last, crumb, bad = play(scenario())

    assert last["filter"].split() == ["actor:broker", "!text:fill"]
    assert "filter actor:broker !text:fill" in crumb
    assert bad == "✗ no field nobody; there are actor, level, sym, text"


def test_n_goes_to_warnings_or_to_the_words_sought_last():
    async def scenario():
        async with on_stage("log") as (app, pilot):
            tape, lines = app.shown.tape, app.shown._log.lines
            await pilot.press("N")
            warned = lines[tape.cursor].level
            app.shown.filter_rows("fill")
            app.shown.filter_rows("")
            await settled(pilot)
            await pilot.press("N")
            sought = lines[tape.cursor].text
            await pilot.press("home", "N")
            await settled(pilot)
            return warned, sought, app.said.text

    warned, sought, said = play(scenario())

    assert warned == "warning"
    assert sought.startswith("fill SVIX BUY")
    assert said == "no earlier line with fill"


def test_the_line_under_the_cursor_is_shown_in_full():
    lines, _, _, _ = seen("log", "up", "up", "up", "up", "up")

    assert found(lines, "─ 13:41:03.0 info broker ")
    assert any(
        line.rstrip() == " fill SVIX BUY 1,150 @ 15.58 id …B-10-1, +0.4 bp to model"
        for line in lines
    )


def test_the_log_is_exported(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    said = seen("log", "x")[3]

    assert said == "wrote log-13-47.csv, 11 rows"
    lines = (tmp_path / "log-13-47.csv").read_text(encoding="utf-8").splitlines()
    assert lines[1].startswith("2025-07-02T17:02:11Z,info,config,")


# when they ask


def test_a_screen_asks_again_only_while_it_is_seen(monkeypatch):
    monkeypatch.setattr(sheets, "EVERY_SECONDS", 0.05)

    async def scenario():
        async with on_stage("log") as (app, pilot):
            await pilot.pause(0.3)
            while_seen = len(app.source.requests)
            await pilot.press("2")
            await settled(pilot)
            left = len(app.source.requests)
            await pilot.pause(0.3)
            return while_seen, left, len(app.source.requests)

    while_seen, left, later = play(scenario())

    assert while_seen >= 3
    assert later == left


@pytest.mark.parametrize("name", ["symbol", "analytics", "config", "log"])
def test_a_later_question_that_fails_is_told_too(name):
    async def scenario():
        async with on_stage(name) as (app, pilot):
            app.source.answers[name] = BadInputError("gone")
            app.shown.ask_now()
            await settled(pilot)
            return "\n".join(text_of(app))

    assert "✗ gone" in play(scenario())
