"""Tax details from the person to the office: given, sealed, decided about, and the yearly totals."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, User, Workspace
from core.errors import Conflict, Invalid
from programs.models import Customer, ProgramVersion
from programs.terms import dump_terms, parse_terms
from rewards import queries, services
from rewards.models import Payout, TaxDetails
from rewards.tax_forms import forms_for
from rewards.tax_years import marks_of, year_between
from tests.engagement import rows
from tests.factories import AT, CustomerFactory
from tests.rewards.builders import approved, bank, participant, person, program, rule

NUMBER = "12 345 678 901"


@pytest.fixture
def ana(workspace: Workspace) -> Customer:
    return CustomerFactory.create(workspace=workspace, name="Ana Kos")


def submit(customer: Customer, **changes: Any) -> TaxDetails:
    given = {"country": "DE", "legal_name": "Ana Kos", "form": "dac7", "number": NUMBER, **changes}
    return services.submit_tax_details(customer=customer, **given, actor=person(), at=AT)


def asking(workspace: Workspace, *rules: dict[str, Any]) -> Any:
    """Return a live program that holds payouts until tax details are verified."""
    shop = program(workspace, *rules)
    version = ProgramVersion.objects.for_workspace(workspace).get(program=shop)
    document = dump_terms(parse_terms({**version.terms, "tax_details_required": True}))
    # The version is append-only for the application; this one is made anew with the wish in it.
    shop.live_version = version.number + 1
    ProgramVersion.objects.create(
        workspace=workspace,
        program=shop,
        number=shop.live_version,
        terms=document,
        published_at=AT,
        published_by="olga",
    )
    shop.save()
    return shop


def test_the_forms_depend_on_the_country() -> None:
    assert forms_for("US") == ("w9",)
    assert forms_for("DE") == ("dac7", "w8ben", "w8bene")
    assert forms_for("CH") == ("other", "w8ben", "w8bene")


def test_the_number_is_sealed_and_only_its_end_is_told(workspace: Workspace, ana: Customer) -> None:
    row = submit(ana)
    row.refresh_from_db()
    assert (row.status, row.number_end, queries.open_number(row)) == ("submitted", "8901", NUMBER)
    assert NUMBER not in row.sealed_number
    entry = AuditEntry.objects.for_workspace(workspace).get(action="tax_details.submitted")
    told = json.dumps(entry.after)
    assert entry.after == {
        "country": "DE",
        "form": "dac7",
        "number": "…8901",
        "status": "submitted",
    }
    assert NUMBER not in told
    assert "Ana" not in told


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"country": "Germany"}, "country"),
        ({"country": "ZZ"}, "country"),
        ({"legal_name": " "}, "legal_name"),
        ({"form": "w9"}, "form"),
        ({"country": "US"}, "form"),
        ({"country": "US", "form": "w9", "number": "12-34"}, "number"),
        ({"number": "123"}, "number"),
        ({"number": ""}, "number"),
    ],
)
def test_what_is_wrong_is_named(ana: Customer, changes: dict[str, str], param: str) -> None:
    with pytest.raises(Invalid) as refused:
        submit(ana, **changes)
    assert refused.value.param == param
    assert queries.tax_details_of(ana) is None


def test_staff_verify_refuse_and_the_person_gives_them_again(workspace: Workspace, ana: Customer) -> None:
    row = submit(ana)
    verified = services.verify_tax_details(details=row, actor=person(), at=AT)
    assert (verified.status, verified.decided_at) == ("verified", AT)
    # The same again keeps the verdict; anything else has to be looked at anew.
    assert submit(ana).status == "verified"
    assert submit(ana, number="99 999 999 999").status == "submitted"
    refused = services.refuse_tax_details(details=row, reason="Wrong name", actor=person(), at=AT)
    assert (refused.status, refused.note) == ("refused", "Wrong name")
    with pytest.raises(Conflict) as again:
        services.verify_tax_details(details=row, actor=person(), at=AT)
    assert again.value.code == "not_submitted"
    renewed = submit(ana, number="99 999 999 999")
    assert (renewed.status, renewed.note, renewed.decided_by) == ("submitted", "", None)
    assert TaxDetails.objects.for_workspace(workspace).count() == 1


def test_a_payout_waits_until_they_are_verified(
    workspace: Workspace, django_assert_max_num_queries: Any
) -> None:
    ana, ben = participant(asking(workspace)), participant(program(workspace))
    approved(ana)
    approved(ben)
    people = [ana.customer_id, ben.customer_id]

    def why() -> str:
        with django_assert_max_num_queries(3):
            found = queries.tax_refusals(workspace, people)
        assert set(found) <= {ana.customer_id}
        return found.get(ana.customer_id, "")

    assert why() == "A program asks for tax details, and there are none."
    row = submit(ana.customer)
    assert why() == "The tax details have not been verified yet."
    services.refuse_tax_details(details=row, reason="Blurred", actor=person(), at=AT)
    assert why() == "The tax details were refused: Blurred"
    batch = services.prepare_batch(workspace=workspace, currency="EUR", actor=person(), at=AT)
    assert [each.customer_id for each in queries.payouts_of(batch)] == [ben.customer_id]
    submit(ana.customer)
    services.verify_tax_details(details=row, actor=person(), at=AT)
    assert why() == ""
    batch = services.prepare_batch(workspace=workspace, currency="EUR", actor=person(), at=AT)
    assert [each.customer_id for each in queries.payouts_of(batch)] == [ana.customer_id]


def test_a_friend_who_earns_cash_waits_too(workspace: Workspace) -> None:
    thanks = rule(key="thanks", side="referee", amount={"type": "fixed", "minor": 500})
    ana, friend = participant(asking(workspace, thanks)), CustomerFactory.create(workspace=workspace)
    bank(friend)
    approved(ana, customer=friend)
    assert queries.tax_refusals(workspace, [friend.pk]) == {
        friend.pk: "A program asks for tax details, and there are none."
    }
    with pytest.raises(Conflict) as nobody:
        services.prepare_batch(workspace=workspace, currency="EUR", actor=person(), at=AT)
    assert nobody.value.code == "nothing_payable"
    services.verify_tax_details(details=submit(friend), actor=person(), at=AT)
    batch = services.prepare_batch(workspace=workspace, currency="EUR", actor=person(), at=AT)
    assert [each.customer_id for each in queries.payouts_of(batch)] == [friend.pk]


def paid(customer: Customer, amount_minor: int, at: datetime, currency: str = "EUR") -> Payout:
    payout = rows.payout(customer, amount_minor)
    payout.settled_at, payout.currency = at, currency
    payout.save()
    return payout


def sums(workspace: Workspace, year: int) -> list[tuple[str, str, int, int]]:
    return [
        (each.name, each.currency, each.paid_minor, each.payout_count)  # type: ignore[attr-defined]
        for each in queries.paid_in_year(workspace, year)
    ]


@pytest.mark.parametrize(
    ("zone", "last", "first"),
    [
        # The year begins at 23:00 UTC in Berlin, at 05:00 in New York, at 10:00 in Kiritimati.
        ("Europe/Berlin", "2025-12-31T22:59:59", "2025-12-31T23:00:00"),
        ("America/New_York", "2026-01-01T04:59:59", "2026-01-01T05:00:00"),
        ("Pacific/Kiritimati", "2025-12-31T09:59:59", "2025-12-31T10:00:00"),
        ("UTC", "2025-12-31T23:59:59", "2026-01-01T00:00:00"),
    ],
)
def test_a_year_is_one_by_the_workspaces_clocks(
    workspace: Workspace, ana: Customer, zone: str, last: str, first: str
) -> None:
    workspace.time_zone = zone
    paid(ana, 100, datetime.fromisoformat(f"{last}+00:00"))
    paid(ana, 20, datetime.fromisoformat(f"{first}+00:00"))
    assert sums(workspace, 2025) == [("Ana Kos", "EUR", 100, 1)]
    assert sums(workspace, 2026) == [("Ana Kos", "EUR", 20, 1)]
    assert queries.years_paid(workspace, datetime(2026, 7, 1, tzinfo=UTC)) == [2026, 2025]


def test_summer_time_neither_drops_nor_doubles_a_payout(workspace: Workspace, ana: Customer) -> None:
    workspace.time_zone = "Europe/Berlin"
    # The hour that is left out, and both hours between two and three when the clocks go back.
    for at in ("2026-03-29T00:59:59", "2026-03-29T01:00:00", "2026-10-25T00:30:00", "2026-10-25T01:30:00"):
        paid(ana, 1_000, datetime.fromisoformat(f"{at}+00:00"))
    first, after = year_between(2026, "Europe/Berlin")
    assert (after - first).days == 365
    assert sums(workspace, 2026) == [("Ana Kos", "EUR", 4_000, 4)]
    # In Sydney summer time is on at the turn of the year.
    assert year_between(2026, "Australia/Sydney")[0] == datetime(2025, 12, 31, 13, tzinfo=UTC)


def test_each_currency_is_a_row_and_what_failed_is_none(workspace: Workspace, ana: Customer) -> None:
    ben = CustomerFactory.create(workspace=workspace, name="Ben")
    paid(ana, 40_000, AT, "USD")
    paid(ana, 20_000, AT, "USD")
    paid(ana, 5_000, AT)
    paid(ben, 7_000, AT)
    failed = paid(ben, 9_000, AT)
    failed.status = Payout.Status.FAILED
    failed.save()
    assert sums(workspace, 2026) == [
        ("Ben", "EUR", 7_000, 1),
        ("Ana Kos", "EUR", 5_000, 1),
        ("Ana Kos", "USD", 60_000, 2),
    ]
    totals = [(t.currency, t.paid_minor, t.people, t.payouts) for t in queries.year_totals(workspace, 2026)]
    assert totals == [("EUR", 12_000, 2, 2), ("USD", 60_000, 1, 2)]
    assert marks_of(60_000, "USD") == ("US: 600 dollars",)
    assert (marks_of(59_999, "USD"), marks_of(10**9, "CHF")) == ((), ())


@pytest.fixture
def olga(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


def page(workspace: Workspace, name: str, *ids: str) -> str:
    return reverse(name, args=[workspace.slug, *ids])


def test_the_report_links_each_figure_to_the_payouts_behind_it(
    workspace: Workspace, olga: Client, ana: Customer
) -> None:
    services.verify_tax_details(
        details=submit(ana, country="US", form="w9", number="123-45-6789"), actor=person(), at=AT
    )
    paid(ana, 60_000, AT, "USD")
    payout = paid(ana, 100, datetime(2025, 6, 1, tzinfo=UTC), "USD")
    shown = olga.get(page(workspace, "tax_year"), {"year": "2026"})
    text = shown.content.decode()
    assert "US: 600 dollars" in text
    behind = f"customer={ana.public_id}&amp;currency=USD&amp;from=2026-01-01&amp;to=2026-12-31"
    assert behind in text
    listed = olga.get(f"{page(workspace, 'paid_payouts')}?{behind.replace('&amp;', '&')}")
    assert [each.amount_minor for each in listed.context["page"]] == [60_000]
    earlier = olga.get(page(workspace, "tax_year"), {"year": "2025"})
    assert [each.paid_minor for each in earlier.context["page"]] == [payout.amount_minor]
    file = b"".join(olga.get(page(workspace, "tax_year"), {"year": "2026", "export": "csv"})).decode()
    assert "600.00" in file
    assert "verified" in file
    for asked in ("x", "1999", "99999"):
        assert olga.get(page(workspace, "tax_year"), {"year": asked}).status_code == 200


def test_the_console_decides(workspace: Workspace, olga: Client, ana: Customer) -> None:
    row = submit(ana)
    listed = olga.get(page(workspace, "tax_list"), {"status": "submitted", "form": "dac7"})
    assert [each.pk for each in listed.context["page"]] == [row.pk]
    assert olga.post(page(workspace, "tax_verify", row.public_id)).status_code == 302
    assert olga.post(page(workspace, "tax_verify", row.public_id)).status_code == 409
    assert olga.post(page(workspace, "tax_refuse", row.public_id), {"reason": ""}).status_code == 400
    assert olga.post(page(workspace, "tax_refuse", row.public_id), {"reason": "Blurred"}).status_code == 302
    text = olga.get(page(workspace, "tax_detail", row.public_id)).content.decode()
    assert "Blurred" in text
    assert NUMBER not in text
    assert NUMBER not in b"".join(olga.get(page(workspace, "tax_list"), {"export": "csv"})).decode()
