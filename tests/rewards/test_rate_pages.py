"""The page and the API of exchange rates."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import Member, Role, User, Workspace
from accounts.services import Actor
from core import clock
from rewards import services
from rewards.models import EnteredRate, ReferenceRate
from tests.factories import AT
from tests.rewards.builders import conversion, participant, program
from tests.rewards.test_api import Api
from tests.rewards.test_rates import HISTORY
from tests.rewards.test_views import member, page, text, told

pytestmark = pytest.mark.django_db

RATE = {"base": "usd", "quote": "EUR", "on": "2026-03-02", "rate": "0.9213"}


@pytest.fixture
def olga(workspace: Workspace, owner: User) -> Client:
    """The owner, signed in."""
    client = Client()
    client.force_login(owner)
    return client


@pytest.fixture
def api(workspace: Workspace, client: Client, owner: User) -> Api:
    maker = Actor(kind="user", label=owner.email, user=owner)
    return Api(workspace, client, ("read", "write"), maker)


def rows(workspace: Workspace) -> list[tuple[str, str, str, str]]:
    found = EnteredRate.objects.for_workspace(workspace).order_by("on", "quote")
    return [(row.base, row.quote, str(row.on), f"{row.rate.normalize():f}") for row in found]


def test_the_page_without_any_rate(olga: Client, workspace: Workspace) -> None:
    shown = text(olga.get(page("rate_list")))
    assert "No rates of your own" in shown
    assert "None have been fetched yet." in shown
    assert "What waits for a rate" not in shown


def test_entering_a_rate(olga: Client, workspace: Workspace) -> None:
    done = olga.post(page("rate_list"), RATE)
    assert told(done) == [
        "1 USD = 0.9213 EUR from 2026-03-02. Rewards that waited for it are reckoned now.",
    ]
    assert rows(workspace) == [("USD", "EUR", "2026-03-02", "0.9213")]
    assert "0.9213" in text(olga.get(page("rate_list")))
    file = b"".join(olga.get(page("rate_list") + "?export=csv")).decode()
    assert "USD,0.9213,EUR,2026-03-02" in file


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"base": "XYZ"}, "base", "'XYZ' is not an ISO 4217 currency code."),
        ({"quote": "USD"}, "quote", "A currency is always worth one of itself."),
        ({"rate": "0"}, "rate", "The rate is a number above zero."),
        ({"rate": "one"}, "rate", "Enter a number."),
        ({"on": "2999-01-01"}, "on", "The rate holds from a day that has come already."),
        ({"on": ""}, "on", "This field is required."),
    ],
)
def test_a_refused_rate(
    olga: Client, workspace: Workspace, change: dict[str, str], field: str, message: str
) -> None:
    refused = olga.post(page("rate_list"), {**RATE, **change})
    assert (refused.status_code, refused.context["form"].errors[field]) == (400, [message])
    assert rows(workspace) == []


def test_uploading_a_file(olga: Client, workspace: Workspace) -> None:
    done = olga.post(page("rate_upload"), {"file": SimpleUploadedFile("rates.csv", HISTORY)})
    assert told(done) == ["5 new, 0 changed, 0 known already."]
    assert len(rows(workspace)) == 5
    assert not ReferenceRate.objects.exists()
    bad = olga.post(
        page("rate_upload"), {"file": SimpleUploadedFile("rates.csv", HISTORY.replace(b"1.09", b"x"))}
    )
    assert (bad.status_code, bad.context["file_form"].errors["file"]) == (
        400,
        ["Line 3: 'x' for USD is no number above zero."],
    )


def test_who_may_enter_rates(workspace: Workspace) -> None:
    for role, status in ((Role.FINANCE, 302), (Role.ANALYST, 403), (Role.READ_ONLY, 403)):
        client = member(workspace, role, f"{role}@acme.example")
        assert client.get(page("rate_list")).status_code == 200
        assert client.post(page("rate_list"), RATE).status_code == status
    assert Member.objects.for_workspace(workspace).count() == 4


def test_the_banks_rates_and_what_waits(olga: Client, workspace: Workspace) -> None:
    services.import_reference_rates(content=HISTORY, at=clock.now())
    fact = conversion(participant(program(workspace)), currency="CHF")
    services.settle_conversion(conversion=fact, at=AT)
    shown = text(olga.get(page("rate_list")))
    assert "The European Central Bank's, up to 2 March 2026" in shown.replace("&#x27;", "'")
    assert "1.0854" in shown
    assert "1 reward</a> for orders in CHF" in shown
    assert "status=held&amp;reason=currency_differs" in shown


def test_the_api(api: Api, workspace: Workspace) -> None:
    services.import_reference_rates(content=HISTORY, at=clock.now())
    body: dict[str, Any] = {**RATE, "base": "USD"}
    made = api.post("exchange-rates", body)
    assert made.status_code == 201
    assert made.json()["rate"] == "0.9213"
    assert api.post("exchange-rates", {**body, "rate": "-1"}).json()["error"]["param"] == "rate"
    assert api.post("exchange-rates", {**body, "base": "usd"}).json()["error"]["param"] == "base"
    assert api.post("exchange-rates", {**body, "note": "x"}).json()["error"]["param"] == "note"
    listed = api.get("exchange-rates", base="USD").json()
    assert [(row["base"], row["quote"], row["on"]) for row in listed["data"]] == [
        ("USD", "EUR", "2026-03-02")
    ]
    assert api.get("exchange-rates", base="GBP").json()["data"] == []
    reference = api.get("exchange-rates/reference").json()
    assert [(row["currency"], row["per_euro"], row["on"]) for row in reference] == [
        ("GBP", "0.85", "2026-03-02"),
        ("JPY", "163.45", "2026-03-02"),
        ("USD", "1.0854", "2026-03-02"),
    ]
    found = api.get("exchange-rates/lookup", base="EUR", quote="USD", on="2026-03-05").json()
    assert found == {
        "base": "EUR",
        "quote": "USD",
        "rate": "1.085422772170",
        "shown": "1.08542",
        "source": "entered",
        "on": "2026-03-02",
    }
    unknown = api.get("exchange-rates/lookup", base="CHF", quote="USD", on="2026-03-05")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "unknown_rate")
    assert api.get("exchange-rates/lookup", base="CHF").json()["error"]["param"] == "quote"
