"""What must hold of a live session, whatever went wrong: told from its log and the broker's books.

The exchange's ledger is the truth: every order, every fill, when the account was cut off. Times are
session time, so that in lockstep a slow machine changes nothing. The session trades long only.
"""

from collections import Counter, defaultdict
from itertools import pairwise

import orjson

SECOND = 10**9
UNPROTECTED_SECONDS = 5.0
"""How long a position may be without stop or exit while the broker can be reached."""
CENT = 0.005
"""What a missing event is told by later is an average: the cent is exact, not the micro-dollar."""
FINAL = {"filled", "canceled", "expired", "replaced", "rejected"}


def breaches(folder, account, summary):
    """Return what does not hold of a session that ended, in sentences."""
    log = [orjson.loads(line) for line in (folder / "inputs.jsonl").read_bytes().splitlines()]
    return [
        *_doubled(account, log),
        *_lost_fills(account, log),
        *unprotected(account),
        *_deaf_entries(account, log),
        *_not_flat(account, summary),
    ]


def unprotected(account):
    """Return what was held without a stop or exit for too long, in sentences."""
    return [
        f"{symbol} was not wholly protected for {seconds:.2f} s from {start}"
        for seconds, symbol, start in bare(account)
        if seconds > UNPROTECTED_SECONDS
    ]


def bare(account):
    """Return (seconds, symbol, from) of all spans in which stops and exits covered too little.

    The time in which the account was cut off is not counted.
    """
    outages = account["outages"]
    cut_off = [*outages["order_stream"], *outages["requests"]]
    found = []
    for symbol in sorted({execution["symbol"] for execution in account["executions"]}):
        for start, end in _bare_spans(account, symbol):
            found.append((_length(start, end, cut_off) / SECOND, symbol, start))
    return found


def _bare_spans(account, symbol):
    """Return the spans in which fewer shares were covered by stops and exits than were held."""
    orders = [o for o in account["orders"] if o["symbol"] == symbol and _protects(o)]
    fills = [e for e in account["executions"] if e["symbol"] == symbol]
    times = {e["ts_ns"] for e in fills} | {o[at] for o in orders for at in _MOMENTS}
    spans, since = [], None
    for now in sorted(times):
        position = next((e["position"] for e in reversed(fills) if e["ts_ns"] <= now), 0)
        bare = position > sum(_remaining(o, fills, now) for o in orders)
        if bare and since is None:
            since = now
        elif not bare and since is not None:
            spans.append((since, now))
            since = None
    return spans if since is None else [*spans, (since, max(times))]


_MOMENTS = ("submitted_ns", "updated_ns")


def _protects(order):
    """Return whether an order ends a position for good: a stop, or an exit; no target."""
    target = order["order_class"] == "oco" and order["parent"] is None
    return order["side"] == "SELL" and not target


def _remaining(order, fills, now):
    if not order["submitted_ns"] <= now:
        return 0
    if order["status"] in FINAL and order["updated_ns"] <= now:
        return 0
    done = sum(e["shares"] for e in fills if e["order_id"] == order["id"] and e["ts_ns"] <= now)
    return order["shares"] - done


def _length(start, end, without):
    """Return how much of a span lies in none of others, which may overlap."""
    borders = sorted({start, end, *(t for span in without for t in span if t and start < t < end)})
    return sum(
        b - a
        for a, b in pairwise(borders)
        if not any(lo <= a and (hi is None or b <= hi) for lo, hi in without)
    )


def _doubled(account, log):
    """Two broker orders for one intent: by id, by an id that nobody meant, by what was bought."""
    sent = {row["order_id"] for row in log if row["in"] == "sent"}
    ids = Counter(order["client_order_id"] for order in account["orders"])
    found = [f"{name} was taken {n} times" for name, n in ids.items() if n > 1]
    roots = [_intent(o["client_order_id"]) for o in account["orders"] if o["parent"] is None]
    found += [f"{name} was sent and is not in the log" for name in roots if name not in sent]
    moved = Counter(order["replaces"] for order in account["orders"] if order["replaces"])
    found += [f"stop {name} was replaced {n} times" for name, n in moved.items() if n > 1]
    opened = {}
    for fill in account["executions"]:
        symbol, name = fill["symbol"], fill["client_order_id"]
        if fill["side"] == "BUY" and opened.setdefault(symbol, name) != name:
            found.append(f"{name} bought more of what {opened[symbol]} had bought")
        if fill["position"] == 0:
            opened.pop(symbol, None)
        if fill["position"] < 0:
            found.append(f"{name} sold {symbol} short")
    return found


def _lost_fills(account, log):
    """Shares that the broker filled and the session was not told of, or the other way round."""
    intents = {order["id"]: order["client_order_id"] for order in account["orders"]}
    broker, told = defaultdict(int), defaultdict(int)
    for order in account["orders"]:
        broker[_intent(intents[order["parent"] or order["id"]])] += order["filled"]
    for report in _reports(log):
        if report["is"] == "OrderFilled":
            told[report["order_id"]] += report["shares"]
    return [
        f"{name}: the broker filled {broker[name]}, the session was told of {told[name]}"
        for name in sorted({*broker, *told})
        if broker[name] != told[name]
    ]


def _intent(client_id):
    """Return the id that the log has: what a flatten's limit left goes by the next attempt's."""
    parts = client_id.split("-")
    return "-".join([*parts[:5], "0"]) if len(parts) == 6 and parts[5] == "1" else client_id


def _deaf_entries(account, log):
    """Entries that were sent while no order stream stood, or the session knew that none did."""
    entries = {o["client_order_id"]: o for o in account["orders"] if o["side"] == "BUY"}
    found = [
        f"entry {name} was sent at {order['submitted_ns']}, while no order stream stood"
        for name, order in entries.items()
        for start, end in account["outages"]["order_stream"]
        if start < order["submitted_ns"] and (end is None or order["submitted_ns"] < end)
    ]
    lost, unheard = False, set()
    for row in log:
        if row["in"] == "sent" and lost:
            unheard.add(row["order_id"])
        for report in _reports([row]):
            lost = report["is"] == "StreamLost" or (lost and report["is"] != "StreamRestored")
            name = report.get("order_id")
            if lost and name in unheard and name in entries:
                found.append(f"entry {name} was sent while the order stream was known to be down")
        if not lost:
            unheard.clear()
    return found


def unheard_entries(account):
    """Return the entries that were sent on an order stream that said nothing, unnoticed so far."""
    return [
        order["client_order_id"]
        for order in account["orders"]
        if order["side"] == "BUY"
        for start, end in account["outages"]["silence"]
        if start < order["submitted_ns"] and (end is None or order["submitted_ns"] < end)
    ]


def _reports(log):
    return [report for row in log if row["in"] == "told" for report in row["reports"]]


def _not_flat(account, summary):
    found = []
    if account["positions"] or summary["confirmed_flat"] is not True:
        found.append(f"not flat: {account['positions']}, confirmed {summary['confirmed_flat']}")
    cash = account["cash_micro"] / 1e6
    if abs(cash - summary["final_equity"]) >= CENT:
        found.append(f"the exchange's cash is {cash:.6f}, ours {summary['final_equity']:.6f}")
    return found
