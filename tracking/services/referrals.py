"""The life of a referral: started, qualified, converted, ended or rejected, each step on record."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from accounts.models import Workspace
from core.events import emit
from programs.models import Participant
from tracking.models import Conversion, Credit, Referral, ReferralChange

_RANK = {
    "": 0,
    Referral.Status.STARTED: 1,
    Referral.Status.QUALIFIED: 2,
    Referral.Status.CONVERTED: 3,
}
_OVER = (Referral.Status.REJECTED, Referral.Status.ENDED)


class ReferralBook:
    """The referrals of customers who are locked, read once; those that start or advance are written together.

    A referral never goes back. One that was rejected and earns credit anew is taken up again.
    """

    def __init__(self, workspace: Workspace, customers: Collection[int]) -> None:
        rows = Referral.objects.for_workspace(workspace).filter(customer__in=customers)
        self._referrals = {
            (row.participant_id, row.customer_id): row for row in rows.order_by("started_at", "pk")
        }
        self._new: list[Referral] = []
        self._changed: dict[int, Referral] = {}
        self._changes: list[ReferralChange] = []

    @property
    def participants(self) -> set[int]:
        """The participants who have a referral here."""
        return {participant_id for participant_id, _ in self._referrals}

    def bonds_of(self, customer_id: int) -> dict[int, Referral]:
        """Return the earliest living referral of a customer in each program."""
        bonds: dict[int, Referral] = {}
        for referral in self._referrals.values():
            if referral.customer_id == customer_id and referral.status not in _OVER:
                bonds.setdefault(referral.program_id, referral)
        return bonds

    def advance(
        self, *, participant: Participant, conversion: Conversion, channel: str, at: datetime
    ) -> Referral:
        """Start or advance the referral of a conversion's customer by this participant.

        A sign-up starts it; a purchase or custom event converts it. `save` writes it.
        """
        key = (participant.pk, conversion.customer_id)
        referral = self._referrals.get(key)
        if referral is None:
            referral = self._referrals[key] = Referral(
                workspace_id=conversion.workspace_id,
                program_id=participant.program_id,
                participant=participant,
                customer_id=conversion.customer_id,
                status=Referral.Status.STARTED,
                channel=channel,
                started_at=conversion.occurred_at,
            )
            self._new.append(referral)
            self._note(referral, "", f"first {conversion.kind}", conversion, at)
            emit("referral.started", at=at, **_ids(referral, participant, conversion))
        signed_up = conversion.kind == Conversion.Kind.SIGNUP
        wanted = Referral.Status.STARTED if signed_up else Referral.Status.CONVERTED
        if _RANK.get(wanted, 0) > _RANK.get(referral.status, 0):
            before = referral.status
            referral.status, referral.reason = wanted, ""
            if wanted == Referral.Status.CONVERTED and referral.converted_at is None:
                referral.converted_at = conversion.occurred_at
            if referral.pk is not None:
                self._changed[referral.pk] = referral
            self._note(referral, before, f"{conversion.kind} recorded", conversion, at)
            if wanted == Referral.Status.CONVERTED:
                emit("referral.converted", at=at, **_ids(referral, participant, conversion))
        return referral

    def save(self) -> None:
        """Write what has started and what has advanced, each with its changes."""
        Referral.objects.bulk_create(self._new)
        for referral in self._changed.values():
            referral.save(update_fields=["status", "reason", "converted_at"])
        ReferralChange.objects.bulk_create(self._changes)

    def _note(
        self, referral: Referral, before: str, reason: str, conversion: Conversion, at: datetime
    ) -> None:
        self._changes.append(
            _change(referral, before, referral.status, reason, conversion, at, actor="system")
        )


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
        _change(credit.referral, before, credit.referral.status, reason, conversion, at, actor).save()
        rejected += 1
    return rejected


def _ids(referral: Referral, participant: Participant, conversion: Conversion) -> dict[str, str]:
    return {
        "referral": referral.public_id,
        "program": participant.program.public_id,
        "participant": participant.public_id,
        "customer": conversion.customer.public_id,
    }


def _change(
    referral: Referral,
    before: str,
    after: str,
    reason: str,
    conversion: Conversion,
    at: datetime,
    actor: str,
) -> ReferralChange:
    return ReferralChange(
        workspace_id=referral.workspace_id,
        referral=referral,
        before=before,
        after=after,
        actor=actor,
        reason=reason[:200],
        subject=conversion.public_id,
        at=at,
    )
