"""Giving back what was taken: refunds and rejections that turned out to be wrong."""

from __future__ import annotations

from datetime import datetime

from accounts.models import Workspace
from accounts.services import Actor, record_audit
from core.errors import Invalid
from core.events import emit
from core.transactions import all_or_nothing
from programs.models import Customer
from tracking.models import Conversion, Refund
from tracking.services.cases import reopen_cases_of
from tracking.services.corrections import RecordedRefund
from tracking.services.referrals import restore_referrals_of

MAX_REASON = 200


@all_or_nothing
def reinstate_refund(*, refund: Refund, reason: str, actor: Actor, at: datetime) -> RecordedRefund:
    """Declare that a refund was none: it stays on record and no longer counts. Emits `conversion.reinstated`.

    What is left of the order and its status follow; rewards follow by event. Repeating it changes nothing;
    `created` tells whether this call did it. Raises Invalid naming `reason`.
    """
    reason = _checked(reason)
    locked = _locked(refund.workspace_id, refund.conversion_id)
    row = Refund.objects.for_workspace(locked.workspace_id).select_for_update(no_key=True).get(pk=refund.pk)
    if row.reinstated_at is not None:
        return RecordedRefund(row, locked, created=False)
    row.reinstated_at, row.reinstated_why = at, reason
    row.save(update_fields=["reinstated_at", "reinstated_why"])
    before = locked.status
    locked.refunded_minor -= row.amount_minor
    if locked.status != Conversion.Status.REJECTED:
        locked.status = _standing(locked)
    locked.save(update_fields=["refunded_minor", "status"])
    record_audit(
        workspace=locked.workspace,
        actor=actor,
        action="refund.reinstated",
        subject=locked.public_id,
        before={"status": before, "refunded_minor": locked.refunded_minor + row.amount_minor},
        after={"status": locked.status, "refunded_minor": locked.refunded_minor, "refund": row.public_id},
        reason=reason,
    )
    _tell(locked, at, refund=row.public_id)
    return RecordedRefund(row, locked, created=True)


@all_or_nothing
def reinstate_conversion(*, conversion: Conversion, reason: str, actor: Actor, at: datetime) -> Conversion:
    """Let a rejected conversion count again, with the referrals and fraud cases that went with it.

    Cases are open again: nobody had judged them. Its refunds still count. Emits `conversion.reinstated`.
    One that is not rejected stays as it is. Raises Invalid naming `reason`.
    """
    reason = _checked(reason)
    # The customer first, as in recording and in rejecting.
    Customer.objects.for_workspace(conversion.workspace_id).select_for_update(no_key=True).get(
        pk=conversion.customer_id
    )
    locked = _locked(conversion.workspace_id, conversion.pk)
    if locked.status != Conversion.Status.REJECTED:
        return locked
    locked.status = _standing(locked)
    locked.save(update_fields=["status"])
    restore_referrals_of(conversion=locked, reason=reason, actor=actor.label, at=at)
    reopen_cases_of(conversion=locked, actor=actor, reason=reason, at=at)
    record_audit(
        workspace=locked.workspace,
        actor=actor,
        action="conversion.reinstated",
        subject=locked.public_id,
        before={"status": Conversion.Status.REJECTED},
        after={"status": locked.status},
        reason=reason,
    )
    _tell(locked, at, refund="")
    return locked


def _checked(reason: str) -> str:
    reason = reason.strip()
    if not 1 <= len(reason) <= MAX_REASON or not reason.isprintable():
        raise Invalid(f"Say why, in 1 to {MAX_REASON} printable characters.", param="reason")
    return reason


def _locked(workspace: Workspace | int, key: int) -> Conversion:
    rows = Conversion.objects.for_workspace(workspace).select_for_update(of=("self",), no_key=True)
    locked: Conversion = rows.select_related("customer", "workspace").get(pk=key)
    return locked


def _standing(conversion: Conversion) -> str:
    """Return the status that a conversion's refunds give it."""
    if not conversion.refunded_minor:
        return Conversion.Status.RECORDED
    full = conversion.refunded_minor == conversion.amount_minor
    return Conversion.Status.REFUNDED if full else Conversion.Status.PARTLY_REFUNDED


def _tell(conversion: Conversion, at: datetime, *, refund: str) -> None:
    emit(
        "conversion.reinstated",
        at=at,
        conversion=conversion.public_id,
        customer=conversion.customer.public_id,
        refund=refund,
    )
