"""A person's statement adds up line by line, as a page, PDF and CSV, and its digest shows that it is ours."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User, Workspace
from accounts.services import Actor
from core.errors import Invalid
from engagement.views.portal import SESSION_KEY
from programs.models import Customer, Participant
from rewards import queries, services
from rewards.models import Account
from rewards.queries import Statement, statement_for
from rewards.services.ledger import Movement, Place, expense, post
from rewards.statement_files import statement_csv, statement_pdf
from tests.conftest import make_workspace
from tests.factories import AT, CustomerFactory, UserFactory
from tests.rewards.builders import approved, paid_batch, participant, program, refund
from tests.rewards.test_api import Api
from tests.rewards.test_views import member

MARCH = (date(2026, 3, 1), date(2026, 3, 31))


def _of(customer: Customer, first_on: date = MARCH[0], last_on: date = MARCH[1]) -> Statement:
    return statement_for(customer, first_on=first_on, last_on=last_on)


def _earn(workspace: Workspace, ana: Customer, at: datetime, amount: int, unit: str = "EUR") -> None:
    movement = Movement(
        key=f"test:{at.isoformat()}:{amount}:{unit}",
        debit=expense(unit),
        credit=Place("payable", unit, ana.pk),
        amount_minor=amount,
        memo="Earned",
    )
    post(workspace=workspace, movements=[movement], at=at)


@pytest.fixture
def ana(workspace: Workspace) -> Participant:
    return participant(program(workspace))


def _shown(statement: Statement) -> dict[str, tuple[int, list[tuple[int, int]], int]]:
    return {
        f"{account.kind} {account.unit}": (
            account.opening_minor,
            [(entry.change_minor, entry.balance_minor) for entry in account.entries],
            account.closing_minor,
        )
        for account in statement.accounts
    }


def test_every_line_carries_the_balance_after_it(ana: Participant) -> None:
    approved(ana)
    paid_batch(ana.workspace)
    assert _shown(_of(ana.customer)) == {
        "in_transit EUR": (0, [(1000, 1000), (-1000, 0)], 0),
        "paid_out EUR": (0, [(1000, 1000)], 1000),
        "payable EUR": (0, [(1000, 1000), (-1000, 0)], 0),
        "pending EUR": (0, [(1000, 1000), (-1000, 0)], 0),
    }
    assert _of(ana.customer).faults == ()


def test_a_month_begins_with_what_was_left_by_the_one_before(workspace: Workspace) -> None:
    Workspace.objects.for_workspace(workspace).update(time_zone="Asia/Tokyo")
    ana = CustomerFactory.create(workspace=Workspace.objects.for_workspace(workspace).get())
    # The last second of February in Tokyo, and the first of March.
    _earn(workspace, ana, datetime(2026, 2, 28, 14, 59, 59, tzinfo=UTC), 100)
    _earn(workspace, ana, datetime(2026, 2, 28, 15, 0, 0, tzinfo=UTC), 20)
    _earn(workspace, ana, datetime(2026, 3, 31, 15, 0, 0, tzinfo=UTC), 3)
    assert _shown(_of(ana)) == {"payable EUR": (100, [(20, 120)], 120)}
    [account] = _of(ana).accounts
    assert (account.later_minor, account.kept_minor, account.difference_minor) == (3, 123, 0)
    april = _of(ana, date(2026, 4, 1), date(2026, 4, 30))
    assert _shown(april) == {"payable EUR": (120, [(3, 123)], 123)}
    assert _shown(_of(ana, date(2026, 5, 1), date(2026, 5, 31))) == {"payable EUR": (123, [], 123)}
    assert _of(ana, date(2026, 1, 1), date(2026, 1, 31)).accounts == ()


def test_a_balance_that_differs_from_the_movements_is_said(ana: Participant, owner: User) -> None:
    approved(ana)
    payable = Account.objects.for_workspace(ana.workspace).filter(kind="payable")
    payable.update(balance_minor=1001)
    [fault] = _of(ana.customer).faults
    assert (fault.kind, fault.difference_minor) == ("payable", 1)
    client = Client()
    client.force_login(owner)
    page = client.get(_address(ana.customer), {"month": "2026-03"})
    assert "The books differ from these movements by €0.01" in page.content.decode()


@pytest.mark.parametrize(
    ("first_on", "last_on", "says"),
    [
        (date(2026, 3, 2), date(2026, 3, 1), "The first day comes after the last."),
        (date(2025, 3, 1), date(2026, 3, 2), "A statement covers at most 366 days."),
    ],
)
def test_days_that_make_no_statement_are_refused(
    ana: Participant, first_on: date, last_on: date, says: str
) -> None:
    with pytest.raises(Invalid) as refused:
        _of(ana.customer, first_on, last_on)
    assert (refused.value.message, refused.value.param) == (says, "from")


def test_too_many_lines_are_refused(ana: Participant, monkeypatch: pytest.MonkeyPatch) -> None:
    approved(ana)
    monkeypatch.setattr("rewards.queries.statements.MOST_LINES", 1)
    with pytest.raises(Invalid, match="please ask for fewer days"):
        _of(ana.customer)


def _rows(statement: Statement) -> list[list[str]]:
    return list(csv.reader(io.StringIO(statement_csv(statement).decode("utf-8-sig"))))


def test_the_csv_file_has_points_where_the_unit_has_decimals(workspace: Workspace) -> None:
    ana = CustomerFactory.create(workspace=workspace)
    for unit, amount in (("JPY", 1234), ("KWD", 1234), ("EUR", 1234), ("PTS", 50)):
        _earn(workspace, ana, AT, amount, unit)
    rows = _rows(_of(ana))
    assert [(row[1], row[3], row[4], row[5]) for row in rows[1:-1] if row[3] != "Opening balance"] == [
        ("EUR", "Earned", "12.34", "12.34"),
        ("EUR", "Closing balance", "", "12.34"),
        ("JPY", "Earned", "1234", "1234"),
        ("JPY", "Closing balance", "", "1234"),
        ("KWD", "Earned", "1.234", "1.234"),
        ("KWD", "Closing balance", "", "1.234"),
        ("PTS", "Earned", "50", "50"),
        ("PTS", "Closing balance", "", "50"),
    ]
    assert rows[-1][0] == "digest"
    assert queries.verdict(workspace, rows[-1][3]).outcome == "confirmed"


def test_the_pdf_file_embeds_its_font_and_is_the_same_every_time(workspace: Workspace) -> None:
    name = "Zażółć Gęślą Ωμέγα Щукин " + "Alexander" * 10
    ana = CustomerFactory.create(workspace=workspace, name=name)
    assert statement_pdf(_of(ana)).startswith(b"%PDF-")
    for minute in range(120):
        _earn(workspace, ana, AT.replace(hour=minute // 60, minute=minute % 60), 1)
    made = statement_pdf(_of(ana))
    assert made == statement_pdf(_of(ana))
    assert made.count(b"/FontFile2") == 2
    assert b"/Count 4" in made


def test_a_digest_confirms_what_was_issued_and_nothing_else(ana: Participant) -> None:
    workspace = ana.workspace
    reward = approved(ana)
    line = queries.digest_line(_of(ana.customer))
    assert line.startswith(f"stm1.{ana.customer.public_id}.2026-03-01.2026-03-31.")
    found = queries.verdict(workspace, f" {line[:40]}\n{line[40:]} ")
    assert found.outcome == "confirmed"
    assert found.statement is not None
    assert found.statement.customer == ana.customer
    for forged in (
        "",
        "stm1",
        line[:-1],
        line.replace("2026-03-31", "2026-03-30"),
        line.replace("stm1", "stm2"),
        f"{line}é",
    ):
        assert queries.verdict(workspace, forged).outcome == "unknown"
    refund(reward.conversion, 5_000)
    services.settle_conversion(conversion=reward.conversion, at=AT)
    assert queries.verdict(workspace, line).outcome == "outdated"


def test_a_digest_of_another_workspace_proves_nothing(workspace: Workspace) -> None:
    ana = participant(program(workspace))
    line = queries.digest_line(_of(ana.customer))
    other = make_workspace(UserFactory.create(), name="Beta")
    assert queries.verdict(other, line).outcome == "unknown"


def _address(customer: Customer) -> str:
    return reverse("statement", args=["acme", customer.public_id])


def test_the_console_shows_a_month_and_downloads_it(ana: Participant, owner: User) -> None:
    approved(ana)
    client = Client()
    client.force_login(owner)
    page = client.get(_address(ana.customer), {"from": "2026-03-01", "to": "2026-03-31"})
    text = page.content.decode()
    assert page.status_code == 200
    assert text.count("Closing balance") == 2
    line = queries.digest_line(_of(ana.customer))
    assert line in text
    for kind in ("pdf", "csv"):
        file = client.get(_address(ana.customer), {"from": "2026-03-01", "to": "2026-03-31", "as": kind})
        assert file.headers["Content-Disposition"] == (
            f'attachment; filename="statement-{ana.customer.public_id}-2026-03-01-2026-03-31.{kind}"'
        )
    wrong = client.get(_address(ana.customer), {"from": "2026-03-02", "to": "2026-03-01"})
    assert (wrong.status_code, "The first day comes after the last." in wrong.content.decode()) == (400, True)
    verify = reverse("statement_verify", args=["acme"])
    assert "This statement is ours, and the books say the same" in (
        client.get(verify, {"digest": line}).content.decode()
    )
    assert "was not made by this workspace" in client.get(verify, {"digest": "x"}).content.decode()
    support = member(ana.workspace, "support", "sam@acme.example")
    assert support.get(_address(ana.customer), {"as": "pdf"}).status_code == 403


def test_a_participant_has_their_own(ana: Participant, client: Client) -> None:
    approved(ana)
    address = reverse("portal_statement")
    assert client.get(address).status_code == 403
    session = client.session
    session[SESSION_KEY] = {"workspace": ana.workspace_id, "participant": ana.public_id}
    session.save()
    days = {"from": "2026-03-01", "to": "2026-03-31"}
    text = client.get(address, days).content.decode()
    assert "Your statement" in text
    assert text.count("Closing balance") == 2
    assert client.get(address, {**days, "as": "pdf"}).headers["Content-Type"] == "application/pdf"
    empty = client.get(address, {"from": "2025-03-01", "to": "2025-03-31"})
    assert "Nothing in these days" in empty.content.decode()
    assert client.get(address, {"month": "1999-01"}).status_code == 400


def test_the_api_gives_it_as_json_and_as_files(ana: Participant, client: Client, owner: User) -> None:
    approved(ana)
    api = Api(ana.workspace, client, ("read",), Actor(kind="user", label=owner.email, user=owner))
    days = {"customer": ana.customer.public_id, "from": "2026-03-01", "to": "2026-03-31"}
    found = api.get("statements", **days).json()
    assert [
        (each["kind"], each["closing_minor"], each["difference_minor"]) for each in found["accounts"]
    ] == [
        ("payable", 1000, 0),
        ("pending", 0, 0),
    ]
    assert api.get("statements", **days, **{"as": "pdf"}).content.startswith(b"%PDF-")
    assert api.get("statements", **days, **{"as": "csv"}).headers["Content-Type"] == "text/csv; charset=utf-8"
    checked = api.get("statements/verify", digest=found["digest"]).json()
    assert (checked["outcome"], checked["statement"]["customer"]) == ("confirmed", ana.customer.public_id)
    assert api.get("statements/verify", digest="x").json() == {"outcome": "unknown", "statement": None}
    assert api.get("statements/verify").json()["error"]["param"] == "digest"
    assert api.get("statements", **{**days, "customer": "cus_x"}).status_code == 404
    assert api.get("statements", **{**days, "from": "yesterday"}).json()["error"]["param"] == "from"
