"""Two customers who turn out to be one person."""

from __future__ import annotations

from django.db.models import Q

from accounts.services import Actor, record_audit
from core.errors import Conflict, Invalid
from core.transactions import all_or_nothing
from programs.models import Customer


@all_or_nothing
def mark_same_person(*, kept: Customer, duplicate: Customer, actor: Actor) -> bool:
    """Point a customer, and all who were merged into it, at the one that is kept; tells whether it is new.

    Raises Invalid naming `duplicate` for the same customer twice, and Conflict (`merged_elsewhere`) where
    either was merged into somebody else before.
    """
    if kept.pk == duplicate.pk:
        raise Invalid("Name two different customers.", code="same_customer", param="duplicate")
    rows = Customer.objects.for_workspace(kept.workspace_id).select_for_update(no_key=True)
    locked = {row.pk: row for row in rows.filter(pk__in=(kept.pk, duplicate.pk)).order_by("pk")}
    if locked[duplicate.pk].same_person_id == kept.pk:
        return False
    for row in (locked[kept.pk], locked[duplicate.pk]):
        if row.same_person_id is not None:
            raise Conflict(
                "One of them was merged into another customer before.",
                code="merged_elsewhere",
                param="duplicate",
            )
    Customer.objects.for_workspace(kept.workspace_id).filter(
        Q(pk=duplicate.pk) | Q(same_person=duplicate)
    ).update(same_person=kept)
    record_audit(
        workspace=kept.workspace,
        actor=actor,
        action="customer.merged",
        subject=duplicate.public_id,
        after={"same_person": kept.public_id},
    )
    return True
