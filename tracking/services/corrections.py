"""Taking conversions back: refunds, and rejecting what does not count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import F

from accounts.services import Actor, record_audit
from core import money
from core.errors import Conflict, Invalid
from core.events import emit
from core.transactions import all_or_nothing
from programs.models import Customer
from tracking.models import Conversion, Refund
from tracking.services.cases import close_cases_of
from tracking.services.referrals import reject_referrals_of

REFUND_KINDS: Final = ("refund", "chargeback")


@dataclass(frozen=True, slots=True)
class RecordedRefund:
    """The refund, its conversion as it stands now, and whether this call stored it."""

    refund: Refund
    conversion: Conversion
    created: bool


@all_or_nothing
def record_refund(
    *,
    conversion: Conversion,
    source_key: str,
    amount_minor: int,
    occurred_at: datetime,
    at: datetime,
    kind: str = "refund",
) -> RecordedRefund:
    """Store a full or partial refund once by the source's key and emit `conversion.refunded`.

    `amount_minor` is positive, in the conversion's currency; `kind` is `refund` or `chargeback`. Repeating a
    key returns the stored refund, also one that was reinstated: another needs a key of its own; with another
    amount it raises Conflict (`duplicate_refund`). Refunds that would pass the order's amount raise Invalid
    (`over_refund`, naming `amount`); a rejected conversion raises Conflict.
    """
    if kind not in REFUND_KINDS:
        raise Invalid(f"This is one of {', '.join(REFUND_KINDS)}.", param="kind")
    if not 1 <= len(source_key) <= 255 or not source_key.isprintable():
        raise Invalid("The refund's key is 1 to 255 printable characters.", param="refund_id")
    locked = (
        Conversion.objects.for_workspace(conversion.workspace_id)
        .select_for_update(no_key=True)
        .get(pk=conversion.pk)
    )
    known = (
        Refund.objects.for_workspace(locked.workspace_id)
        .filter(conversion=locked, source_key=source_key)
        .first()
    )
    if known is not None:
        if known.amount_minor != amount_minor:
            raise Conflict(
                f"Refund {source_key} was recorded before with another amount.",
                code="duplicate_refund",
                param="amount",
                details={"refund": known.public_id},
            )
        return RecordedRefund(known, locked, created=False)
    if locked.status == Conversion.Status.REJECTED:
        raise Conflict("This conversion was rejected; there is nothing to refund.", code="rejected")
    left = locked.amount_minor - locked.refunded_minor
    if not 0 < amount_minor <= left:
        raise Invalid(
            f"A refund is more than zero and at most the {money.display(left, locked.currency)} left.",
            code="over_refund",
            param="amount",
            details={"left_minor": left},
        )
    refund = Refund.objects.create(
        workspace_id=locked.workspace_id,
        conversion=locked,
        source_key=source_key,
        amount_minor=amount_minor,
        kind=kind,
        occurred_at=min(occurred_at, at),
        received_at=at,
    )
    full = amount_minor == left
    Conversion.objects.for_workspace(locked.workspace_id).filter(pk=locked.pk).update(
        refunded_minor=F("refunded_minor") + amount_minor,
        status=Conversion.Status.REFUNDED if full else Conversion.Status.PARTLY_REFUNDED,
    )
    locked.refunded_minor += amount_minor
    locked.status = Conversion.Status.REFUNDED if full else Conversion.Status.PARTLY_REFUNDED
    emit(
        "conversion.refunded",
        at=at,
        conversion=locked.public_id,
        refund=refund.public_id,
        customer=locked.customer.public_id,
    )
    return RecordedRefund(refund, locked, created=True)


@all_or_nothing
def reject_conversion(*, conversion: Conversion, reason: str, actor: Actor, at: datetime) -> Conversion:
    """Declare that a conversion does not count (cancelled, deleted, judged fraud); rewards follow by event.

    `reason` is a code. Repeating it changes nothing.
    """
    # The customer first, as in recording: another conversion may be taking up the same referral just now.
    Customer.objects.for_workspace(conversion.workspace_id).select_for_update(no_key=True).get(
        pk=conversion.customer_id
    )
    locked = (
        Conversion.objects.for_workspace(conversion.workspace_id)
        .select_for_update(no_key=True)
        .get(pk=conversion.pk)
    )
    if locked.status == Conversion.Status.REJECTED:
        return locked
    before = locked.status
    locked.status = Conversion.Status.REJECTED
    locked.save(update_fields=["status"])
    reject_referrals_of(conversion=locked, reason=reason, actor=actor.label, at=at)
    close_cases_of(conversion=locked, actor=actor, reason=reason, at=at)
    record_audit(
        workspace=locked.workspace,
        actor=actor,
        action="conversion.rejected",
        subject=locked.public_id,
        before={"status": before},
        after={"status": locked.status},
        reason=reason,
    )
    emit(
        "conversion.rejected",
        at=at,
        conversion=locked.public_id,
        customer=locked.customer.public_id,
        reason=reason,
    )
    return locked
