"""Another program with the account's keys: it sells half of what is held, over REST.

As somebody's own script would: it lists orders and positions, cancels what holds the shares and
sends an order under an id of its own, all while Rotor trades.
"""

import os
import threading
import time
import urllib.error
import urllib.request

import orjson

from tests.patience import patience

KEYS = {
    "APCA-API-KEY-ID": os.environ.get("APCA_API_KEY_ID", "rehearsal"),
    "APCA-API-SECRET-KEY": os.environ.get("APCA_API_SECRET_KEY", "rehearsal"),
}
TRIES = 20


class OtherProgram(threading.Thread):
    """Trades once, as soon as something is held from some minute on."""

    def __init__(self, place, minute):
        super().__init__(daemon=True)
        self.place = place
        self.minute = minute
        self.sold = None
        """(symbol, shares) of what it has sold."""
        self._over = threading.Event()

    def stop(self):
        """Give up, and wait for the end."""
        self._over.set()
        self.join(patience(20))

    def run(self):
        """Wait for something to sell, and sell half of it."""
        while self.sold is None and not self._over.is_set():
            state = self.ask("/control")
            held = self.ask("/v2/positions") if state["minute"] >= self.minute else []
            if state["minute"] > self.minute + 120:
                return
            if isinstance(held, list) and held:
                self.ask("/control/pause", "POST")
                self._sell(held[0])
                self.ask("/control/resume", "POST")
            time.sleep(0.02)

    def _sell(self, position):
        symbol, shares = position["symbol"], max(1, int(position["qty"]) // 2)
        for attempt in range(TRIES):
            for order in self.ask("/v2/orders?status=open&nested=true") or []:
                if order["symbol"] == symbol:
                    self.ask(f"/v2/orders/{order['id']}", "DELETE")
            asked = {
                "symbol": symbol, "qty": str(shares), "side": "sell", "type": "market",
                "time_in_force": "day", "client_order_id": f"script-{attempt}",
            }  # fmt: skip
            if isinstance(self.ask("/v2/orders", "POST", asked), dict):
                self.sold = symbol, shares
                return

    def ask(self, path, method="GET", body=None):
        """Ask the exchange; None where it refuses."""
        data = None if body is None else orjson.dumps(body)
        request = urllib.request.Request(self.place.url + path, data, KEYS, method=method)
        try:
            with urllib.request.urlopen(request, timeout=patience(10)) as answer:
                text = answer.read()
        except (urllib.error.URLError, OSError):
            return None
        return orjson.loads(text) if text else None
