"""What must hold of a live session, whatever went wrong: told from its log and the broker's books.

The exchange's ledger is the truth: every order, every fill, whose it was, what was undone, moved or
refused, when the account was cut off. Times are session time, so that in lockstep a slow machine
changes nothing. The session trades long only.
"""

from collections import Counter, defaultdict

import orjson

from tests.endurance.books import FINAL, OURS, Books, length

SECOND = 10**9
MINUTE = 60 * SECOND
UNPROTECTED_SECONDS = 5.0
"""How long a position may be without stop or exit while the broker can be reached."""
UNSEEN_SECONDS = 45.0
"""How long shares may have gone that no order tells of: positions are compared each half minute."""
MOST_TRIES = 5
"""Entries of a symbol that one kind of refusal may meet: three bar it, two may be under way."""
CENT = 0.005
"""What a missing event is told by later is an average: the cent is exact, not the micro-dollar."""


def breaches(folder, account, summary, code=0):
    """Return what does not hold of a session that ended with an exit code, in sentences."""
    log = [orjson.loads(line) for line in (folder / "inputs.jsonl").read_bytes().splitlines()]
    books = Books(account)
    return [
        *_doubled(books, log),
        *_short(books),
        *_lost_fills(books, log),
        *unprotected(account),
        *_deaf_entries(books, log),
        *_stubborn(books),
        *_misled(books, _unwaiting(folder)),
        *_end(books, log, summary, code),
    ]


def loud(summary, code):
    """Return whether a session said that something is not as it should be."""
    return code == 1 and bool(summary.get("problems"))


def unprotected(account):
    """Return what was held without a stop or exit for too long, in sentences."""
    return [
        f"{symbol} was not wholly protected for {seconds:.2f} s from {start}"
        for seconds, symbol, start in bare(account)
        if seconds > UNPROTECTED_SECONDS
    ]


def bare(account):
    """Return (seconds, symbol, from) of all spans in which stops and exits covered too little.

    The time in which the account was cut off is not counted, nor that in which orders were refused,
    or others' orders could hold the shares.
    """
    books, outages = Books(account), account["outages"]
    found = []
    for symbol in sorted(books.steps):
        kept_off = [
            *outages["order_stream"], *outages["requests"], *books.refused_spans(symbol),
            *books.foreign_spans(symbol),
        ]  # fmt: skip
        for start, end in _bare_spans(books, symbol):
            found.append((length(start, end, kept_off) / SECOND, symbol, start))
    return found


def _bare_spans(books, symbol):
    """Return the spans in which fewer shares were covered by stops and exits than were ours."""
    orders = [
        order
        for name, order in books.orders.items()
        if order["symbol"] == symbol and books.is_ours(name) and _protects(order)
    ]
    fills = [e for e in books.account["executions"] if e["symbol"] == symbol]
    steps = {step.ts_ns for step in books.steps[symbol]}
    times = steps | {order[at] for order in orders for at in _MOMENTS}
    spans, since = [], None
    for now in sorted(times):
        bare = books.ours(symbol, now) > sum(_remaining(o, fills, now) for o in orders)
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


def _doubled(books, log):
    """Two broker orders for one intent: by id, by an id that nobody meant, by what was bought."""
    account = books.account
    lost = set(account.get("lost", ()))
    known = [order for name, order in books.orders.items() if name not in lost]
    sent = {row["order_id"] for row in log if row["in"] == "sent"}
    ids = Counter(order["client_order_id"] for order in known)
    found = [f"{name} was taken {n} times" for name, n in ids.items() if n > 1]
    roots = [o["client_order_id"] for o in account["orders"] if o["parent"] is None]
    found += [
        f"{_intent(name)} was sent and is not in the log"
        for name in roots
        if OURS.fullmatch(name) and _intent(name) not in sent
    ]
    moved = Counter(order["replaces"] for order in account["orders"] if order["replaces"])
    found += [f"stop {name} was replaced {n} times" for name, n in moved.items() if n > 1]
    return found + _bought_twice(books)


def _bought_twice(books):
    """A second purchase beside a first; none that was filled after it was reported canceled."""
    opened, found = {}, []
    late = {o["client_order_id"] for o in books.account["orders"] if o.get("late")}
    for fill in books.account["executions"]:
        symbol, name = fill["symbol"], fill["client_order_id"]
        if not books.is_ours(fill["order_id"]):
            continue
        before = books.ours(symbol, fill["ts_ns"] - 1)
        if fill["side"] == "BUY" and before <= 0:
            opened[symbol] = name
        known = opened.setdefault(symbol, name) if fill["side"] == "BUY" else name
        if known != name and not {known, name} & late:
            found.append(f"{name} bought more of what {opened[symbol]} had bought")
    return found


def _short(books):
    """What was sold that was not there; a leg that shares left unseen just before is no fault."""
    return [
        f"{fill['client_order_id']} sold {fill['symbol']} short"
        for fill in books.account["executions"]
        if fill["position"] < 0 and books.is_ours(fill["order_id"])
        if not _unseen(books, fill)
    ]


def _unseen(books, fill):
    order, now = books.orders[fill["order_id"]], fill["ts_ns"]
    return any(
        move["symbol"] == fill["symbol"]
        and order["submitted_ns"] < move["ts_ns"] <= now < move["ts_ns"] + UNSEEN_SECONDS * SECOND
        for move in books.account.get("moves", ())
    )


