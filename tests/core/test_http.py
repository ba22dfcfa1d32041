"""Safe outbound HTTP against real servers on loopback."""

from __future__ import annotations

import gzip
import ipaddress
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_socket import socket_allow_hosts

from core.http import OutboundFailed, OutboundRefused, Policy, check_url, get, post, retry_after_seconds

LOOPBACK = ipaddress.ip_network("127.0.0.0/8")
LOCAL = Policy(allow_addresses=(LOOPBACK,), allow_ports=range(1, 65_536))
CERTIFICATE = Path(__file__).parent / "shop.test.pem"
Answer = Callable[[socket.socket, bytes], None]


@pytest.fixture(autouse=True)
def other_loopback_addresses() -> None:
    """Let these tests dial all of 127.0.0.0/8: two addresses are needed to see which one was chosen."""
    socket_allow_hosts([str(LOOPBACK)])


class Server:
    """A socket server that reads one whole request per connection and lets `answer` do anything with it."""

    def __init__(self, answer: Answer, *, tls: bool = False) -> None:
        self.requests: list[bytes] = []
        self._answer = answer
        self._context: ssl.SSLContext | None = None
        if tls:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(CERTIFICATE)
        self.server_names: list[str | None] = []
        if self._context is not None:
            self._context.sni_callback = lambda _, name, __: self.server_names.append(name)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/hook?x=1"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(5)
        try:
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
            request = connection.recv(65_536)
            while b"\r\n\r\n" not in request:
                more = connection.recv(65_536)
                if not more:
                    return
                request += more
            head, _, body = request.partition(b"\r\n\r\n")
            wanted = next(
                (
                    int(line[15:])
                    for line in head.split(b"\r\n")
                    if line.lower().startswith(b"content-length")
                ),
                0,
            )
            while len(body) < wanted:
                body += connection.recv(65_536)
            self.requests.append(head + b"\r\n\r\n" + body)
            self._answer(connection, body)
        except OSError:
            return
        finally:
            connection.close()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(timeout=6)


@contextmanager
def serving(answer: Answer | bytes, *, tls: bool = False) -> Iterator[Server]:
    if isinstance(answer, bytes):
        text = answer
        server = Server(lambda connection, _: connection.sendall(text), tls=tls)
    else:
        server = Server(answer, tls=tls)
    try:
        yield server
    finally:
        server.close()


def refusal(url: str, policy: Policy = LOCAL) -> str:
    with pytest.raises(OutboundRefused) as caught:
        post(url, body=b"", timeout=2, policy=policy)
    return caught.value.code


def failure(url: str, *, timeout: float = 2, policy: Policy = LOCAL) -> str:
    with pytest.raises(OutboundFailed) as caught:
        post(url, body=b"x", timeout=timeout, policy=policy)
    return caught.value.code


# Addresses


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "::ffff:0:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::7f00:1",
        "100::1",
        "2001::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:2::1",
        "2001:10::1",
        "2001:20::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%1",
        "fec0::1",
        "ff02::1",
    ],
)
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    public = Policy(resolve=lambda _host, _port: [address])

    assert not public.allows(ipaddress.ip_address(address))
    assert refusal("https://shop.test/hook", public) == "address"


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "8.8.8.8", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "2a00:1450:4001::1"]
)
def test_public_addresses_are_allowed(address: str) -> None:
    assert Policy().allows(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[::127.0.0.1]", "[fec0::1]", "[64:ff9b::7f00:1]"]
)
def test_literal_addresses_are_refused_before_anything_is_resolved(host: str) -> None:
    with pytest.raises(OutboundRefused) as caught:
        check_url(f"https://{host}/hook")

    assert (caught.value.code, caught.value.param) == ("address", "url")


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "localhost"])
def test_other_spellings_of_loopback_are_refused_when_resolved(host: str) -> None:
    assert refusal(f"http://{host}/", Policy()) == "address"


def test_a_name_that_changes_its_answer_is_resolved_once_and_the_judged_address_is_dialled() -> None:
    answers = iter([["127.0.0.2"], ["127.0.0.1"]])
    asked: list[tuple[str, int]] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return next(answers)

    only_two = (ipaddress.ip_network("127.0.0.2/32"),)
    with serving(b"HTTP/1.1 204 No Content\r\n\r\n") as server:
        policy = replace(LOCAL, allow_addresses=only_two, resolve=rebinding)
        # The server listens on 127.0.0.1 only, so reaching 127.0.0.2 fails: nothing was resolved again.
        assert failure(f"http://shop.test:{server.port}/", policy=policy) == "connect"
        assert asked == [("shop.test", server.port)]
        assert refusal(f"http://shop.test:{server.port}/", policy) == "address"
        assert server.requests == []


