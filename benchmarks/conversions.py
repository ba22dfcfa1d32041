"""Conversions per second through `POST /api/v1/track/sale`, and what became of each."""

from __future__ import annotations

import json
import time

from benchmarks import load
from benchmarks.ground import Ground
from benchmarks.report import Figure
from benchmarks.shop import Shop, owed, rows

_DRAIN_SECONDS = 180.0


def _request(shop: Shop, mode: str, number: int) -> bytes:
    body = {
        "customerExternalId": f"{mode}-{number}",
        "invoiceId": f"{mode}-{number}",
        "clickId": shop.clicks[number % len(shop.clicks)],
        "amount": 10_000,
        "currency": "EUR",
        "mode": mode,
    }
    headers = {"Authorization": f"Bearer {shop.token}"}
    return load.http("POST", "/api/v1/track/sale", headers=headers, body=json.dumps(body).encode())


def _measured(ground: Ground, shop: Shop, mode: str, seconds: float) -> tuple[load.Load, dict[str, int]]:
    with ground.web() as port:
        warm = load.run(port, lambda number: _request(shop, mode, number), seconds=1)
        ground.analyze()
        before = rows(shop)
        done = load.run(port, lambda number: _request(shop, mode, number + warm.answered), seconds=seconds)
    assert set(done.statuses) == {201}, f"not only new conversions were answered: {dict(done.statuses)}"
    after = rows(shop)
    return done, {name: after[name] - before[name] for name in after}


def measure_async(ground: Ground, shop: Shop, *, seconds: float) -> tuple[Figure, str]:
    """Record purchases without waiting; AssertionError for one that is not stored or decided.

    Then the worker, on the same core, makes the rewards: the second value says how fast.
    """
    done, new = _measured(ground, shop, "async", seconds)
    stored = new["conversion"]
    assert stored == done.answered, f"{done.answered} sales were answered and {stored} are stored"
    assert new["attribution"] == stored, f"{stored} sales have {new['attribution']} decisions"
    waiting = owed(shop)
    with ground.worker():
        deadline = time.monotonic() + _DRAIN_SECONDS
        # Its start is not what is measured.
        while (left := owed(shop)) == waiting and time.monotonic() < deadline:
            time.sleep(0.05)
        began, first = time.monotonic(), left
        while (left := owed(shop)) and time.monotonic() < deadline:
            time.sleep(0.1)
        took = time.monotonic() - began
    assert not left, f"{left} of {waiting} deliveries were not made in {_DRAIN_SECONDS:.0f} s"
    total = rows(shop)
    assert total["reward"] == total["transfer"] == total["conversion"], f"rewards are missing: {total}"
    per_sale = waiting / total["conversion"]
    figure = Figure("purchase, `async`: stored and decided", done, f"{stored} answered, {stored} stored")
    return figure, (
        f"The worker, on the same core, then delivered {first} events at {first / took:.0f} a second "
        f"({per_sale:.0f} for each purchase): "
        f"{first / took / per_sale:.0f} purchases a second got their rewards."
    )


def measure_wait(ground: Ground, shop: Shop, *, seconds: float) -> Figure:
    """Record purchases and wait for decision, reward and ledger; AssertionError for one that lacks any."""
    done, new = _measured(ground, shop, "wait", seconds)
    for table in ("conversion", "attribution", "reward", "transfer"):
        assert new[table] == done.answered, f"{done.answered} sales gave {new[table]} rows of {table}"
    return Figure(
        "purchase, `wait`: with reward and ledger",
        done,
        f"{done.answered} answered, {done.answered} rewarded",
    )
