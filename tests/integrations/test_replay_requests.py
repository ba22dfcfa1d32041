"""The replay command against a real server on loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from integrations.captured import load
from integrations.management.commands.replay_requests import Command
from integrations.providers.woocommerce.signature import verify

FOLDER = Path(__file__).parents[1] / "contracts" / "woocommerce"
SECRET = 'whsec-test-<&>"quote'


class Shop(ThreadingHTTPServer):
    """Records what arrives; answers 401 to paths that end in `refuse` if the request is signed."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.received: list[tuple[str, list[tuple[str, str]], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/api/v1/hooks/woocommerce/con_1"


class Handler(BaseHTTPRequestHandler):
    server: Shop

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, self.headers.items(), body))
        refused = self.path.endswith("refuse") and "X-WC-Webhook-Signature" in self.headers
        answer = b'{"error": {"code": "signature"}}' if refused else b""
        self.send_response(401 if refused else 200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the test's output quiet."""


@pytest.fixture
def shop() -> Iterator[Shop]:
    server = Shop()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def replay(url: str, *arguments: str) -> list[str]:
    out = StringIO()
    call_command(Command(), str(FOLDER), "--url", url, *arguments, stdout=out)
    return out.getvalue().splitlines()


def test_every_request_arrives_byte_for_byte_with_its_headers(shop: Shop) -> None:
    lines = replay(shop.url)
    requests = list(load(FOLDER))

    assert [body for _, _, body in shop.received] == [request.body for request in requests]
    assert {path for path, _, _ in shop.received} == {"/api/v1/hooks/woocommerce/con_1"}
    for request, (_, headers, body) in zip(requests, shop.received, strict=True):
        given = {name: value for name, value in request.headers if name not in ("Host", "Connection")}
        assert given.items() <= dict(headers).items()
        assert len(headers) == len({name.lower() for name, _ in headers})
        assert not request.header("x-wc-webhook-signature") or verify(dict(headers), body, SECRET)
    assert len(lines) == 19
    assert lines[0].split()[:3] == ["0001-ping", "-", "200"]
    assert lines[5].split()[:3] == ["0014-order.created", "order.created", "200"]
    assert lines[-1] == "18 sent: 18 x 200"


def test_rounds_may_overlap(shop: Shop) -> None:
    lines = replay(shop.url, "--times", "3", "--concurrency", "8")
    bodies = sorted(request.body for request in load(FOLDER))

    assert sorted(body for _, _, body in shop.received) == sorted(bodies * 3)
    assert lines[-1] == "54 sent: 54 x 200"


def test_requests_can_be_signed_with_another_secret(shop: Shop) -> None:
    replay(shop.url, "--secret", "another")

    signed = [entry for entry in shop.received if "X-WC-Webhook-Signature" in dict(entry[1])]
    assert len(signed) == 17
    assert all(verify(dict(headers), body, "another") for _, headers, body in signed)


def test_an_answer_that_is_not_2xx_makes_the_command_fail(shop: Shop) -> None:
    out = StringIO()
    with pytest.raises(CommandError, match="17 of 18 requests were not accepted"):
        call_command(Command(), str(FOLDER), "--url", f"{shop.url}/refuse", stdout=out)

    lines = out.getvalue().splitlines()
    assert lines[-1] == "18 sent: 1 x 200, 17 x 401"
    assert lines[1].endswith('{"error": {"code": "signature"}}')


def test_a_server_that_is_not_there_makes_the_command_fail() -> None:
    out = StringIO()
    with pytest.raises(CommandError, match="18 of 18"):
        call_command(Command(), str(FOLDER), "--url", "http://127.0.0.1:9/", stdout=out)

    assert out.getvalue().splitlines()[-1] == "18 sent: 18 x ConnectError"


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["/nowhere", "--url", "http://127.0.0.1/"], "holds no .http files"),
        ([str(FOLDER), "--url", "127.0.0.1:8000"], "--url must begin with http"),
        ([str(FOLDER), "--url", "http://127.0.0.1/", "--times", "0"], "--times"),
        ([str(FOLDER)], "--url"),
    ],
)
def test_wrong_arguments_are_named(arguments: list[str], fault: str) -> None:
    with pytest.raises(CommandError, match=fault):
        call_command(Command(), *arguments, stdout=StringIO())