def test_closed_addresses_of_a_name_are_passed_over_and_unreachable_ones_too() -> None:
    with serving(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") as server:
        policy = replace(LOCAL, resolve=lambda _h, _p: ["10.0.0.1", "127.0.0.9", "127.0.0.1"])

        response = post(f"http://shop.test:{server.port}/", body=b"{}", policy=policy)

    assert (response.status, response.body) == (200, b"ok")
    assert f"Host: shop.test:{server.port}\r\n".encode() in server.requests[0]


def test_names_that_do_not_resolve_fail() -> None:
    def unknown(_host: str, _port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    assert failure("http://shop.test/", policy=Policy(resolve=unknown)) == "connect"
    assert failure("http://shop.test/", policy=Policy(resolve=lambda _h, _p: [])) == "connect"
    assert failure(f"http://{'a' * 64}.test/", policy=Policy()) == "connect"


def test_a_fault_of_the_resolver_is_not_hidden() -> None:
    def broken(_host: str, _port: int) -> list[str]:
        raise KeyError("fault")

    with pytest.raises(KeyError):
        post("http://shop.test/", body=b"", timeout=2, policy=Policy(resolve=broken))


def test_a_resolver_that_hangs_ends_at_the_deadline() -> None:
    release = threading.Event()

    def hanging(_host: str, _port: int) -> list[str]:
        release.wait(5)
        return ["127.0.0.1"]

    began = time.monotonic()
    code = failure("http://shop.test/", timeout=0.3, policy=replace(LOCAL, resolve=hanging))
    release.set()

    assert code == "timeout"
    assert time.monotonic() - began < 1.5


# URLs and headers


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "bad_url"),
        ("shop.test/hook", "bad_url"),
        ("http:shop.test", "bad_url"),
        ("//shop.test/", "bad_url"),
        ("https://", "bad_url"),
        ("https:///hook", "bad_url"),
        ("https://shop.test/a b", "bad_url"),
        ("https://shop.test/\r\nX: y", "bad_url"),
        ("https://shop.test\\@127.0.0.1/", "bad_url"),
        ("https://0177.0.0.1/", "bad_url"),
        ("https://shop.test:x/", "bad_url"),
        ("https://[::1/", "bad_url"),
        ("https://\udcff.test/", "bad_url"),
        ("https://shop.test/" + "a" * 2048, "bad_url"),
        ("ftp://shop.test/", "scheme"),
        ("file://shop.test/etc/passwd", "scheme"),
        ("gopher://shop.test:80/", "scheme"),
        ("https://user@shop.test/", "userinfo"),
        ("https://user:secret@shop.test/", "userinfo"),
        ("https://@shop.test/", "userinfo"),
        ("http://shop.test:22/", "port"),
        ("http://shop.test:0/", "port"),
        ("http://shop.test:99999/", "port"),
        ("https://shop.test:6379/", "port"),
    ],
)
def test_urls_are_refused_with_a_code(url: str, code: str) -> None:
    with pytest.raises(OutboundRefused) as caught:
        check_url(url)

    assert caught.value.code == code


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.test",
        "http://shop.test:80/hook?a=b#c",
        "HTTPS://SHOP.TEST:8443/",
        "https://bücher.example/",
        "https://1.1.1.1/",
        "https://[2606:4700::1111]/",
    ],
)
def test_ordinary_urls_are_accepted(url: str) -> None:
    check_url(url)


@given(st.one_of(st.text(), st.text().map("https://{}".format), st.text().map("http://shop.test{}".format)))
def test_no_text_breaks_the_check(url: str) -> None:
    with suppress(OutboundRefused):
        check_url(url)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "internal"},
        {"content-length": "0"},
        {"X-Name": "é"},
        {"X-A": "b\r\nX-C: d"},
        {"X A": "b"},
        {"X-A": "b "},
    ],
)
def test_headers_that_could_contradict_the_request_are_refused(headers: dict[str, str]) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    with serving(answer) as server, pytest.raises(OutboundRefused) as caught:
        post(server.url, body=b"", headers=headers, policy=LOCAL)

    assert (caught.value.code, caught.value.param) == ("header", "headers")
    assert server.requests == []


