"""Repeated, simultaneous and interrupted work ends in the numbers of undisturbed work."""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

import httpx
import pytest

from core.money import prorate
from engagement.services.delivery import INTERRUPTED
from tests.journeys import people
from tests.journeys.browser import Browser
from tests.journeys.numbers import balance, numbers, numbers_and_steps
from tests.journeys.people import Api, Console, Enrolled
from tests.journeys.platform import Platform

T = TypeVar("T")

AT_ONCE: Final = 16
ANN: Final = "anna@faults.example"
IBAN: Final = "DE02120300000000202051"


@dataclass(frozen=True, slots=True)
class Shop:
    """A sandbox with a program, a participant with one click, an API key and a connected shop.

    Its clock is a day ahead of the click, because a purchase right behind its click is held.
    """

    platform: Platform
    console: Console
    api: Api
    ann: Enrolled
    click: str
    hook: tuple[str, str]

    @property
    def slug(self) -> str:
        """Where the console's pages of the sandbox are."""
        return self.console.slug

    def settle(self) -> None:
        """Wait until the worker has nothing left to do."""
        self.platform.settle(self.slug)

    def sale(self, number: int, amount: int, **more: Any) -> dict[str, Any]:
        """Return the body of a purchase by a customer of its own."""
        return {
            "customerExternalId": f"buyer-{number}",
            "invoiceId": f"inv-{number}",
            "clickId": self.click,
            "amount": amount,
            "currency": "EUR",
            **more,
        }

    def order(self, number: int, **changes: Any) -> dict[str, Any]:
        """Return an order of 80.00 as the shop sends it, ordered just now."""
        stamp = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S")
        fields: dict[str, Any] = {
            "total": "80.00",
            "email": f"guest{number}@friends.example",
            "click_id": self.click,
            "created": stamp,
            "modified": stamp,
            **changes,
        }
        return people.order(number, **fields)

    def books_are_right(self) -> None:
        """Have the ledger added up again."""
        assert "The books are right" in self.console.get("ledger/?check=1").text


@pytest.fixture(scope="module")
def owner(platform: Platform) -> Browser:
    """A person who makes a workspace for each test."""
    return people.sign_up(platform, "otto@faults.example")


_TRUSTING = {"fraud-hold_at": "1000", "fraud-deny_at": "1000"}


def open_shop(
    platform: Platform,
    owner: Browser,
    name: str,
    *,
    rules: Sequence[dict[str, str]] = (people.CASH_TEN_PERCENT, people.CREDIT_FIVE),
    scopes: Sequence[str] = ("track", "read"),
    **terms: str,
) -> Shop:
    """Set up a sandbox that pays 10 % in cash to the referrer and 5.00 in credit to the friend.

    All friends come by one browser here, which would be looked at, so the thresholds are out of reach.
    """
    console = people.sandbox_of(people.new_workspace(owner, name))
    program = people.publish_program(
        console,
        "Refer a friend",
        rules=list(rules),
        destination_url="https://shop.example/welcome",
        **{"hold_days": "30", "approval": "manual", **_TRUSTING, **terms},
    )
    ann = people.enrol(console, program, email=ANN, name="Ann Able")
    click = people.click(platform, ann.code)
    console.move_clock(1)
    token = people.new_key(console, *scopes)
    shop = Shop(platform, console, Api(platform, token), ann, click, people.new_shop(console))
    shop.settle()
    return shop


def at_once(jobs: Sequence[Callable[[], T]]) -> list[T]:
    """Run jobs at the same time and return what they returned, in their order."""
    with ThreadPoolExecutor(max_workers=len(jobs)) as pool:
        return [future.result() for future in [pool.submit(job) for job in jobs]]


def _conversation(shop: Shop, send: Callable[[Callable[[], httpx.Response]], list[httpx.Response]]) -> None:
    """Do what a program and a shop send, step by step, each step sent by `send`."""
    api = shop.api
    lead = {"clickId": shop.click, "customerExternalId": "buyer-1", "customerEmail": "b1@friends.example"}
    first, partly, whole = shop.order(1001), shop.order(1001, refunds=((7, "30.00"),)), shop.order(1002)
    steps: list[tuple[str, Callable[[], httpx.Response]]] = [
        ("lead", lambda: api.send("track/lead", lead)),
        ("sale", lambda: api.send("track/sale", shop.sale(1, 9995))),
        ("keyed sale", lambda: api.send("track/sale", shop.sale(2, 5000), key="sale-2")),
        (
            "refund",
            lambda: api.send("track/refund", {"invoiceId": "inv-1", "amount": 3333, "refundId": "r1"}),
        ),
        ("whole refund", lambda: api.send("track/refund", {"invoiceId": "inv-2", "mode": "wait"})),
        ("order", lambda: people.deliver(*shop.hook, "order.created", first)),
        ("refunded order", lambda: people.deliver(*shop.hook, "order.updated", partly)),
        ("another order", lambda: people.deliver(*shop.hook, "order.created", whole)),
    ]
    for name, step in steps:
        answers = send(step)
        assert {answer.status_code for answer in answers} <= {200, 201}, [
            f"{name}: {answer.status_code} {answer.text[:500]}" for answer in answers
        ]
        shop.settle()


