"""What an order in another currency is worth in the workspace's: stored once, filled in once a rate comes."""

from __future__ import annotations

import html
import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import User, Workspace
from core.models import Event
from core.tenancy import tenant
from rewards import handlers, queries, services, tasks
from tests.factories import AT, ConversionFactory, CustomerFactory
from tests.rewards.builders import person
from tests.rewards.test_api import Api
from tests.rewards.test_rates import HISTORY, MONDAY, enter
from tests.rewards.test_views import olga, page  # noqa: F401
from tracking import services as tracking
from tracking.models import Conversion

pytestmark = pytest.mark.django_db


def order(workspace: Workspace, amount_minor: int, currency: str, key: str = "1") -> Conversion:
    """Record an order as a shop does, and let the rewards hear of it."""
    fact = tracking.ConversionFact(
        kind="purchase",
        customer=CustomerFactory.create(workspace=workspace),
        source="api",
        source_key=key,
        amount_minor=amount_minor,
        currency=currency,
        occurred_at=AT,
        at=AT,
    )
    found = tracking.record_conversion(workspace=workspace, fact=fact).conversion
    hear(workspace, found)
    return Conversion.objects.for_workspace(workspace).get(pk=found.pk)


def hear(workspace: Workspace, fact: Conversion) -> None:
    for event in Event.objects.for_workspace(workspace).filter(kind="conversion.created"):
        if event.data["conversion"] == fact.public_id:
            handlers.on_conversion_changed(event)


def stored(fact: Conversion) -> tuple[int | None, str, str, str, date | None]:
    fact.refresh_from_db()
    rate = "" if fact.reporting_rate is None else f"{fact.reporting_rate.normalize():f}"
    return fact.reporting_minor, fact.reporting_currency, rate, fact.reporting_source, fact.reporting_on


def words(response: Any) -> str:
    """Return a page's text without its marks."""
    plain = html.unescape(re.sub(r"<[^>]*>", "", response.content.decode()))
    return re.sub(r"\s+", " ", plain).replace(" ;", ";").replace(" )", ")")


def test_an_order_in_the_workspaces_currency_needs_no_rate(workspace: Workspace) -> None:
    assert stored(order(workspace, 1_999, "EUR")) == (1_999, "EUR", "", "", None)


def test_an_order_is_converted_by_the_rate_of_its_day_and_stays_so(workspace: Workspace) -> None:
    enter(workspace, "USD", "EUR", "0.92131")
    dollars = order(workspace, 12_000, "USD")
    expected = (11_056, "EUR", "0.92131", "entered", MONDAY)
    assert stored(dollars) == expected
    enter(workspace, "USD", "EUR", "0.5", at=AT + timedelta(hours=1))
    hear(workspace, dollars)
    assert services.report_waiting(workspace=workspace) == 0
    assert stored(dollars) == expected


def test_without_a_rate_it_says_so_and_is_filled_in_later(workspace: Workspace) -> None:
    """Also where no program owes anything for it; what waits for another currency goes on waiting."""
    dollars, yen = order(workspace, 12_000, "USD"), order(workspace, 5_000, "JPY", "2")
    assert stored(dollars) == stored(yen) == (None, "", "", "", None)
    assert queries.unreported_currencies(workspace) == [("JPY", 1), ("USD", 1)]
    enter(workspace, "USD", "EUR", "0.9")
    for event in Event.objects.for_workspace(workspace).filter(kind="rates.changed"):
        handlers.on_rates_changed(event)
    assert stored(dollars) == (10_800, "EUR", "0.9", "entered", MONDAY)
    assert queries.unreported_currencies(workspace) == [("JPY", 1)]


def test_the_banks_rates_fill_it_in_as_well(workspace: Workspace) -> None:
    dollars = order(workspace, 12_000, "USD")
    tasks.import_content(HISTORY)
    with tenant(workspace):
        (event,) = Event.objects.for_workspace(workspace).filter(kind="rates.changed")
        handlers.on_rates_changed(event)
        assert stored(dollars) == (11_056, "EUR", "0.92131932928", "ecb", MONDAY)


def test_an_amount_stands_beside_its_currency(workspace: Workspace) -> None:
    with pytest.raises(IntegrityError, match="conversion_reported"), transaction.atomic():
        ConversionFactory.create(workspace=workspace, reporting_minor=5)


def test_the_page_the_list_its_file_and_the_api_show_it(
    workspace: Workspace,
    olga: Client,  # noqa: F811
    client: Client,
    owner: User,
) -> None:
    waiting = order(workspace, 12_000, "USD", "W-1")
    shown = words(olga.get(page("conversion_detail", waiting.public_id)))
    assert "In reports waits for a rate of USD; enter one" in shown
    rates = words(olga.get(page("rate_list")))
    assert "1 order in USD, so far in no report in EUR" in rates
    assert "W-1" in words(olga.get(page("conversion_list") + "?rate=waiting"))
    enter(workspace, "USD", "EUR", "0.92131", on=AT.date())
    assert services.report_waiting(workspace=workspace) == 1
    shown = words(olga.get(page("conversion_detail", waiting.public_id)))
    assert "In reports €110.56, at 0.92131 EUR for 1 USD (entered, 2 March 2026)" in shown
    assert "W-1" not in words(olga.get(page("conversion_list") + "?rate=waiting"))
    file = b"".join(olga.get(page("conversion_list") + "?export=csv")).decode().splitlines()
    heads, line = (row.split(",") for row in file[:2])
    row = dict(zip(heads, line, strict=True))
    assert (row["In reports"], row["In reports unit"]) == ("110.56", "EUR")
    assert (Decimal(row["Rate"]), row["Rate from"], row["Rate of"]) == (
        Decimal("0.92131"),
        "entered",
        str(AT.date()),
    )
    answer = Api(workspace, client, ("read",), person()).get(f"conversions/{waiting.public_id}").json()
    assert {name: answer[name] for name in answer if name.startswith("reporting")} == {
        "reporting_minor": 11_056,
        "reporting_currency": "EUR",
        "reporting_rate": "0.921310000000",
        "reporting_source": "entered",
        "reporting_on": str(AT.date()),
    }
