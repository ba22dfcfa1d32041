"""Many facts in one request."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import Workspace
from core import clock
from programs.models import Customer, Participant
from tests import factories
from tests.tracking.conftest import Call, token
from tests.tracking.test_api import SALE
from tracking.models import Click, Conversion, Credit, Refund


def batch(call: Call, *events: Any, key: str | None = None) -> Any:
    answer = call("track/batch", {"events": list(events)}, **({"key": key} if key else {}))
    return answer.json()


def test_each_fact_is_taken_by_itself_in_order(call: Call, workspace: Workspace, ana: Participant) -> None:
    factories.LinkFactory.create(workspace=workspace, participant=ana, code="ana-k3f")
    done = batch(
        call,
        {"type": "click", "key": "ana-k3f"},
        {"type": "sale", **SALE, "invoiceId": "inv-1"},
        {"type": "sale", **SALE, "invoiceId": "inv-1", "amount": 1},
        {"type": "refund", "invoiceId": "inv-1", "amount": 500, "refundId": "r1"},
        {"type": "lead", "customerExternalId": "c2"},
        {"type": "sale", **SALE, "invoiceId": "inv-1"},
    )
    assert (done["taken"], done["failed"]) == (5, 1)
    assert [result["status"] for result in done["results"]] == [201, 201, 409, 201, 201, 200]
    assert done["results"][2]["error"]["code"] == "duplicate_order"
    assert done["results"][5]["body"]["duplicate"] is True
    assert Conversion.objects.for_workspace(workspace).count() == 2
    assert Refund.objects.for_workspace(workspace).get().amount_minor == 500
    assert Click.objects.for_workspace(workspace).get().counted is True


@pytest.mark.parametrize(
    ("event", "param"),
    [
        ({}, "type"),
        ({"type": "visit"}, "type"),
        ({"type": ["sale"]}, "type"),
        ({"type": "sale", **SALE, "mode": "wait"}, "mode"),
        ({"type": "sale", **SALE, "amount": "12"}, "amount"),
        ({"type": "sale", **SALE, "colour": "red"}, "colour"),
        ({"type": "click", "key": "nobody"}, "key"),
        ({"type": "refund", "invoiceId": "none"}, "invoiceId"),
    ],
)
def test_a_refused_fact_names_its_field_and_leaves_nothing(
    call: Call, workspace: Workspace, event: dict[str, Any], param: str
) -> None:
    done = batch(call, event, {"type": "lead", "customerExternalId": "c1"})
    assert (done["taken"], done["failed"]) == (1, 1)
    assert done["results"][0]["error"]["param"] == param
    assert Conversion.objects.for_workspace(workspace).count() == 1


def test_a_batch_has_one_to_a_thousand_facts(call: Call, workspace: Workspace) -> None:
    lead = {"type": "lead", "customerExternalId": "c1"}
    assert call("track/batch", {"events": []}).json()["error"]["param"] == "events"
    assert call("track/batch", {"events": [lead] * 1001}).json()["error"]["param"] == "events"
    assert call("track/batch", {"events": [1]}).json()["error"]["param"].startswith("events")
    assert call("track/batch", {"event": [lead]}).status_code == 400
    assert Conversion.objects.for_workspace(workspace).count() == 0


def test_a_page_may_not_send_batches(call: Call, workspace: Workspace) -> None:
    publishable = token(workspace, "pk", ("track:browser",))
    answer = call("track/batch", {"events": [{"type": "lead", "customerExternalId": "c"}]}, key=publishable)
    assert answer.status_code == 403


def test_a_server_tells_who_clicked(call: Call, workspace: Workspace, ana: Participant) -> None:
    factories.LinkFactory.create(workspace=workspace, participant=ana, code="ana-k3f")
    phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1"
    told = {"key": "ana-k3f", "userAgent": phone, "ip": "203.0.113.9"}
    mine = call("track/click", told, **{"User-Agent": "python-requests/2.32"}).json()
    assert mine.get("counted") is True, mine
    other = call("track/click", {"key": "ana-k3f"}, **{"User-Agent": "curl/8"}).json()
    assert other["reason"] == "datacentre"
    first, second = Click.objects.for_workspace(workspace).select_related("agent").order_by("pk")
    assert first.agent is not None
    assert first.agent.device == "phone"
    assert first.address_hash != second.address_hash
    publishable = token(workspace, "pk", ("track:browser",))
    refused = call("track/click", told, key=publishable)
    assert refused.json()["error"]["param"] == "userAgent"


def test_a_late_click_counts_when_it_happened(call: Call, workspace: Workspace, ana: Participant) -> None:
    factories.LinkFactory.create(workspace=workspace, participant=ana, code="ana-k3f")
    at = clock.now() - timedelta(days=3)
    done = batch(
        call,
        {"type": "click", "key": "ana-k3f", "occurredAt": at.isoformat()},
        {"type": "click", "key": "ana-k3f", "occurredAt": (clock.now() + timedelta(hours=1)).isoformat()},
        {"type": "click", "key": "ana-k3f", "occurredAt": (at - timedelta(days=500)).isoformat()},
    )
    assert [result.get("error", {}).get("param") for result in done["results"]] == [
        None,
        None,
        "occurredAt",
    ]
    click, ahead = Click.objects.for_workspace(workspace).order_by("occurred_at")
    assert click.occurred_at == at
    assert click.received_at > at + timedelta(days=2)
    # A clock that is ahead of ours makes nothing later than its receipt.
    assert ahead.occurred_at == ahead.received_at
    publishable = token(workspace, "pk", ("track:browser",))
    refused = call("track/click", {"key": "ana-k3f", "occurredAt": at.isoformat()}, key=publishable)
    assert refused.json()["error"]["param"] == "occurredAt"


def test_a_hundred_facts_cost_hardly_more_than_one(
    call: Call, workspace: Workspace, ana: Participant, django_assert_max_num_queries: Any
) -> None:
    factories.PromoCodeFactory.create(workspace=workspace, participant=ana, code="ANA10")
    sales = [
        {
            "type": "sale",
            **SALE,
            "customerExternalId": f"c-{number}",
            "invoiceId": f"inv-{number}",
            "promoCode": "ana10",
        }
        for number in range(100)
    ]
    with django_assert_max_num_queries(60):
        done = batch(call, *sales)
    assert done["taken"] == 100
    assert {result["body"]["duplicate"] for result in done["results"]} == {False}
    assert Credit.objects.for_workspace(workspace).filter(participant=ana).count() == 100
    with django_assert_max_num_queries(60):
        again = batch(call, *sales)
    assert {result["status"] for result in again["results"]} == {200}


def test_those_refused_in_a_group_leave_nothing_and_hold_nobody_up(call: Call, workspace: Workspace) -> None:
    first = {**SALE, "customerExternalId": "c-1", "invoiceId": "inv-1"}
    done = batch(
        call,
        {"type": "sale", **first},
        {"type": "sale", **first, "customerExternalId": "c-2"},
        {"type": "sale", **first, "customerExternalId": "c-3", "invoiceId": "inv-3", "clickId": "clk_none"},
        {"type": "sale", **first, "customerExternalId": "c-4", "invoiceId": "inv-4", "promoCode": "NOBODY"},
        {"type": "lead", "customerExternalId": "c-5"},
    )
    assert [result["status"] for result in done["results"]] == [201, 409, 400, 400, 201]
    assert [result["error"]["code"] for result in done["results"][1:4]] == [
        "duplicate_order",
        "unknown_click",
        "unknown_code",
    ]
    people = Customer.objects.for_workspace(workspace).values_list("external_id", flat=True)
    assert set(people) == {"c-1", "c-5"}
