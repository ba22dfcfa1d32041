"""What staff know of people that no click tells: two accounts of one person, and who brought whom."""

from __future__ import annotations

from datetime import datetime

from accounts.services import Actor, record_audit
from core.errors import Conflict, Invalid
from core.transactions import all_or_nothing
from programs.models import Customer, Participant
from programs.services import mark_same_person
from tracking.models import Conversion, Touchpoint
from tracking.services.redecisions import redecide


@all_or_nothing
def merge_customers(*, kept: Customer, duplicate: Customer, actor: Actor, at: datetime) -> Customer:
    """Declare that two customers are one person; returns the one that is kept.

    Both rows stay. From now on the contacts and referrals of one are the other's, and the conversions of both
    are decided anew, whatever their age. Repeating it changes nothing. Raises Invalid naming `duplicate` for
    the same customer twice, and Conflict (`merged_elsewhere`) for one that is somebody else already.
    """
    if not mark_same_person(kept=kept, duplicate=duplicate, actor=actor):
        return kept
    workspace = kept.workspace
    people = Customer.objects.for_workspace(workspace).filter(same_person=kept).values_list("pk", flat=True)
    rows = Conversion.objects.for_workspace(workspace).filter(customer__in=[kept.pk, *people])
    redecide(
        workspace=workspace,
        conversions=rows.exclude(status=Conversion.Status.REJECTED).select_related("customer"),
        cause="Two customers turned out to be one person.",
        at=at,
    )
    return kept


@all_or_nothing
def assign_referrer(
    *,
    customer: Customer,
    participant: Participant,
    since: datetime,
    reason: str,
    actor: Actor,
    at: datetime,
) -> Touchpoint:
    """Say by hand who brought a customer; the participant is credited with what happened from `since` on.

    Conversions after `since` are decided anew, whatever their age. The same participant and time again return
    the first assignment. Raises Invalid naming `reason` or `since`, and Conflict (`own_link`) for a
    participant who is the customer.
    """
    reason = reason.strip()
    if not 1 <= len(reason) <= 200:
        raise Invalid("Say why, in 1 to 200 characters.", code="required", param="reason")
    if since.utcoffset() is None or since > at:
        raise Invalid("The assignment begins in the past.", code="out_of_range", param="since")
    if participant.customer_id == customer.pk:
        raise Conflict("Nobody brings themselves.", code="own_link", param="participant")
    workspace = participant.workspace
    # Two at once make one assignment.
    Customer.objects.for_workspace(workspace).select_for_update(no_key=True).get(pk=customer.pk)
    touch, created = Touchpoint.objects.for_workspace(workspace).get_or_create(
        workspace=workspace,
        kind=Touchpoint.Kind.MANUAL,
        customer=customer,
        participant=participant,
        program_id=participant.program_id,
        occurred_at=since,
        defaults={"channel": "manual"},
    )
    if not created:
        return touch
    record_audit(
        workspace=workspace,
        actor=actor,
        action="referrer.assigned",
        subject=customer.public_id,
        after={"participant": participant.public_id, "since": since.isoformat()},
        reason=reason,
    )
    rows = Conversion.objects.for_workspace(workspace).filter(customer=customer, occurred_at__gte=since)
    redecide(
        workspace=workspace,
        conversions=rows.exclude(status=Conversion.Status.REJECTED).select_related("customer"),
        cause=f"Assigned by hand: {reason}",
        at=at,
    )
    return touch
