"""The rows of one page, encoded: bytes per file and frame.

KEY INPUT: a Page.
KEY OUTPUT: for each file and frame, its records as bytes.

High-volume rows are made of whole columns: orjson writes a column, it is cut at its commas, and
the pieces fill byte templates. No row is ever a dict, and nothing is reduced over frames, so that
the bytes do not depend on how frames were cut into pages.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import orjson

from engine.events import (
    MICRO,
    Decided,
    Decision,
    Event,
    FillBusted,
    FillCorrected,
    Leg,
    OcoOrder,
    OrderSubmitted,
    StopMoved,
)
from engine.learning.signals import CONFIDENCE, PROBABILITY, STALE, WARM
from engine.market.frames import CLOSE, MINUTE_NS, PRESENT, VOLUME
from engine.records.event_rows import event_tail
from engine.records.page import Held, Page, Span, Trade

Json = dict[str, object]
_DIRECTIONS = (b'-1,"direction":"SHORT"', b'0,"direction":"NEUTRAL"', b'1,"direction":"LONG"')
_WARM = (b"false", b"true")


def signal_rows(page: Page) -> list[list[bytes]]:
    """Return each frame's rows of signals.jsonl, one per symbol."""
    frames, symbols = page.ranking.strength.shape
    probability = _column(np.round(page.signals[:, :, PROBABILITY], 6))
    confidence = _column(np.round(page.signals[:, :, CONFIDENCE], 6))
    strength = _column(np.round(page.ranking.strength, 8))
    edge = _column(np.round(page.ranking.edge_bps, 4))
    direction = page.ranking.direction.ravel().tolist()
    warm = page.signals[:, :, WARM].ravel().tolist()
    stale = page.signals[:, :, STALE].ravel().tolist()
    names = [b',"symbol":"%b","signal":' % symbol.encode() for symbol in page.block.symbols]
    out = []
    i = 0
    for head in _heads(page):
        rows = []
        for s in range(symbols):
            age = b',"stale_minutes":%d' % stale[i] if stale[i] else b""
            rows.append(
                b'%b%b%b,"probability":%b,"confidence":%b,"strength":%b,'
                b'"expected_edge_bps":%b,"warm":%b%b}'
                % (
                    head, names[s], _DIRECTIONS[direction[i] + 1], probability[i], confidence[i],
                    strength[i], edge[i], _WARM[warm[i] != 0.0], age,
                )
            )  # fmt: skip
            i += 1
        out.append(rows)
    assert len(out) == frames
    return out


def frame_rows(page: Page) -> list[bytes]:
    """Return each frame's bars as the tail of an events.jsonl row (present symbols only).

    Bars that were not believed stand beside the others.
    """
    bars = page.block.bars
    ohlc = _column(bars[:, :, : CLOSE + 1])
    volume = _column(bars[:, :, VOLUME])
    present = bars[:, :, PRESENT].ravel().tolist()
    names = [b'"%b":[' % symbol.encode() for symbol in page.block.symbols]
    symbols = len(names)
    out = []
    for t in range(len(bars)):
        cells = []
        for s in range(symbols):
            i = t * symbols + s
            if present[i]:
                cells.append(names[s] + b",".join([*ohlc[4 * i : 4 * i + 4], volume[i]]) + b"]")
        out.append(b'"type":"frame","bars":{%b}}' % b",".join(cells))
    for t, doubted in _doubted(page).items():
        out[t] = b'%b,"doubted":%b}' % (out[t][:-1], orjson.dumps(doubted))
    return out


def _doubted(page: Page) -> dict[int, dict[str, tuple[float, ...]]]:
    """Return the bars that were not believed, by frame and symbol."""
    found: dict[int, dict[str, tuple[float, ...]]] = {}
    for t, column, ohlcv in page.block.doubts:
        found.setdefault(t, {})[page.block.symbols[column]] = ohlcv
    return found


