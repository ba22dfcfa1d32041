"""The life of a referral: started, qualified, converted, ended or rejected, each step on record."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from core.events import emit
from programs.models import Participant
from tracking.models import Conversion, Credit, Referral, ReferralChange

_RANK = {
    "": 0,
    Referral.Status.STARTED: 1,
    Referral.Status.QUALIFIED: 2,
    Referral.Status.CONVERTED: 3,
}


@transaction.atomic(savepoint=False)
def advance_referral(
    *, participant: Participant, conversion: Conversion, channel: str, at: datetime
) -> Referral:
    """Start or advance the referral of a conversion's customer by this participant; it never goes back.

    A sign-up starts it; a purchase or custom event converts it. A rejected referral that earns credit anew is
    taken up again. Repeating it changes nothing.
    """
    referral, created = (
        Referral.objects.for_workspace(conversion.workspace_id)
        .select_for_update(no_key=True)
        .get_or_create(
            workspace_id=conversion.workspace_id,
            program_id=participant.program_id,
            participant=participant,
            customer_id=conversion.customer_id,
            defaults={
                "status": Referral.Status.STARTED,
                "channel": channel,
                "started_at": conversion.occurred_at,
            },
        )
    )
    if created:
        _note(referral, "", Referral.Status.STARTED, f"first {conversion.kind}", conversion, at)
        emit("referral.started", at=at, **_ids(referral, participant, conversion))
    wanted = (
        Referral.Status.STARTED if conversion.kind == Conversion.Kind.SIGNUP else Referral.Status.CONVERTED
    )
    if _RANK.get(wanted, 0) > _RANK.get(referral.status, 0):
        before = referral.status
        referral.status = wanted
        referral.reason = ""
        if wanted == Referral.Status.CONVERTED and referral.converted_at is None:
            referral.converted_at = conversion.occurred_at
        referral.save(update_fields=["status", "reason", "converted_at"])
        _note(referral, before, wanted, f"{conversion.kind} recorded", conversion, at)
        if wanted == Referral.Status.CONVERTED:
            emit("referral.converted", at=at, **_ids(referral, participant, conversion))
    return referral


@transaction.atomic(savepoint=False)
def reject_referrals_of(*, conversion: Conversion, reason: str, actor: str, at: datetime) -> int:
    """Reject the referrals that nothing but this conversion carries; returns how many."""
    rejected = 0
    credits = (
        Credit.objects.for_workspace(conversion.workspace_id)
        .filter(conversion=conversion)
        .select_related("referral")
    )
    for credit in credits:
        carried = (
            Credit.objects.for_workspace(conversion.workspace_id)
            .filter(referral=credit.referral)
            .exclude(conversion__status=Conversion.Status.REJECTED)
            .exists()
        )
        if carried or credit.referral.status == Referral.Status.REJECTED:
            continue
        before = credit.referral.status
        credit.referral.status = Referral.Status.REJECTED
        credit.referral.reason = reason[:40]
        credit.referral.save(update_fields=["status", "reason"])
        _note(credit.referral, before, Referral.Status.REJECTED, reason, conversion, at, actor)
        rejected += 1
    return rejected


def _ids(referral: Referral, participant: Participant, conversion: Conversion) -> dict[str, str]:
    return {
        "referral": referral.public_id,
        "program": participant.program.public_id,
        "participant": participant.public_id,
        "customer": conversion.customer.public_id,
    }


def _note(
    referral: Referral,
    before: str,
    after: str,
    reason: str,
    conversion: Conversion,
    at: datetime,
    actor: str = "system",
) -> None:
    ReferralChange.objects.create(
        workspace_id=referral.workspace_id,
        referral=referral,
        before=before,
        after=after,
        actor=actor,
        reason=reason[:200],
        subject=conversion.public_id,
        at=at,
    )
