"""Clicks per second through `/r/<code>`: each answered redirect is a stored, classified click."""

from __future__ import annotations

from benchmarks import load
from benchmarks.ground import Ground
from benchmarks.report import Figure
from benchmarks.shop import BROWSER, Shop, rows

_TURNS = 50


def measure(ground: Ground, shop: Shop, *, seconds: float) -> Figure:
    """Click on all links in turn, each time as a new visitor; AssertionError for a click that was lost."""
    headers = {"User-Agent": BROWSER, "Accept": "text/html", "Referer": "https://www.example.com/post"}
    # From as many addresses as a crowd has: from one alone most of it would be a flood.
    requests = [
        load.http("GET", f"/r/{code}", headers={**headers, "X-Forwarded-For": f"192.0.{number % 250}.{turn}"})
        for turn in range(_TURNS)
        for number, code in enumerate(shop.codes)
    ]

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
