"""Runs Django in few threads behind a server that has many, each of which would open a connection."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

_AHEAD: Final = 8
"""How many pieces of an answer may wait to be sent."""

_WAIT: Final = 30.0


@dataclass(slots=True)
class _Call:
    environ: dict[str, Any]
    started: Future[tuple[str, list[tuple[str, str]]]] = field(default_factory=Future)
    pieces: queue.Queue[bytes | BaseException | None] = field(default_factory=lambda: queue.Queue(_AHEAD))
    left: threading.Event = field(default_factory=threading.Event)


class InThreads:
    """A WSGI application that answers in threads of its own, the whole of an answer in one of them.

    The threads of the server wait meanwhile. An answer that is made piece by piece goes on as it is made; one
    whose reader has left is given up.
    """

    def __init__(self, application: Callable[..., Iterable[bytes]], *, threads: int) -> None:
        self._application = application
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="django")

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer as WSGI asks."""
        call = _Call(environ)
        self._pool.submit(self._run, call)
        status, headers = call.started.result()
        start_response(status, headers)
        return _Answer(call)

    def _run(self, call: _Call) -> None:
        answer: Iterable[bytes] = ()
        try:

            def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
                call.started.set_result((status, headers))

            answer = self._application(call.environ, start_response)
            for piece in answer:
                if not self._send(call, piece):
                    break
            self._send(call, None)
        except BaseException as error:
            if not call.started.done():
                call.started.set_exception(error)
            else:
                self._send(call, error)
        finally:
            close = getattr(answer, "close", None)
            if close is not None:
                close()

    @staticmethod
    def _send(call: _Call, piece: bytes | BaseException | None) -> bool:
        while not call.left.is_set():
            try:
                call.pieces.put(piece, timeout=_WAIT)
            except queue.Full:
                continue
            return True
        return False


class _Answer:
    """The pieces of an answer as they are made; its reader closes it, read to the end or not begun."""

    def __init__(self, call: _Call) -> None:
        self._call = call

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece = self._call.pieces.get()
        if piece is None:
            raise StopIteration
        if isinstance(piece, BaseException):
            raise piece
        return piece

    def close(self) -> None:
        """Let go of the thread that makes the answer."""
        self._call.left.set()
