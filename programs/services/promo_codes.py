"""Changes to promo codes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.services import Actor, record_audit
from core.errors import DomainError, Invalid
from core.transactions import all_or_nothing
from programs.codes import check_code
from programs.models import Participant, PromoCode
from programs.services.links import CodeTaken, refuse_suspended
from programs.tombstones import tombstone


@all_or_nothing
def create_promo_code(*, participant: Participant, code: str, actor: Actor, at: datetime) -> PromoCode:
    """Give a participant a text code that credits them without a click; case-blind, once in the workspace.

    Raises CodeTaken, ParticipantSuspended, and Invalid naming `code`.
    """
    refuse_suspended(participant)
    text = check_code(code)
    rows = PromoCode.objects.for_workspace(participant.workspace_id)
    if rows.filter(code_key=tombstone("code", text.lower())).exists():
        raise CodeTaken
    try:
        with transaction.atomic():
            promo = PromoCode.objects.create(
                workspace=participant.workspace,
                participant=participant,
                code=text,
                code_key=text.lower(),
                created_at=at,
            )
    except IntegrityError:
        raise CodeTaken from None
    record_audit(
        workspace=participant.workspace,
        actor=actor,
        action="promo_code.created",
        subject=promo.public_id,
        # Not the code: it may hold a name, and what the audit holds cannot be erased.
        after={"participant": participant.public_id},
    )
    return promo


def create_promo_codes(
    *, codes: Sequence[tuple[Participant, str]], actor: Actor, at: datetime
) -> list[PromoCode | DomainError]:
    """Create many promo codes, each by itself; returns for each the code, or why there is none."""
    results: list[PromoCode | DomainError] = []
    for participant, code in codes:
        try:
            with transaction.atomic():
                results.append(create_promo_code(participant=participant, code=code, actor=actor, at=at))
        except DomainError as error:
            results.append(error)
    return results


@all_or_nothing
def set_promo_code_status(*, promo: PromoCode, status: str, actor: Actor) -> PromoCode:
    """Retire a code or bring it back; it stays taken meanwhile. The same status again changes nothing.

    Orders that used it keep their credit. Raises ParticipantSuspended, and Invalid naming `status`.
    """
    if status not in PromoCode.Status.values:
        raise Invalid("A promo code is active or archived.", param="status")
    rows = PromoCode.objects.for_workspace(promo.workspace_id)
    promo.refresh_from_db(from_queryset=rows.select_for_update(no_key=True))
    before = str(promo.status)
    if before == status:
        return promo
    if status == PromoCode.Status.ACTIVE:
        refuse_suspended(promo.participant)
    promo.status = status
    promo.save(update_fields=["status"])
    record_audit(
        workspace=promo.workspace,
        actor=actor,
        action="promo_code.archived" if status == PromoCode.Status.ARCHIVED else "promo_code.restored",
        subject=promo.public_id,
        before={"status": before},
        after={"status": status},
    )
    return promo


@all_or_nothing
def set_promo_code_statuses(*, promos: Sequence[PromoCode], status: str, actor: Actor) -> int:
    """Retire or bring back several codes at once; returns how many changed."""
    waiting = [promo for promo in promos if promo.status != status]
    for promo in waiting:
        set_promo_code_status(promo=promo, status=status, actor=actor)
    return len(waiting)
