"""A load generator: many keep-alive connections in one thread, each with one request under way.

Raw sockets and epoll, because a client library costs more per request than the server that is measured.
"""

from __future__ import annotations

import re
import select
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

CONNECTIONS: Final = 64
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_PATIENCE_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Load:
    """What a run measured: answers by status, the seconds it took, and each answer's time in ms, sorted."""

    statuses: Counter[int]
    seconds: float
    times_ms: list[float]

    @property
    def answered(self) -> int:
        """How many requests were answered, whatever the answer."""
        return sum(self.statuses.values())

    @property
    def per_second(self) -> float:
        """Answers per second."""
        return self.answered / self.seconds

    def percentile_ms(self, percent: int) -> float:
        """Return the time within which this many percent of the requests were answered."""
        return self.times_ms[min(len(self.times_ms) * percent // 100, len(self.times_ms) - 1)]


class _Connection:
    """One keep-alive connection and the answer it waits for."""

    __slots__ = ("buffer", "sent_at", "socket")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.sent_at = 0.0

    def send(self, request: bytes) -> None:
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> int | None:
        """Read what is there; the status when the answer is whole, else None."""
        part = self.socket.recv(65536)
        if not part:
            raise ConnectionError("the server closed a connection before it had answered")
        self.buffer += part
        head, separator, body = self.buffer.partition(b"\r\n\r\n")
        if not separator:
            return None
        length = _LENGTH.search(head)
        if length is None:
            raise ValueError(f"an answer without a length cannot be told from the next: {head[:200]!r}")
        if len(body) < int(length[1]):
            return None
        self.buffer = b""
        return int(head[9:12])


def run(
    port: int,
    request: Callable[[int], bytes],
    *,
    seconds: float,
    connections: int = CONNECTIONS,
    timed: int | None = None,
) -> Load:
    """Send `request(0)`, `request(1)`, ... for some seconds, and wait for every answer that is owed.

    The times are those of the answers with the status `timed`, if one is given.
    No request is left behind: what was sent has been answered when this returns. Raises TimeoutError when
    nothing comes for half a minute.
    """
    poll = select.epoll()
    waiting = {}
    for _ in range(connections):
        connection = _Connection(port)
        waiting[connection.socket.fileno()] = connection
        poll.register(connection.socket, select.EPOLLIN)
    number = 0
    began = time.perf_counter()
    ends = began + seconds
    statuses: Counter[int] = Counter()
    times: list[float] = []
    open_sockets = [connection.socket for connection in waiting.values()]
    try:
        for connection in waiting.values():
            connection.send(request(number))
            number += 1
        while waiting:
            ready = poll.poll(_PATIENCE_SECONDS)
            if not ready:
                raise TimeoutError(f"no answer for {_PATIENCE_SECONDS:.0f} s")
            for descriptor, _ in ready:
                connection = waiting[descriptor]
                status = connection.receive()
                if status is None:
                    continue
                now = time.perf_counter()
                statuses[status] += 1
                if timed in (None, status):
                    times.append((now - connection.sent_at) * 1000)
                if now < ends:
                    connection.send(request(number))
                    number += 1
                else:
                    poll.unregister(descriptor)
                    del waiting[descriptor]
        finished = time.perf_counter()
    finally:
        poll.close()
        for each in open_sockets:
            each.close()
    return Load(statuses, finished - began, sorted(times))


def http(method: str, path: str, *, headers: dict[str, str], body: bytes = b"") -> bytes:
    """Write a request down as bytes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body
