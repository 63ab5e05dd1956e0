"""A small hostile Alpaca on loopback: REST by script, and two streams that misbehave on demand."""

import base64
import hashlib
import json
import logging
import socket
import threading
import time
from collections import deque
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import msgpack
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

from tests.patience import patience

_QUIET = logging.getLogger("tests.fake_alpaca")
_QUIET.setLevel(logging.ERROR)

ID = "61e69015-8549-4bfd-b9c3-01e75843f47d"
LEG = "8a5f3f1c-7c3c-4b5f-9f3a-1f6a0a3b2c1d"


def order(**changes):
    """Return an order as Alpaca shows it."""
    return {
        "id": ID,
        "client_order_id": "R-1",
        "created_at": "2026-07-10T13:31:00.123456789Z",
        "updated_at": "2026-07-10T13:31:01.5Z",
        "submitted_at": "2026-07-10T13:31:00.2Z",
        "symbol": "TQQQ",
        "qty": "10",
        "filled_qty": "0",
        "filled_avg_price": None,
        "order_class": "",
        "type": "limit",
        "side": "buy",
        "time_in_force": "ioc",
        "limit_price": "80.12",
        "stop_price": None,
        "status": "new",
        "extended_hours": False,
        "legs": None,
    } | changes


def bar(symbol="TQQQ", minute=30, close=80.5, **changes):
    """Return a bar as the stream sends it."""
    return {
        "T": "b",
        "S": symbol,
        "o": 80.0,
        "h": 81.0,
        "l": 79.5,
        "c": close,
        "v": 1200,
        "t": msgpack.Timestamp.from_unix_nano(1783690200_000000000 + minute * 60_000_000_000),
    } | changes


def trade_update(event="new", **data):
    """Return an event of the order stream, in its envelope."""
    return {"stream": "trade_updates", "data": {"event": event, "order": order()} | data}


class Answer:
    """One scripted answer."""

    def __init__(self, status=200, body=None, *, headers=None, stall=0.0, drop=False):
        self.status, self.body, self.headers = status, body, headers or {}
        self.stall, self.drop = stall, drop


class Rest:
    """A REST server that gives the answers it was told to, in order; then the last one again."""

    def __init__(self):
        self.requests = []
        self._answers = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.released = threading.Event()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def will(self, method, path, *answers):
        """Script the answers to a method and path: each an Answer, or a function of the query."""
        self._answers[method, path] = deque(answers)

    def sent(self, method):
        """Return the (path, query, body) of each request made with a method."""
        return [request[1:] for request in self.requests if request[0] == method]

    def close(self):
        """Let stalled answers go and stop."""
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer_to(self, method, path):
        """Return the next answer."""
        script = self._answers.get((method, path))
        if not script:
            return Answer(404, {"code": 40410000, "message": "not found"})
        return script.popleft() if len(script) > 1 else script[0]

    def _handler(rest):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _serve(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length) or b"null")
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                rest.requests.append((self.command, parts.path, query, body))
                answer = rest.answer_to(self.command, parts.path)
                answer = answer(query) if callable(answer) else answer
                if answer.stall:
                    rest.released.wait(answer.stall)
                if answer.drop:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                self._write(answer)

            def _write(self, answer):
                text = answer.body if isinstance(answer.body, str) else None
                content = text if text is not None else json.dumps(answer.body)
                content = b"" if answer.body is None else content.encode()
                try:
                    self.send_response(answer.status)
                    for name, value in answer.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)
                except OSError:  # the client gave up
                    self.close_connection = True

            do_GET = do_POST = do_PATCH = do_DELETE = _serve

            def log_message(self, *_):
                pass

        return Handler


class Line:
    """One websocket connection, seen from the server."""

    def __init__(self, connection, closing):
        self.connection = connection
        self.closing = closing

    def data_auth(self, *, text=False):
        """Do the opening of the market data stream; return what was subscribed to."""
        self.send([{"T": "success", "msg": "connected"}], text=text)
        self.heard = [self.receive()]
        self.send([{"T": "success", "msg": "authenticated"}], text=text)
        self.heard.append(self.receive())
        return self.heard[-1]

    def subscribe_all(self, *, text=False):
        """Open the market data stream and grant what was asked for: bars, then quotes."""
        asked = self.data_auth(text=text)
        granted = {"T": "subscription", "bars": asked["bars"]}
        self.send([granted], text=text)
        self.heard.append(self.receive())
        self.send([granted | {"quotes": self.heard[-1]["quotes"]}], text=text)
        return asked

    def trade_auth(self, *, binary=True):
        """Do the opening of the order stream."""
        self.heard = [self.receive()]
        self.send_json({"stream": "authorization", "data": {"status": "authorized"}}, binary=binary)
        self.heard.append(self.receive())
        said = {"stream": "listening", "data": {"streams": ["trade_updates"]}}
        self.send_json(said, binary=binary)

    def send(self, items, *, text=False):
        """Send a frame of the market data stream."""
        self.connection.send(json.dumps(items) if text else msgpack.packb(items))

    def send_json(self, item, *, binary=True):
        """Send a frame of the order stream."""
        text = json.dumps(item)
        self.connection.send(text.encode() if binary else text)

    def receive(self):
        """Return the client's next message."""
        frame = self.connection.recv(timeout=patience(5))
        return json.loads(frame) if isinstance(frame, str) else msgpack.unpackb(frame)

    def hold(self):
        """Stay silent until the client goes, or the test is over."""
        until = time.monotonic() + patience(10)
        while time.monotonic() < until and not self.closing.is_set():
            try:
                self.connection.recv(timeout=0.05)
            except TimeoutError:
                continue
            except (ConnectionClosed, OSError):
                return


@contextmanager
def streaming(*scripts):
    """Serve websockets: the n-th connection is given to the n-th script, the last one again."""
    closing = threading.Event()
    left = deque(scripts)
    lines = []

    def handle(connection):
        script = left.popleft() if len(left) > 1 else left[0]
        line = Line(connection, closing)
        line.at = time.monotonic()
        line.path = connection.request.path
        lines.append(line)
        try:
            script(line)
        except (ConnectionClosed, OSError):
            return  # the client went: that is what it does

    with serve(handle, "127.0.0.1", 0, close_timeout=0.2, logger=_QUIET) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        try:
            yield url, lines
        finally:
            closing.set()
            server.shutdown()
            thread.join()


@contextmanager
def dead_socket(*, greets):
    """Listen, take every connection, and never answer; with `greets` after the data opening.

    Pings are not answered either: to the client it is a half-open connection.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)
    closing = threading.Event()
    taken = []

    def run():
        while not closing.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            taken.append(connection)
            if greets:
                _open_by_hand(connection)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", taken
    finally:
        closing.set()
        thread.join()
        for connection in [*taken, listener]:
            connection.close()


def _open_by_hand(connection):
    text = connection.recv(4096).decode()
    key = text.lower().partition("sec-websocket-key:")[2].split("\r\n")[0]
    key = text[text.lower().index(key) :][: len(key)].strip()
    digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
    connection.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
    )
    for item in (
        {"T": "success", "msg": "connected"},
        {"T": "success", "msg": "authenticated"},
        {"T": "subscription", "bars": ["TQQQ"]},
        {"T": "subscription", "bars": ["TQQQ"], "quotes": ["TQQQ"]},
    ):
        content = msgpack.packb([item])
        connection.sendall(bytes([0x82, len(content)]) + content)