def _lost_fills(books, log):
    """Shares that the broker filled and the session was not told of, or the other way round."""
    orders = books.orders
    broker, told = defaultdict(int), defaultdict(int)
    for name, order in orders.items():
        if books.is_ours(name):
            root = orders.get(order["parent"], order)
            broker[_intent(root["client_order_id"])] += order["filled"]
        else:
            broker[name] += (1 if order["side"] == "BUY" else -1) * order["filled"]
    for report in _reports(log):
        sign = {"OrderFilled": 1, "FillBusted": -1, "TradedByHand": 1}.get(report["is"], 0)
        if sign and report["order_id"]:
            told[report["order_id"]] += sign * report["shares"]
    adopted = {report["symbol"] for report in _reports(log) if report["is"] == "OrphanFound"}
    return [
        f"{name}: the broker filled {broker[name]}, the session was told of {told[name]}"
        for name in sorted({*broker, *told})
        if broker[name] != told[name]
        # what stands in the account before the session looks for the first time is adopted
        if not (name in orders and orders[name]["symbol"] in adopted)
    ]


def _intent(client_id):
    """Return the id that the log has: what a flatten's limit left goes by the next attempt's."""
    parts = client_id.split("-")
    return "-".join([*parts[:5], "0"]) if len(parts) == 6 and parts[5] == "1" else client_id


def _entries(books):
    return {
        order["client_order_id"]: order
        for name, order in books.orders.items()
        if order["side"] == "BUY" and books.is_ours(name)
    }


def _deaf_entries(books, log):
    """Entries that were sent while no order stream stood, or the session knew that none did."""
    entries = _entries(books)
    found = [
        f"entry {name} was sent at {order['submitted_ns']}, while no order stream stood"
        for name, order in entries.items()
        for start, end in books.account["outages"]["order_stream"]
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


def _stubborn(books):
    """Entries where others have traded, and entries again and again where they are refused."""
    found = []
    for name, order in _entries(books).items():
        hands = [at for at in books.by_hand(order["symbol"]) if at < order["submitted_ns"]]
        if hands and order["submitted_ns"] - hands[0] > UNSEEN_SECONDS * SECOND:
            found.append(f"entry {name} was sent after {order['symbol']} was traded by hand")
    refused = Counter(
        (row["symbol"], row["why"])
        for row in books.account.get("refused", ())
        if row["method"] == "POST" and "-BUY-" in row["client_id"]
    )
    found += [
        f"{n} entries in {symbol} were refused: {why}"
        for (symbol, why), n in refused.items()
        if n > MOST_TRIES
    ]
    return found


def _unwaiting(folder):
    """Return (symbol, ns) of the exits that wait for no bar, by the bar that they went with."""
    path = folder / "decisions.jsonl"
    rows = map(orjson.loads, path.read_bytes().splitlines() if path.exists() else ())
    return {(r["symbol"], r["timestamp_ms"] * 10**6) for r in rows if r["decision"] in UNWAITING}


UNWAITING = {7, 10, 11}
"""Before the close, by hand, for want of a forecast."""


def _misled(books, unwaiting):
    """Exits that were decided on a bar which nobody could believe."""
    return [
        f"{order['client_order_id']} was sent on a wrong bar of {symbol}"
        for symbol, start in books.account.get("bad_bars", ())
        for name, order in books.orders.items()
        if order["symbol"] == symbol and order["side"] == "SELL" and books.is_ours(name)
        if (symbol, start) not in unwaiting
        if order["order_class"] == "simple" and order["parent"] is None
        if start + MINUTE <= order["submitted_ns"] < start + 2 * MINUTE
    ]


def unheard_entries(account):
    """Return the entries that were sent on an order stream that said nothing, unnoticed so far."""
    return [
        name
        for name, order in _entries(Books(account)).items()
        for start, end in account["outages"]["silence"]
        if start < order["submitted_ns"] and (end is None or order["submitted_ns"] < end)
    ]


def _reports(log):
    return [report for row in log if row["in"] == "told" for report in row["reports"]]


def _end(books, log, summary, code):
    """What is not flat of ours, or differs, unless it was said loudly; an alarm for nothing."""
    wrong = [*_not_flat(books, summary), *_apart(books, log, summary)]
    if wrong:
        return [] if loud(summary, code) else wrong
    if code and not _cut_off(books.account):
        return [f"exit code {code}, and all is as it should be: {summary.get('problems')}"]
    return []


def _cut_off(account):
    return any(spans and spans[-1][1] is None for spans in (account["outages"]["requests"],))


def _not_flat(books, summary):
    left, confirmed = books.left(), summary["confirmed_flat"]
    return [f"not flat: {left}, confirmed {confirmed}"] if left or confirmed is not True else []


def _apart(books, log, summary):
    """Return how the session's books differ from the exchange's, at the end."""
    account, told, found = books.account, defaultdict(int), []
    for report in _reports(log):
        sign = -1 if report["is"] == "FillBusted" else 1
        if report["is"] in ("OrderFilled", "FillBusted"):
            sign *= 1 if report["side"] == "BUY" else -1
        elif report["is"] not in ("TradedByHand", "OrphanFound"):
            continue
        told[report["symbol"]] += sign * report["shares"]
    held = {symbol: row["shares"] for symbol, row in account["positions"].items()}
    found += [
        f"the exchange holds {held.get(symbol, 0)} {symbol}, the session was told of {shares}"
        for symbol, shares in sorted(told.items() | {(s, told[s]) for s in held})
        if shares != held.get(symbol, 0)
    ]
    equity = account["cash_micro"] + sum(
        row["shares"] * row.get("price_micro", 0) for row in account["positions"].values()
    )
    cents = CENT + 0.01 * len(account.get("amendments", ()))
    if abs(equity / 1e6 - summary["final_equity"]) >= cents:
        words = f"the exchange's equity is {equity / 1e6:.6f}, ours {summary['final_equity']:.6f}"
        found.append(words)
    return found
