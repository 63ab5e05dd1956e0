"""REST: every kind of answer, and none; what is sent once and what is asked again."""

import pytest
import trio

from actors.alpaca.outcome import Refusal, Silence, judge
from actors.alpaca.rest import Deadlines
from actors.venue import Accepted, Denied, Rejected, Status, Unknown, Unreachable
from engine.events import RefusalKind
from tests.actors.alpaca.conftest import HASTY, NOW_NS, SURE, venue_at
from tests.actors.alpaca.fakes import ID, LEG, Answer, order
from tests.actors.alpaca.wishes import entry, leave, legs
from tests.patience import patience

ORDERS = "/v2/orders"
BY_ID = "/v2/orders:by_client_order_id"
STALL = 600.0
"""Until the test is over."""
HTML = "<html><body>Bad Gateway</body></html>"


def ready(venue, price=80.0):
    """Tell the venue's own limits what an account and a quote would."""
    venue.limits.equity_micro = 100_000_000_000
    venue.limits.note_price("TQQQ", price)
    return venue


async def test_an_entry_is_a_limit_immediate_or_cancel_with_our_id(rest, venue):
    """The wire carries symbol, shares, side, limit, time in force and the client order id."""
    rest.will("POST", ORDERS, Answer(200, order(status="pending_new")))

    answer = await ready(venue).submit(entry())

    assert isinstance(answer, Accepted)
    assert answer.order.status is Status.PENDING
    assert rest.sent("POST")[0][2] == {
        "symbol": "TQQQ",
        "qty": 10,
        "side": "buy",
        "type": "limit",
        "time_in_force": "ioc",
        "limit_price": 80.12,
        "client_order_id": "R-1",
    }


async def test_an_exit_goes_to_the_market_for_the_day(rest, venue):
    """An exit needs no price, no equity and no quote."""
    rest.will("POST", ORDERS, Answer(200, order(type="market", side="sell")))

    assert isinstance(await venue.submit(leave()), Accepted)
    assert rest.sent("POST")[0][2] == {
        "symbol": "TQQQ",
        "qty": 10,
        "side": "sell",
        "type": "market",
        "time_in_force": "day",
        "client_order_id": "R-2",
    }


async def test_the_legs_of_a_position_are_one_oco_order(rest, venue):
    """Target and stop go together; the answer's stop leg is read."""
    stop = order(id=LEG, type="stop", side="sell", stop_price="78.9", status="held")
    rest.will("POST", ORDERS, Answer(200, order(order_class="oco", side="sell", legs=[stop])))

    answer = await venue.submit(legs())

    assert isinstance(answer, Accepted)
    assert [(leg.stop_micro, leg.status) for leg in answer.order.legs] == [
        (78_900_000, Status.PENDING)
    ]
    sent = rest.sent("POST")[0][2]
    assert (sent["order_class"], sent["type"], sent["time_in_force"]) == ("oco", "limit", "day")
    assert sent["take_profit"] == {"limit_price": 82.5}
    assert sent["stop_loss"] == {"stop_price": 78.9}
    assert sent["client_order_id"] == "R-3"


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (Answer(504, HTML), Unknown),
        (Answer(502, HTML), Unknown),
        (Answer(500, {"code": 50010000, "message": "internal"}), Unknown),
        (Answer(408, HTML), Unknown),
        (Answer(302, None, headers={"Location": "/elsewhere"}), Unknown),
        (Answer(200, HTML), Unknown),
        (Answer(200, None), Unknown),
        (Answer(200, {"surprise": 1}), Unknown),
        (Answer(200, [1, 2]), Unknown),
        (Answer(200, order(), stall=STALL), Unknown),
        (Answer(200, None, drop=True), Unknown),
        (Answer(422, {"code": 40010001, "message": "client_order_id must be unique"}), Unknown),
        (Answer(403, {"code": 40310000, "message": "insufficient qty"}), Rejected),
        (Answer(401, HTML), Rejected),
        (Answer(422, {"code": 42210000, "message": "wash trade"}), Rejected),
        (Answer(422, {"code": 40010001, "message": "qty is required"}), Rejected),
        (Answer(400, {"message": "no code"}), Rejected),
    ],
    ids=lambda value: getattr(value, "__name__", f"{getattr(value, 'status', value)}"),
)
async def test_a_submit_is_posted_once_and_only_a_certain_refusal_is_a_rejection(
    rest, answer, verdict
):
    """Whatever comes back, or nothing: exactly one POST, and no exception."""
    venue = venue_at(rest.url, deadlines=HASTY if answer.stall else SURE)
    rest.will("POST", ORDERS, answer)

    assert isinstance(await ready(venue).submit(entry()), verdict)
    assert len(rest.sent("POST")) == 1


