"""What the vendors' fakes share: HTTP on loopback, requests judged by the vendor's contract, faults on order.

A contract (`tests/contracts/<vendor>.json`) holds, for each call we make, what the vendor takes: names,
types, values and limits of headers, query and body. A request that breaks it is answered 400 and kept.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

from jsonschema import Draft202012Validator

CONTRACTS = Path(__file__).parents[1]


@dataclass(frozen=True)
class Request:
    """One request; `body` is its members, of JSON or of a form, and `ids` what stands in its path."""

    call: str
    ids: tuple[str, ...]
    headers: dict[str, str]
    query: dict[str, str]
    body: dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """One answer; a `cut` one ends before its first byte."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


@dataclass(frozen=True)
class Fault:
    """What goes wrong with the next request of a call: before it had any effect, or after its whole one."""

    call: str
    reply: Reply
    after: bool = False


class Vendor(ThreadingHTTPServer):
    """A vendor's server. `faults` are used up in order, `requests` keeps what came.

    `pause` runs after a request had its effect and before it is answered.
    """

    daemon_threads = True
    contract = ""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.rules: dict[str, Any] = json.loads((CONTRACTS / f"{self.contract}.json").read_text())
        self.lock = threading.RLock()
        self.requests: list[Request] = []
        self.violations: list[str] = []
        self.faults: list[Fault] = []
        self.pause: Callable[[Request], None] | None = None

    @property
    def url(self) -> str:
        """The address its API lies under."""
        return f"http://127.0.0.1:{self.server_port}"

    def calls(self, call: str) -> list[Request]:
        """Return the requests of one call."""
        return [request for request in self.requests if request.call == call]

    def answer(self, request: Request) -> Reply:
        """Do what is asked and answer; the lock is held."""
        raise NotImplementedError

    def matched(self, method: str, path: str) -> tuple[str, tuple[str, ...]]:
        """Return the call of the contract that a request is, and the ids in its path."""
        for call in self.rules:
            wanted, _, template = call.partition(" ")
            pattern = re.sub(r"\\\{[a-z_]+\\\}", "([^/]+)", re.escape(template))
            match = re.fullmatch(pattern, path)
            if wanted == method and match:
                return call, tuple(map(unquote, match.groups()))
        return "", ()

    def faults_of(self, call: str, parts: dict[str, Any]) -> list[str]:
        """Return how a request breaks the contract."""
        rule = self.rules[call]
        found = []
        for name, value in parts.items():
            schema = {**rule.get(name, {"maxProperties": 0}), "$defs": self.rules.get("$defs", {})}
            for error in Draft202012Validator(schema).iter_errors(value):
                found.append(f"{call}: {name} {error.json_path}: {error.message[:200]}")
        return found


class _Handler(BaseHTTPRequestHandler):
    server: Vendor

    def do_GET(self) -> None:
        self._handle(b"")

    def do_POST(self) -> None:
        self._handle(self.rfile.read(int(self.headers.get("Content-Length", "0"))))

    def _handle(self, raw: bytes) -> None:
        vendor, target = self.server, urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        call, ids = vendor.matched(self.command, target.path)
        with vendor.lock:
            if not call:
                vendor.violations.append(f"{self.command} {target.path} is no call of the contract")
                return self._reply(Reply(404, {}))
            query = dict(parse_qsl(target.query, keep_blank_values=True))
            if vendor.rules[call].get("form"):
                body = dict(parse_qsl(raw.decode(), keep_blank_values=True))
            else:
                body = json.loads(raw) if raw else {}
            request = Request(call, ids, headers, query, body)
            vendor.requests.append(request)
            given = {"headers": headers, "query": query}
            broken = vendor.faults_of(call, given if self.command == "GET" else {**given, "body": body})
            if broken:
                vendor.violations += broken
                return self._reply(Reply(400, {"violations": broken}))
            fault = next((each for each in vendor.faults if each.call == call), None)
            if fault is not None:
                vendor.faults.remove(fault)
            reply = fault.reply if fault and not fault.after else vendor.answer(request)
            if fault is not None and fault.after:
                reply = fault.reply
        if vendor.pause is not None:
            vendor.pause(request)
        return self._reply(reply)

    def _reply(self, reply: Reply) -> None:
        if reply.cut:
            self.close_connection = True
            return
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **reply.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the test's output quiet."""

    def handle(self) -> None:
        """Answer; a caller that was killed is part of some tests."""
        try:
            super().handle()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True


V = TypeVar("V", bound=Vendor)


@contextmanager
def running(vendor: V) -> Iterator[V]:
    """Run a vendor until the block ends; a request that broke its contract fails the test then."""
    thread = threading.Thread(target=vendor.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield vendor
    finally:
        vendor.shutdown()
        vendor.server_close()
        thread.join()
    assert vendor.violations == []
