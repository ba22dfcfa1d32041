"""Rewards, payout batches and balances as another system sees them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from accounts import services as account_services
from accounts.models import User, Workspace
from accounts.services import SYSTEM, Actor
from core import clock
from core.tenancy import tenant
from rewards import queries, services
from rewards.models import PayoutBatch, Reward
from tests.factories import AT
from tests.rewards import builders
from tests.rewards.builders import IBAN_LABEL, approved, conversion, participant, person, program, settled


class Api:
    """Calls the API with a key that a person made."""

    def __init__(self, workspace: Workspace, client: Client, scopes: tuple[str, ...], maker: Actor) -> None:
        with tenant(workspace):
            _, token = account_services.create_api_key(
                workspace=workspace, kind="sk", name="Robot", scopes=scopes, actor=maker, at=clock.now()
            )
        self.client, self.headers = client, {"Authorization": f"Bearer {token}"}

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"/api/v1/{path}", query, headers=self.headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.client.post(
            f"/api/v1/{path}",
            json.dumps({} if body is None else body),
            content_type="application/json",
            headers={**self.headers, **headers},
        )


@pytest.fixture
def api(workspace: Workspace, client: Client, owner: User) -> Api:
    maker = Actor(kind="user", label=owner.email, user=owner)
    return Api(workspace, client, ("read", "write", "payouts"), maker)


def _error(response: Any) -> tuple[int, str, str | None]:
    found = response.json()["error"]
    return response.status_code, found["code"], found["param"]


def test_a_reward_in_full(workspace: Workspace, api: Api) -> None:
    ana = participant(program(workspace, hold_days=30))
    reward = settled(ana)
    assert api.get(f"rewards/{reward.public_id}").json() == {
        "id": reward.public_id,
        "program": ana.program.public_id,
        "version": 1,
        "conversion": reward.conversion.public_id,
        "referral": reward.referral.public_id,
        "side": "referrer",
        "customer": ana.customer.public_id,
        "participant": ana.public_id,
        "rule": "commission",
        "kind": "cash",
        "status": "pending",
        "reason": "",
        "sentence": "10 % of €100.00 is €10.00.",
        "unit": "EUR",
        "base_minor": 10_000,
        "amount_minor": 1000,
        "reversed_minor": 0,
        "net_minor": 1000,
        "redeemed_minor": 0,
        "expired_minor": 0,
        "needs_person": "",
        "fulfilment": {},
        "payout": None,
        "available_at": "2026-04-01T12:00:00+00:00",
        "issued_at": None,
        "expires_at": None,
        "created_at": "2026-03-02T12:00:00+00:00",
    }
    assert queries.answer_for_conversion(reward.conversion) == [api.get(f"rewards/{reward.public_id}").json()]


def test_the_list_is_filtered_and_paged(workspace: Workspace, api: Api) -> None:
    ana, ben = participant(program(workspace)), participant(program(workspace))
    first, second, third = settled(ana), settled(ben), approved(ana)

    def ids(**query: Any) -> list[str]:
        return [row["id"] for row in api.get("rewards", **query).json()["data"]]

    assert ids() == [third.public_id, second.public_id, first.public_id]
    assert ids(status="approved") == [third.public_id]
    assert ids(participant=ben.public_id) == ids(program=ben.program.public_id) == [second.public_id]
    assert ids(customer=ana.customer.public_id, status="pending") == [first.public_id]
    assert ids(conversion=first.conversion.public_id, side="referrer", kind="cash") == [first.public_id]
    page = api.get("rewards", limit=2).json()
    assert (len(page["data"]), page["has_more"]) == (2, True)
    assert _error(api.get("rewards", status="rich"))[0::2] == (400, "status")


def test_approving_and_denying(workspace: Workspace, api: Api) -> None:
    ana = participant(program(workspace))
    good, bad = settled(ana), settled(ana)
    answer = api.post(f"rewards/{good.public_id}/approve")
    assert (answer.status_code, answer.json()["status"]) == (200, "approved")
    assert _error(api.post(f"rewards/{good.public_id}/approve"))[:2] == (409, "already_approved")
    assert _error(api.post(f"rewards/{bad.public_id}/deny")) == (400, "invalid", "reason")
    assert _error(api.post(f"rewards/{bad.public_id}/deny", {"reason": "No", "x": 1}))[0::2] == (400, "x")
    answer = api.post(f"rewards/{bad.public_id}/deny", {"reason": "Staff member"})
    assert (answer.status_code, answer.json()["status"]) == (200, "denied")
    assert _error(api.post(f"rewards/{bad.public_id}/approve"))[:2] == (409, "denied")


def test_the_hold_is_told_with_its_end(workspace: Workspace, api: Api) -> None:
    received = datetime(2098, 12, 31, 12, tzinfo=UTC)
    reward = settled(participant(program(workspace, hold_days=1)), received_at=received)
    error = api.post(f"rewards/{reward.public_id}/approve").json()["error"]
    assert (error["code"], error["details"]) == ("on_hold", {"available_at": "2099-01-01T12:00:00+00:00"})


def test_a_held_reward_needs_a_reason(workspace: Workspace, api: Api) -> None:
    ana = participant(program(workspace))
    fact = conversion(ana)
    builders.doubt(fact, ana, name="too_fast", outcome="hold")
    (reward,) = services.settle_conversion(conversion=fact, at=AT)
    assert _error(api.post(f"rewards/{reward.public_id}/approve")) == (400, "required", "reason")
    answer = api.post(f"rewards/{reward.public_id}/approve", {"reason": "Known customer"})
    assert answer.json()["status"] == "approved"


def test_a_repeated_approval_under_one_key_gets_the_first_answer(workspace: Workspace, api: Api) -> None:
    reward = settled(participant(program(workspace)))
    path = f"rewards/{reward.public_id}/approve"
    first = api.post(path, **{"Idempotency-Key": "a1"})
    again = api.post(path, **{"Idempotency-Key": "a1"})
    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["Idempotent-Replayed"] == "true"


def test_a_batch_from_the_api_needs_a_person_to_approve_it(
    workspace: Workspace, api: Api, owner: User
) -> None:
    ana = participant(program(workspace))
    approved(ana)
    made = api.post("payout-batches", {"currency": "EUR"})
    assert made.status_code == 201
    batch = made.json()
    assert batch == {
        "id": batch["id"],
        "currency": "EUR",
        "method": "csv",
        "connection": "",
        "status": "draft",
        "total_minor": 1000,
        "fee_minor": 0,
        "payout_count": 1,
        "people_count": 1,
        "judged_count": 1,
        "paid_minor": 0,
        "failed_minor": 0,
        "provider_paid_minor": None,
        "provider_reference": "",
        "discrepancy": "",
        "cutoff_at": None,
        "note": "",
        "created_by": "olga@acme.example",
        "approved_by": None,
        "created_at": batch["created_at"],
        "approved_at": None,
        "completed_at": None,
    }
    path = f"payout-batches/{batch['id']}"
    assert _error(api.post(f"{path}/approve"))[:2] == (403, "needs_person")
    assert _error(api.post(f"{path}/export"))[:2] == (409, "not_approved")
    row = PayoutBatch.objects.for_workspace(workspace).get()
    services.approve_batch(batch=row, actor=person("second@acme.example"), at=AT)

    (payout,) = api.get(f"{path}/payouts").json()["data"]
    assert (payout["customer"], payout["destination"]) == (ana.customer.public_id, IBAN_LABEL)
    assert (payout["amount_minor"], payout["currency"], payout["status"]) == (1000, "EUR", "pending")
    exported = api.post(f"{path}/export")
    assert exported.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert exported.getvalue().decode().splitlines()[1].startswith(payout["id"])
    assert api.get(path).json()["status"] == "processing"

    results = [
        {"payout_id": payout["id"], "status": "paid", "reference": "bank-1"},
        {"payout_id": "pyt_none", "status": "paid"},
    ]
    answer = api.post(f"{path}/results", {"results": results}).json()
    assert answer["results"] == [
        {"line": 1, "payout_id": payout["id"], "outcome": "paid", "column": "", "message": ""},
        {
            "line": 2,
            "payout_id": "pyt_none",
            "outcome": "refused",
            "column": "payout_id",
            "message": "This batch has no such payout.",
        },
    ]
    assert (answer["batch"]["status"], answer["batch"]["approved_by"]) == (
        "completed",
        "second@acme.example",
    )
    assert [b["id"] for b in api.get("payout-batches", status="completed").json()["data"]] == [batch["id"]]
    assert api.get("payout-batches", status="draft").json()["data"] == []
    assert Reward.objects.for_workspace(workspace).get().status == "paid"


def test_bad_batches_name_the_field(workspace: Workspace, api: Api) -> None:
    approved(participant(program(workspace)))
    assert _error(api.post("payout-batches")) == (400, "invalid", "currency")
    assert _error(api.post("payout-batches", {"currency": "XXX"})) == (400, "invalid", "currency")
    assert _error(api.post("payout-batches", {"currency": "USD"})) == (409, "nothing_payable", None)
    made = api.post("payout-batches", {"currency": "EUR"}).json()
    path = f"payout-batches/{made['id']}/results"
    assert _error(api.post(path, {"results": []}))[0::2] == (400, "results")
    assert _error(api.post(path, {"results": [{"status": "paid"}]}))[0::2] == (400, "results.0.payout_id")
    assert not Reward.objects.for_workspace(workspace).filter(status="paid").exists()


def test_a_key_without_a_maker_cannot_prepare(workspace: Workspace, client: Client) -> None:
    approved(participant(program(workspace)))
    api = Api(workspace, client, ("payouts",), SYSTEM)
    assert _error(api.post("payout-batches", {"currency": "EUR"}))[:2] == (403, "needs_person")


@pytest.mark.parametrize(
    ("scopes", "method", "path"),
    [
        (("read",), "post", "rewards/{reward}/approve"),
        (("read",), "post", "rewards/{reward}/deny"),
        (("write",), "get", "rewards"),
        (("write",), "get", "balances"),
        (("write", "read"), "post", "payout-batches"),
    ],
)
def test_scopes(
    workspace: Workspace, client: Client, owner: User, scopes: tuple[str, ...], method: str, path: str
) -> None:
    reward = settled(participant(program(workspace)))
    api = Api(workspace, client, scopes, person())
    answer = getattr(api, method)(path.format(reward=reward.public_id))
    assert _error(answer)[:2] == (403, "missing_scope")


def test_balances(workspace: Workspace, api: Api) -> None:
    ana = participant(program(workspace))
    approved(ana)
    found = api.get("balances", customer=ana.customer.public_id).json()
    assert found["customer"] == ana.customer.public_id
    assert [(b["kind"], b["unit"], b["balance_minor"]) for b in found["balances"]] == [
        ("payable", "EUR", 1000),
        ("pending", "EUR", 0),
    ]
    assert _error(api.get("balances")) == (400, "required", "customer")
    assert _error(api.get("balances", customer="cus_none")) == (404, "not_found", "customer")


def test_another_workspaces_things_do_not_exist(
    workspace: Workspace, other_workspace: Workspace, api: Api
) -> None:
    with tenant(other_workspace):
        theirs = approved(participant(program(other_workspace)))
        batch = services.prepare_batch(workspace=other_workspace, currency="EUR", actor=person(), at=AT)
        customer = theirs.customer.public_id
    for path in (f"rewards/{theirs.public_id}", f"payout-batches/{batch.public_id}"):
        assert api.get(path).status_code == 404
    for path in (
        f"rewards/{theirs.public_id}/approve",
        f"payout-batches/{batch.public_id}/approve",
        f"payout-batches/{batch.public_id}/export",
    ):
        assert api.post(path).status_code == 404
    assert api.post(f"rewards/{theirs.public_id}/deny", {"reason": "x"}).status_code == 404
    results = {"results": [{"payout_id": "x", "status": "paid"}]}
    assert api.post(f"payout-batches/{batch.public_id}/results", results).status_code == 404
    assert api.get(f"payout-batches/{batch.public_id}/payouts").status_code == 404
    assert api.get("balances", customer=customer).status_code == 404
    assert api.get("rewards").json() == {"data": [], "has_more": False}
    assert api.get("payout-batches").json() == {"data": [], "has_more": False}
