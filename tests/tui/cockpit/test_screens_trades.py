"""Screen 2: rows and detail as drawn in the design."""

from tests.tui.cockpit.stage import on_stage, play, settled, text_of


def seen(*keys, size=(80, 24)):
    async def scenario():
        async with on_stage("trades", size=size) as (app, pilot):
            for key in keys:
                await pilot.press(key)
                await settled(pilot)
            return text_of(app), app.shown.selected, app.source.requests

    return play(scenario())


def test_the_rows_are_those_of_the_mock_up():
    lines, _, _ = seen("down")

    assert lines[2] == (
        "─ 2 Trades ────────────────────────────────── sort OUT ▼ · filter none · today ─"
    )
    assert [line.rstrip() for line in lines[3:6]] == [
        "    # IN    OUT   SYM   D SHARES   ENTRY    EXIT      P&L $   P&L% BAR WHY",
        "    9 12:31 13:40 ERX   L    612   53.34   53.31 ▼   -18.36  -0.06  69 ROTATE",
        "▸   8 11:57 13:08 TQQQ  L    398   80.90   81.95 ▲  +417.90  +1.30  71 TRAIL",
    ]


def test_the_detail_tells_what_was_promised_and_what_came():
    lines, row, _ = seen("down")

    assert lines[17].startswith("─ Round trip 8 · TQQQ ───")
    assert lines[19].rstrip() == " out   13:08 SELL 398 @ 81.95   trailing stop 81.95 touched"
    assert lines[21].rstrip() == " said  65% win, +10.6 bp expected · got +129.8 bp"
    assert row == ("trade", "8", "TQQQ")


def test_the_price_between_in_and_out_is_asked_for_where_it_has_room():
    low, _, asked_low = seen("down")
    high, _, asked_high = seen("down", size=(120, 40))

    assert not any("Price" in line for line in low)
    assert not [request for request in asked_low if request.get("what") == "symbol"]
    assert any(line.startswith("─ Price 11:50-13:15 ") for line in high)
    assert any("▲ 80.90" in line and "▼ 81.95" in line for line in high)
    symbols = [request["symbol"] for request in asked_high if request.get("what") == "symbol"]
    assert symbols == ["ERX", "TQQQ"]


def test_enter_opens_the_symbol():
    async def scenario():
        async with on_stage("trades") as (app, pilot):
            await pilot.press("down", "enter")
            await settled(pilot)
            return app.shown.word, text_of(app)[2]

    word, crumb = play(scenario())

    assert word == "symbol"
    assert crumb.startswith("─ 4 Symbol › TQQQ ─")
