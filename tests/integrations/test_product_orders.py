"""Product rewards as orders of a shop: found again, cancelled, never counted; on a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from accounts.models import Workspace
from accounts.services import SYSTEM
from core import clock
from core.errors import Conflict, Invalid
from core.http import Policy
from core.queue import MAX_ATTEMPTS
from integrations.models import Errand
from integrations.providers import Gone, Ignored, Reauthorise, Refused, Retry, ShopAccess
from integrations.providers.issuing import Gift, Given
from integrations.providers.payouts import Wire
from integrations.providers.woocommerce import products
from integrations.providers.woocommerce.events import events
from integrations.services import connections, inbox, issuing
from integrations.services.errands import take_back
from integrations.tasks import run_errands
from rewards import services
from rewards.models import Fulfilment, MoneySettings, Redemption, Reward, RewardChange
from rewards.services import ItemFacts
from tests.conftest import AT
from tests.integrations.shops import connected
from tests.integrations.test_asking import heard, open_to
from tests.integrations.test_issuing import errands, of, ran, selling, status
from tests.integrations.wires import LOOPBACK
from tests.integrations.woo_shop import KEY, SECRET, WooShop, shop_open
from tests.rewards.builders import approved, participant, person, program, refund, reinstate, rule
from tests.rewards.test_redemptions import saver
from tests.rewards.test_views import olga, page, text, told
from tracking.models import Conversion

__all__ = ["olga"]

MUG = {"kind": "product", "amount": None, "product": {"sku": "MUG-1", "name": "Mug"}}


@pytest.fixture
def shop(settings: Any) -> Iterator[WooShop]:
    with shop_open() as server:
        open_to(settings, server.server_port)
        server.stock("MUG-1")
        yield server


def mug(workspace: Workspace, **customer: Any) -> Reward:
    ana = participant(program(workspace, rule(**MUG)))
    for name, value in {"name": "Ana Maria Kos", "country": "DE", **customer}.items():
        setattr(ana.customer, name, value)
    ana.customer.save()
    return approved(ana)


def taken_back(reward: Reward) -> Reward:
    """Refund the order behind a reward in full."""
    services.settle_conversion(conversion=refund(reward.conversion, reward.conversion.amount_minor), at=AT)
    reward.refresh_from_db()
    return reward


def history(reward: Reward) -> list[str]:
    rows = RewardChange.objects.for_workspace(reward.workspace_id).filter(reward=reward).order_by("pk")
    return list(rows.exclude(reason="").values_list("reason", flat=True))


def test_a_product_is_ordered_for_nothing_and_its_reward_issued(workspace: Workspace, shop: WooShop) -> None:
    selling(workspace, shop)
    reward = mug(workspace)
    assert status(reward) == ("approved", "waiting")
    assert ran(workspace) == 1
    (order,) = shop.orders.values()
    row = of(reward)
    name = {"first_name": "Ana Maria", "last_name": "Kos"}
    assert order["billing"] == {**name, "country": "DE", "email": reward.customer.email}
    assert order["line_items"] == [
        {
            "product_id": 10,
            "quantity": 1,
            "subtotal": "0.00",
            "total": "0.00",
            "name": "Mug",
            "sku": "MUG-1",
        }
    ]
    assert order["fee_lines"] == [
        {
            "name": f"Referral reward {row.public_id.removeprefix('ful_')}",
            "tax_status": "none",
            "total": "0.00",
        }
    ]
    assert order["meta_data"] == [
        {"key": "_referral_reference", "value": row.public_id},
        {"key": "_referral_reward", "value": reward.public_id},
    ]
    assert (order["status"], order["customer_id"], "shipping" in order) == ("processing", 0, False)
    assert order["customer_note"] == (
        "A reward for a referral. Nothing is to be paid. "
        "We know no postal address: ask by e-mail before it is sent."
    )
    assert status(reward) == ("issued", "done")
    assert (row.reference, reward.fulfilment["note"]) == ("900", "The shop sends it to you.")
    assert ran(workspace) == 0


def test_a_buyer_known_to_the_shop_gets_it_where_they_live(workspace: Workspace, shop: WooShop) -> None:
    selling(workspace, shop)
    reward = mug(workspace)
    lives = {"address_1": "Hauptstr. 1", "city": "Köln", "postcode": "50667", "country": "DE"}
    shop.customers[7] = {
        "id": 7,
        "email": reward.customer.email,
        "billing": {"first_name": "Anna", "last_name": "Kos", "phone": "+49", **lives},
        "shipping": {"address_1": "", "country": ""},
    }
    ran(workspace)
    (order,) = shop.orders.values()
    assert order["customer_id"] == 7
    assert order["shipping"] == {"first_name": "Anna", "last_name": "Kos", "phone": "+49", **lives}
    assert order["billing"] == {**order["shipping"], "email": reward.customer.email}
    assert order["customer_note"] == "A reward for a referral. Nothing is to be paid."


def test_a_variation_is_ordered_as_one(workspace: Workspace, shop: WooShop) -> None:
    selling(workspace, shop)
    shop.stock("MUG-1", number=10, id=11, type="variation", parent_id=5)
    shop.products[11] = shop.products.pop(10)
    mug(workspace)
    ran(workspace)
    (order,) = shop.orders.values()
    assert (order["line_items"][0]["product_id"], order["line_items"][0]["variation_id"]) == (5, 11)


@pytest.mark.parametrize("answer", [500, 429, 200])
def test_an_answer_lost_after_the_order_was_placed_finds_it_again(
    workspace: Workspace, shop: WooShop, answer: int
) -> None:
    selling(workspace, shop)
    reward = mug(workspace)
    shop.after = [(answer, {}, b"<html>")]
    ran(workspace)
    assert (status(reward), len(shop.orders)) == (("approved", "waiting"), 1)
    ran(workspace)
    assert (status(reward), len(shop.orders)) == (("issued", "done"), 1)


def test_a_worker_killed_before_it_wrote_down_places_one_order(
    workspace: Workspace, shop: WooShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    selling(workspace, shop)
    reward = mug(workspace)

    def killed(*_: Any, **__: Any) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(issuing, "record_outcome", killed)
        ran(workspace)
    assert (status(reward), len(shop.orders)) == (("approved", "waiting"), 1)
    Errand.objects.for_workspace(workspace).update(leased_until=AT)
    ran(workspace)
    assert (status(reward), len(shop.orders)) == (("issued", "done"), 1)


def test_an_order_that_only_looks_like_ours_is_left_alone(workspace: Workspace, shop: WooShop) -> None:
    selling(workspace, shop)
    reward = mug(workspace)
    name = f"Referral reward {of(reward).public_id.removeprefix('ful_')}"
    shop.orders[1] = {"id": 1, "status": "processing", "line_items": [{"name": name}], "meta_data": []}
    ran(workspace)
    assert (of(reward).reference, shop.orders[1]["status"]) == ("901", "processing")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"sku": "MUG-2"}, "The shop has no product with the number MUG-1."),
        ({"stock_status": "outofstock"}, "The product MUG-1 is out of stock in the shop."),
        (
            {"type": "variable"},
            "The product MUG-1 cannot be ordered as it is; name one of its variations.",
        ),
    ],
)
def test_what_the_shop_cannot_send_waits_for_somebody(
    workspace: Workspace, shop: WooShop, change: dict[str, Any], why: str
) -> None:
    selling(workspace, shop)
    shop.products[10] |= change
    reward = mug(workspace)
    ran(workspace)
    assert (status(reward), of(reward).failure, shop.orders) == (("approved", "failed"), why, {})
    shop.stock("MUG-1")
    services.retry_fulfilment(fulfilment=of(reward), actor=person(), at=AT)
    ran(workspace)
    assert status(reward) == ("issued", "done")


def test_two_products_of_one_number_and_a_person_without_an_address_are_refused(
    workspace: Workspace, shop: WooShop
) -> None:
    selling(workspace, shop)
    shop.stock("MUG-1", number=11)
    twice, unknown = mug(workspace), mug(workspace, email="")
    ran(workspace)
    assert of(twice).failure == "The shop has several products with the number MUG-1."
    assert of(unknown).failure == "The shop needs an e-mail address for the order, and none is known."


def test_keys_that_may_not_write_fail_it_at_once_and_a_person_does_it(
    workspace: Workspace, shop: WooShop
) -> None:
    selling(workspace, shop)
    reward = mug(workspace)
    shop.script = [(401, {}, b"{}")]
    ran(workspace)
    assert of(reward).failure == (
        "The shop refuses the keys (HTTP 401); they need the right to write orders."
    )
    services.complete_fulfilment(fulfilment=of(reward), reference="DHL 1", actor=person(), at=AT)
    assert (status(reward), of(reward).connection) == (("issued", "done"), "")
    # What a person sent cannot be called back in the shop.
    taken_back(reward)
    assert (ran(workspace), status(reward)) == (0, ("reversed", "done"))


def test_a_shop_that_is_away_is_asked_until_the_last_try(workspace: Workspace, shop: WooShop) -> None:
    selling(workspace, shop)
    reward = mug(workspace)
    shop.script = [(503, {}, b"")]
    ran(workspace)
    assert status(reward) == ("approved", "waiting")
    Errand.objects.for_workspace(workspace).update(attempts=MAX_ATTEMPTS - 1)
    shop.script = [(503, {}, b"")]
    ran(workspace)
    assert (status(reward), of(reward).failure) == (
        ("approved", "failed"),
        "The other side was busy, broken or silent.",
    )


# Taken back


def test_an_order_that_was_not_sent_is_cancelled_once(workspace: Workspace, shop: WooShop) -> None:
    selling(workspace, shop)
    reward = mug(workspace)
    ran(workspace)
    taken_back(reward)
    ran(workspace)
    assert shop.orders[900]["status"] == "cancelled"
    assert (status(reward), of(reward).failure) == (("reversed", "cancelled"), "A refund took it back.")
    assert history(reward)[-1] == "The shop's order 900 was cancelled."
    assert errands(workspace) == [("issue", "done"), ("cancel", "done")]
    take_back(fulfilment=of(reward), at=AT)
    ran(workspace)
    assert [each for each in shop.asked if each.startswith("PUT")] == ["PUT /shop/wp-json/wc/v3/orders/900"]
    assert of(reward).details["recalled"] == "The shop's order 900 is cancelled already."


def test_an_order_that_was_sent_stays_and_says_so(workspace: Workspace, shop: WooShop) -> None:
    selling(workspace, shop)
    reward = mug(workspace)
    ran(workspace)
    shop.orders[900]["status"] = "completed"
    taken_back(reward)
    ran(workspace)
    assert (status(reward), of(reward).failure) == (
        ("reversed", "kept"),
        "The shop's order 900 is completed already.",
    )
    assert history(reward)[-1] == "It could not be taken back. The shop's order 900 is completed already."
    assert "cancelled" not in reward.fulfilment
    # The parcel came back after all, and the order is open again.
    shop.orders[900]["status"] = "on-hold"
    services.retry_fulfilment(fulfilment=of(reward), actor=person(), at=AT)
    ran(workspace)
    assert (status(reward), shop.orders[900]["status"]) == (("reversed", "cancelled"), "cancelled")


def test_what_could_not_be_taken_back_is_settled_by_a_person(workspace: Workspace, shop: WooShop) -> None:
    selling(workspace, shop)
    reward = mug(workspace)
    ran(workspace)
    taken_back(reward)
    shop.script = [(403, {}, b"{}")]
    ran(workspace)
    assert (status(reward), errands(workspace)[1]) == (("reversed", "kept"), ("cancel", "dead"))
    with pytest.raises(Conflict):
        services.complete_fulfilment(fulfilment=of(reward), actor=SYSTEM, at=AT)
    services.complete_fulfilment(fulfilment=of(reward), actor=person(), at=AT)
    assert status(reward) == ("reversed", "cancelled")
    assert history(reward)[-1] == "A person settled what could not be taken back."
    assert ran(workspace) == 0


def test_a_refund_that_was_wrong_opens_the_same_order_again(workspace: Workspace, shop: WooShop) -> None:
    selling(workspace, shop)
    reward = mug(workspace)
    ran(workspace)
    taken_back(reward)
    ran(workspace)
    services.settle_conversion(conversion=reinstate(reward.conversion), at=AT)
    assert status(reward) == ("approved", "waiting")
    ran(workspace)
    assert (status(reward), of(reward).reference) == (("issued", "done"), "900")
    assert [each["status"] for each in shop.orders.values()] == ["processing"]
    # And once more: what is wanted anew is asked anew.
    taken_back(reward)
    ran(workspace)
    assert (status(reward), shop.orders[900]["status"]) == (("reversed", "cancelled"), "cancelled")


def test_a_refund_that_was_wrong_leaves_what_could_not_be_taken_back(
    workspace: Workspace, shop: WooShop
) -> None:
    selling(workspace, shop)
    reward = mug(workspace)
    ran(workspace)
    shop.orders[900]["status"] = "completed"
    taken_back(reward)
    ran(workspace)
    services.settle_conversion(conversion=reinstate(reward.conversion), at=AT)
    assert (status(reward), of(reward).failure) == (("issued", "done"), "")
    assert ran(workspace) == 0


# What the shop tells of our own orders


def test_our_own_order_does_not_come_back_as_a_purchase(workspace: Workspace, shop: WooShop) -> None:
    connection = selling(workspace, shop)
    mug(workspace)
    ran(workspace)
    before = Conversion.objects.for_workspace(workspace).count()
    body = json.dumps(shop.orders[900]).encode()
    assert events("order.created", body) == (
        Ignored("own_order", "Order 900 hands over a reward; it is no sale."),
    )
    for topic in ("order.created", "order.updated"):
        got = inbox.receive(connection=connection, topic=topic, fingerprint=topic, body=body, at=AT)
        item = connection.inbox.for_workspace(workspace).get(public_id=got.item_id)
        inbox.read_item(item=item)
        assert (item.outcome, item.reason) == ("ignored", "own_order")
    assert Conversion.objects.for_workspace(workspace).count() == before
    # Without the mark the same order would be a purchase.
    shop.orders[900]["meta_data"] = []
    (seen,) = events("order.created", json.dumps(shop.orders[900]).encode())
    assert not isinstance(seen, Ignored)


# Who hands over


def test_the_connection_that_was_chosen_hands_over(workspace: Workspace, shop: WooShop) -> None:
    selling(workspace, shop)
    second = connections.set_shop_keys(
        connection=connected(workspace, name="Mug shop"),
        shop_url=shop.url,
        consumer_key=KEY,
        consumer_secret=SECRET,
        actor=SYSTEM,
    )

    def choose(who: str) -> str:
        services.set_deliverers(workspace=workspace, deliverers={"product": who}, actor=person())
        row: Fulfilment = of(mug(workspace))
        assert row.status == ("waiting" if row.connection else "todo")
        return row.connection

    assert choose(second.public_id) == second.public_id
    assert choose("person") == ""
    assert choose("") != ""
    services.set_deliverers(workspace=workspace, deliverers={"product": second.public_id}, actor=person())
    connections.disable_connection(connection=second, actor=SYSTEM)
    # Nobody chose the first one for this.
    assert of(mug(workspace)).status == "todo"
    for wrong in ({"product": second.public_id}, {"cash": "person"}, {"gift_card": "con_none"}):
        with pytest.raises(Invalid) as refused:
            services.set_deliverers(workspace=workspace, deliverers=wrong, actor=person())
        assert (refused.value.code, refused.value.param) == ("unknown_deliverer", "deliverers")
    kept = MoneySettings.objects.for_workspace(workspace).get()
    assert kept.deliverers == {"product": second.public_id}


def test_without_a_connection_a_person_does_it(workspace: Workspace) -> None:
    assert status(mug(workspace)) == ("approved", "todo")


def test_who_hands_over_is_chosen_in_the_console(workspace: Workspace, shop: WooShop, olga: Client) -> None:
    connection = selling(workspace, shop)
    shown = olga.get(page("fulfilment_settings"))
    assert "By itself: Tee shop" in text(shown)
    olga.post(page("fulfilment_settings"), {"by_product": "person", "by_discount": ""})
    kept = MoneySettings.objects.for_workspace(workspace).get()
    assert kept.deliverers == {"product": "person"}
    wrong = olga.post(page("fulfilment_settings"), {"by_product": "con_none"})
    assert (wrong.status_code, list(wrong.context["form"].errors)) == (400, ["by_product"])
    olga.post(page("fulfilment_settings"), {"by_product": connection.public_id})
    assert of(mug(workspace)).connection == connection.public_id


def test_what_could_not_be_taken_back_is_found_and_settled_in_the_console(
    workspace: Workspace, shop: WooShop, olga: Client
) -> None:
    selling(workspace, shop)
    reward = mug(workspace)
    ran(workspace)
    shop.orders[900]["status"] = "completed"
    taken_back(reward)
    ran(workspace)
    shown = text(olga.get(page("fulfilment_list") + "?status=kept"))
    assert "The shop&#x27;s order 900 is completed already." in shown
    url = page("fulfilment_detail", of(reward).public_id)
    assert "Settle it by hand" in text(olga.get(url))
    assert "Handing over" in text(olga.get(page("reward_detail", reward.public_id)))
    assert told(olga.post(page("fulfilment_complete", of(reward).public_id), {})) == ["It is settled."]
    assert status(reward) == ("reversed", "cancelled")


# Points spent on a product


def test_a_product_that_points_bought_is_ordered_and_kept_where_it_cannot_be_stopped(
    workspace: Workspace, shop: WooShop
) -> None:
    selling(workspace, shop)
    ana = saver(workspace, 90)
    facts = ItemFacts(name="Mug", kind="product", points=40, details={"sku": "MUG-1"})
    item = services.create_item(workspace=workspace, facts=facts, actor=person(), at=AT)
    first, second = (
        services.redeem_points(customer=ana.customer, item=item, key=key, at=AT) for key in ("a", "b")
    )
    shop.after = [(500, {}, b"")]
    heard()
    Errand.objects.for_workspace(workspace).filter(fulfilment=bought(second).public_id).update(
        state=Errand.State.DONE
    )
    run_errands()
    (order,) = shop.orders.values()
    assert order["meta_data"][1] == {"key": "_referral_reward", "value": first.public_id}
    # Nobody knows yet whether it was ordered, so it can be called off; then it turns out to have been sent.
    services.cancel_redemption(redemption=first, note="", actor=person(), at=AT)
    order["status"] = "completed"
    ran(workspace)
    row = bought(first)
    assert (row.status, row.failure) == ("kept", "The shop's order 900 is completed already.")
    services.complete_fulfilment(fulfilment=row, actor=person(), at=AT)
    assert bought(first).status == "cancelled"
    # What was ordered for certain is not given back.
    services.fail_fulfilment(fulfilment=bought(second), failure="x", at=AT)
    services.retry_fulfilment(fulfilment=bought(second), actor=person(), at=AT)
    ran(workspace)
    assert bought(second).reference == "901"
    with pytest.raises(Conflict) as refused:
        services.cancel_redemption(redemption=second, note="", actor=person(), at=AT)
    assert refused.value.code == "handed_over"


def bought(redemption: Redemption) -> Fulfilment:
    found: Fulfilment = Fulfilment.objects.for_workspace(redemption.workspace_id).get(redemption=redemption)
    return found


# What the shop may answer besides

GIFT = Gift(
    reference="ful_01abc", kind="product", email="ana@example.com", name="Ana", about="rwd_1", sku="MUG-1"
)


def wired(shop: WooShop) -> tuple[Wire, ShopAccess]:
    policy = Policy(allow_addresses=LOOPBACK, allow_ports=(shop.server_port,))
    return Wire(at=clock.now(), policy=policy, timeout=5.0), ShopAccess(shop.url, KEY, SECRET)


OK: Any = (200, {}, b"[]")
MUGS: Any = (200, {}, json.dumps([{"id": 10, "sku": "MUG-1", "type": "simple"}]).encode())


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ([(404, {}, b"{}")], Gone),
        ([(200, {}, b"<html>")], Refused),
        ([OK, (500, {}, b"")], Retry),
        ([OK, MUGS, (500, {}, b"")], Retry),
        ([OK, MUGS, OK, (400, {}, b'{"message": "Invalid parameter(s): billing"}')], Refused),
    ],
)
def test_what_the_shop_answers_decides_what_happens_next(
    shop: WooShop, answers: Any, error: type[Exception]
) -> None:
    shop.script = answers
    with pytest.raises(error):
        products.issue(*wired(shop), GIFT)
    assert shop.orders == {}


def test_keys_that_may_not_read_accounts_order_without_one(shop: WooShop) -> None:
    shop.script = [OK, MUGS, (401, {}, b"{}")]
    assert products.issue(*wired(shop), GIFT).reference == "900"
    assert shop.orders[900]["billing"]["first_name"] == "Ana"


def test_a_product_without_a_number_is_refused(shop: WooShop) -> None:
    with pytest.raises(Refused, match="names no product number"):
        products.issue(*wired(shop), replace(GIFT, sku=""))


def test_two_orders_for_one_reward_are_a_persons_matter(shop: WooShop) -> None:
    products.issue(*wired(shop), GIFT)
    shop.orders[901] = {**shop.orders[900], "id": 901, "number": "901"}
    for ask in (products.issue, products.cancel):
        with pytest.raises(Refused, match="several orders for this reward: 901 and 900"):
            ask(*wired(shop), GIFT)
    shop.orders[901]["status"] = "cancelled"
    assert products.issue(*wired(shop), GIFT).reference == "900"


def test_an_order_that_is_not_there_or_will_not_move(shop: WooShop) -> None:
    assert products.cancel(*wired(shop), GIFT) == Given()
    products.issue(*wired(shop), GIFT)
    found: Any = (200, {}, json.dumps(list(shop.orders.values())).encode())
    shop.script = [found, (200, {}, b'{"id": 900, "status": "processing"}')]
    with pytest.raises(Refused, match="left its order 900 processing"):
        products.cancel(*wired(shop), GIFT)
    shop.script = [found, (403, {}, b"{}")]
    with pytest.raises(Reauthorise):
        products.cancel(*wired(shop), GIFT)
