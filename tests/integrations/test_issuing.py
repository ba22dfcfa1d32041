"""Rewards handed over by a shop and by the workspace's own system, on real servers on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from accounts import secrets
from accounts.models import Workspace
from accounts.services import SYSTEM
from core import clock
from core.queue import MAX_ATTEMPTS
from integrations.models import Connection, Errand, ValidationKey
from integrations.services import issuing
from integrations.services.connections import disable_connection, set_shop_keys
from integrations.services.errands import queue_errands
from integrations.tasks import run_errands
from rewards import services
from rewards.models import Fulfilment, MoneySettings, Reward
from rewards.services.routes import routes_of as routes
from tests.conftest import AT
from tests.integrations.receiver import Receiver, Reply, receiving
from tests.integrations.shops import connected
from tests.integrations.test_asking import heard, open_to
from tests.integrations.woo_shop import KEY, SECRET, WooShop, shop_open
from tests.rewards.builders import approved, participant, person, program, rule

CUT = {"kind": "discount", "amount": None, "discount": {"type": "percentage", "bps": 1250}}


@pytest.fixture
def shop(settings: Any) -> Iterator[WooShop]:
    with shop_open() as server:
        open_to(settings, server.server_port)
        yield server


@pytest.fixture
def own(settings: Any, workspace: Workspace) -> Iterator[Receiver]:
    """The workspace's own system, to which rewards of its own are told."""
    with receiving() as server:
        open_to(settings, server.server_port)
        MoneySettings.objects.create(workspace=workspace, give_url=server.url("/give"))
        yield server


def selling(workspace: Workspace, shop: WooShop) -> Connection:
    """Connect the shop with keys that may write."""
    connection = connected(workspace)
    return set_shop_keys(
        connection=connection, shop_url=shop.url, consumer_key=KEY, consumer_secret=SECRET, actor=SYSTEM
    )


def cut(workspace: Workspace, **changes: Any) -> Reward:
    return approved(participant(program(workspace, rule(**{**CUT, **changes}))))


def of(reward: Reward) -> Fulfilment:
    found: Fulfilment = Fulfilment.objects.for_workspace(reward.workspace_id).get(reward=reward)
    return found


def ran(workspace: Workspace) -> int:
    """Let everything be heard, make every errand due, and run them."""
    heard()
    Errand.objects.for_workspace(workspace).update(due_at=AT)
    done = run_errands()
    heard()
    return done


def errands(workspace: Workspace) -> list[tuple[str, str]]:
    return list(Errand.objects.for_workspace(workspace).order_by("pk").values_list("action", "state"))


def status(reward: Reward) -> tuple[str, str]:
    reward.refresh_from_db()
    return reward.status, of(reward).status


def test_a_code_is_made_in_the_shop_before_its_owner_hears_of_it(workspace: Workspace, shop: WooShop) -> None:
    connection = selling(workspace, shop)
    assert routes(workspace)["discount"] == connection.public_id
    reward = cut(workspace, expiry_days=30)
    assert status(reward) == ("approved", "waiting")
    assert "code" not in reward.fulfilment
    assert ran(workspace) == 1
    (coupon,) = shop.coupons.values()
    row = of(reward)
    assert coupon == {
        "id": 700,
        "usage_count": 0,
        "code": row.code.lower(),
        "discount_type": "percent",
        "amount": "12.50",
        "description": "A reward for a referral.",
        "usage_limit": 1,
        "usage_limit_per_user": 1,
        "meta_data": [{"key": "_referral_reference", "value": row.public_id}],
        "email_restrictions": [reward.customer.email],
        "date_expires": "2026-04-01T12:00:00Z",
    }
    assert status(reward) == ("issued", "done")
    assert (row.reference, reward.fulfilment["code"]) == ("700", row.code)
    assert reward.expires_at == AT + timedelta(days=30)
    assert ran(workspace) == 0
    assert errands(workspace) == [("issue", "done")]