def test_requests_sent_twice_or_sixteen_times_at_once_count_once(platform: Platform, owner: Browser) -> None:
    once, twice, many = (open_shop(platform, owner, f"Repeats {name}") for name in ("one", "two", "many"))
    _conversation(once, lambda step: [step()])
    _conversation(twice, lambda step: [step(), step()])
    _conversation(many, lambda step: at_once([step] * AT_ONCE))

    expected = numbers_and_steps(platform, once.slug)
    # 10 % of 99.95 is 10.00, of which 33.33 out of 99.95 took 3.33 back; 50.00 went back whole; 80.00 twice,
    # of one of which 30.00 went back.
    assert balance(platform, once.slug, "pending", ANN) == 1000 - 333 + 0 + 800 - 300 + 800
    assert balance(platform, once.slug, "pending", "b1@friends.example") == 500
    assert numbers_and_steps(platform, twice.slug) == expected
    assert numbers_and_steps(platform, many.slug) == expected
    for shop in (once, twice, many):
        shop.books_are_right()


def test_a_key_gives_the_same_answer_and_refuses_another_body(platform: Platform, owner: Browser) -> None:
    shop = open_shop(platform, owner, "Keys")
    answers = at_once([lambda: shop.api.send("track/sale", shop.sale(1, 1000), key="k1")] * AT_ONCE)
    assert {answer.status_code for answer in answers} == {201}
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert Counter(answer.headers.get("Idempotent-Replayed") for answer in answers) == {
        None: 1,
        "true": AT_ONCE - 1,
    }
    other = shop.api.send("track/sale", shop.sale(2, 1000), key="k1")
    assert (other.status_code, other.json()["error"]["code"]) == (409, "idempotency_key_reused")
    shop.settle()
    assert numbers(platform, shop.slug)["conversion", "purchase", "recorded"] == (1, 1000, 0)


def test_killing_the_worker_at_any_moment_changes_no_number(platform: Platform, owner: Browser) -> None:
    shop = open_shop(platform, owner, "Killed worker", hold_days="0", approval="automatic")
    sales = {number: 1000 + 37 * number for number in range(60)}
    refunds = {number: sales[number] if number % 6 == 0 else 333 for number in range(0, 60, 3)}
    chance = random.Random(7)

    def trade() -> None:
        for number, amount in sales.items():
            shop.api.post("track/sale", shop.sale(number, amount))
            if number in refunds:
                body = {"invoiceId": f"inv-{number}", "amount": refunds[number], "refundId": f"r-{number}"}
                shop.api.post("track/refund", body)

    with ThreadPoolExecutor(max_workers=1) as pool:
        trading = pool.submit(trade)
        kills = 0
        # Not for ever: on a busy machine a worker takes longer to start than it lives.
        while kills < 3 or (kills < 12 and not trading.done()):
            # Now and then before it has even started.
            time.sleep(chance.uniform(0.05, 2.5))
            platform.kill("worker")
            platform.start_worker(wait=kills % 2 == 0)
            kills += 1
        trading.result()
    platform.kill("worker")
    platform.expire_leases(shop.slug)
    platform.start_worker()
    shop.settle()
    earned = {number: prorate(amount, 1000, 10_000) for number, amount in sales.items()}
    taken = {number: prorate(earned[number], refunds[number], sales[number]) for number in refunds}
    net = sum(earned.values()) - sum(taken.values())
    platform.wait("the rewards to be approved", lambda: balance(platform, shop.slug, "pending", ANN) == 0)
    found = numbers(platform, shop.slug)
    assert balance(platform, shop.slug, "payable", ANN) == net
    assert balance(platform, shop.slug, "expense") == -net
    assert {key[2]: value for key, value in found.items() if key[0] == "conversion"} == {
        "recorded": (40, sum(sales[n] for n in sales if n not in refunds), 0),
        "partly_refunded": (
            10,
            sum(sales[n] for n in refunds if n % 6),
            333 * 10,
        ),
        "refunded": (
            10,
            sum(sales[n] for n in refunds if n % 6 == 0),
            sum(sales[n] for n in refunds if n % 6 == 0),
        ),
    }
    assert sum(value[0] for key, value in found.items() if key[0] == "reward") == 60
    assert sum(value[2] for key, value in found.items() if key[0] == "reward") == sum(taken.values())
    # Whether a mail left when its worker died nobody knows: it is not sent a second time, and says so.
    assert not [key for key in found if key[0] == "dead" and key[1] != "message"]
    dead = platform.rows(shop.slug, "SELECT last_error FROM engagement_message WHERE state = 'dead'")
    assert {row[0] for row in dead} <= {INTERRUPTED}
    shop.books_are_right()


