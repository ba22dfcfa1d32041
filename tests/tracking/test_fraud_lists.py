"""The allow and block lists: how entries are written, kept and taken away, and what they do to a referral."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import AuditEntry, Workspace
from accounts.services import SYSTEM
from core.errors import Invalid
from programs.models import Customer, Participant
from tests.tracking.conftest import NOW, Clicker
from tracking import services
from tracking.identifiers import Traces
from tracking.models import FraudCase, FraudListEntry

ADDRESS = "203.0.113.7"


def add(workspace: Workspace, mode: str, kind: str, pattern: str, **more: Any) -> tuple[FraudListEntry, bool]:
    """Put something on a list."""
    terms = {"actor": SYSTEM, "at": NOW, **more}
    return services.add_list_entry(workspace=workspace, mode=mode, kind=kind, pattern=pattern, **terms)


def listed(workspace: Workspace) -> list[tuple[str, str, str]]:
    """Return what stands on the lists."""
    rows = FraudListEntry.objects.for_workspace(workspace).order_by("pk")
    return [(row.mode, row.kind, row.pattern) for row in rows]


def audited(workspace: Workspace) -> list[str]:
    """Return what the audit log says of lists."""
    rows = AuditEntry.objects.for_workspace(workspace).filter(action__startswith="fraud_list_entry.")
    return list(rows.order_by("pk").values_list("action", flat=True))


def test_an_entry_is_kept_in_one_spelling_and_audited(workspace: Workspace) -> None:
    entry, made = add(workspace, "block", "email", " *@Bad.Example ", note="Coupons")
    assert made
    assert listed(workspace) == [("block", "email", "*@bad.example")]
    assert (entry.note, entry.created_by, entry.created_at, entry.expires_at) == (
        "Coupons",
        "system",
        NOW,
        None,
    )
    audit = AuditEntry.objects.for_workspace(workspace).get(subject=entry.public_id)
    assert (audit.action, audit.before, audit.reason) == ("fraud_list_entry.added", None, "Coupons")
    assert audit.after == {
        "mode": "block",
        "kind": "email",
        "pattern": "*@bad.example",
        "note": "Coupons",
        "expires_at": None,
    }


def test_the_same_entry_again_is_the_known_one(workspace: Workspace) -> None:
    first, _ = add(workspace, "block", "domain", "bad.example", note="first")
    again, made = add(workspace, "block", "domain", "BAD.example", note="second")
    assert (again.pk, made, again.note) == (first.pk, False, "first")
    # On the other list it is another entry.
    assert add(workspace, "allow", "domain", "bad.example")[1]
    assert audited(workspace) == ["fraud_list_entry.added", "fraud_list_entry.added"]


def test_an_expired_entry_comes_into_force_again(workspace: Workspace) -> None:
    first, _ = add(workspace, "block", "country", "de", expires_at=NOW + timedelta(days=1), note="a day")
    later = NOW + timedelta(days=2)
    again, renewed = add(workspace, "block", "country", "DE", at=later, note="for good")
    assert (again.pk, renewed) == (first.pk, True)
    assert (again.note, again.expires_at, again.created_at) == ("for good", None, later)
    assert audited(workspace) == ["fraud_list_entry.added", "fraud_list_entry.renewed"]


def test_an_entry_is_taken_away_and_the_audit_log_keeps_it(workspace: Workspace) -> None:
    entry, _ = add(workspace, "block", "source", "https://coupons.example/best")
    services.remove_list_entry(entry=entry, actor=SYSTEM, reason="a mistake")
    services.remove_list_entry(entry=entry, actor=SYSTEM, reason="a mistake")
    assert listed(workspace) == []
    assert audited(workspace) == ["fraud_list_entry.added", "fraud_list_entry.removed"]
    audit = AuditEntry.objects.for_workspace(workspace).get(action="fraud_list_entry.removed")
    assert audit.before is not None
    assert (audit.before["pattern"], audit.after, audit.reason) == ("coupons.example", None, "a mistake")


@pytest.mark.parametrize(
    ("changes", "param", "code"),
    [
        ({"mode": "maybe"}, "mode", "not_a_choice"),
        ({"kind": "planet"}, "kind", "not_a_choice"),
        ({"pattern": "nobody"}, "pattern", "invalid_format"),
        ({"pattern": "*"}, "pattern", "invalid_format"),
        ({"note": "x" * 201}, "note", "too_long"),
        ({"expires_at": NOW}, "expires_at", "in_the_past"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(
    workspace: Workspace, changes: dict[str, Any], param: str, code: str
) -> None:
    terms = {"mode": "block", "kind": "email", "pattern": "ana@bad.example", **changes}
    with pytest.raises(Invalid) as refused:
        add(workspace, **terms)
    assert (refused.value.param, refused.value.code) == (param, code)
    assert listed(workspace) == []


def buy(workspace: Workspace, customer: Customer, click: Any, **more: Any) -> FraudCase | None:
    """Record a purchase after a click; returns the case that it opened."""
    conversion = services.record_conversion(
        workspace=workspace,
        fact=services.ConversionFact(
            kind="purchase",
            customer=customer,
            source="api",
            source_key=customer.public_id,
            amount_minor=10_000,
            currency="EUR",
            occurred_at=NOW,
            at=NOW,
            click=click,
            traces=Traces(device="phone-7", address=ADDRESS),
            **more,
        ),
    ).conversion
    return FraudCase.objects.for_workspace(workspace).filter(conversion=conversion).first()


EACH_KIND = [
    ("email", "*@bad.example"),
    ("email", "fay@bad.example"),
    ("domain", "*.example"),
    ("address", ADDRESS),
    ("address", "203.0.113.*"),
    ("country", "PT"),
    ("source", "coupons.example"),
    ("source", "*.coupons.example"),
    ("customer", "shop-*"),
    ("participant", "{ana}"),
    ("device", "phone-7"),
]


@pytest.fixture
def fay(workspace: Workspace, friend: Customer) -> Customer:
    """A friend of whom everything that can be listed is known."""
    friend.external_id, friend.country = "shop-17", "PT"
    friend.email = friend.mailbox = "fay@bad.example"
    friend.save()
    return friend


@pytest.mark.parametrize(("kind", "pattern"), EACH_KIND)
def test_what_is_blocked_is_refused(
    workspace: Workspace, ana: Participant, fay: Customer, click: Clicker, kind: str, pattern: str
) -> None:
    add(workspace, "block", kind, pattern.format(ana=ana.public_id))
    case = buy(workspace, fay, click(ana, referrer="https://best.coupons.example/a"))
    assert case is not None
    assert (case.status, case.outcome, case.reason, case.score) == ("rejected", "deny", "block_list", 100)


@pytest.mark.parametrize(("kind", "pattern"), EACH_KIND)
def test_what_is_allowed_is_not_held_for_a_doubt(
    workspace: Workspace, ana: Participant, fay: Customer, click: Clicker, kind: str, pattern: str
) -> None:
    add(workspace, "allow", kind, pattern.format(ana=ana.public_id))
    assert buy(workspace, fay, _at_once(click, ana)) is None


def test_without_an_entry_the_doubt_holds(
    workspace: Workspace, ana: Participant, fay: Customer, click: Clicker
) -> None:
    case = buy(workspace, fay, _at_once(click, ana))
    assert case is not None
    assert (case.status, case.outcome, case.reason) == ("open", "hold", "too_fast")


@pytest.mark.parametrize(
    ("kind", "pattern"),
    [
        ("email", "*@worse.example"),
        ("address", "203.0.114.*"),
        ("country", "ES"),
        ("source", "x.coupons.example"),
        ("customer", "shop-1"),
        ("participant", "prt_nobody"),
        ("device", "phone-70"),
    ],
)
def test_others_are_not_meant(
    workspace: Workspace, ana: Participant, fay: Customer, click: Clicker, kind: str, pattern: str
) -> None:
    add(workspace, "block", kind, pattern)
    assert buy(workspace, fay, click(ana, referrer="https://best.coupons.example/a")) is None


def test_an_entry_lasts_until_it_expires_or_is_taken_away(
    workspace: Workspace, ana: Participant, fay: Customer, click: Clicker
) -> None:
    before = NOW - timedelta(days=1)
    add(workspace, "block", "country", "PT", at=before, expires_at=NOW)
    gone, _ = add(workspace, "block", "domain", "bad.example")
    services.remove_list_entry(entry=gone, actor=SYSTEM)
    assert buy(workspace, fay, click(ana)) is None


def test_an_explicit_refusal_stands_against_an_explicit_permission(
    workspace: Workspace, ana: Participant, fay: Customer, click: Clicker
) -> None:
    add(workspace, "allow", "participant", ana.public_id)
    add(workspace, "block", "domain", "bad.example")
    case = buy(workspace, fay, click(ana))
    assert case is not None
    assert (case.status, case.reason) == ("rejected", "block_list")


def _at_once(click: Clicker, participant: Participant) -> Any:
    """Return a click five seconds before the order, from the site that is listed."""
    return click(participant, days_ago=5 / 86_400, referrer="https://best.coupons.example/a")
