"""Taking back a refund or a rejection that was wrong."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, User, Workspace
from accounts.services import SYSTEM
from core.errors import Invalid
from core.models import Event
from core.tenancy import tenant
from programs.models import Participant
from tests import factories
from tests.conftest import make_workspace
from tests.factories import AT, UserFactory
from tests.rewards.builders import conversion as credited
from tests.rewards.builders import doubt
from tests.rewards.test_races import at_once
from tests.tracking.conftest import Call, token
from tracking import services
from tracking.models import Conversion, FraudCase, Referral, Refund

pytestmark = pytest.mark.django_db
LATER = AT + timedelta(days=1)


def refunded(conversion: Conversion, amount_minor: int, key: str = "r1", kind: str = "refund") -> Refund:
    return services.record_refund(
        conversion=conversion, source_key=key, amount_minor=amount_minor, kind=kind, occurred_at=AT, at=AT
    ).refund


def reinstate(refund: Refund, reason: str = "The chargeback was won.") -> services.RecordedRefund:
    return services.reinstate_refund(refund=refund, reason=reason, actor=SYSTEM, at=LATER)


def events(workspace: Workspace) -> list[str]:
    rows = Event.objects.for_workspace(workspace).filter(kind="conversion.reinstated").order_by("pk")
    return [row.data["refund"] for row in rows]


def test_a_refund_that_was_none_no_longer_counts(workspace: Workspace) -> None:
    order = factories.ConversionFactory.create(workspace=workspace, amount_minor=10_000)
    first, second = refunded(order, 6_000, "r1", "chargeback"), refunded(order, 4_000, "r2")
    order.refresh_from_db()
    assert (order.refunded_minor, order.status, first.kind) == (10_000, "refunded", "chargeback")

    done = reinstate(first)
    assert (done.created, done.conversion.refunded_minor, done.conversion.status) == (
        True,
        4_000,
        "partly_refunded",
    )
    again = reinstate(first, "Twice")
    assert (again.created, again.refund.reinstated_why, again.refund.reinstated_at) == (
        False,
        "The chargeback was won.",
        LATER,
    )
    assert reinstate(second).conversion.status == "recorded"
    assert events(workspace) == [first.public_id, second.public_id]
    audit = AuditEntry.objects.for_workspace(workspace).filter(action="refund.reinstated").order_by("pk")
    assert [(each.before, each.after) for each in audit] == [
        (
            {"status": "refunded", "refunded_minor": 10_000},
            {"status": "partly_refunded", "refunded_minor": 4_000, "refund": first.public_id},
        ),
        (
            {"status": "partly_refunded", "refunded_minor": 4_000},
            {"status": "recorded", "refunded_minor": 0, "refund": second.public_id},
        ),
    ]
    # Told again, it stays as it was judged; a later refund has a key of its own and the whole to take from.
    assert refunded(order, 6_000, "r1", "chargeback").reinstated_at == LATER
    assert refunded(order, 10_000, "r3").reinstated_at is None


def test_a_reason_is_needed(workspace: Workspace) -> None:
    refund = refunded(factories.ConversionFactory.create(workspace=workspace, amount_minor=100), 100)
    for reason in ("", "  ", "x" * 201, "a\nb"):
        with pytest.raises(Invalid) as refused:
            reinstate(refund, reason)
        assert refused.value.param == "reason"
    with pytest.raises(Invalid) as refused:
        refunded(refund.conversion, 1, "r9", "gift")
    assert refused.value.param == "kind"
    assert events(workspace) == []


def test_a_rejected_conversion_counts_again(workspace: Workspace, ana: Participant) -> None:
    order = credited(ana, amount_minor=10_000)
    refunded(order, 1_000)
    case = doubt(order, ana, name="too_fast", outcome="hold")
    services.reject_conversion(conversion=order, reason="order_cancelled", actor=SYSTEM, at=AT)
    case.refresh_from_db()
    assert (Referral.objects.for_workspace(workspace).get().status, case.status) == ("rejected", "rejected")

    for _ in range(2):
        back = services.reinstate_conversion(
            conversion=order, reason="Cancelled by mistake", actor=SYSTEM, at=LATER
        )
        assert (back.status, back.refunded_minor) == ("partly_refunded", 1_000)
    case.refresh_from_db()
    referral = Referral.objects.for_workspace(workspace).get()
    assert (referral.status, referral.reason) == ("converted", "")
    assert (case.status, case.note, case.decided_at) == (FraudCase.Status.OPEN, "", None)
    assert events(workspace) == [""]


def test_a_refund_of_a_rejected_conversion_leaves_it_rejected(workspace: Workspace) -> None:
    order = factories.ConversionFactory.create(workspace=workspace, amount_minor=10_000)
    refund = refunded(order, 1_000)
    services.reject_conversion(conversion=order, reason="fraud", actor=SYSTEM, at=AT)
    done = reinstate(refund).conversion
    assert (done.status, done.refunded_minor) == ("rejected", 0)
    back = services.reinstate_conversion(conversion=order, reason="No fraud", actor=SYSTEM, at=LATER)
    assert back.status == "recorded"


@pytest.mark.django_db(transaction=True)
def test_the_same_refund_taken_back_at_once(transactional_db: None) -> None:
    shop = make_workspace(UserFactory.create(email="olga@acme.example"))
    with tenant(shop):
        order = factories.ConversionFactory.create(workspace=shop, amount_minor=10_000)
        refund = refunded(order, 6_000)
    assert at_once(shop, *[lambda: reinstate(refund)] * 4) == ["done"] * 4
    with tenant(shop):
        order.refresh_from_db()
        assert (order.refunded_minor, order.status) == (0, "recorded")
        assert events(shop) == [refund.public_id]


def test_over_the_api(call: Call, workspace: Workspace) -> None:
    sale = {"customerExternalId": "c1", "amount": 5_000, "currency": "EUR", "invoiceId": "inv-1"}
    conversion = call("track/sale", sale).json()["conversion"]["id"]
    refund = call("track/refund", {"invoiceId": "inv-1", "kind": "chargeback"}).json()["refund"]
    (row,) = call(f"conversions/{conversion}/refunds").json()
    assert (row["id"], row["kind"], row["amount_minor"], row["reinstated_at"]) == (
        refund,
        "chargeback",
        5_000,
        None,
    )
    write = token(workspace, "sk", ("write",))
    path = f"conversions/{conversion}/refunds/{refund}/reinstate"
    assert call(path, {"reason": "Won"}).status_code == 403
    assert call(path, {}, key=write).json()["error"]["param"] == "reason"
    assert (
        call(f"conversions/{conversion}/refunds/rfd_x/reinstate", {"reason": "x"}, key=write).status_code
        == 404
    )
    for _ in range(2):
        done = call(path, {"reason": "Won"}, key=write)
        assert (done.status_code, done.json()["status"], done.json()["refunded_minor"]) == (
            200,
            "recorded",
            0,
        )
    assert call(f"conversions/{conversion}/refunds").json()[0]["reinstated_why"] == "Won"
    row = Conversion.objects.for_workspace(workspace).get()
    services.reject_conversion(conversion=row, reason="x", actor=SYSTEM, at=AT)
    done = call(f"conversions/{conversion}/reinstate", {"reason": "No fraud"}, key=write)
    assert (done.status_code, done.json()["status"]) == (200, "recorded")


def test_on_the_page(client: Client, owner: User, workspace: Workspace) -> None:
    client.force_login(owner)
    order = factories.ConversionFactory.create(workspace=workspace, amount_minor=10_000)
    refund = refunded(order, 6_000, kind="chargeback")
    page = reverse("conversion_detail", args=[workspace.slug, order.public_id])
    assert "Chargeback of €60.00" in client.get(page).content.decode()
    button = reverse("refund_reinstate", args=[workspace.slug, order.public_id, refund.public_id])
    empty = client.post(button, {"reason": ""})
    assert (empty.status_code, "This field is required." in empty.content.decode()) == (400, True)
    assert client.post(button, {"reason": "Won"}).headers["Location"] == page
    shown = client.get(page).content.decode()
    assert "Taken back: Won" in shown
    assert "Take a refund back" not in shown
    services.reject_conversion(conversion=order, reason="x", actor=SYSTEM, at=AT)
    button = reverse("conversion_reinstate", args=[workspace.slug, order.public_id])
    assert "Let it count again" in client.get(page).content.decode()
    assert client.post(button, {"reason": ""}).status_code == 400
    assert client.post(button, {"reason": "No fraud"}).headers["Location"] == page
    order.refresh_from_db()
    assert order.status == "recorded"
