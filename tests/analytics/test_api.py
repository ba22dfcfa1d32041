"""`GET /api/v1/overview` and `GET /api/v1/search` as another system sees them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts import services as account_services
from accounts.models import Workspace
from accounts.services import SYSTEM
from analytics.services import rebuild_recent
from core import clock
from core.tenancy import tenant
from tests.analytics.conftest import Facts


@pytest.fixture
def get(workspace: Workspace, client: Client) -> Callable[..., Any]:
    """Ask for the overview, or another resource, with a key of the workspace."""
    _, token = account_services.create_api_key(
        workspace=workspace, kind="sk", name="BI", scopes=["read"], actor=SYSTEM, at=clock.now()
    )

    def run(query: str = "", *, of: str = "overview") -> Any:
        return client.get(f"/api/v1/{of}{query}", headers={"Authorization": f"Bearer {token}"})

    return run


def test_the_overview_is_exact(facts: Facts, get: Callable[..., Any]) -> None:
    yesterday = f"{clock.now() - timedelta(days=2):%Y-%m-%d}"
    program = facts.program()
    ana = facts.participant(program, enrolled="2026-01-01 10:00")
    for visitor in ("vis_a", "vis_b", "vis_c"):
        facts.click(ana, f"{yesterday} 10:00", visitor=visitor)
    facts.conversion(f"{yesterday} 11:00", ana, kind="signup")
    credit = facts.credit(facts.conversion(f"{yesterday} 12:00", amount=4_990), ana)
    facts.reward(credit, "EUR", (f"{yesterday} 12:00", "pending", 499))
    rebuild_recent(workspace=facts.workspace, at=clock.now())
    answer = get(f"?from={yesterday}&to={yesterday}&program={program.public_id}")
    assert answer.status_code == 200
    body = answer.json()
    assert body["program"] == program.public_id
    assert body["time_zone"] == "Europe/Berlin"
    assert body["period"] == {
        "first_on": yesterday,
        "last_on": yesterday,
        "totals": {
            "clicks": 3,
            "clicks_not_counted": 0,
            "visitors": 3,
            "signups": 1,
            "purchases": 1,
            "customs": 0,
            "enrolled": 0,
            "rewards": 1,
            "rewards_approved": 0,
            "rewards_paid": 0,
            "signup_rate": {"part": 1, "whole": 3, "percent": "33.3"},
            "purchase_rate": {"part": 1, "whole": 1, "percent": "100.0"},
            "money": [
                {
                    "unit": "EUR",
                    "revenue_minor": 4_990,
                    "refunded_minor": 0,
                    "reward_minor": 499,
                    "reversed_minor": 0,
                    "paid_minor": 0,
                }
            ],
        },
    }
    assert body["previous"]["totals"]["purchase_rate"] == {"part": 0, "whole": 0, "percent": None}
    assert body["days"] == [{"day_on": yesterday, "clicks": 3, "signups": 1, "purchases": 1}]
    assert len(get().json()["days"]) == 30


@pytest.mark.parametrize(
    ("query", "param"),
    [("?from=soon", "from"), ("?to=2999-01-01", "to"), ("?program=prg_nothing", "program")],
)
def test_a_fault_is_named(get: Callable[..., Any], query: str, param: str) -> None:
    answer = get(query)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


def test_another_tenants_program_is_unknown(
    other_workspace: Workspace, facts_in: Callable[[Workspace], Facts], get: Callable[..., Any]
) -> None:
    with tenant(other_workspace):
        theirs = facts_in(other_workspace).program("Theirs")
    answer = get(f"?program={theirs.public_id}")
    assert answer.status_code == 400
    assert "Theirs" not in answer.content.decode()


def test_the_search_answers_by_kind(facts: Facts, get: Callable[..., Any]) -> None:
    ana = facts.participant(facts.program("Friends"))
    link = facts.links[ana.pk]
    sale = facts.conversion("2026-03-25 10:00", ana, amount=4_990, source_key="LC-1")
    answer = get("?q=lc-1", of="search")
    assert answer.status_code == 200
    assert answer.json() == {
        "q": "lc-1",
        "groups": [
            {
                "kind": "conversion",
                "has_more": False,
                "hits": [
                    {
                        "id": sale.public_id,
                        "title": "LC-1",
                        "text": sale.customer.name,
                        "status": "recorded",
                        "amount_minor": 4_990,
                        "currency": "EUR",
                        "participant": None,
                    }
                ],
            }
        ],
    }
    (links,) = get(f"?q={link.code}&kind=link", of="search").json()["groups"]
    assert links["hits"] == [
        {
            "id": link.public_id,
            "title": link.code,
            "text": ana.display_name,
            "status": "active",
            "amount_minor": None,
            "currency": "",
            "participant": ana.public_id,
        }
    ]
    assert get("?q=nobody", of="search").json() == {"q": "nobody", "groups": []}


@pytest.mark.parametrize(
    ("query", "param"), [("", "q"), ("?q=a", "q"), (f"?q={'a' * 101}", "q"), ("?q=ana&kind=cat", "kind")]
)
def test_a_search_for_nothing_is_refused(get: Callable[..., Any], query: str, param: str) -> None:
    answer = get(query, of="search")
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


def test_a_search_finds_nothing_of_another_tenant(
    other_workspace: Workspace, facts_in: Callable[[Workspace], Facts], get: Callable[..., Any]
) -> None:
    with tenant(other_workspace):
        theirs = facts_in(other_workspace).program("Theirs")
    for text in ("Theirs", theirs.public_id):
        assert get(f"?q={text}", of="search").json()["groups"] == []
