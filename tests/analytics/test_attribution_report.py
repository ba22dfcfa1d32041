"""The attribution report as members and other systems see it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts import services as account_services
from accounts.models import User, Workspace
from accounts.services import SYSTEM
from analytics import queries
from core import clock
from core.tenancy import tenant
from programs.models import Participant
from tests import factories
from tests.analytics.conftest import Facts


def day(days_ago: int) -> str:
    return f"{clock.now() - timedelta(days=days_ago):%Y-%m-%d}"


@pytest.fixture
def page(workspace: Workspace, owner: User, client: Client) -> Callable[..., str]:
    """Open the report, or another page of the workspace, as its owner and return its HTML."""
    client.force_login(owner)

    def run(query: str = "", status: int = 200, path: str = "reports/attribution/") -> str:
        response = client.get(f"/w/{workspace.slug}/{path}{query}")
        assert response.status_code == status
        return response.content.decode("utf-8-sig")

    return run


@pytest.fixture
def get(workspace: Workspace, client: Client) -> Callable[..., Any]:
    """Ask for the report with a key of the workspace."""
    _, token = account_services.create_api_key(
        workspace=workspace, kind="sk", name="BI", scopes=["read"], actor=SYSTEM, at=clock.now()
    )

    def run(query: str = "") -> Any:
        return client.get(f"/api/v1/reports/attribution{query}", headers={"Authorization": f"Bearer {token}"})

    return run


@pytest.fixture
def shop(facts: Facts) -> tuple[Participant, Participant]:
    """Ana and Ben: a friend met Ana by e-mail, then Ben in a gallery, and bought for 90.00 EUR.

    The program credits the last click.
    """
    program = facts.program("Friends")
    ana, ben = facts.participant(program), facts.participant(program)
    for person, name in ((ana, "Ana"), (ben, "=Ben")):
        person.display_name = name
        person.save()
    friend = factories.CustomerFactory.create(workspace=facts.workspace)
    facts.touch(ana, friend, f"{day(9)} 10:00", "email")
    facts.touch(ben, friend, f"{day(8)} 10:00", "photo_app")
    facts.decided(friend, f"{day(7)} 10:00", amount=9_000)
    return ana, ben


def test_the_page_sets_models_side_by_side(
    facts: Facts, shop: tuple[Participant, Participant], page: Callable[..., str]
) -> None:
    html = page()
    assert "It never changes who was credited or paid" in html
    assert "How to read this" in html
    assert "Photo app" in html
    for name in ("Credited", "First click", "Position", "Markov", "Shapley"):
        assert f">{name}</th>" in html
    assert "0.50" in html
    assert "credited 1.00, Markov 0.50" in html
    # The last click's channel was credited; half of it is another's for those who share.
    assert "50.0 %" in html
    euros = page("?unit=EUR&model=first_click")
    # Other dates keep the rest of what was chosen.
    assert '<input type="hidden" name="unit" value="EUR">' in euros
    assert "Credited beside First click" in euros
    assert "€90.00" in euros
    assert "€45.00" in euros
    assert "+€90.00" in euros
    assert "−€90.00" in euros
    assert "Credited beside Markov" in page("?model=nonsense&unit=XXX")


def test_numbers_lead_to_the_conversions_behind_them(
    facts: Facts, shop: tuple[Participant, Participant], page: Callable[..., str]
) -> None:
    ana, ben = shop
    html = page("?by=participant")
    lists = f"/w/{facts.workspace.slug}/conversions/"
    assert f'href="/w/{facts.workspace.slug}/participants/{ana.public_id}/"' in html
    dates = f"from={day(29)}" if f"from={day(29)}" in html else ""
    assert f"{lists}?met={ana.public_id}&amp;{dates}" in html
    assert f"{lists}?participant={ben.public_id}&amp;{dates}" in html
    assert f"{lists}?participant={ana.public_id}" not in html  # nothing was credited to Ana
    assert f"{lists}?channel=email&amp;" in page("?by=channel")
    assert f"{lists}?channel=email&amp;kind=purchase&amp;" in page("?kind=purchase")

    def found(query: str) -> str:
        return page(f"?{query}", path="conversions/")

    assert "€90.00" in found(f"met={ana.public_id}")
    assert "Contact with" in found(f"met={ana.public_id}")
    assert "Ana" in found(f"met={ana.public_id}")
    assert "photo app" in found("channel=photo_app")
    assert "€90.00" in found("channel=photo_app")
    assert "€90.00" not in found("channel=sms")
    assert "€90.00" not in found(f"participant={ana.public_id}")


def test_the_report_can_be_taken_along(
    facts: Facts, shop: tuple[Participant, Participant], page: Callable[..., str]
) -> None:
    ana, ben = shop
    rows = list(csv.reader(io.StringIO(page("?by=participant&format=csv"))))
    assert rows[0] == ["participant", "id", "program", "touches", "unit", *queries.COLUMNS]
    # A day of a half-life of seven is 2^(1/7) to 1.
    numbers = {
        "actual": ("1.000000", "90.00", "0.000000", "0.00"),
        "first_click": ("0.000000", "0.00", "1.000000", "90.00"),
        "last_click": ("1.000000", "90.00", "0.000000", "0.00"),
        "time_decay": ("0.524735", "47.23", "0.475265", "42.77"),
    }
    columns = [numbers.get(each, ("0.500000", "45.00", "0.500000", "45.00")) for each in queries.COLUMNS]
    heads = [
        [name, person.public_id, "Friends", "1", unit]
        for name, person in (("'=Ben", ben), ("Ana", ana))
        for unit in ("conversions", "EUR")
    ]
    assert rows[1:] == [[*head, *(column[number] for column in columns)] for number, head in enumerate(heads)]


def test_without_conversions_the_page_says_so(page: Callable[..., str]) -> None:
    html = page()
    assert "Nothing to compare in these days" in html
    assert "How to read this" in html


def test_what_rests_on_no_contact_leads_nowhere(facts: Facts, page: Callable[..., str]) -> None:
    ana = facts.participant(facts.program("Friends"))
    friend = factories.CustomerFactory.create(workspace=facts.workspace)
    facts.touch(ana, friend, f"{day(200)} 10:00")
    for days_ago in (199, 3):
        facts.decided(friend, f"{day(days_ago)} 10:00")
    html = page()
    assert "No contact" in html
    assert "/conversions/?" not in html
    assert f"/conversions/?participant={ana.public_id}" in page("?by=participant")


def test_a_choice_that_does_not_exist_is_refused_on_the_page(page: Callable[..., str]) -> None:
    assert "A report is by channel or by participant." in page("?by=moon", status=400)
    assert "There is no such kind of conversion." in page("?kind=moon", status=400)
    assert "There is no such program." in page("?program=prg_none", status=400)


def test_a_report_that_begins_later_says_so(
    facts: Facts,
    shop: tuple[Participant, Participant],
    page: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ana, _ = shop
    friend = factories.CustomerFactory.create(workspace=facts.workspace)
    facts.touch(ana, friend, f"{day(4)} 10:00")
    facts.decided(friend, f"{day(3)} 10:00")
    monkeypatch.setattr("analytics.queries.attribution.MOST_DECISIONS", 1)
    assert "The report looks at the latest of them" in page()


def test_the_api_has_the_same_numbers(
    facts: Facts, shop: tuple[Participant, Participant], get: Callable[..., Any]
) -> None:
    ana, ben = shop
    answer = get(f"?by=participant&kind=purchase&from={day(20)}&to={day(1)}&program={ana.program.public_id}")
    assert answer.status_code == 200
    body = answer.json()
    rows = body.pop("rows")
    moved = {each["model"]: each for each in body.pop("moved")}
    assert body == {
        "program": ana.program.public_id,
        "time_zone": "Europe/Berlin",
        "first_on": day(20),
        "last_on": day(1),
        "by": "participant",
        "kind": "purchase",
        "journeys_converted": 1,
        "journeys_unconverted": 0,
        "since": None,
        "total": {
            "conversions_ppm": 1_000_000,
            "amounts": [{"currency": "EUR", "amount_minor": 9_000}],
        },
    }
    assert moved["shapley"] == {
        "model": "shapley",
        "part_ppm": 500_000,
        "whole_ppm": 1_000_000,
        "percent": "50.0",
    }
    assert [(row["kind"], row["id"], row["name"], row["touches"]) for row in rows] == [
        ("one", ben.public_id, "=Ben", 1),
        ("one", ana.public_id, "Ana", 1),
    ]
    assert {each["model"]: each["conversions_ppm"] for each in rows[1]["models"]} == {
        "actual": 0,
        "first_click": 1_000_000,
        "last_click": 0,
        "linear": 500_000,
        "time_decay": 475_265,
        "position_based": 500_000,
        "custom": 500_000,
        "markov": 500_000,
        "shapley": 500_000,
    }
    assert rows[0]["models"][-1]["amounts"] == [{"currency": "EUR", "amount_minor": 4_500}]
    assert get().json()["by"] == "channel"
    assert get().json()["kind"] is None


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("?from=soon", "from"),
        ("?to=2999-01-01", "to"),
        ("?program=prg_nothing", "program"),
        ("?by=moon", "by"),
        ("?kind=moon", "kind"),
    ],
)
def test_a_fault_is_named(get: Callable[..., Any], query: str, param: str) -> None:
    answer = get(query)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


def test_another_tenant_is_not_in_it(
    other_workspace: Workspace,
    facts_in: Callable[[Workspace], Facts],
    get: Callable[..., Any],
    page: Callable[..., str],
) -> None:
    with tenant(other_workspace):
        theirs = facts_in(other_workspace)
        program = theirs.program("Theirs")
        friend = factories.CustomerFactory.create(workspace=other_workspace)
        theirs.touch(theirs.participant(program), friend, f"{day(5)} 10:00", "secret_channel")
        theirs.decided(friend, f"{day(4)} 10:00")
    assert get().json()["rows"] == []
    assert "ecret" not in page("?by=channel")
    assert "Theirs" not in page("?by=participant")
    assert get(f"?program={program.public_id}").status_code == 400