async def test_a_rejection_carries_the_brokers_code_and_words(rest, venue):
    """40310000 and its message come through; without a code the HTTP status stands in."""
    rest.will(
        "POST",
        ORDERS,
        Answer(403, {"code": 40310000, "message": "insufficient buying power"}),
        Answer(403, HTML),
    )

    assert await ready(venue).submit(entry()) == Rejected(
        "insufficient buying power", 40310000, RefusalKind.BUYING_POWER
    )
    assert await venue.submit(leave()) == Rejected("HTTP 403, no reason given", 403)


async def test_a_post_that_was_not_looked_at_is_made_again(rest, venue):
    """A 429 says that nothing was done; the second POST comes when the window ends."""
    rest.will(
        "POST", ORDERS, Answer(429, HTML, headers={"Retry-After": "0.3"}), Answer(200, order())
    )

    start = trio.current_time()
    assert isinstance(await ready(venue).submit(entry()), Accepted)
    assert len(rest.sent("POST")) == 2
    assert trio.current_time() - start >= 0.3


async def test_a_post_that_finds_no_room_by_its_deadline_is_a_rejection(rest):
    """One POST, one 429, and a certain end: it was not accepted."""
    venue = venue_at(rest.url, deadlines=HASTY)
    rest.will("POST", ORDERS, Answer(429, {"message": "slow down"}, headers={"Retry-After": "900"}))

    answer = await ready(venue).submit(entry())

    assert answer == Rejected("slow down", 429, RefusalKind.RATE)
    assert len(rest.sent("POST")) == 1


async def test_a_question_waits_out_the_rate_limit(rest, venue):
    """A GET is asked again after X-Ratelimit-Reset, which a local exchange counts by our clock."""
    said = {
        "Date": "Fri, 10 Jul 2026 13:30:59 GMT",
        "X-Ratelimit-Limit": "200",
        "X-Ratelimit-Remaining": "0",
        "X-Ratelimit-Reset": str(NOW_NS / 1e9 + 0.4),
    }
    rest.will("GET", "/v2/positions", Answer(429, None, headers=said), Answer(200, []))

    assert await venue.holdings() == []
    assert len(rest.sent("GET")) == 2


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(502, HTML), Unreachable),
        (Answer(200, [], stall=STALL), Unreachable),
        (Answer(200, HTML), Unreachable),
        (Answer(200, {"not": "a list"}), Unreachable),
        (Answer(200, [{"no": "symbol"}]), Unreachable),
        (Answer(401, {"code": 40110000, "message": "request is not authorized"}), Denied),
    ],
)
async def test_a_question_without_an_answer_is_unreachable(rest, answer, error):
    """Never an empty list in place of an answer; a refusal for good says so."""
    venue = venue_at(rest.url, deadlines=HASTY if answer.stall else SURE)
    rest.will("GET", "/v2/positions", answer)

    with pytest.raises(Unreachable) as caught:
        await venue.holdings()
    assert type(caught.value) is error
    assert len(rest.sent("GET")) == 1


async def test_a_server_that_is_gone_is_unreachable_and_a_submit_unknown(rest):
    """A refused connection is no crash."""
    venue = ready(venue_at("http://127.0.0.1:9"))

    with pytest.raises(Unreachable, match="connection failed"):
        await venue.account()
    assert isinstance(await venue.submit(entry()), Unknown)


async def test_trios_deadline_is_the_second_line(rest):
    """A body that trickles beats requests' read time-out, not the whole deadline."""
    venue = venue_at(rest.url, deadlines=Deadlines(connect=STALL, read=STALL, whole=0.3))
    rest.will("POST", ORDERS, Answer(200, order(), stall=STALL))

    assert await venue.submit(leave()) == Unknown("no answer within 0.3 s")