def test_a_fixed_discount_is_an_amount_of_the_whole_cart(workspace: Workspace, shop: WooShop) -> None:
    selling(workspace, shop)
    cut(workspace, amount={"type": "fixed", "minor": 500}, discount={"type": "fixed", "minor": 500})
    ran(workspace)
    (coupon,) = shop.coupons.values()
    assert (coupon["discount_type"], coupon["amount"]) == ("fixed_cart", "5.00")


@pytest.mark.parametrize("answer", [500, 429])
def test_an_answer_lost_after_the_coupon_was_made_finds_it_again(
    workspace: Workspace, shop: WooShop, answer: int
) -> None:
    selling(workspace, shop)
    reward = cut(workspace)
    shop.after = [(answer, {"Retry-After": "900"}, b"broken")]
    ran(workspace)
    assert (status(reward), len(shop.coupons)) == (("approved", "waiting"), 1)
    row = Errand.objects.for_workspace(workspace).get()
    assert (row.state, row.attempts, row.last_error) == (
        "pending",
        1,
        "The other side was busy, broken or silent.",
    )
    assert row.due_at > clock.now() + timedelta(minutes=14)
    ran(workspace)
    assert (status(reward), len(shop.coupons)) == (("issued", "done"), 1)


def test_a_worker_killed_before_it_wrote_down_makes_one_coupon(
    workspace: Workspace, shop: WooShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    selling(workspace, shop)
    reward = cut(workspace)

    def killed(*_: Any, **__: Any) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(issuing, "record_outcome", killed)
        ran(workspace)
    assert (status(reward), len(shop.coupons)) == (("approved", "waiting"), 1)
    Errand.objects.for_workspace(workspace).update(leased_until=AT)
    ran(workspace)
    assert (status(reward), len(shop.coupons)) == (("issued", "done"), 1)


def test_a_coupon_that_appears_meanwhile_is_taken_as_ours_only_if_it_is(
    workspace: Workspace, shop: WooShop
) -> None:
    selling(workspace, shop)
    reward = cut(workspace)
    shop.coupons[1] = {"id": 1, "code": of(reward).code.lower(), "meta_data": [], "usage_count": 0}
    ran(workspace)
    assert status(reward) == ("approved", "failed")
    assert of(reward).failure == f"The shop has another coupon with the code {of(reward).code}."
    shop.coupons.clear()
    services.retry_fulfilment(fulfilment=of(reward), actor=person(), at=AT)
    ran(workspace)
    assert status(reward) == ("issued", "done")


def test_refused_keys_fail_it_at_once_and_a_person_tries_again(workspace: Workspace, shop: WooShop) -> None:
    connection = selling(workspace, shop)
    reward = cut(workspace)
    shop.script = [(403, {}, b"{}")]
    ran(workspace)
    assert of(reward).failure == (
        "The shop refuses the keys (HTTP 403); they need the right to write coupons."
    )
    services.retry_fulfilment(fulfilment=of(reward), actor=person(), at=AT)
    disable_connection(connection=connection, actor=SYSTEM)
    ran(workspace)
    assert of(reward).failure == "The connection is switched off or has no keys."
    assert errands(workspace) == [("issue", "dead")]


def test_it_fails_for_good_after_the_last_try(workspace: Workspace, shop: WooShop) -> None:
    selling(workspace, shop)
    reward = cut(workspace)
    heard()
    Errand.objects.for_workspace(workspace).update(attempts=MAX_ATTEMPTS - 1)
    shop.script = [(503, {}, b"")]
    ran(workspace)
    assert status(reward) == ("approved", "failed")


def _taken_back(workspace: Workspace, reward: Reward) -> None:
    Reward.objects.for_workspace(workspace).filter(pk=reward.pk).update(status="reversed")
    reward.refresh_from_db()
    services.withdraw_fulfilments(workspace=workspace, rewards=[reward], at=AT)


def test_a_code_taken_back_is_deleted_in_the_shop_once(workspace: Workspace, shop: WooShop) -> None:
    selling(workspace, shop)
    reward = cut(workspace)
    ran(workspace)
    _taken_back(workspace, reward)
    ran(workspace)
    assert shop.coupons == {}
    assert errands(workspace) == [("issue", "done"), ("cancel", "done")]
    heard()
    assert ran(workspace) == 0


def test_a_code_used_meanwhile_is_left_and_says_so(workspace: Workspace, shop: WooShop) -> None:
    selling(workspace, shop)
    reward = cut(workspace)
    ran(workspace)
    shop.coupons[700]["usage_count"] = 1
    _taken_back(workspace, reward)
    ran(workspace)
    assert 700 in shop.coupons
    assert of(reward).details["used_on"] == "unknown"


def test_what_was_never_asked_for_is_not_asked_for_any_more(workspace: Workspace, shop: WooShop) -> None:
    selling(workspace, shop)
    reward = cut(workspace)
    heard()
    _taken_back(workspace, reward)
    assert (ran(workspace), ran(workspace)) == (0, 0)
    assert shop.asked == []
    assert [state for _, state in errands(workspace)] == ["done", "done"]


def test_what_was_made_though_it_was_called_off_is_taken_back(workspace: Workspace, shop: WooShop) -> None:
    selling(workspace, shop)
    reward = cut(workspace)
    heard()
    (claimed,) = issuing.claim_errands(limit=5, at=clock.now())
    job = issuing._prepared(claimed, deadline_seconds=5)
    assert job is not None
    outcome = job()
    _taken_back(workspace, reward)
    issuing.record_outcome(claimed=claimed, outcome=outcome, at=clock.now())
    assert len(shop.coupons) == 1
    ran(workspace)
    assert shop.coupons == {}


def test_errands_are_queued_once(workspace: Workspace, shop: WooShop) -> None:
    selling(workspace, shop)
    reward = cut(workspace)
    wanted = [(of(reward).public_id, "issue"), ("ful_none", "issue"), (of(reward).public_id, "cancel")]
    for _ in range(2):
        queue_errands(workspace=workspace, wanted=wanted, at=AT)
    assert errands(workspace) == [("issue", "pending")]


# The workspace's own system


def custom(workspace: Workspace) -> Reward:
    return approved(
        participant(program(workspace, rule(kind="custom", amount=None, custom={"name": "VIP seat"})))
    )


def test_the_own_system_hears_a_signed_message_and_says_what_it_gave(
    workspace: Workspace, own: Receiver
) -> None:
    reward = custom(workspace)
    own.script = [Reply(body=json.dumps({"reference": "T-17", "link": "https://own.example/t"}).encode())]
    ran(workspace)
    ((path, headers, body),) = own.received
    key = ValidationKey.objects.for_workspace(workspace).get()
    secret = secrets.decrypt(key.sealed_secret, bound_to=key.public_id)
    told = Webhook(secret).verify(body, headers)
    row = of(reward)
    assert path == "/give"
    assert headers["webhook-id"] == row.public_id
    assert told == {
        "action": "issue",
        "fulfilment": row.public_id,
        "kind": "custom",
        "reward": reward.public_id,
        "redemption": None,
        "customer": reward.customer.public_id,
        "customer_external_id": reward.customer.external_id,
        "name": "VIP seat",
        "amount_minor": reward.net_minor,
        "currency": "EUR",
    }
    assert status(reward) == ("issued", "done")
    assert (row.reference, reward.fulfilment["link"]) == ("T-17", "https://own.example/t")


def test_the_own_system_is_asked_again_or_refuses(workspace: Workspace, own: Receiver) -> None:
    reward = custom(workspace)
    own.script = [Reply(status=500), Reply(status=422)]
    ran(workspace)
    assert status(reward) == ("approved", "waiting")
    ran(workspace)
    assert (status(reward), of(reward).failure) == (("approved", "failed"), "Your system answered 422.")


def test_the_own_system_hears_what_is_taken_back(workspace: Workspace, own: Receiver) -> None:
    reward = custom(workspace)
    ran(workspace)
    _taken_back(workspace, reward)
    ran(workspace)
    assert [json.loads(body)["action"] for _, _, body in own.received] == ["issue", "cancel"]
    assert own.ids == [of(reward).public_id, f"{of(reward).public_id}-cancel"]
