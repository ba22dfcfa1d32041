"""Checks: asked once, answered once, asked again, and the e-mail addresses that pass by themselves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry, Workspace
from accounts.services import SYSTEM
from core import events as outbox
from core.models import Event
from programs import services as programs
from programs.models import Customer, ProgramVersion
from tests import factories
from tests.factories import terms
from tests.tracking.conftest import NOW, Call, token
from tests.tracking.test_api import SALE
from tracking import services
from tracking.models import Conversion, ConversionCheck

URL = "https://shop.example/validate"


def version(workspace: Workspace, **fraud: Any) -> ProgramVersion:
    """Return a published version with these words about fraud."""
    program = factories.ProgramFactory.create(workspace=workspace, draft=terms(fraud=fraud))
    found: ProgramVersion = ProgramVersion.objects.for_workspace(workspace).get(program=program)
    return found


def conversion_of(workspace: Workspace, kind: str = "purchase", **customer: Any) -> Conversion:
    made: Conversion = factories.ConversionFactory.create(
        workspace=workspace,
        kind=kind,
        customer=factories.CustomerFactory.create(workspace=workspace, **customer),
    )
    return made


def ask(workspace: Workspace, *decided: tuple[Conversion, ProgramVersion]) -> list[ConversionCheck]:
    services.ask_checks(workspace=workspace, decided=decided, at=NOW)
    return list(ConversionCheck.objects.for_workspace(workspace).order_by("pk"))


def told(workspace: Workspace) -> list[tuple[str, dict[str, Any]]]:
    return list(Event.objects.for_workspace(workspace).order_by("pk").values_list("kind", "data"))


@pytest.mark.parametrize(
    ("kind", "fraud", "customer", "asked"),
    [
        ("purchase", {}, {}, []),
        ("signup", {"verify_email": True}, {}, ["email"]),
        ("purchase", {"verify_email": True}, {"email": "", "mailbox": ""}, []),
        ("purchase", {"verify_email": True}, {"email_verified_at": NOW}, []),
        ("purchase", {"validate_orders": True, "validation_url": URL}, {}, ["store", "callback"]),
        ("custom", {"validate_orders": True, "validation_url": URL}, {}, ["callback"]),
        ("signup", {"validate_orders": True, "validation_url": URL}, {}, []),
    ],
)
def test_only_what_the_version_wants_is_asked(
    workspace: Workspace, kind: str, fraud: dict[str, Any], customer: dict[str, Any], asked: list[str]
) -> None:
    conversion = conversion_of(workspace, kind, **customer)

    checks = ask(workspace, (conversion, version(workspace, **fraud)))

    assert [(check.kind, check.status, check.asked_at, check.detail) for check in checks] == [
        (kind, "waiting", NOW, "") for kind in asked
    ]
    assert told(workspace) == [
        (
            "conversion.check_asked",
            {
                "check": check.public_id,
                "conversion": conversion.public_id,
                "customer": conversion.customer.public_id,
                "asks": check.kind,
            },
        )
        for check in checks
    ]


def test_asking_again_and_by_another_program_asks_nothing_twice(workspace: Workspace) -> None:
    conversion = conversion_of(workspace)
    one, other = version(workspace, validation_url=URL), version(workspace, validation_url=URL)

    (first,) = ask(workspace, (conversion, one), (conversion, other))
    assert ask(workspace, (conversion, one), (conversion, other)) == [first]
    assert len(told(workspace)) == 1


def test_many_are_asked_in_as_many_statements_as_one(workspace: Workspace) -> None:
    wants = version(workspace, verify_email=True, validation_url=URL, validate_orders=True)
    counts = []
    for number in (1, 7):
        decided = [(conversion_of(workspace), wants) for _ in range(number)]
        with CaptureQueriesContext(
            connection,
        ) as queries:
            services.ask_checks(workspace=workspace, decided=decided, at=NOW)
        counts.append(len([q for q in queries if "SAVEPOINT" not in q["sql"]]))
    assert counts == [4, 4]
    assert ConversionCheck.objects.for_workspace(workspace).count() == 3 * 8
    with CaptureQueriesContext(connection) as queries:
        services.ask_checks(
            workspace=workspace, decided=[(conversion_of(workspace, "signup"), version(workspace))], at=NOW
        )
    assert [q["sql"] for q in queries if "conversioncheck" in q["sql"]] == []


@pytest.mark.parametrize(
    ("answers", "status", "detail", "events"),
    [
        ([True], "passed", "one", 1),
        ([False], "failed", "one", 1),
        ([None], "unanswered", "one", 1),
        ([True, False, None, True], "passed", "one", 1),
        ([False, True, None], "failed", "one", 1),
        ([None, None, True], "passed", "three", 2),
        ([None, False, True], "failed", "two", 2),
    ],
)
def test_a_yes_or_no_stands_and_no_answer_may_still_become_one(
    workspace: Workspace, answers: list[bool | None], status: str, detail: str, events: int
) -> None:
    (check,) = ask(workspace, (conversion_of(workspace), version(workspace, validation_url=URL)))
    for number, (answer, word) in enumerate(zip(answers, ["one", "two", "three", "four"], strict=False)):
        services.answer_check(check=check, passed=answer, detail=word, at=NOW + timedelta(hours=number + 1))

    check.refresh_from_db()
    assert (check.status, check.detail) == (status, detail)
    assert check.answered_at == NOW + timedelta(hours=1 + ["one", "two", "three"].index(detail))
    checked = [data for kind, data in told(workspace) if kind == "conversion.checked"]
    assert len(checked) == events
    assert checked[-1] == {
        "check": check.public_id,
        "conversion": check.conversion.public_id,
        "customer": check.conversion.customer.public_id,
        "asks": "callback",
        "status": status,
    }


def test_a_long_answer_is_cut(workspace: Workspace) -> None:
    (check,) = ask(workspace, (conversion_of(workspace), version(workspace, validation_url=URL)))
    services.answer_check(check=check, passed=False, detail="x" * 500, at=NOW)
    check.refresh_from_db()
    assert check.detail == "x" * 300


def test_what_failed_is_asked_again_and_written_down(workspace: Workspace) -> None:
    (check,) = ask(workspace, (conversion_of(workspace), version(workspace, validation_url=URL)))
    services.answer_check(check=check, passed=False, detail="No.", at=NOW)
    later = NOW + timedelta(days=1)

    again = services.ask_again(check=check, actor=SYSTEM, at=later)

    assert (again.status, again.detail, again.asked_at, again.answered_at) == ("waiting", "", later, None)
    assert [kind for kind, _ in told(workspace)] == [
        "conversion.check_asked",
        "conversion.checked",
        "conversion.check_asked",
    ]
    entry = AuditEntry.objects.for_workspace(workspace).get(action="check.asked_again")
    assert (entry.subject, entry.before, entry.after) == (
        check.public_id,
        {"status": "failed"},
        {"status": "waiting"},
    )
    services.answer_check(check=check, passed=True, detail="Yes.", at=later)
    with pytest.raises(services.CheckPassed):
        services.ask_again(check=check, actor=SYSTEM, at=later)


# E-mail addresses


def test_a_confirmed_address_passes_every_open_check_of_it(
    workspace: Workspace, other_workspace: Workspace
) -> None:
    wants = version(workspace, verify_email=True, validation_url=URL)
    first, foreign = conversion_of(workspace), conversion_of(workspace)
    second = factories.ConversionFactory.create(workspace=workspace, customer=first.customer)
    ask(workspace, (first, wants), (second, wants), (foreign, wants))
    unanswered = ConversionCheck.objects.for_workspace(workspace).get(conversion=second, kind="email")
    services.answer_check(check=unanswered, passed=None, detail="", at=NOW)
    later = NOW + timedelta(hours=1)

    assert services.verify_email(customer=first.customer, at=later) is True
    assert services.verify_email(customer=first.customer, at=later + timedelta(days=1)) is False

    first.customer.refresh_from_db()
    assert first.customer.email_verified_at == later
    rows = ConversionCheck.objects.for_workspace(workspace).order_by("pk")
    assert [(row.conversion_id, row.kind, row.status, row.answered_at) for row in rows] == [
        (first.pk, "email", "passed", later),
        (first.pk, "callback", "waiting", None),
        (second.pk, "email", "passed", later),
        (second.pk, "callback", "waiting", None),
        (foreign.pk, "email", "waiting", None),
        (foreign.pk, "callback", "waiting", None),
    ]
    news = [data for kind, data in told(workspace) if kind == "customer.verified"]
    assert news == [{"customer": first.customer.public_id}]
    assert [data["conversion"] for kind, data in told(workspace) if kind == "conversion.checked"][1:] == [
        first.public_id,
        second.public_id,
    ]


def test_who_has_no_address_cannot_have_confirmed_it(workspace: Workspace) -> None:
    nobody = factories.CustomerFactory.create(workspace=workspace, email="", mailbox="")
    assert services.verify_email(customer=nobody, at=NOW) is False
    nobody.refresh_from_db()
    assert nobody.email_verified_at is None


@pytest.mark.parametrize(
    ("known", "given", "verified"),
    [
        ("fay@example.com", "fay@example.com", True),
        ("f.ay@gmail.com", "Fay+shop@googlemail.com", True),
        ("fay@example.com", "", True),
        ("", "fay@example.com", True),
        ("fay@example.com", "eve@example.com", False),
        ("", "", False),
    ],
)
@pytest.mark.parametrize("together", [False, True])
def test_a_server_vouches_for_the_address_on_file_only(
    workspace: Workspace, known: str, given: str, verified: bool, together: bool
) -> None:
    customer = programs.identify_customer(workspace=workspace, external_id="c1", email=known, at=NOW)
    conversion = factories.ConversionFactory.create(workspace=workspace, customer=customer)
    checks = ask(workspace, (conversion, version(workspace, verify_email=True)))
    person: dict[str, Any] = {"external_id": "c1", "email": given, "email_verified": True}
    for _ in range(2):
        if together:
            programs.identify_customers(workspace=workspace, people=[programs.Person(at=NOW, **person)])
        else:
            programs.identify_customer(workspace=workspace, at=NOW, **person)
    while outbox.deliver_due():
        pass

    customer.refresh_from_db()
    assert customer.email_verified_at == (NOW if verified else None)
    assert [kind for kind, _ in told(workspace)].count("customer.verified") == verified
    for check in checks:
        check.refresh_from_db()
        assert check.status == ("passed" if verified else "waiting")


@pytest.mark.parametrize("together", [False, True])
def test_a_new_customer_may_come_with_a_confirmed_address(workspace: Workspace, together: bool) -> None:
    person: dict[str, Any] = {"external_id": "c1", "email": "fay@example.com", "email_verified": True}
    if together:
        programs.identify_customers(workspace=workspace, people=[programs.Person(at=NOW, **person)])
    else:
        programs.identify_customer(workspace=workspace, at=NOW, **person)
    customer = Customer.objects.for_workspace(workspace).get()
    assert customer.email_verified_at == NOW
    assert told(workspace) == [("customer.verified", {"customer": customer.public_id})]


def test_who_is_not_trusted_vouches_for_nobody(workspace: Workspace) -> None:
    programs.identify_customer(
        workspace=workspace,
        external_id="c1",
        email="fay@example.com",
        email_verified=True,
        trusted=False,
        at=NOW,
    )
    assert Customer.objects.for_workspace(workspace).get().email_verified_at is None


# The API


@pytest.mark.parametrize("name", ["customerEmailVerified", "customer_email_verified"])
@pytest.mark.parametrize("path", ["lead", "sale"])
def test_a_server_says_that_an_address_is_confirmed(
    call: Call, workspace: Workspace, path: str, name: str
) -> None:
    body = SALE if path == "sale" else {}
    person = {"customerExternalId": "c1", "customerEmail": "fay@example.com", name: True}
    assert call(f"track/{path}", {**body, **person}).status_code == 201
    assert Customer.objects.for_workspace(workspace).get().email_verified_at is not None
    refused = call(f"track/{path}", {**body, **person, name: "perhaps"})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, name)


@pytest.mark.parametrize("said", [True, False])
def test_a_page_may_not_say_so(call: Call, workspace: Workspace, said: bool) -> None:
    lead = {"customerExternalId": "c1", "customerEmail": "fay@example.com", "customerEmailVerified": said}
    refused = call("track/lead", lead, key=token(workspace, "pk"))
    error = refused.json()["error"]
    assert (refused.status_code, error["code"], error["param"]) == (
        403,
        "secret_key_needed",
        "customerEmailVerified",
    )
    assert Customer.objects.for_workspace(workspace).count() == 0


def test_a_batch_says_it_of_many(call: Call, workspace: Workspace) -> None:
    leads = [
        {
            "type": "lead",
            "customerExternalId": f"c{number}",
            "customerEmail": f"c{number}@example.com",
            "customerEmailVerified": number != 2,
        }
        for number in range(3)
    ]
    assert call("track/batch", {"events": leads}).json()["taken"] == 3
    rows = Customer.objects.for_workspace(workspace).order_by("external_id")
    assert [row.email_verified_at is not None for row in rows] == [True, True, False]


def test_checks_are_read_and_asked_again_over_the_api(call: Call, workspace: Workspace) -> None:
    conversion = conversion_of(workspace)
    email, callback = ask(workspace, (conversion, version(workspace, verify_email=True, validation_url=URL)))
    ask(workspace, (conversion_of(workspace), version(workspace, validation_url=URL)))
    services.answer_check(check=callback, passed=False, detail="No.", at=NOW)

    page = call(f"conversions/{conversion.public_id}/checks").json()
    # Ids of one instant come in no order.
    assert sorted(page["data"], key=lambda row: row["kind"]) == [
        {
            "id": callback.public_id,
            "conversion": conversion.public_id,
            "kind": "callback",
            "status": "failed",
            "detail": "No.",
            "asked_at": "2026-03-02T12:00:00Z",
            "answered_at": "2026-03-02T12:00:00Z",
        },
        {
            "id": email.public_id,
            "conversion": conversion.public_id,
            "kind": "email",
            "status": "waiting",
            "detail": "",
            "asked_at": "2026-03-02T12:00:00Z",
            "answered_at": None,
        },
    ]
    failed = call(f"conversions/{conversion.public_id}/checks?status=failed").json()["data"]
    assert [row["id"] for row in failed] == [callback.public_id]
    writing = token(workspace, "sk", ("write",))
    again = call(f"checks/{callback.public_id}/retry", {}, key=writing)
    assert (again.status_code, again.json()["status"]) == (202, "waiting")
    services.answer_check(check=callback, passed=True, detail="", at=NOW)
    refused = call(f"checks/{callback.public_id}/retry", {}, key=writing)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "check_passed")
    assert call("checks/cck_none/retry", {}, key=writing).status_code == 404
    assert call("conversions/cnv_none/checks").status_code == 404
