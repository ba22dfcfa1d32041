"""Django in threads of its own: answers whole and piecewise, errors, and readers who leave."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from referral_platform.threads import InThreads

Start = Callable[[str, list[tuple[str, str]]], None]


def ask(application: InThreads) -> tuple[list[str], Iterable[bytes]]:
    """Ask as a server does; returns the status lines that came and the answer, not read yet."""
    started: list[str] = []
    answer = application({}, lambda status, headers: started.append(status))
    return started, answer


def test_a_thread_answers_in_the_order_the_pieces_are_made() -> None:
    made_in = []

    def hello(environ: dict[str, Any], start: Start) -> Iterator[bytes]:
        start("200 OK", [])
        made_in.append(threading.current_thread().name)
        yield from (b"a", b"b")

    started, answer = ask(InThreads(hello, threads=1))
    assert (started, b"".join(answer)) == (["200 OK"], b"ab")
    assert made_in[0].startswith("django")


def test_what_fails_before_the_answer_or_in_it_reaches_the_server() -> None:
    def at_once(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        raise RuntimeError("no answer")

    def midway(environ: dict[str, Any], start: Start) -> Iterator[bytes]:
        start("200 OK", [])
        yield b"a"
        raise RuntimeError("cut off")

    with pytest.raises(RuntimeError, match="no answer"):
        ask(InThreads(at_once, threads=1))
    _, answer = ask(InThreads(midway, threads=1))
    with pytest.raises(RuntimeError, match="cut off"):
        b"".join(answer)


@pytest.mark.parametrize("read", [0, 1])
def test_a_reader_who_leaves_frees_the_thread(read: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("referral_platform.threads._WAIT", 0.05)
    closed = threading.Event()

    class Endless:
        def __iter__(self) -> Iterator[bytes]:
            return iter(lambda: b"x", b"")

        def close(self) -> None:
            closed.set()

    def endless(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        start("200 OK", [])
        return Endless()

    application = InThreads(endless, threads=1)
    _, answer = ask(application)
    pieces = iter(answer)
    for _ in range(read):
        next(pieces)
    answer.close()  # type: ignore[attr-defined]
    assert closed.wait(10)
