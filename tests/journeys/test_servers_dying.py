"""Postgres or Valkey dying in the middle of the work: nothing is lost, doubled or done by half."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import httpx
import pytest

from core.money import prorate
from tests.journeys import people
from tests.journeys.browser import Browser
from tests.journeys.numbers import balance, numbers
from tests.journeys.people import Console
from tests.journeys.platform import Platform
from tests.journeys.test_faults import ANN, IBAN, Shop, open_shop

CASH_FOR_BOTH: Final = (
    people.CASH_TEN_PERCENT,
    {**people.CASH_TEN_PERCENT, "side": "referee", "value": "5"},
)
FINANCE: Final = "fay@dying.example"


@pytest.fixture(scope="module")
def owner(platform: Platform) -> Browser:
    """A person who makes a workspace for each test."""
    return people.sign_up(platform, "olaf@dying.example")


def until_taken(send: Callable[[], httpx.Response]) -> Any:
    """Repeat a request until it is taken, as a careful client does; returns the answer's JSON."""
    deadline = time.monotonic() + 60
    while True:
        try:
            answer = send()
            if answer.status_code in (200, 201):
                return answer.json()
            assert answer.status_code >= 500, f"{answer.status_code}: {answer.text[:500]}"
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline, "the request was not taken within a minute"
        time.sleep(0.1)


def sell(shop: Shop, sales: dict[int, int]) -> None:
    """Send each purchase until it is taken."""
    for number, amount in sales.items():
        until_taken(lambda n=number, a=amount: shop.api.send("track/sale", shop.sale(n, a), key=f"sale-{n}"))  # type: ignore[misc]


def rewarded(shop: Shop) -> int:
    """Return how many orders have a reward for the referrer."""
    query = "SELECT count(*) FROM rewards_reward WHERE side = 'referrer'"
    return int(shop.platform.rows(shop.slug, query)[0][0])


def one_reward_each(shop: Shop, sales: dict[int, int]) -> None:
    """Every order has one reward of the right amount, and the books are right."""
    query = """
        SELECT conversion.source_key, reward.amount_minor FROM rewards_reward reward
        JOIN tracking_conversion conversion ON conversion.id = reward.conversion_id
        WHERE reward.side = 'referrer' ORDER BY 1
    """
    expected = sorted((f"inv-{number}", prorate(amount, 1000, 10_000)) for number, amount in sales.items())
    assert sorted(shop.platform.rows(shop.slug, query)) == expected
    shop.platform.wait(
        "the rewards to be approved", lambda: balance(shop.platform, shop.slug, "pending", ANN) == 0
    )
    assert balance(shop.platform, shop.slug, "payable", ANN) == sum(amount for _, amount in expected)
    assert not [key for key in numbers(shop.platform, shop.slug) if key[0] == "dead"]
    shop.platform.manage("verify_ledger")


def postgres_dies(platform: Platform, how: signal.Signals) -> None:
    """End Postgres without warning and start it again."""
    assert platform.postgres is not None
    platform.postgres.die(how)
    platform.postgres.start()


def settled_by(shop: Shop, number: int, amount: int) -> None:
    """The worker that went through it all settles another order by itself; then what it held is settled.

    A minute passes before the work of somebody who died is free again.
    """
    before = rewarded(shop)
    sell(shop, {number: amount})
    shop.platform.wait("another order to be settled", lambda: rewarded(shop) > before)
    shop.platform.kill("worker")
    shop.platform.expire_leases(shop.slug)
    shop.platform.start_worker()
    shop.settle()