def test_without_valkey_everything_is_taken_and_settled_later(platform: Platform, owner: Browser) -> None:
    calm, stormy = open_shop(platform, owner, "Calm"), open_shop(platform, owner, "Stormy")

    def trade(shop: Shop, number: int) -> None:
        shop.api.post("track/lead", {"clickId": shop.click, "customerExternalId": f"buyer-{number}"})
        shop.api.post("track/sale", shop.sale(number, 2000 + number))
        shop.api.post("track/refund", {"invoiceId": f"inv-{number}", "amount": 500, "refundId": "r"})
        order = people.deliver(*shop.hook, "order.created", shop.order(100 + number))
        assert order.status_code == 200, order.text
        people.click(platform, shop.ann.code)

    for number in range(8):
        trade(calm, number)
    calm.settle()

    platform.stop_valkey()
    began = time.monotonic()
    try:
        for number in range(8):
            trade(stormy, number)
        assert ANN in stormy.console.get("participants/").text
        # However fast the requests were, it stays away for ten seconds.
        while time.monotonic() < began + 10:
            time.sleep(0.2)
    finally:
        platform.start_valkey()
    # Celery gives up, now and then, on a broker that is away; whoever runs it starts it again.
    platform.restart_ended()
    stormy.settle()
    assert numbers_and_steps(platform, stormy.slug) == numbers_and_steps(platform, calm.slug)
    stormy.books_are_right()


def _abandon(shop: Shop, body: dict[str, Any], key: str) -> None:
    """Send a purchase whose answer nobody will read."""
    try:
        shop.api.send("track/sale", body, key=key)
    except httpx.TransportError:
        return


def test_a_web_server_killed_around_the_commit_leaves_one_effect(platform: Platform, owner: Browser) -> None:
    shop = open_shop(platform, owner, "Killed web")
    after, before = shop.sale(1, 1000, mode="wait"), shop.sale(2, 2000, mode="wait")
    shop.api.post("track/lead", {"customerExternalId": "buyer-2"})
    shop.settle()

    with ThreadPoolExecutor(max_workers=2) as pool:
        sent = pool.submit(_abandon, shop, after, "after")
        platform.wait(
            "the purchase to be committed",
            lambda: platform.rows(shop.slug, "SELECT 1 FROM tracking_conversion WHERE source_key = 'inv-1'"),
        )
        platform.kill("web")
        sent.result()

        platform.start_web()
        with platform.reading(shop.slug) as cursor:
            cursor.execute("SELECT 1 FROM programs_customer WHERE external_id = 'buyer-2' FOR UPDATE")
            sent = pool.submit(_abandon, shop, before, "before")
            platform.wait("the purchase to wait for its customer", lambda: _somebody_waits(platform))
            platform.kill("web")
            sent.result()
    platform.start_web()
    assert platform.rows(shop.slug, "SELECT source_key FROM tracking_conversion WHERE kind = 'purchase'") == [
        ("inv-1",)
    ]

    again = shop.api.send("track/sale", after, key="after")
    assert (again.status_code, again.headers.get("Idempotent-Replayed")) == (201, "true")
    afresh = shop.api.send("track/sale", before, key="before")
    assert (afresh.status_code, afresh.headers.get("Idempotent-Replayed")) == (201, None)
    shop.settle()
    assert numbers(platform, shop.slug)["conversion", "purchase", "recorded"] == (2, 3000, 0)
    assert balance(platform, shop.slug, "pending", ANN) == 300
    shop.books_are_right()


def _somebody_waits(platform: Platform) -> bool:
    with platform.reading() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])