async def test_exits_find_a_thread_while_questions_hang(rest, venue):
    """Twenty stalled questions take no exit's thread."""
    rest.will("GET", "/v2/positions", Answer(200, [], stall=STALL))
    rest.will("POST", ORDERS, Answer(200, order()))

    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(venue.holdings)
        with trio.fail_after(patience(1)):
            while len(rest.sent("GET")) < 8:  # noqa: ASYNC110 - as many as have threads
                await trio.sleep(0.005)
            assert isinstance(await venue.submit(leave()), Accepted)
        rest.released.set()


async def test_a_cancellation_is_under_way_or_there_is_nothing_to_cancel(rest, venue):
    """204 is None; 422 and 404 are rejections; silence is unknown; an id must be one."""
    path = f"{ORDERS}/{ID}"
    rest.will(
        "DELETE",
        path,
        Answer(204),
        Answer(422, {"code": 42210000, "message": "order is not cancelable"}),
        Answer(504, HTML),
    )

    assert await venue.cancel(ID) is None
    assert await venue.cancel(ID) == Rejected("order is not cancelable", 42210000)
    assert isinstance(await venue.cancel(ID), Unknown)
    assert isinstance(await venue.cancel("not-an-id"), Rejected)
    assert len(rest.sent("DELETE")) == 3


async def test_a_stop_is_moved_by_replacement(rest, venue):
    """One PATCH with the new level and a client id of its own."""
    rest.will("PATCH", f"{ORDERS}/{ID}", Answer(200, order(id=LEG, replaces=ID, type="stop")))

    answer = await venue.move_stop(ID, 79_123_400, "R-4")

    assert isinstance(answer, Accepted)
    assert answer.order.replaces == ID
    assert rest.sent("PATCH")[0][2] == {"stop_price": 79.13, "client_order_id": "R-4"}


async def test_a_look_up_finds_an_order_or_says_there_is_none(rest, venue):
    """404 is None; an OCO order that came without its legs is asked for once more, nested."""
    rest.will("GET", BY_ID, Answer(404, {"code": 40410000, "message": "order not found"}))
    assert await venue.order("R-1") is None

    rest.will("GET", BY_ID, Answer(200, order(order_class="oco")))
    rest.will("GET", f"{ORDERS}/{ID}", Answer(200, order(legs=[order(id=LEG)])))
    found = await venue.order("R-1")

    assert found is not None
    assert [leg.broker_id for leg in found.legs] == [LEG]
    assert rest.sent("GET")[-1][1] == {"nested": "true"}


async def test_a_look_up_without_an_answer_is_not_an_answer(rest, venue):
    """A 502 on a look-up must never read as: there is no such order."""
    rest.will("GET", BY_ID, Answer(502, HTML))

    with pytest.raises(Unreachable):
        await venue.order("R-1")


async def test_orders_come_page_by_page_each_once(rest, venue):
    """A full page is followed by the next from its last moment; the overlap is taken out."""

    def numbered(number):
        return order(
            id=f"{number:08x}-8549-4bfd-b9c3-01e75843f47d",
            client_order_id=f"R-{number}",
            submitted_at=f"2026-07-10T13:31:{number // 20:02d}.{number % 20:02d}Z",
        )

    rest.will(
        "GET",
        ORDERS,
        Answer(200, [numbered(n) for n in range(500)]),
        Answer(200, [numbered(n) for n in range(499, 620)]),
    )

    found = await venue.orders(since_ns=NOW_NS + 500_000_000)

    assert [each.client_id for each in found] == [f"R-{n}" for n in range(20, 620)]
    asked = [query for _, query, _ in rest.sent("GET")]
    assert asked[0]["status"] == "all"
    assert asked[0]["after"] == "2026-07-10T13:31:00.499999+00:00"
    assert asked[1]["after"] == "2026-07-10T13:31:24.189999+00:00"
    assert asked[0]["nested"] == "true"
    assert asked[0]["direction"] == "asc"


async def test_open_orders_are_asked_for_as_such(rest, venue):
    """Without a moment only open orders are wanted; one that cannot be read is counted."""
    rest.will("GET", ORDERS, Answer(200, [order(), order(id=LEG, side="sideways"), "junk"]))

    assert [each.client_id for each in await venue.orders()] == ["R-1"]
    assert rest.sent("GET")[0][1]["status"] == "open"
    assert venue.oddities["order: without id, symbol or side"] == 1


