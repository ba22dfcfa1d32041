"""The `/track` calls, conversions and referrals as another system sees them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from accounts.models import Workspace
from core.tenancy import tenant
from programs.models import Customer, Link
from tests import factories
from tests.tracking.conftest import Call, token
from tracking.models import Click, Conversion, Refund


@pytest.fixture
def link(workspace: Workspace) -> Link:
    """A live link of a participant in an active program."""
    return factories.LinkFactory.create(workspace=workspace, code="ana-k3f")


SALE = {"customerExternalId": "c1", "amount": 4_990, "currency": "eur", "invoiceId": "inv-1"}


def test_click_lead_and_sale_in_dubs_spelling_credit_the_referrer(call: Call, link: Link) -> None:
    click = call("track/click", {"domain": "go.example", "key": "ANA-K3F", "url": "https://x.example"})
    assert click.status_code == 201
    assert click.json()["counted"] is True
    click_id = click.json()["click_id"]
    lead = call("track/lead", {"clickId": click_id, "eventName": "Sign up", "customerExternalId": "c1"})
    assert (lead.status_code, lead.json()["duplicate"]) == (201, False)
    sale = call("track/sale", {**SALE, "mode": "wait"})
    assert sale.status_code == 201
    answer = sale.json()
    assert answer["conversion"]["amount_minor"] == 4_990
    assert answer["conversion"]["currency"] == "EUR"
    [decision] = answer["explanation"]["decisions"]
    assert decision["credits"][0]["participant"] == link.participant.public_id
    assert Click.objects.for_workspace(link.workspace).count() == 1


def test_snake_case_is_taken_as_well(call: Call, link: Link) -> None:
    sale = {"customer_external_id": "c1", "amount": 1, "currency": "EUR", "invoice_id": "i"}
    assert call("track/sale", sale).status_code == 201


def test_the_same_invoice_twice_is_one_purchase(call: Call, workspace: Workspace) -> None:
    first, second = call("track/sale", SALE), call("track/sale", SALE)
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json()["duplicate"] is True
    assert first.json()["conversion"] == second.json()["conversion"]
    assert Conversion.objects.for_workspace(workspace).count() == 1


def test_the_same_invoice_with_another_amount_is_409(call: Call) -> None:
    call("track/sale", SALE)
    refused = call("track/sale", {**SALE, "amount": 5_000})
    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "duplicate_order"
    assert refused.json()["error"]["param"] == "amount"


def test_an_idempotency_key_makes_sales_without_invoice_repeatable(call: Call, workspace: Workspace) -> None:
    body = {k: v for k, v in SALE.items() if k != "invoiceId"}
    one = call("track/sale", body, **{"Idempotency-Key": "k1"})
    two = call("track/sale", body, **{"Idempotency-Key": "k1"})
    assert two.headers["Idempotent-Replayed"] == "true"
    assert (two.status_code, two.json()) == (201, one.json())
    other = call("track/sale", {**body, "amount": 1}, **{"Idempotency-Key": "k1"})
    assert (other.status_code, other.json()["error"]["code"]) == (409, "idempotency_key_reused")
    assert Conversion.objects.for_workspace(workspace).count() == 1


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"amount": -1}, "amount"),
        ({"amount": 12.5}, "amount"),
        ({"amount": "12"}, "amount"),
        ({"amount": True}, "amount"),
        ({"amount": 10**16}, "amount"),
        ({"currency": "EURO"}, "currency"),
        ({"currency": "ZZZ"}, "currency"),
        ({"customerExternalId": ""}, "customerExternalId"),
        ({"customerEmail": "nope"}, "customerEmail"),
        ({"clickId": "clk_nope"}, "clickId"),
        ({"promoCode": "NOPE"}, "promoCode"),
        ({"colour": "red"}, "colour"),
        ({"mode": "later"}, "mode"),
        ({"occurredAt": "yesterday"}, "occurredAt"),
        ({"invoice_id": "again"}, "invoice_id"),
        ({"metadata": []}, "metadata"),
    ],
)
def test_bad_input_names_the_field_in_the_callers_spelling(
    call: Call, workspace: Workspace, change: dict[str, Any], param: str
) -> None:
    refused = call("track/sale", {**SALE, **change})
    assert refused.status_code == 400, refused.content
    assert refused.json()["error"]["param"] == param
    assert Conversion.objects.for_workspace(workspace).count() == 0
    assert Customer.objects.for_workspace(workspace).count() == 0


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"amount": NaN}', b"\xff\xfe", b'{"a": 1, "a": 2}', b"null"])
def test_malformed_json_is_400(call: Call, body: bytes) -> None:
    refused = call("track/sale", body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "malformed_json")


def test_an_oversize_body_is_413(call: Call) -> None:
    refused = call("track/sale", json.dumps({**SALE, "metadata": {"x": "y" * 1_000_001}}))
    assert (refused.status_code, refused.json()["error"]["code"]) == (413, "too_large")


def test_keys_open_only_what_their_scopes_say(call: Call, workspace: Workspace, link: Link) -> None:
    publishable = token(workspace, "pk")
    assert call("track/click", {"key": "ana-k3f"}, key=publishable).status_code == 201
    sale = call("track/sale", SALE, key=publishable)
    assert (sale.status_code, sale.json()["error"]["code"]) == (403, "missing_scope")
    assert call("conversions", key=publishable).status_code == 403
    unknown = call("track/sale", SALE, key="sk_unknown")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (401, "bad_api_key")


def test_another_tenants_ids_are_404(call: Call, workspace: Workspace, other_workspace: Workspace) -> None:
    with tenant(other_workspace):
        foreign = factories.ConversionFactory.create(workspace=other_workspace)
        foreign_link = factories.LinkFactory.create(workspace=other_workspace, code="theirs-1")
    assert call(f"conversions/{foreign.public_id}").status_code == 404
    assert call(f"conversions/{foreign.public_id}/explanation").status_code == 404
    assert call("track/click", {"key": foreign_link.code}).status_code == 404
    assert call("conversions").json() == {"data": [], "has_more": False}


def test_refunds_partial_full_and_repeated(call: Call, workspace: Workspace) -> None:
    call("track/sale", SALE)
    part = call("track/refund", {"invoiceId": "inv-1", "refundId": "r1", "amount": 990})
    assert (part.status_code, part.json()["conversion"]["refunded_minor"]) == (201, 990)
    again = call("track/refund", {"invoiceId": "inv-1", "refundId": "r1", "amount": 990})
    assert (again.status_code, again.json()["duplicate"]) == (200, True)
    rest = call("track/refund", {"invoiceId": "inv-1"})
    assert (rest.json()["amount_minor"], rest.json()["conversion"]["status"]) == (4_000, "refunded")
    assert call("track/refund", {"invoiceId": "inv-1"}).json()["duplicate"] is True
    assert Refund.objects.for_workspace(workspace).count() == 2


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"invoiceId": "other"}, 404, "invoiceId"),
        ({"invoiceId": "inv-1", "amount": 10}, 400, "refundId"),
        ({"invoiceId": "inv-1", "amount": 4_991, "refundId": "r"}, 400, "amount"),
        ({"invoiceId": "inv-1", "amount": 0, "refundId": "r"}, 400, "amount"),
    ],
)
def test_refunds_that_cannot_be_are_refused(
    call: Call, body: dict[str, Any], status: int, param: str
) -> None:
    call("track/sale", SALE)
    refused = call("track/refund", body)
    assert (refused.status_code, refused.json()["error"]["param"]) == (status, param)


def test_lists_page_and_filter(call: Call, workspace: Workspace) -> None:
    made = [factories.ConversionFactory.create(workspace=workspace) for _ in range(3)]
    ids = [conversion.public_id for conversion in reversed(made)]
    first = call("conversions?limit=2").json()
    assert ([row["id"] for row in first["data"]], first["has_more"]) == (ids[:2], True)
    rest = call(f"conversions?limit=2&starting_after={ids[1]}").json()
    assert ([row["id"] for row in rest["data"]], rest["has_more"]) == (ids[2:], False)
    back = call(f"conversions?ending_before={ids[2]}").json()
    assert [row["id"] for row in back["data"]] == ids[:2]
    assert call("conversions?kind=signup").json()["data"] == []
    assert call("conversions?limit=0").json()["error"]["param"] == "limit"


def test_metadata_keeps_fractions_exact(call: Call) -> None:
    sale = call("track/sale", {**SALE, "metadata": {"weight": 1.5, "tags": [{"score": 0.1}], "n": 3}})
    assert sale.status_code == 201
    assert sale.json()["conversion"]["metadata"] == {"weight": "1.5", "tags": [{"score": "0.1"}], "n": 3}


def test_a_publishable_key_learns_and_changes_nothing_about_known_customers(
    call: Call, workspace: Workspace
) -> None:
    known = factories.CustomerFactory.create(workspace=workspace, external_id="c1", email="", mailbox="")
    lead = {"customerExternalId": "c1", "eventName": "Sign up"}
    assert call("track/lead", {**lead, "metadata": {"plan": "gold"}}).status_code == 201
    publishable = token(workspace, "pk")
    waiting = call("track/lead", {**lead, "mode": "wait"}, key=publishable)
    error = waiting.json()["error"]
    assert (waiting.status_code, error["code"], error["param"]) == (403, "secret_key_needed", "mode")
    again = call("track/lead", {**lead, "customerEmail": "eve@evil.example"}, key=publishable)
    assert (again.status_code, again.json()["duplicate"]) == (200, True)
    assert "explanation" not in again.json()
    assert again.json()["conversion"]["metadata"] == {}
    known.refresh_from_db()
    assert (known.email, known.mailbox) == ("", "")
    call("track/lead", {**lead, "customerEmail": "carla@example.com"})
    known.refresh_from_db()
    assert known.email == "carla@example.com"
