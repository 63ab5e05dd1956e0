"""The token bucket: two bounds, and a lane for what must not wait."""

import pytest
import trio

from actors.alpaca.limits import RateSaid, TokenBucket, read_rate


async def take(bucket, count, *, urgent=False):
    """Make some requests; return how long they waited."""
    start = trio.current_time()
    for _ in range(count):
        await bucket.acquire(urgent=urgent)
        bucket.done()
    return trio.current_time() - start


async def test_the_last_forty_are_for_what_must_not_wait(autojump_clock):
    """160 of 200 at once; then exits still pass at once, and the rest waits."""
    bucket = TokenBucket(200)

    assert await take(bucket, 160) == 0
    assert await take(bucket, 40, urgent=True) == 0
    assert await take(bucket, 1, urgent=True) == pytest.approx(0.3)
    assert await take(bucket, 1) == pytest.approx(12.3, abs=0.4)


async def test_never_more_than_its_rate_over_time(autojump_clock):
    """400 urgent requests: 200 at once, the others at 200 a minute."""
    assert await take(TokenBucket(200), 400, urgent=True) == pytest.approx(60, abs=0.5)


async def test_what_the_server_says_is_left_holds(autojump_clock):
    """5 left for 20 s: five pass, the sixth waits for the end of the server's window."""
    bucket = TokenBucket(200)
    bucket.note(RateSaid(remaining=5, reset_seconds=20.0), limited=False)

    assert await take(bucket, 5, urgent=True) == 0
    assert await take(bucket, 1, urgent=True) == pytest.approx(20)


async def test_requests_under_way_are_not_left(autojump_clock):
    """Remaining 2 with two more in flight is nothing."""
    bucket = TokenBucket(200)
    for _ in range(3):
        await bucket.acquire(urgent=True)
    bucket.done()
    bucket.note(RateSaid(remaining=2, reset_seconds=7.0), limited=False)

    assert await take(bucket, 1, urgent=True) == pytest.approx(7)


async def test_a_429_stops_everything_until_it_ends(autojump_clock):
    """Whatever its headers say is left; one second if they say nothing."""
    bucket = TokenBucket(200)
    bucket.note(RateSaid(remaining=100, reset_seconds=3.0), limited=True)
    assert await take(bucket, 1, urgent=True) == pytest.approx(3)
    bucket.note(RateSaid(), limited=True)

    assert await take(bucket, 1, urgent=True) == pytest.approx(1)


async def test_the_limit_is_the_servers(autojump_clock):
    """A plan of 10,000 a minute is taken up from its header."""
    bucket = TokenBucket(200)
    bucket.note(RateSaid(limit=10_000), limited=False)

    await trio.sleep(60)
    assert await take(bucket, 9_900) == 0


async def test_a_429_whose_window_is_over_still_rests(autojump_clock):
    """A reset in the past, or by another clock, is no reason to hammer."""
    bucket = TokenBucket(200)
    bucket.note(RateSaid(reset_seconds=0.0), limited=True)

    assert await take(bucket, 1, urgent=True) == pytest.approx(0.25)


async def test_a_clock_that_is_set_back_voids_what_was_said():
    """It neither stops everything nor takes tokens away."""
    now = [1000.0]
    bucket = TokenBucket(200, seconds=lambda: now[0])
    assert bucket.available() == 200
    bucket.note(RateSaid(remaining=0, reset_seconds=5.0), limited=False)
    assert bucket.available() == 0
    now[0] = 400.0

    assert bucket.available() == 200


def test_headers_are_read_against_the_answers_own_date():
    """A skewed clock of ours does not matter; rubbish says nothing."""
    headers = {
        "Date": "Fri, 10 Jul 2026 13:31:00 GMT",
        "X-Ratelimit-Limit": "200",
        "X-Ratelimit-Remaining": "17",
        "X-Ratelimit-Reset": "1783690290",
    }

    assert read_rate(headers, 0.0) == RateSaid(limit=200, remaining=17, reset_seconds=30.0)
    assert read_rate(headers, 1783690285.0, dated=False).reset_seconds == 5.0
    del headers["Date"]
    assert read_rate(headers, 1783690280.0).reset_seconds == 10.0
    assert read_rate(headers, 0.0).reset_seconds == 60.0
    assert read_rate({"Retry-After": "2"}, 0.0).reset_seconds == 2.0
    junk = {
        "X-Ratelimit-Limit": "-",
        "X-Ratelimit-Remaining": "nan",
        "Date": "x",
        "Retry-After": "",
    }
    assert read_rate(junk, 0.0) == RateSaid()
