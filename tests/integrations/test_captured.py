"""Captured requests are read back byte for byte, and their signatures still hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from integrations.captured import CapturedRequest, load
from integrations.providers.woocommerce.signature import is_ping, verify

FOLDER = Path(__file__).parents[1] / "contracts" / "woocommerce"
SECRET = 'whsec-test-<&>"quote'


def test_every_file_is_one_request_in_the_order_of_the_names() -> None:
    requests = list(load(FOLDER))

    numbers = [int(request.name[:4]) for request in requests]
    assert numbers == [1, *range(10, 21), *range(33, 39)]
    assert {(request.method, request.path) for request in requests} == {("POST", "/woo")}


def test_a_request_keeps_its_headers_and_body_exactly() -> None:
    ping = next(load(FOLDER))

    assert ping == CapturedRequest(
        name="0001-ping",
        method="POST",
        path="/woo",
        headers=(
            ("Host", "127.0.0.1:8090"),
            ("User-Agent", "WooCommerce/11.0.1 Hookshot (WordPress/7.1.4)"),
            ("Accept", "*/*"),
            ("Accept-Encoding", "deflate, gzip, br, zstd"),
            ("Connection", "close"),
            ("Content-Length", "12"),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ),
        body=b"webhook_id=1",
    )
    assert ping.header("content-TYPE") == "application/x-www-form-urlencoded"
    assert ping.header("x-absent") == ""


def test_every_signature_holds_but_the_ping_has_none() -> None:
    requests = list(load(FOLDER))
    verified = [request.name for request in requests if verify(dict(request.headers), request.body, SECRET)]
    pings = [request.name for request in requests if is_ping(dict(request.headers), request.body)]

    assert pings == ["0001-ping"]
    assert verified == [request.name for request in requests[1:]]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "not a whole HTTP request"),
        (b"POST / HTTP/1.1\nContent-Length: 0\n\n", "not a whole HTTP request"),
        (b"hello\r\n\r\n", "not a whole HTTP request"),
        (b"POST / HTTP/1.1\r\nbroken\r\n\r\n", "without a colon: 'broken'"),
        (b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nabc", "Content-Length '4' but has 3 bytes"),
        (b"POST / HTTP/1.1\r\nHost: a\r\n\r\nabc", "Content-Length '' but has 3 bytes"),
    ],
)
def test_files_that_are_no_request_are_named(tmp_path: Path, content: bytes, fault: str) -> None:
    (tmp_path / "bad.http").write_bytes(content)

    with pytest.raises(ValueError, match=f"bad.http .*{fault}"):
        list(load(tmp_path))


def test_a_folder_without_requests_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no"):
        list(load(tmp_path))
