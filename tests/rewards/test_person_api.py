"""Payout accounts, tax details, adjustments and money settings as another system sees them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEntry, User, Workspace
from accounts.services import Actor
from programs.models import Customer
from rewards import queries
from rewards.models import MoneySettings
from tests.factories import CustomerFactory
from tests.rewards.builders import IBAN
from tests.rewards.test_api import Api
from tests.rewards.test_settlement import balances


@pytest.fixture
def api(workspace: Workspace, client: Client, owner: User) -> Api:
    maker = Actor(kind="user", label=owner.email, user=owner)
    return Api(workspace, client, ("read", "payouts"), maker)


@pytest.fixture
def ana(workspace: Workspace) -> Customer:
    return CustomerFactory.create(workspace=workspace, name="Ana Kos")


def put(api: Api, path: str, body: dict[str, Any]) -> Any:
    return api.client.put(
        f"/api/v1/{path}", json.dumps(body), content_type="application/json", headers=api.headers
    )


def error(response: Any) -> tuple[int, str, str | None]:
    found = response.json()["error"]
    return response.status_code, found["code"], found["param"]


def test_payout_accounts(api: Api, ana: Customer) -> None:
    path = f"customers/{ana.public_id}/payout-accounts"
    assert api.get(path).json() == {"data": []}
    assert api.get(f"{path}/bank").status_code == 404
    bank = {"holder": "Ana Kos", "country": "DE", "iban": IBAN}
    answer = put(api, f"{path}/bank", bank)
    made = answer.json()
    assert (answer.status_code, made["method"], made["status"], made["label"]) == (
        200,
        "bank",
        "ready",
        "DE…2051",
    )
    assert IBAN not in answer.content.decode()
    assert api.get(f"{path}/bank").json() == made
    assert put(api, f"{path}/bank", bank).json() == made
    assert api.get(path).json() == {"data": [made]}
    assert error(put(api, f"{path}/bank", {**bank, "iban": "DE00"})) == (400, "invalid_iban", "iban")
    assert error(put(api, f"{path}/bank", {**bank, "swift": "X"}))[2] == "swift"
    assert put(api, f"{path}/cash", bank).status_code == 404
    assert error(put(api, f"{path}/stripe", {})) == (400, "onboarding", "method")
    assert put(api, "customers/cus_none/payout-accounts/bank", bank).status_code == 404


def test_tax_details(api: Api, ana: Customer) -> None:
    path = f"customers/{ana.public_id}/tax-details"
    assert api.get(path).status_code == 404
    body = {"country": "DE", "legal_name": "Ana Kos", "form": "dac7", "number": "12345678901"}
    made = put(api, path, body).json()
    assert (made["status"], made["number_end"], made["decided_at"]) == ("submitted", "8901", None)
    assert error(put(api, path, {**body, "form": "w9"}))[2] == "form"
    assert api.post(f"tax-details/{made['id']}/verify").json()["status"] == "verified"
    assert error(api.post(f"tax-details/{made['id']}/verify"))[:2] == (409, "not_submitted")
    refused = api.post(f"tax-details/{made['id']}/refuse", {"reason": "Blurred"}).json()
    assert (refused["status"], refused["note"]) == ("refused", "Blurred")
    listed = api.get("tax-details", status="refused", customer=ana.public_id).json()["data"]
    assert [each["id"] for each in listed] == [made["id"]]
    assert api.get("tax-details", status="verified").json()["data"] == []
    assert api.get("tax-years?year=2026").json() == {"data": []}
    for wrong in ("", "?year=1999", "?year=x"):
        assert error(api.get(f"tax-years{wrong}")) == (400, "out_of_range", "year")


def test_adjustments(api: Api, workspace: Workspace, ana: Customer) -> None:
    body = {
        "customer": ana.public_id,
        "place": "payable",
        "unit": "EUR",
        "amount_minor": 2_500,
        "reason": "Contest",
        "key": "contest-1",
    }
    made, again = api.post("adjustments", body), api.post("adjustments", body)
    assert (made.status_code, made.json()) == (201, again.json())
    assert made.json()["status"] == "applied"
    assert balances(workspace) == {"adjusted EUR": -2_500, "payable EUR": 2_500}
    waiting = api.post("adjustments", {**body, "amount_minor": 10_001, "key": "contest-2"}).json()
    assert (waiting["status"], waiting["created_by"]) == ("waiting", made.json()["created_by"])
    assert api.get(f"adjustments/{waiting['id']}").json() == waiting
    listed = api.get("adjustments", status="waiting").json()["data"]
    assert [each["id"] for each in listed] == [waiting["id"]]
    assert error(api.post("adjustments", {**body, "customer": "cus_none"})) == (404, "not_found", "customer")
    assert error(api.post("adjustments", {**body, "unit": "ABC", "key": "x"}))[2] == "unit"
    taken = {**body, "place": "credit", "amount_minor": -1, "key": "y"}
    assert error(api.post("adjustments", taken)) == (409, "below_zero", "amount_minor")


def test_an_adjustment_that_waits_takes_a_person(api: Api, workspace: Workspace, ana: Customer) -> None:
    """A key may have been made by anybody, so the second person decides in the console, as with payouts."""
    body = {"customer": ana.public_id, "place": "payable", "unit": "EUR", "reason": "Contest"}
    waiting = api.post("adjustments", {**body, "amount_minor": 10_001, "key": "contest"}).json()
    path = f"adjustments/{waiting['id']}"
    assert error(api.post(f"{path}/approve"))[:2] == (403, "needs_person")
    assert error(api.post(f"{path}/decline", {"reason": "No"}))[:2] == (403, "needs_person")
    assert error(api.post(f"{path}/decline", {}))[2] == "reason"
    for unknown in ("approve", "decline"):
        assert api.post(f"adjustments/adj_none/{unknown}", {"reason": "No"}).status_code == 404
    assert (api.get(path).json(), balances(workspace)) == (waiting, {})


def test_money_settings(api: Api, workspace: Workspace) -> None:
    usual = api.get("money-settings").json()
    assert (usual["adjustment_limit_minor"], usual["payout_cutoff_days"], usual["give_url"]) == (
        10_000,
        0,
        "",
    )
    assert not MoneySettings.objects.for_workspace(workspace).exists()
    wanted = {
        "adjustment_limit_minor": 5_000,
        "payout_cutoff_days": 3,
        "payout_fees": {"paypal": {"fixed_minor": 0, "bps": 150, "max_minor": 1_000}},
        "debtor_name": "Lumen Coffee GmbH",
        "debtor_iban": IBAN,
        "debtor_bic": "BYLADEM1001",
        "give_url": "https://shop.example/give",
        "deliverers": {"product": "person"},
    }
    assert put(api, "money-settings", wanted).json() == wanted
    assert put(api, "money-settings", wanted).json() == wanted
    assert api.get("money-settings").json() == wanted
    assert queries.adjustment_limit(workspace) == 5_000
    entry = AuditEntry.objects.for_workspace(workspace).get(action="money_settings.updated")
    assert entry.after == wanted
    for wrong, field in (
        ({"adjustment_limit_minor": -1}, "adjustment_limit_minor"),
        ({"payout_cutoff_days": 400}, "payout_cutoff_days"),
        ({"debtor_iban": "DE00"}, "debtor_iban"),
        ({"debtor_bic": "X"}, "debtor_bic"),
        ({"give_url": "ftp://shop.example"}, "give_url"),
        ({"give_url": "http://127.0.0.1/"}, "give_url"),
        ({"deliverers": {"product": "con_none"}}, "deliverers"),
    ):
        assert error(put(api, "money-settings", {**wanted, **wrong}))[2] == field
    assert api.get("money-settings").json() == wanted


def test_a_key_without_the_scope_changes_nothing(
    workspace: Workspace, client: Client, owner: User, ana: Customer
) -> None:
    reader = Api(workspace, client, ("read",), Actor("user", owner.email, user=owner))
    for path in (f"customers/{ana.public_id}/payout-accounts/bank", "money-settings"):
        assert put(reader, path, {}).status_code == 403
    assert reader.post("adjustments", {}).status_code == 403
