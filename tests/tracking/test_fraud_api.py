"""Fraud cases and the allow and block lists as another system sees them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry, Workspace
from accounts.services import SYSTEM
from core import events
from core.tenancy import tenant
from programs.models import Participant, Program
from tests import factories
from tests.rewards.builders import rule
from tests.tracking.conftest import NOW, Call, Clicker, token
from tracking import services
from tracking.models import FraudCase, FraudListEntry


@pytest.fixture
def program(workspace: Workspace) -> Program:
    """A program that pays 10 % of a purchase in cash, without a hold."""
    document = factories.terms(rewards=[rule()], hold_days=0, eligibility={})
    made: Program = factories.ProgramFactory.create(workspace=workspace, draft=document)
    return made


@pytest.fixture
def ask(workspace: Workspace, call: Call) -> Callable[..., Any]:
    """Call the API with a key that reads and writes."""
    key = token(workspace, scopes=("read", "write"))

    def run(path: str, body: Any = None, **more: Any) -> Any:
        return call(path, body, key=key, **more)

    return run


@pytest.fixture
def hold(workspace: Workspace, ana: Participant, click: Clicker) -> Callable[..., FraudCase]:
    """Have an order held because it follows its click at once."""
    made = iter(range(1, 1000))

    def run() -> FraudCase:
        number = next(made)
        conversion = services.record_conversion(
            workspace=workspace,
            fact=services.ConversionFact(
                kind="purchase",
                customer=factories.CustomerFactory.create(workspace=workspace, name="Fay"),
                source="api",
                source_key=f"order-{number}",
                amount_minor=10_000,
                currency="EUR",
                occurred_at=NOW,
                at=NOW,
                click=click(ana, days_ago=5 / 86_400, visitor=f"vis_{number}"),
            ),
        ).conversion
        while events.deliver_due():
            pass
        return FraudCase.objects.for_workspace(workspace).get(conversion=conversion)

    return run


Hold = Callable[..., FraudCase]
Ask = Callable[..., Any]


def test_a_case_is_read_with_findings_history_and_money(ask: Ask, hold: Hold, ana: Participant) -> None:
    case = hold()
    answer = ask(f"fraud-cases/{case.public_id}").json()
    [signal], [change], [reward] = answer.pop("signals"), answer.pop("changes"), answer.pop("rewards")
    assert answer == {
        "id": case.public_id,
        "status": "open",
        "outcome": "hold",
        "rule": "too_fast",
        "score": 50,
        "program": ana.program.public_id,
        "version": 1,
        "participant": ana.public_id,
        "conversion": case.conversion.public_id,
        "customer": case.conversion.customer.public_id,
        "held_minor": 1000,
        "held_unit": "EUR",
        "decided_by": "",
        "decided_at": None,
        "reason": "",
        "opened_at": "2026-03-02T12:00:00Z",
        "sentence": "The conversion came 5 s after the click; under 10 s is held for a look.",
        "participant_sentence": "We are checking this referral; this usually takes a few days.",
    }
    assert (signal["rule"], signal["weight"], signal["shadow"]) == ("too_fast", 50, False)
    assert signal["evidence"] == {"seconds": "5", "limit_seconds": "10"}
    assert (change["before"], change["after"], change["actor"], change["reason"]) == (
        "",
        "open",
        "rules",
        "too_fast",
    )
    assert (reward["status"], reward["net_minor"], reward["unit"]) == ("held", 1000, "EUR")
    assert ask("fraud-cases/frc_nobody").status_code == 404


def test_cases_are_listed_newest_first_and_narrowed(ask: Ask, hold: Hold, ana: Participant) -> None:
    cases = [hold(), hold(), hold()]
    ids = [case.public_id for case in reversed(cases)]
    services.resolve_case(case=cases[0], status="approved", actor=SYSTEM, at=NOW)

    def listed(query: str) -> list[str]:
        return [row["id"] for row in ask(f"fraud-cases?{query}").json()["data"]]

    assert listed("") == ids
    assert listed("status=open") == ids[:2]
    assert listed(f"status=approved&participant={ana.public_id}&program={ana.program.public_id}") == ids[2:]
    assert listed("rule=self_referral") == []
    assert listed(f"conversion={cases[1].conversion.public_id}") == [ids[1]]
    assert listed(f"customer={cases[1].conversion.customer.public_id}") == [ids[1]]
    first = ask("fraud-cases?limit=2").json()
    assert (len(first["data"]), first["has_more"]) == (2, True)
    assert listed(f"limit=2&starting_after={ids[1]}") == ids[2:]


def test_a_list_of_cases_asks_the_database_as_often_for_any_number(ask: Ask, hold: Hold) -> None:
    asked = []
    ask("fraud-cases")
    for _ in range(2):
        hold()
        with CaptureQueriesContext(connection) as context:
            assert ask("fraud-cases").status_code == 200
        asked.append(len(context))
    assert asked[0] == asked[1]


def test_a_case_is_approved_rejected_and_reopened(ask: Ask, hold: Hold, workspace: Workspace) -> None:
    case = hold()
    steps = (("approve", "approved"), ("reject", "rejected"), ("reopen", "open"))
    for call, status in steps:
        answer = ask(f"fraud-cases/{case.public_id}/{call}", {"reason": f"because {call}"})
        assert (answer.status_code, answer.json()["status"]) == (200, status)
        assert answer.json()["reason"] == f"because {call}"
    assert [change["after"] for change in answer.json()["changes"]] == [
        "open",
        "approved",
        "rejected",
        "open",
    ]
    audits = AuditEntry.objects.for_workspace(workspace).filter(subject=case.public_id).order_by("pk")
    assert list(audits.values_list("action", "actor_kind")) == [
        ("fraud_case.approved", "api_key"),
        ("fraud_case.rejected", "api_key"),
        ("fraud_case.reopened", "api_key"),
    ]


def test_a_decision_is_taken_once_under_one_key(ask: Ask, hold: Hold) -> None:
    case = hold()
    path = f"fraud-cases/{case.public_id}/approve"
    first = ask(path, {}, **{"Idempotency-Key": "k1"})
    again = ask(path, {}, **{"Idempotency-Key": "k1"})
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()
    assert ask(path, {"reason": "x"}, **{"Idempotency-Key": "k1"}).status_code == 409


def test_what_is_wrong_is_named(ask: Ask, call: Call, hold: Hold) -> None:
    case = hold()
    path = f"fraud-cases/{case.public_id}/approve"
    for body, param in (({"reason": "x" * 201}, "reason"), ({"why": "x"}, "why")):
        refused = ask(path, body)
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)
    assert call(path, {}).status_code == 403  # the key only reads
    assert ask("fraud-cases/frc_nobody/reject", {}).status_code == 404


def test_many_are_decided_at_once(ask: Ask, hold: Hold) -> None:
    first, second = hold(), hold()
    ids = [first.public_id, "frc_nobody", second.public_id]
    answer = ask("fraud-cases/bulk", {"ids": ids, "status": "rejected", "reason": "One gang"})
    assert answer.json() == {
        "done": 2,
        "failed": 1,
        "results": [
            {"id": first.public_id, "status": "rejected"},
            {"id": "frc_nobody", "error": {"code": "not_found", "message": "There is no such case."}},
            {"id": second.public_id, "status": "rejected"},
        ],
    }
    for body, param in (
        ({"ids": [], "status": "open"}, "ids"),
        ({"ids": ids, "status": "maybe"}, "status"),
        ({"ids": ids}, "status"),
    ):
        refused = ask("fraud-cases/bulk", body)
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)


def test_entries_are_added_listed_and_removed(
    ask: Ask, workspace: Workspace, client: Client, other_workspace: Workspace
) -> None:
    new = {"mode": "block", "kind": "address", "pattern": "203.0.113.*", "note": "Coupons"}
    made = ask("fraud-list-entries", {**new, "expires_at": "2031-01-01T00:00:00Z"})
    assert made.status_code == 201
    entry = made.json()
    assert entry == {
        **new,
        "id": entry["id"],
        "created_by": entry["created_by"],
        "created_at": entry["created_at"],
        "expires_at": "2031-01-01T00:00:00Z",
    }
    again = ask("fraud-list-entries", new)
    assert (again.status_code, again.json()) == (200, entry)
    assert ask(f"fraud-list-entries/{entry['id']}").json() == entry
    assert ask("fraud-list-entries?mode=block&kind=address").json()["data"] == [entry]
    assert ask("fraud-list-entries?mode=allow").json()["data"] == []
    address = f"/api/v1/fraud-list-entries/{entry['id']}"
    stranger = token(other_workspace, scopes=("read", "write"))
    assert client.delete(address, headers={"Authorization": f"Bearer {stranger}"}).status_code == 404
    key = token(workspace, scopes=("write",))
    for status in (204, 404):
        assert client.delete(address, headers={"Authorization": f"Bearer {key}"}).status_code == status
    with tenant(workspace):
        assert FraudListEntry.objects.for_workspace(workspace).count() == 0


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"mode": "maybe"}, "mode"),
        ({"kind": "planet"}, "kind"),
        ({"pattern": "300.1.1.1"}, "pattern"),
        ({"pattern": None}, "pattern"),
        ({"note": "x" * 201}, "note"),
        ({"expires_at": (NOW - timedelta(days=900)).isoformat()}, "expires_at"),
        ({"until": "x"}, "until"),
    ],
)
def test_a_wrong_entry_is_refused_by_its_field(ask: Ask, changes: dict[str, Any], param: str) -> None:
    body = {"mode": "block", "kind": "address", "pattern": "203.0.113.7", **changes}
    refused = ask("fraud-list-entries", json.dumps(body))
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)