def position_rows(page: Page) -> list[bytes]:
    """Return each frame's row of positions.jsonl."""
    minute_ms = MINUTE_NS // 1_000_000
    first_ms = page.block.ts_ns(0) // 1_000_000
    equity = _column(np.round(page.equity, 6))
    out = []
    levels = Levels(page)
    for span in page.spans:
        for t in range(span.start, span.stop):
            levels.advance(t)
            held, unrealized = _held(page, span, t, levels)
            out.append(
                b'{"timestamp_ms":%d,"bar":%d,"positions":[%b],"total_unrealized_pnl":%b,'
                b'"current_equity":%b}'
                % (
                    first_ms + t * minute_ms, page.block.first + t, held,
                    orjson.dumps(round(unrealized, 6)), equity[t],
                )
            )  # fmt: skip
    return out


class Levels:
    """The stop and target of each position of ours, as they stand frame by frame."""

    def __init__(self, page: Page) -> None:
        self._levels = dict(page.levels)
        self._entries = page.entries
        self._at = 0

    def of(self, symbol: str) -> tuple[float | None, float | None]:
        """Return (stop, target) in USD; None where nothing rests."""
        stop, target = self._levels.get(symbol, (0, 0))
        return (stop / MICRO or None, target / MICRO or None)

    def advance(self, t: int) -> None:
        """Take in what happened up to frame `t`."""
        while self._at < len(self._entries) and self._entries[self._at][0] <= t:
            self._take(self._entries[self._at][1])
            self._at += 1

    def _take(self, event: Event | Trade) -> None:
        match event:
            case StopMoved(symbol=symbol, stop_micro=stop):
                self._levels[symbol] = (stop, self._levels[symbol][1])
            case OrderSubmitted():
                order = event.order
                if isinstance(order, OcoOrder):
                    self._levels[order.symbol] = (order.stop_micro, order.target_micro)
                elif order.replaces:
                    self._levels.pop(order.symbol, None)
            case Trade(booking=booking) if not (booking.entry or booking.orphan):
                if booking.closed is not None or event.fill.leg is Leg.STOP:
                    self._levels.pop(event.fill.symbol, None)


def _held(page: Page, span: Span, t: int, levels: Levels) -> tuple[bytes, float]:
    if not span.held:
        return b"", 0.0
    total = 0.0
    rows = []
    for position in span.held:
        row, pnl = _position(page, position, t, levels)
        total += pnl
        rows.append(row)
    return b",".join(orjson.dumps(row) for row in rows), total


def _position(page: Page, position: Held, t: int, levels: Levels) -> tuple[Json, float]:
    price, rank, strength = position.entry_price, 0, 0.0
    if position.column >= 0:
        price = page.block.bars.item(t, position.column, CLOSE)
        rank = page.ranking.rank.item(t, position.column)
        if page.ranking.direction.item(t, position.column) == position.direction:
            strength = round(page.ranking.strength.item(t, position.column), 8)
    pnl = position.direction * position.shares * (price - position.entry_price)
    stop, target = (None, None) if position.orphan else levels.of(position.symbol)
    row: Json = {
        "symbol": position.symbol,
        "direction": _word(position.direction),
        "shares": position.shares,
        "entry_price": round(position.entry_price, 6),
        "current_price": price,
        "pnl": round(pnl, 6),
        "pnl_pct": round(pnl / (position.shares * position.entry_price), 8),
        "bars_held": (page.block.ts_ns(t) - position.entry_ts_ns) // MINUTE_NS,
        "stop": stop,
        "target": target,
        "current_rank": rank,
        "current_strength": strength,
    }
    if position.orphan:
        row["orphan"] = True
    return row, pnl