# Answers


def test_a_post_sends_the_body_byte_for_byte_and_returns_status_headers_and_body() -> None:
    answer = b"HTTP/1.1 410 Gone\r\nRetry-After: 7\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 3\r\n\r\nbye"
    with serving(answer) as server:
        response = post(server.url, body=b"\x00\xff{}", headers={"webhook-id": "msg_1"}, policy=LOCAL)

    assert (response.status, response.body, response.truncated) == (410, b"bye", False)
    assert response.headers == {"retry-after": "7", "x-a": "1, 2", "content-length": "3"}
    assert 0 <= response.elapsed_ms < 2000
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert body == b"\x00\xff{}"
    assert head.split(b"\r\n") == [
        b"POST /hook?x=1 HTTP/1.1",
        f"Host: 127.0.0.1:{server.port}".encode(),
        b"Accept-Encoding: identity",
        b"Connection: close",
        b"User-Agent: referral-platform",
        b"webhook-id: msg_1",
        b"Content-Length: 4",
    ]


def test_a_get_has_no_body() -> None:
    with serving(b"HTTP/1.1 200 OK\r\n\r\nuntil the end") as server:
        response = get(server.url, headers={"User-Agent": "mine"}, policy=LOCAL)

    assert response.body == b"until the end"
    assert b"User-Agent: mine" in server.requests[0]
    assert b"ontent-" not in server.requests[0]


