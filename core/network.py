"""Connections that open only to judged addresses and end at a deadline: the network side of `core.http`."""

from __future__ import annotations

import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import httpcore

from core.errors import Invalid

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[[str, int], Sequence[str]]
RefusalCode = Literal["bad_url", "scheme", "userinfo", "port", "address", "header"]
FailureCode = Literal["timeout", "connect", "tls", "too_large", "protocol"]

MAX_ADDRESSES: Final = 4
"""How many of a name's addresses are tried, in the resolver's order."""

# IANA special-purpose registry for IPv4, plus the address at which Azure answers its own machines.
_CLOSED_V4: Final = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# Only global unicast is open in IPv6. That alone closes ::, ::1, mapped, compatible, NAT64, unique local,
# link-local, site-local and multicast forms; 6to4, Teredo and documentation lie inside it.
_OPEN_V6: Final = ipaddress.IPv6Network("2000::/3")
_CLOSED_V6: Final = tuple(
    ipaddress.IPv6Network(text)
    for text in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)
_WRITE_CHUNK: Final = 65_536


class OutboundRefused(Invalid):
    """The call was not made, because its URL or its headers are not allowed."""

    def __init__(self, code: RefusalCode, message: str) -> None:
        super().__init__(message, code=code, param="headers" if code == "header" else "url")


class OutboundFailed(Exception):
    """The call was tried and brought no usable answer; `code` says at which step it ended."""

    def __init__(self, code: FailureCode, message: str) -> None:
        super().__init__(message)
        self.code: FailureCode = code
        self.message = message


def system_resolver(host: str, port: int) -> list[str]:
    """Return the addresses of `host` in the operating system's order of preference."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True)
class Policy:
    """What may be called. The default is the public internet on the usual ports of the web.

    `allow_addresses` opens networks that are closed otherwise, such as loopback in development. `ca_file` is
    a PEM file of authorities to trust instead of the public ones.
    """

    allow_addresses: tuple[Network, ...] = ()
    allow_ports: Container[int] = (80, 443, 8443)
    ca_file: str | None = None
    resolve: Resolver = system_resolver

    def allows(self, address: Address) -> bool:
        """Say whether a connection to `address` may be opened."""
        if any(address in network for network in self.allow_addresses):
            return True
        if isinstance(address, ipaddress.IPv4Address):
            return not any(address in network for network in _CLOSED_V4)
        return address in _OPEN_V6 and not any(address in network for network in _CLOSED_V6)


def parsed_address(text: str) -> Address | None:
    """Return the address written in `text`, None if it is a name."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def address_refused() -> OutboundRefused:
    """Make the error for an address that the policy closes."""
    return OutboundRefused("address", "The URL leads to an address that is not on the public internet.")


class Deadline:
    """The moment at which a request ends, whatever the server is doing."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that remain; raises OutboundFailed("timeout") when there are none."""
        seconds = self._end - time.monotonic()
        if seconds <= 0:
            raise OutboundFailed("timeout", "The server did not answer in time.")
        return seconds


class Backend(httpcore.NetworkBackend):
    """Opens connections to judged addresses only; TLS still names and checks the host of the URL."""

    def __init__(self, policy: Policy, deadline: Deadline) -> None:
        self._policy = policy
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        literal = parsed_address(host)
        found = [literal] if literal else _resolved(self._policy, host, port, self._deadline)
        allowed = [address for address in found if self._policy.allows(address)]
        if found and not allowed:
            raise address_refused()
        last: OSError | None = None
        tried = allowed[:MAX_ADDRESSES]
        for position, address in enumerate(tried):
            # A silent address gets its part of the time, so that the next one still has some.
            seconds = self._deadline.left() / (len(tried) - position)
            try:
                return _Stream(_dialled(address, port, seconds), self._deadline)
            except OSError as error:
                last = error
        if isinstance(last, TimeoutError):
            raise httpcore.ConnectTimeout(str(last)) from last
        raise httpcore.ConnectError(str(last)) from last


class _Stream(httpcore.NetworkStream):
    """A socket on which every wait is cut to what is left of the request's time."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._socket = connection
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._socket.settimeout(self._deadline.left())
        try:
            return self._socket.recv(max_bytes)
        except TimeoutError as error:
            raise httpcore.ReadTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        rest = memoryview(buffer)
        try:
            while rest:
                self._socket.settimeout(self._deadline.left())
                rest = rest[self._socket.send(rest[:_WRITE_CHUNK]) :]
        except TimeoutError as error:
            raise httpcore.WriteTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.WriteError(str(error)) from error

    def close(self) -> None:
        self._socket.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            self._socket.settimeout(self._deadline.left())
            secured = ssl_context.wrap_socket(self._socket, server_hostname=server_hostname)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(str(error)) from error
        except (OSError, ValueError) as error:
            raise OutboundFailed("tls", "The server's certificate or its TLS was refused.") from error
        finally:
            # After a handshake this socket is an empty shell; after a failure it must not stay open.
            self._socket.close()
        return _Stream(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return None


def _dialled(address: Address, port: int, seconds: float) -> socket.socket:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(seconds)
        connection.connect((str(address), port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        connection.close()
        raise
    return connection


def _resolved(policy: Policy, host: str, port: int, deadline: Deadline) -> list[Address]:
    """Resolve in a thread of its own, because the system's resolver knows no deadline."""
    answers: queue.SimpleQueue[Sequence[str] | Exception] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(policy.resolve(host, port))
        except Exception as error:  # carried over to the waiting thread, which raises it
            answers.put(error)

    threading.Thread(target=look_up, name="resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=deadline.left())
    except queue.Empty as error:
        raise OutboundFailed("timeout", "The host name was not resolved in time.") from error
    if isinstance(answer, OSError | UnicodeError):
        raise OutboundFailed("connect", "The host name could not be resolved.") from answer
    if isinstance(answer, Exception):
        raise answer
    return [address for address in map(parsed_address, answer) if address is not None]