def decision_body(event: Decided) -> bytes:
    """Return a decision without its opening brace: it stands in decisions.jsonl and in events."""
    body = b'"symbol":"%b","decision":%d,"reason":%b,"rank":%d,"strength":%b' % (
        event.symbol.encode(), event.decision, orjson.dumps(event.reason), event.rank,
        orjson.dumps(round(event.strength, 8)),
    )  # fmt: skip
    if event.decision is Decision.REFUSED:
        body += b',"gate":"%b"' % event.gate.name.lower().encode()
    if event.numbers:
        body += b',"limits":' + orjson.dumps(dict(event.numbers))
    if event.advice:
        body += b',"advice":' + orjson.dumps(event.advice)
    if event.drivers:
        body += b',"drivers":' + orjson.dumps(dict(event.drivers))
    return body + b"}"


def trade_row(trade: Trade) -> bytes:
    """Return a row of trades.jsonl: one fill."""
    fill, booking = trade.fill, trade.booking
    value = fill.shares * fill.price_micro
    row: Json = {
        "timestamp_ms": _ms(fill.ts_ns),
        "symbol": fill.symbol,
        "action": "ENTRY" if booking.entry else "EXIT",
        "direction": _word(booking.direction),
        "price": fill.price_micro / MICRO,
        "shares": fill.shares,
        "value": value / MICRO,
        "costs": fill.fee_micro / MICRO,
        "slippage": fill.slippage_micro / MICRO,
        "order_id": fill.order_id,
        "decision": int(trade.decision),
    }
    if not booking.entry:
        row["pnl"] = booking.realised_micro / MICRO
        row["pnl_pct"] = round(booking.realised_micro / booking.cost_basis_micro, 8)
        row["bars_held"] = booking.bars_held
        row["reason"] = trade.reason
    if fill.forced:
        row["forced"] = True
    if booking.orphan:
        row["orphan"] = True
    if trade.by_hand:
        row["by_hand"] = True
    return orjson.dumps(row)


def mend_row(event: FillBusted | FillCorrected) -> bytes:
    """Return a row of trades.jsonl: what undoing or correcting a fill changed.

    Of a correction price, value and costs are differences; no shares change.
    """
    price, fee = event.price_micro, -event.fee_micro
    if isinstance(event, FillCorrected):
        price, fee = event.new_price_micro - price, event.new_fee_micro + fee
    row: Json = {
        "timestamp_ms": _ms(event.ts_ns),
        "symbol": event.symbol,
        "action": "BUST" if isinstance(event, FillBusted) else "CORRECTION",
        "side": str(event.side),
        "price": price / MICRO,
        "shares": event.shares,
        "value": event.shares * price / MICRO,
        "costs": fee / MICRO,
        "order_id": event.order_id,
        "pnl": event.realised_micro / MICRO,
    }
    return orjson.dumps(row)


def trade_tail(trade: Trade) -> bytes:
    """Return a fill's row of events.jsonl without its seq and timestamp."""
    if not trade.by_hand:
        return event_tail(trade.fill)
    fill = trade.fill
    row: Json = {
        "type": "traded_by_hand",
        "order_id": fill.order_id,
        "symbol": fill.symbol,
        "side": str(fill.side),
        "shares": fill.shares,
        "price": fill.price_micro / MICRO,
        "fee": fill.fee_micro / MICRO,
        "entry": trade.booking.entry,
    }
    if trade.booking.orphan:
        row["orphan"] = True
    if trade.unpriced:
        row["unpriced"] = True
    return orjson.dumps(row)[1:]


def _heads(page: Page) -> Iterator[bytes]:
    first = page.block.ts_ns(0) // MINUTE_NS
    for minute in range(first, first + len(page.block)):
        yield b'{"timestamp_ms":%d,"bar_id":%d' % (minute * 60_000, minute)


def _column(values: npt.NDArray[np.float64]) -> list[bytes]:
    flat = np.ascontiguousarray(values).ravel()
    return orjson.dumps(flat, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].split(b",")


def _ms(ts_ns: int) -> int:
    return ts_ns // 1_000_000


def _word(direction: int) -> str:
    return "LONG" if direction > 0 else "SHORT"
