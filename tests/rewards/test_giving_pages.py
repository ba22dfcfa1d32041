"""Handing over, the catalogue and what was spent, in the console and over the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import User, Workspace
from rewards import services
from rewards.models import CatalogueItem, Fulfilment, MoneySettings, Redemption, Reward
from rewards.services import ItemFacts
from tests.factories import AT
from tests.rewards.builders import approved, participant, person, program, rule, settled
from tests.rewards.test_api import Api, _error, api
from tests.rewards.test_fulfilment import CUT, MUG, earning, of
from tests.rewards.test_person_api import put
from tests.rewards.test_redemptions import saver
from tests.rewards.test_views import member, olga, page, text, told

__all__ = ["api", "olga"]

TEA = {"name": "Tea", "kind": "product", "points": 40, "sku": "TEA-1", "stock": 3}


def tea(workspace: Workspace) -> CatalogueItem:
    facts = ItemFacts(name="Tea", kind="product", points=40, details={"sku": "TEA-1"}, stock=3)
    return services.create_item(workspace=workspace, facts=facts, actor=person(), at=AT)


def test_empty_lists_say_what_will_stand_there(olga: Client) -> None:
    for name, said in (
        ("fulfilment_list", "Nothing to hand over yet"),
        ("catalogue_list", "Nothing in the catalogue yet"),
        ("redemption_list", "Nobody has spent anything yet"),
    ):
        assert said in text(olga.get(page(name)))


def test_what_a_person_has_to_do_is_done_on_its_page(workspace: Workspace, olga: Client) -> None:
    reward = approved(earning(workspace, **MUG))
    row = of(reward)
    assert str(reward.customer) in text(olga.get(page("fulfilment_list") + "?status=todo"))
    assert "MUG-1" in text(olga.get(page("fulfilment_detail", row.public_id)))
    assert "To do by hand" in text(olga.get(page("reward_detail", reward.public_id)))
    bad = olga.post(page("fulfilment_complete", row.public_id), {"link": "ftp://x.example/"})
    assert (bad.status_code, "link" in bad.context["form"].errors) == (400, True)
    done = olga.post(page("fulfilment_complete", row.public_id), {"reference": "DHL 17", "note": "Enjoy"})
    assert told(done) == ["It is recorded as handed over."]
    reward.refresh_from_db()
    assert (reward.status, reward.fulfilment["note"]) == ("issued", "Enjoy")
    again = olga.post(page("fulfilment_retry", row.public_id))
    assert told(again) == ["Only what failed or waits for a person can be tried again; this is done."]


def test_many_are_done_at_once_and_each_refusal_is_told(workspace: Workspace, olga: Client) -> None:
    ana = earning(workspace, **MUG)
    rows = [of(approved(ana)) for _ in range(2)]
    Fulfilment.objects.for_workspace(workspace).filter(pk=rows[0].pk).update(status="cancelled")
    chosen = {"fulfilment": [row.public_id for row in rows], "action": "complete", "reference": "Van"}
    messages = told(olga.post(page("fulfilment_bulk"), chosen))
    assert messages == [f"Product for {ana.customer}: It is not owed any more.", "1 done by hand."]
    retried = told(olga.post(page("fulfilment_bulk"), {**chosen, "action": "retry"}))
    assert len(retried) == 2
    assert told(olga.post(page("fulfilment_bulk"), {})) == ["Choose at least one row."]


def test_who_may_not_hand_over(workspace: Workspace, owner: User) -> None:
    row = of(approved(earning(workspace, **MUG)))
    reader = member(workspace, "read_only", "reader@acme.example")
    assert reader.get(page("fulfilment_detail", row.public_id)).status_code == 200
    assert reader.post(page("fulfilment_complete", row.public_id)).status_code == 403
    assert reader.post(page("catalogue_new")).status_code == 403
    assert reader.get(page("own_system")).status_code == 200
    assert reader.post(page("own_system"), {"give_url": "https://own.example/x"}).status_code == 403


def test_the_own_system_is_named_by_a_public_address(workspace: Workspace, olga: Client) -> None:
    for url in ("http://own.example/x", "https://127.0.0.1/x"):
        answer = olga.post(page("own_system"), {"give_url": url})
        assert (answer.status_code, list(answer.context["form"].errors)) == (400, ["give_url"])
    told(olga.post(page("own_system"), {"give_url": "https://own.example/give"}))
    assert MoneySettings.objects.for_workspace(workspace).get().give_url == "https://own.example/give"
    shown = olga.get(page("own_system"))
    assert 'value="https://own.example/give"' in text(shown)
    assert {many for _, _, many in shown.context["counts"]} == {0}


def test_the_catalogue_is_kept_in_the_console(workspace: Workspace, olga: Client) -> None:
    credit = {"name": "Voucher", "kind": "credit", "points": 500}
    lacking = olga.post(page("catalogue_new"), credit)
    assert (lacking.status_code, list(lacking.context["form"].errors)) == (400, ["value_minor"])
    no_currency = olga.post(page("catalogue_new"), {**credit, "value_minor": "5.00"})
    assert list(no_currency.context["form"].errors) == ["currency"]
    olga.post(page("catalogue_new"), {**credit, "value_minor": "5.00", "currency": "eur"})
    item = CatalogueItem.objects.for_workspace(workspace).get()
    assert (item.value_minor, item.currency, item.stock) == (500, "EUR", None)
    changed = {"name": "Code", "kind": "discount", "points": 9, "percent_bps": "12.5", "stock": 2}
    olga.post(page("catalogue_edit", item.public_id), changed)
    item.refresh_from_db()
    assert (item.name, item.details, item.value_minor, item.stock) == ("Code", {"percent_bps": 1250}, 0, 2)
    assert 'value="12.5"' in text(olga.get(page("catalogue_edit", item.public_id)))
    assert told(olga.post(page("catalogue_archive", item.public_id))) == ["Code is not offered any more."]
    assert "Archived" in text(olga.get(page("catalogue_list") + "?status=archived"))


def test_what_was_spent_is_given_back_in_the_console(workspace: Workspace, olga: Client) -> None:
    ana, item = saver(workspace, 50, 40), tea(workspace)
    row = services.redeem_points(customer=ana.customer, item=item, key="a", at=AT)
    assert "Tea" in text(olga.get(page("redemption_list") + f"?item={item.public_id}"))
    shown = olga.get(page("redemption_detail", row.public_id))
    assert [part.amount_minor for part in shown.context["parts"]] == [40]
    assert olga.post(page("redemption_cancel", row.public_id), {}).status_code == 400
    done = olga.post(page("redemption_cancel", row.public_id), {"note": "Mistake"})
    assert told(done) == ["What was spent is given back."]
    assert Redemption.objects.for_workspace(workspace).get().status == "cancelled"


def test_what_waits_for_a_person_is_found_and_says_why(workspace: Workspace, olga: Client) -> None:
    big = settled(
        participant(program(workspace, rule(), approval="automatic", approval_above_minor=500)), at=AT
    )
    settled(participant(program(workspace, approval="automatic")), at=AT)
    shown = olga.get(page("reward_list") + "?waits_for=person")
    assert [row.pk for row in shown.context["page"]] == [big.pk]
    assert "is above €5.00; a person approves it." in text(olga.get(page("reward_detail", big.public_id)))


# The API


def test_fulfilments_over_the_api(workspace: Workspace, api: Api) -> None:
    reward = approved(earning(workspace, **MUG))
    code = approved(earning(workspace, **CUT))
    row = of(reward)
    listed = api.get("fulfilments", status="todo", kind="product").json()["data"]
    assert listed == [api.get(f"fulfilments/{row.public_id}").json()]
    assert (listed[0]["reward"], listed[0]["status"]) == (reward.public_id, "todo")
    assert api.get("fulfilments", reward=code.public_id).json()["data"][0]["details"]["code"]
    assert _error(api.post(f"fulfilments/{row.public_id}/retry"))[:2] == (409, "no_connection")
    wrong = api.post(f"fulfilments/{row.public_id}/complete", {"link": "ftp://x"})
    assert _error(wrong) == (400, "invalid_format", "link")
    done = api.post(f"fulfilments/{row.public_id}/complete", {"reference": "DHL 17"})
    assert (done.json()["status"], done.json()["reference"]) == ("done", "DHL 17")
    told_of = api.get(f"rewards/{reward.public_id}").json()
    assert (told_of["status"], told_of["issued_at"] is not None) == ("issued", True)


def test_the_catalogue_and_redemptions_over_the_api(workspace: Workspace, api: Api) -> None:
    ana = saver(workspace, 100)
    made = api.post("catalogue-items", TEA)
    item = made.json()
    assert (made.status_code, item["stock"], item["sku"]) == (201, 3, "TEA-1")
    assert _error(api.post("catalogue-items", {**TEA, "sku": ""})) == (400, "required", "sku")
    assert api.get("catalogue-items", status="active").json()["data"] == [item]
    body = {"customer": ana.customer.public_id, "item": item["id"], "key": "web-1"}
    first, second = api.post("redemptions", body), api.post("redemptions", body)
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json() == api.get("redemptions").json()["data"][0]
    assert (first.json()["amount_minor"], first.json()["unit"]) == (40, "PTS")
    assert api.get(f"catalogue-items/{item['id']}").json()["stock"] == 2
    changed = put(api, f"catalogue-items/{item['id']}", {**TEA, "points": 30, "stock": 2})
    assert (changed.status_code, changed.json()["points"]) == (200, 30)
    assert _error(put(api, f"catalogue-items/{item['id']}", {**TEA, "points": 0}))[1:] == (
        "invalid",
        "points",
    )
    put(api, f"catalogue-items/{item['id']}", {**TEA, "stock": 2})
    few = api.post("redemptions", {**body, "key": "web-2"}), api.post("redemptions", {**body, "key": "web-3"})
    assert (few[0].status_code, _error(few[1])[:2]) == (201, (409, "too_few_points"))
    gone = api.post(f"catalogue-items/{item['id']}/status", {"status": "archived"})
    assert gone.json()["status"] == "archived"
    assert _error(api.post("redemptions", {**body, "key": "web-4"}))[:2] == (409, "not_offered")
    back = api.post(f"redemptions/{first.json()['id']}/cancel", {"note": "Sent back"})
    assert (back.json()["status"], back.json()["note"]) == ("cancelled", "Sent back")


def test_a_shop_spends_store_credit(workspace: Workspace, api: Api) -> None:
    ana = saver(workspace, 700, kind="credit")
    body = {
        "customer": ana.customer.public_id,
        "amount_minor": 300,
        "currency": "EUR",
        "order_reference": "1007",
        "key": "order-1007",
    }
    assert api.post("redemptions", body).status_code == 201
    assert _error(api.post("redemptions", {**body, "amount_minor": 500}))[:2] == (409, "key_reused")
    too_much = api.post("redemptions", {**body, "amount_minor": 500, "key": "b"})
    assert _error(too_much)[:2] == (409, "too_little_credit")
    reward = Reward.objects.for_workspace(workspace).get()
    assert api.get(f"rewards/{reward.public_id}").json()["redeemed_minor"] == 300


@pytest.mark.parametrize(
    ("changes", "status", "param"),
    [
        ({"customer": "cus_none"}, 404, "customer"),
        ({"item": "cat_none"}, 404, "item"),
        ({"amount_minor": 0}, 400, "amount_minor"),
    ],
)
def test_a_refused_redemption_names_the_field(
    workspace: Workspace, api: Api, changes: dict[str, Any], status: int, param: str
) -> None:
    ana = saver(workspace, 7)
    body = {"customer": ana.customer.public_id, "amount_minor": 1, "currency": "EUR", "key": "a", **changes}
    code, _, named = _error(api.post("redemptions", body))
    assert (code, named) == (status, param)
