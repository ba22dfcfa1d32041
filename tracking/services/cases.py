"""What people make of fraud cases: trust, reject, and think again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction

from accounts.models import Workspace
from accounts.services import Actor, record_audit
from core.errors import DomainError, Invalid, NotFound
from core.events import emit
from core.transactions import all_or_nothing
from programs.models import Customer
from tracking.models import Conversion, FraudCase, FraudCaseChange
from tracking.services.redecisions import redecide

_OUTCOMES = {
    FraudCase.Status.OPEN: "hold",
    FraudCase.Status.APPROVED: "allow",
    FraudCase.Status.REJECTED: "deny",
}
_CLOSED = "The conversion was rejected: "
"""What the note of a case begins with that nobody judged."""


@all_or_nothing
def resolve_case(*, case: FraudCase, status: str, actor: Actor, at: datetime, reason: str = "") -> FraudCase:
    """Approve or reject a case, or open it again; rewards follow by event.

    Every decision can be taken back. Where it makes a participant fit, or unfit, to be credited, the
    conversion is decided anew. The same status again changes nothing. Raises Invalid naming `status` or
    `reason`.
    """
    if status not in FraudCase.Status.values:
        raise Invalid("A case is open, approved or rejected.", code="not_a_choice", param="status")
    reason = reason.strip()
    if len(reason) > 200:
        raise Invalid("The reason is at most 200 characters.", code="too_long", param="reason")
    # The customer first, as in recording: the decision may have to be made anew.
    conversion = Conversion.objects.for_workspace(case.workspace_id).get(pk=case.conversion_id)
    Customer.objects.for_workspace(case.workspace_id).select_for_update(no_key=True).get(
        pk=conversion.customer_id
    )
    row = (
        FraudCase.objects.for_workspace(case.workspace_id)
        .select_for_update(of=("self",), no_key=True)
        .select_related("conversion", "participant", "workspace")
        .get(pk=case.pk)
    )
    before = row.status
    if before == status:
        return row
    row.status = status
    row.note = reason
    reopened = status == FraudCase.Status.OPEN
    row.decided_by, row.decided_at = ("", None) if reopened else (actor.label[:120], at)
    row.save(update_fields=["status", "note", "decided_by", "decided_at"])
    FraudCaseChange.objects.create(
        workspace_id=row.workspace_id,
        case=row,
        before=before,
        after=status,
        actor=actor.label[:120],
        reason=reason,
        at=at,
    )
    record_audit(
        workspace=row.workspace,
        actor=actor,
        action="fraud_case.reopened" if reopened else f"fraud_case.{status}",
        subject=row.public_id,
        before={"status": before},
        after={"status": status},
        reason=reason,
    )
    if FraudCase.Status.REJECTED in (before, status):
        redecide(workspace=row.workspace, conversions=[row.conversion], cause=_cause(row, before), at=at)
    emit(
        "fraud.reopened" if reopened else "fraud.resolved",
        at=at,
        case=row.public_id,
        conversion=row.conversion.public_id,
        participant=row.participant.public_id,
        rule=row.reason,
        outcome=_OUTCOMES[FraudCase.Status(status)],
    )
    return row


@transaction.atomic(savepoint=False)
def close_cases_of(*, conversion: Conversion, actor: Actor, reason: str, at: datetime) -> int:
    """Reject the open cases about a conversion that does not count any more; returns how many.

    Nobody has judged them: they say nothing about whether the rules were right.
    """
    cases = list(
        FraudCase.objects.for_workspace(conversion.workspace_id)
        .select_for_update(of=("self",), no_key=True)
        .filter(conversion=conversion, status=FraudCase.Status.OPEN)
        .select_related("participant")
        .order_by("pk")
    )
    for case in cases:
        case.status, case.decided_at = FraudCase.Status.REJECTED, at
        case.note = f"{_CLOSED}{reason}"[:200]
        case.save(update_fields=["status", "decided_at", "note"])
        emit(
            "fraud.resolved",
            at=at,
            case=case.public_id,
            conversion=conversion.public_id,
            participant=case.participant.public_id,
            rule=case.reason,
            outcome="deny",
        )
    FraudCaseChange.objects.bulk_create(
        FraudCaseChange(
            workspace_id=case.workspace_id,
            case=case,
            before=FraudCase.Status.OPEN,
            after=case.status,
            actor=actor.label[:120],
            reason=case.note,
            at=at,
        )
        for case in cases
    )
    return len(cases)


@transaction.atomic(savepoint=False)
def reopen_cases_of(*, conversion: Conversion, actor: Actor, reason: str, at: datetime) -> int:
    """Open the cases again that were closed with their conversion; returns how many."""
    cases = list(
        FraudCase.objects.for_workspace(conversion.workspace_id)
        .select_for_update(of=("self",), no_key=True)
        .filter(
            conversion=conversion,
            status=FraudCase.Status.REJECTED,
            decided_by="",
            note__startswith=_CLOSED,
        )
        .select_related("participant")
        .order_by("pk")
    )
    for case in cases:
        case.status, case.decided_at, case.note = FraudCase.Status.OPEN, None, ""
        case.save(update_fields=["status", "decided_at", "note"])
        emit(
            "fraud.reopened",
            at=at,
            case=case.public_id,
            conversion=conversion.public_id,
            participant=case.participant.public_id,
            rule=case.reason,
            outcome="hold",
        )
    FraudCaseChange.objects.bulk_create(
        FraudCaseChange(
            workspace_id=case.workspace_id,
            case=case,
            before=FraudCase.Status.REJECTED,
            after=case.status,
            actor=actor.label[:120],
            reason=reason,
            at=at,
        )
        for case in cases
    )
    return len(cases)


def _cause(case: FraudCase, before: str) -> str:
    if case.status == FraudCase.Status.REJECTED:
        return f"Fraud case {case.public_id} was rejected."
    return f"Fraud case {case.public_id} is no longer rejected."


@all_or_nothing
def resolve_cases(
    *,
    workspace: Workspace,
    public_ids: Sequence[str],
    status: str,
    actor: Actor,
    at: datetime,
    reason: str = "",
) -> list[tuple[str, DomainError | None]]:
    """Resolve many cases alike; returns each id, in the order given, with why it was refused or None.

    A refused one does not stop the others.
    """
    wanted = list(dict.fromkeys(public_ids))
    rows = FraudCase.objects.for_workspace(workspace).filter(public_id__in=wanted)
    # Their customers are locked one after another: in one order, as everywhere.
    known = {row.public_id: row for row in rows.order_by("conversion__customer_id", "pk")}
    answers: dict[str, DomainError | None] = {}
    for public_id, row in known.items():
        try:
            with transaction.atomic():
                resolve_case(case=row, status=status, actor=actor, at=at, reason=reason)
            answers[public_id] = None
        except DomainError as error:
            answers[public_id] = error
    return [
        (public_id, answers[public_id] if public_id in answers else NotFound("There is no such case."))
        for public_id in wanted
    ]


@all_or_nothing
def resolve_cases_about(
    *,
    workspace: Workspace,
    pairs: Iterable[tuple[int, int]],
    status: str,
    actor: Actor,
    at: datetime,
    reason: str,
) -> int:
    """Resolve the open cases about these pairs of conversion and participant; returns how many.

    For whoever decides about the rewards themselves.
    """
    wanted = set(pairs)
    rows = FraudCase.objects.for_workspace(workspace).filter(
        status=FraudCase.Status.OPEN, conversion__in={conversion for conversion, _ in wanted}
    )
    chosen = [
        row
        for row in rows.order_by("conversion__customer_id", "pk")
        if (row.conversion_id, row.participant_id) in wanted
    ]
    for row in chosen:
        resolve_case(case=row, status=status, actor=actor, at=at, reason=reason)
    return len(chosen)
