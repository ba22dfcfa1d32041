"""Clicks per second through `/r/<code>`: each answered redirect is a stored, classified click."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from benchmarks import load
from benchmarks.ground import Ground
from benchmarks.report import Figure
from benchmarks.shop import BROWSER, Shop, rows

_TURNS = 50


def measure(ground: Ground, shop: Shop, *, seconds: float) -> Figure:
    """Click on all links in turn, each time as a new visitor; AssertionError for a click that was lost."""
    requests = _clicks(shop)

    def request(number: int) -> bytes:
        return requests[number % len(requests)]

    with ground.web() as port:
        load.run(port, request, seconds=1)
        ground.analyze()
        before = rows(shop)["click"]
        done = load.run(port, request, seconds=seconds)
    assert set(done.statuses) == {302}, f"not only redirects were answered: {dict(done.statuses)}"
    stored = rows(shop)["click"] - before
    assert stored == done.answered, f"{done.answered} clicks were answered and {stored} are stored"
    return Figure("click stored, then redirected", done, f"{stored} answered, {stored} stored")


def measure_beside_made_up(ground: Ground, shop: Shop, *, seconds: float) -> Figure:
    """Click as before while somebody tries as many codes that nobody has, each another, from one address.

    The figure is that of the real clicks. AssertionError for one that was lost or not answered.
    """
    requests = _clicks(shop)
    stranger = {"User-Agent": BROWSER, "X-Forwarded-For": "198.51.100.7"}

    def request(number: int) -> bytes:
        if number % 2:
            return load.http("GET", f"/r/nobody-{number:x}", headers=stranger)
        return requests[number // 2 % len(requests)]

    with ground.web() as port:
        load.run(port, request, seconds=1)
        ground.analyze()
        before, memory = rows(shop)["click"], _resident(ground)
        done = load.run(port, request, seconds=seconds, timed=302)
        grown = _resident(ground) - memory
    real = done.statuses[302]
    stored = rows(shop)["click"] - before
    assert stored == real, f"{real} clicks were answered and {stored} are stored"
    assert abs(real * 2 - done.answered) <= load.CONNECTIONS, f"real clicks were refused: {done.statuses}"
    refused = {status: count for status, count in sorted(done.statuses.items()) if status != 302}
    checked = f"{stored} stored; made up: {refused}; memory {grown / 2**20:+.1f} MiB"
    only = load.Load(Counter({302: real}), done.seconds, done.times_ms)
    return Figure("the same beside as many made-up codes from one address", only, checked)


def _clicks(shop: Shop) -> list[bytes]:
    """Return clicks on all links from as many addresses as a crowd has: from one most would be a flood."""
    headers = {"User-Agent": BROWSER, "Accept": "text/html", "Referer": "https://www.example.com/post"}
    return [
        load.http("GET", f"/r/{code}", headers={**headers, "X-Forwarded-For": f"192.0.{number % 250}.{turn}"})
        for turn in range(_TURNS)
        for number, code in enumerate(shop.codes)
    ]


def _resident(ground: Ground) -> int:
    """Return the bytes that the web server and its workers hold in memory."""
    parents: dict[int, int] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            # It ended while we looked.
            continue
    family = {ground.processes["web"].pid}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in family)
    return pages * 4096