async def test_bars_come_from_every_page_sorted(rest, venue):
    """Pages are followed by token; feed and span are named; strays outside the span are dropped."""

    def at(minute, close=80.5):
        return {"t": f"2026-07-10T13:{minute}:00Z", "o": 80, "h": 81, "l": 79, "c": close, "v": 5}

    path = "/v2/stocks/bars"
    rest.will(
        "GET",
        path,
        Answer(200, {"bars": {"TQQQ": [at(30), at(31)]}, "next_page_token": "p2"}),
        Answer(
            200, {"bars": {"SQQQ": [at(30)], "TQQQ": [at(32), at(33)]}, "next_page_token": None}
        ),
    )
    start = NOW_NS - 60_000_000_000

    bars = await venue.bars(["TQQQ", "SQQQ"], start, start + 3 * 60_000_000_000)

    assert [(bar.symbol, (bar.start_ns - start) // 60_000_000_000) for bar in bars] == [
        ("SQQQ", 0),
        ("TQQQ", 0),
        ("TQQQ", 1),
        ("TQQQ", 2),
    ]
    first, second = (query for _, query, _ in rest.sent("GET"))
    assert first["feed"] == "iex"
    assert first["symbols"] == "TQQQ,SQQQ"
    assert first["adjustment"] == "split"
    assert first["timeframe"] == "1Min"
    assert second["page_token"] == "p2"


async def test_a_recent_span_without_its_subscription_is_denied(rest, venue):
    """42210000 on data is refused for good, with its words."""
    said = {"code": 42210000, "message": "subscription does not permit querying recent SIP data"}
    rest.will("GET", "/v2/stocks/bars", Answer(422, said))

    with pytest.raises(Denied, match="recent SIP") as caught:
        await venue.bars(["TQQQ"], NOW_NS, NOW_NS + 1)
    assert caught.value.code == 42210000


async def test_quotes_leave_out_what_has_one_side_only(rest, venue):
    """A quote with no ask is no quote."""
    quotes = {
        "TQQQ": {"t": "2026-07-10T13:31:00.5Z", "bp": 80.01, "ap": 80.03, "bs": 1, "as": 2},
        "SQQQ": {"t": "2026-07-10T13:31:00Z", "bp": 12.0, "ap": 0},
    }
    rest.will("GET", "/v2/stocks/quotes/latest", Answer(200, {"quotes": quotes}))

    found = await venue.quotes(["TQQQ", "SQQQ", "SPY"])

    assert list(found) == ["TQQQ"]
    assert found["TQQQ"][1:] == (80.01, 80.03, NOW_NS + 500_000_000, False)


async def test_the_account_is_read_to_the_micro_dollar(rest, venue):
    """Money from text, flags in words, gone fields missed by nobody."""
    said = {
        "account_number": "PA3X",
        "status": "ACTIVE",
        "cash": "100000.123456",
        "equity": "100000.13",
        "buying_power": "400000",
        "trading_blocked": True,
        "shorting_enabled": False,
        "multiplier": "4",
    }
    rest.will("GET", "/v2/account", Answer(200, said))

    account = await venue.account()

    assert account.cash_micro == 100_000_123_456
    assert account.blocked == "trading blocked"
    assert (account.number, account.shorting, account.multiplier) == ("PA3X", False, 4.0)
    assert venue.limits.equity_micro == 100_000_130_000


async def test_holdings_are_signed_and_say_what_is_free(rest, venue):
    """A short position is negative; what working orders hold is not available."""
    rows = [
        {
            "symbol": "TQQQ",
            "qty": "10",
            "side": "long",
            "avg_entry_price": "80.0512345",
            "qty_available": "4",
        },
        {
            "symbol": "SQQQ",
            "qty": "-7",
            "side": "short",
            "avg_entry_price": "12",
            "qty_available": "-7",
        },
    ]
    rest.will("GET", "/v2/positions", Answer(200, rows))

    assert [tuple(each)[:4] for each in await venue.holdings()] == [
        ("TQQQ", 10, 80_051_234, 4),
        ("SQQQ", -7, 12_000_000, -7),
    ]


def test_a_body_is_judged_whatever_is_in_it():
    """No body makes the judgement itself fail."""
    for body in ("", "null", "[]", '"text"', '{"code": "x"}', '{"code": true}', "\x00"):
        assert isinstance(judge(503, body), Silence)
        assert judge(418, body).code == 418
    assert isinstance(judge(0, ""), Silence)
    assert judge(422, '{"code": 42210000}') == Refusal(422, 42210000, "HTTP 422, no reason given")
