"""Alpaca's refusals are told apart by code and words: a table of what it is known to say."""

import pytest

from actors.alpaca.decode import Decoder
from actors.alpaca.outcome import answer_of, judge
from actors.alpaca.refusals import classify
from engine.events import RefusalKind as Kind

SAID = (
    (403, 40310000, "insufficient qty available for order (requested: 385, available: 193)",
     Kind.SHARES),
    (403, 40310000, "insufficient buying power", Kind.BUYING_POWER),
    (403, 40310000, "insufficient day trading buying power", Kind.BUYING_POWER),
    (403, 40310000, "potential wash trade detected. use complex orders", Kind.WASH_TRADE),
    (422, 42210000, "opposite side market/stop order exists", Kind.WASH_TRADE),
    (403, 40310000, "account is restricted from trading", Kind.RESTRICTED),
    (403, 40310000, "account is not authorized to trade", Kind.RESTRICTED),
    (403, 40310000, "new orders are rejected by user request", Kind.RESTRICTED),
    (403, 40310000, "your account is set to liquidation only", Kind.RESTRICTED),
    (403, 40310100, "trade denied due to pattern day trading protection", Kind.RESTRICTED),
    (403, 40310000, "account is not allowed to short", Kind.SHARES),
    (422, 42210000, 'asset "XYZ" is not tradable', Kind.NOT_TRADABLE),
    (403, 40310000, "trading of this asset is halted", Kind.NOT_TRADABLE),
    (422, 42210000, "stop_loss.stop_price must be <= base_price - 0.01", Kind.PRICE_OR_SIZE),
    (422, 42210000, "invalid limit_price 10.001. sub-penny increment does not fulfill minimum",
     Kind.PRICE_OR_SIZE),
    (401, 401, "unauthorized.", Kind.KEYS),
    (403, 40110000, "access key verification failed", Kind.KEYS),
    (429, 42910000, "rate limit exceeded", Kind.RATE),
    (429, 429, "HTTP 429, no reason given", Kind.RATE),
    (403, 40310000, "words of which nobody has heard", Kind.UNKNOWN),
)  # fmt: skip


@pytest.mark.parametrize(("status", "code", "said", "kind"), SAID, ids=[row[2] for row in SAID])
def test_a_refusal_has_its_kind(status, code, said, kind):
    """By the words where the code says nothing."""
    assert classify(said, code, status) is kind


def test_an_answer_carries_it():
    """From the HTTP answer to the seam."""
    body = '{"code": 40310000, "message": "potential wash trade detected. use complex orders"}'
    answer = answer_of(judge(403, body), Decoder())
    assert (answer.kind, answer.code) == (Kind.WASH_TRADE, 40310000)


def test_only_account_wide_kinds_stop_everything():
    """Restricted or keys; whatever else concerns a symbol or an order."""
    assert [kind for kind in Kind if kind.account_wide] == [Kind.RESTRICTED, Kind.KEYS]