def test_postgres_dying_leaves_one_reward_each_and_whole_payouts(platform: Platform, owner: Browser) -> None:
    shop = open_shop(
        platform,
        owner,
        "Dying Postgres",
        rules=CASH_FOR_BOTH,
        scopes=("track", "read", "write", "payouts"),
        hold_days="0",
        approval="automatic",
    )
    live = Console(owner, shop.slug.removesuffix("-sandbox"))
    fay = people.colleague(platform, live, FINANCE, "finance", workspace="Dying Postgres")
    sales = {number: 1000 + 40 * number for number in range(16)}

    with ThreadPoolExecutor(max_workers=1) as pool:
        selling = pool.submit(sell, shop, sales)
        platform.wait("some orders to be settled", lambda: rewarded(shop) >= 4)
        postgres_dies(platform, signal.SIGKILL)
        selling.result()
    settled_by(shop, 99, 2000)
    # A code that was never asked for is looked up at the first try, though the connection died unnoticed.
    owner.get("/r/never-seen", expect=404)
    one_reward_each(shop, {**sales, 99: 2000})

    batch, rows = _approved_batch(shop, fay)
    with ThreadPoolExecutor(max_workers=3) as pool:
        parts = [rows[start : start + 5] for start in range(0, len(rows), 5)]
        posting = [pool.submit(_post_results, shop, batch, part) for part in parts]
        platform.wait("some payouts to be paid", lambda: _paid(shop))
        postgres_dies(platform, signal.SIGQUIT)
        for each in posting:
            each.result()
    total = sum(prorate(amount, 500, 10_000) for amount in {**sales, 99: 2000}.values())
    found = numbers(platform, shop.slug)
    assert found["payout", "paid", "EUR"] == (len(rows), total, 0)
    assert (balance(platform, shop.slug, "paid_out"), balance(platform, shop.slug, "in_transit")) == (
        total,
        0,
    )
    platform.manage("verify_ledger")
    assert "The books are right" in shop.console.get("ledger/?check=1").text


def _approved_batch(shop: Shop, fay: Browser) -> tuple[str, Sequence[dict[str, str]]]:
    """Give every friend a bank account, prepare a batch of them and have it approved; returns its payouts."""
    query = "SELECT public_id FROM programs_customer WHERE external_id LIKE 'buyer-%' ORDER BY id"
    friends = [row[0] for row in shop.platform.rows(shop.slug, query)]
    for friend in friends:
        path = f"customers/{friend}/payout-accounts/bank"
        answer = shop.api.client.put(path, json={"holder": "A Friend", "country": "DE", "iban": IBAN})
        assert answer.status_code == 200, answer.text
    shop.platform.wait("the friends' rewards to be approved", lambda: not _on_hold(shop))
    batch = shop.api.post("payout-batches", {"currency": "EUR", "customers": friends})["id"]
    finance = Console(fay, shop.slug)
    finance.press(finance.get(f"payouts/{batch}/"), "Approve")
    finance.press(finance.get(f"payouts/{batch}/"), "Payment file")
    ids = shop.platform.rows(shop.slug, "SELECT public_id FROM rewards_payout ORDER BY id")
    assert len(ids) == len(friends)
    return batch, [{"payout_id": row[0], "status": "paid", "reference": row[0][-8:]} for row in ids]


def _on_hold(shop: Shop) -> int:
    query = "SELECT count(*) FROM rewards_reward WHERE status IN ('pending', 'held')"
    return int(shop.platform.rows(shop.slug, query)[0][0])


def _paid(shop: Shop) -> int:
    query = "SELECT count(*) FROM rewards_payout WHERE status = 'paid'"
    return int(shop.platform.rows(shop.slug, query)[0][0])


def _post_results(shop: Shop, batch: str, rows: Sequence[dict[str, str]]) -> None:
    """Report one payout after the other, each until it is taken."""
    for row in rows:
        until_taken(lambda r=row: shop.api.send(f"payout-batches/{batch}/results", {"results": [r]}))  # type: ignore[misc]


@pytest.mark.parametrize("how", ["flushed", "killed"])
def test_valkey_forgetting_everything_loses_and_doubles_nothing(
    platform: Platform, owner: Browser, how: str
) -> None:
    shop = open_shop(platform, owner, f"Valkey {how}", hold_days="0", approval="automatic")
    sales = {number: 1500 + 30 * number for number in range(14)}
    with ThreadPoolExecutor(max_workers=1) as pool:
        selling = pool.submit(sell, shop, sales)
        platform.wait("some orders to be settled", lambda: rewarded(shop) >= 4)
        if how == "flushed":
            platform.flush_valkey()
        else:
            platform.kill_valkey()
            platform.start_valkey()
            # Celery gives up, now and then, on a broker that is away; whoever runs it starts it again.
            platform.restart_ended()
        selling.result()
    shop.settle()
    one_reward_each(shop, sales)
    # A signed-in person stays signed in.
    assert ANN in shop.console.get("participants/").text