def test_refunds_may_come_before_their_sales_are_settled(platform: Platform, owner: Browser) -> None:
    shop = open_shop(platform, owner, "Early refunds", hold_days="0", approval="automatic")

    def sell(number: int) -> None:
        shop.api.post("track/sale", shop.sale(number, 4000))

    def give_back(number: int) -> None:
        def refunded() -> bool:
            answer = shop.api.send("track/refund", {"invoiceId": f"inv-{number}"})
            assert answer.status_code in (201, 404), answer.text
            return answer.status_code == 201

        platform.wait(f"the refund of {number} to be taken", refunded)

    def order_given_back(number: int) -> None:
        # The shop's refund overtakes the order it belongs to.
        stamp = (datetime.now(UTC) + timedelta(days=1, seconds=5)).strftime("%Y-%m-%dT%H:%M:%S")
        late = shop.order(number, status="refunded", refunds=((number, "80.00"),), modified=stamp)
        for topic, body in (("order.updated", late), ("order.created", shop.order(number))):
            assert people.deliver(*shop.hook, topic, body).status_code == 200

    jobs: list[Callable[[], None]] = []
    for number in range(6):
        jobs += [lambda n=number: sell(n), lambda n=number: give_back(n)]  # type: ignore[misc]
    jobs += [lambda n=number: order_given_back(n) for number in range(200, 204)]  # type: ignore[misc]
    at_once(jobs)
    shop.settle()
    found = numbers(platform, shop.slug)
    assert {key[2]: value for key, value in found.items() if key[0] == "conversion"} == {
        "refunded": (10, 6 * 4000 + 4 * 8000, 6 * 4000 + 4 * 8000)
    }
    assert {key[2]: value for key, value in found.items() if key[0] == "reward"} == {
        "reversed": (10, 6 * 400 + 4 * 800, 6 * 400 + 4 * 800)
    }
    assert {balance(platform, shop.slug, kind, ANN) for kind in ("pending", "payable")} == {0}
    shop.books_are_right()


def test_partial_refunds_at_once_take_back_the_reward_and_no_more(platform: Platform, owner: Browser) -> None:
    shop = open_shop(platform, owner, "Partial refunds")
    shop.api.post("track/sale", shop.sale(1, 9995))
    shop.api.post("track/sale", shop.sale(2, 9995))
    shop.settle()
    parts = [625] * 15 + [9995 - 15 * 625]

    def give_back(invoice: str, index: int) -> int:
        body = {"invoiceId": invoice, "amount": parts[index], "refundId": f"part-{index}"}
        return shop.api.send("track/refund", body).status_code

    # All of the first in sixteen parts; of the second eight parts twice each, and one too many.
    assert at_once([lambda i=i: give_back("inv-1", i) for i in range(16)]) == [201] * 16  # type: ignore[misc]
    halves = at_once([lambda i=i // 2: give_back("inv-2", i) for i in range(16)])  # type: ignore[misc]
    assert Counter(halves) == {201: 8, 200: 8}
    too_much = shop.api.send("track/refund", {"invoiceId": "inv-2", "amount": 9995, "refundId": "all"})
    assert (too_much.status_code, too_much.json()["error"]["param"]) == (400, "amount")
    shop.settle()
    rewards = platform.rows(
        shop.slug, "SELECT amount_minor, reversed_minor, status FROM rewards_reward ORDER BY id"
    )
    taken = prorate(1000, 8 * 625, 9995)
    assert sorted(rewards) == [(1000, taken, "pending"), (1000, 1000, "reversed")]
    assert balance(platform, shop.slug, "pending", ANN) == 1000 - taken
    shop.books_are_right()


def test_a_payout_prepared_by_many_at_once_is_prepared_once(platform: Platform, owner: Browser) -> None:
    shop = open_shop(platform, owner, "Payouts", hold_days="0", approval="automatic")
    for number in range(5):
        shop.api.post("track/sale", shop.sale(number, 10_000))
    shop.settle()
    ann = re.search(r"customers/(cus_\w+)/", shop.console.get(f"participants/{shop.ann.public_id}/").html)
    assert ann is not None
    page = shop.console.get(f"customers/{ann[1]}/payout-accounts/bank/")
    details = {"holder": "Ann Able", "country": "DE", "iban": IBAN}
    owner.submit(page, page.form(field="iban"), details)
    platform.wait("the rewards to be approved", lambda: balance(platform, shop.slug, "payable", ANN) == 5000)
    page = shop.console.get("payouts/new/?currency=EUR")
    form = page.form(button="Prepare €50.00")

    def prepare() -> int:
        return owner.send(page, form).status_code

    answers = Counter(at_once([prepare] * 8))
    assert answers[302] == 1, answers
    assert set(answers) <= {302, 400}, answers
    found = numbers(platform, shop.slug)
    assert found["payout", "pending", "EUR"] == (1, 5000, 0)
    assert balance(platform, shop.slug, "payable", ANN) == 0
    assert balance(platform, shop.slug, "in_transit", ANN) == 5000
    shop.books_are_right()