def test_redirects_are_not_followed() -> None:
    with serving(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as other:
        location = b"Location: " + other.url.encode()
        with serving(b"HTTP/1.1 302 Found\r\n" + location + b"\r\nContent-Length: 0\r\n\r\n") as server:
            response = post(server.url, body=b"{}", policy=LOCAL)

    assert (response.status, response.headers["location"]) == (302, other.url)
    assert other.requests == []


def test_a_compressed_answer_is_not_expanded() -> None:
    bomb = gzip.compress(b"0" * 10_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    with serving(head + bomb) as server:
        response = get(server.url, policy=LOCAL)

    assert response.body == bomb


def test_a_huge_answer_is_cut_or_refused() -> None:
    sent = 0

    def endless(connection: socket.socket, _body: bytes) -> None:
        nonlocal sent
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            sent += connection.send(b"x" * 65_536)

    with serving(endless) as server:
        response = post(server.url, body=b"", limit=1000, policy=LOCAL)
        with pytest.raises(OutboundFailed) as caught:
            get(server.url, limit=1000, policy=LOCAL)

    assert (response.status, response.body, response.truncated) == (200, b"x" * 1000, True)
    assert caught.value.code == "too_large"
    assert sent < 50_000_000


def test_an_answer_of_exactly_the_limit_is_whole() -> None:
    with serving(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345") as server:
        response = get(server.url, limit=5, policy=LOCAL)

    assert (response.body, response.truncated) == (b"12345", False)


def drip_head(connection: socket.socket, _body: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
    while True:
        connection.sendall(b"a")
        time.sleep(0.05)


def drip_body(connection: socket.socket, _body: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        connection.sendall(b"a")
        time.sleep(0.05)


def drip_interim(connection: socket.socket, _body: bytes) -> None:
    while True:
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        time.sleep(0.05)


def hang(connection: socket.socket, _body: bytes) -> None:
    connection.recv(1)


@pytest.mark.parametrize("answer", [drip_head, drip_body, drip_interim, hang])
def test_a_server_that_drips_or_hangs_ends_at_the_deadline(answer: Answer) -> None:
    with serving(answer) as server:
        began = time.monotonic()
        code = failure(server.url, timeout=0.4)
        elapsed = time.monotonic() - began

    assert code == "timeout"
    assert 0.4 <= elapsed < 1.5


@pytest.mark.parametrize("sip", [1000, 0])
def test_a_receiver_that_reads_slowly_or_never_ends_at_the_deadline(sip: int) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def receive() -> None:
        connection, _ = listener.accept()
        with connection:
            while not stop.wait(0.02):
                connection.recv(sip)

    thread = threading.Thread(target=receive, daemon=True)
    thread.start()
    began = time.monotonic()
    with pytest.raises(OutboundFailed) as caught:
        post(
            f"http://127.0.0.1:{listener.getsockname()[1]}/",
            body=b"x" * 50_000_000,
            timeout=0.5,
            policy=LOCAL,
        )
    elapsed = time.monotonic() - began
    stop.set()
    thread.join()
    listener.close()

    assert caught.value.code == "timeout"
    assert elapsed < 1.5


def test_a_time_of_nothing_is_a_timeout() -> None:
    assert failure("http://127.0.0.1:9/", timeout=0) == "timeout"


def test_an_answer_given_before_the_body_was_read_is_kept() -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def refuse_early() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(1_000_000):
                pass

    thread = threading.Thread(target=refuse_early, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    response = post(url, body=b"x" * 5_000_000, policy=LOCAL)
    thread.join()
    listener.close()

    assert response.status == 413


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000,
    ],
)
def test_broken_answers_fail_as_protocol_errors(answer: bytes) -> None:
    with serving(answer) as server:
        assert failure(server.url) == "protocol"


def test_a_closed_port_fails_to_connect() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    assert failure(f"http://127.0.0.1:{port}/") == "connect"


def test_connections_that_are_reset_fail_as_protocol_errors() -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def reset() -> None:
        for _ in range(2):
            connection, _address = listener.accept()
            connection.recv(1000)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()

    thread = threading.Thread(target=reset, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    with pytest.raises(OutboundFailed) as reading:
        get(url, timeout=5, policy=LOCAL)
    with pytest.raises(OutboundFailed) as writing:
        post(url, body=b"x" * 50_000_000, timeout=5, policy=LOCAL)
    thread.join()
    listener.close()

    assert (reading.value.code, writing.value.code) == ("protocol", "protocol")


def test_an_address_that_stays_silent_is_a_timeout_and_leaves_time_for_the_next() -> None:
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    port = full.getsockname()[1]
    waiting = []
    for _ in range(4):  # a full backlog makes further connections wait
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", port))
        waiting.append(client)
    try:
        assert failure(f"http://127.0.0.1:{port}/", timeout=0.3) == "timeout"
        with socket.create_server(("127.0.0.2", port)) as other:
            thread = threading.Thread(target=_answer_once, args=(other,), daemon=True)
            thread.start()
            policy = replace(LOCAL, resolve=lambda _h, _p: ["127.0.0.1", "127.0.0.2"])
            response = post(f"http://shop.test:{port}/", body=b"", timeout=1, policy=policy)
            thread.join()
    finally:
        for client in waiting:
            client.close()
        full.close()

    assert response.status == 204


def _answer_once(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")


# TLS

TRUSTING = replace(LOCAL, ca_file=str(CERTIFICATE), resolve=lambda _h, _p: ["127.0.0.1"])


def test_tls_names_and_checks_the_host_of_the_url_while_the_resolved_address_is_dialled() -> None:
    with serving(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", tls=True) as server:
        response = post(f"https://shop.test:{server.port}/", body=b"{}", policy=TRUSTING)
        other_name = failure(f"https://other.test:{server.port}/", policy=TRUSTING)
        untrusted = failure(f"https://shop.test:{server.port}/", policy=replace(TRUSTING, ca_file=None))

    assert (response.status, response.body) == (200, b"ok")
    assert (other_name, untrusted) == ("tls", "tls")
    assert server.server_names == ["shop.test", "other.test", "shop.test"]
    assert len(server.requests) == 1


def test_a_server_without_tls_fails_as_tls() -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def answer_in_the_clear() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    thread = threading.Thread(target=answer_in_the_clear, daemon=True)
    thread.start()
    code = failure(f"https://127.0.0.1:{listener.getsockname()[1]}/")
    thread.join()
    listener.close()

    assert code == "tls"


def test_a_handshake_that_hangs_ends_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert failure(f"https://127.0.0.1:{listener.getsockname()[1]}/", timeout=0.3) == "timeout"


# Retry-After


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 120 ", 120),
        ("Sun, 22 Nov 2026 10:00:30 GMT", 30),
        ("Sun, 22 Nov 2026 09:00:00 GMT", 0),
        ("", None),
        ("-1", None),
        ("soon", None),
        ("9" * 5000, None),
        ("Sun, 22 Nov 99999 10:00:30 GMT", None),
        ("Sun, 22 Nov 2026 10:00:30 -0000", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(text: str, seconds: int | None) -> None:
    at = datetime(2026, 11, 22, 10, 0, 0, tzinfo=UTC)

    assert retry_after_seconds({"retry-after": text}, at=at) == seconds
    assert retry_after_seconds({}, at=at) is None
