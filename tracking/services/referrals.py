"""The life of a referral: started, qualified, converted, ended or rejected, each step on record."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
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

    `accounts` gives each customer's own and other accounts, whose referrals are theirs. A referral never goes
    back, but for its dates: what is told late may have begun or converted it earlier. One that was rejected
    and earns credit anew is taken up again.
    """

    def __init__(self, workspace: Workspace, accounts: Mapping[int, Collection[int]]) -> None:
        wanted = {account for found in accounts.values() for account in found}
        rows = Referral.objects.for_workspace(workspace).filter(customer__in=wanted)
        self._accounts = accounts
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

    def bonds_before(self, conversion: Conversion, own: Collection[int] = ()) -> dict[int, list[Referral]]:
        """Return, by program, the living referrals that an earlier conversion of this customer began.

        Several, when the first one was shared. Of those that began at this very instant, the conversion's
        `own` do not bind it: it may have been this one that began them.
        """
        accounts = self._accounts[conversion.customer_id]
        bonds: dict[int, list[Referral]] = {}
        found = [
            referral
            for referral in self._referrals.values()
            if referral.customer_id in accounts
            and referral.status not in _OVER
            and referral.started_at <= conversion.occurred_at
            and not (referral.started_at == conversion.occurred_at and referral.pk in own)
        ]
        for referral in sorted(found, key=lambda each: (each.started_at, each.participant_id)):
            bond = bonds.setdefault(referral.program_id, [])
            if not bond or bond[0].started_at == referral.started_at:
                bond.append(referral)
        return bonds

    def advance(
        self,
        *,
        participant: Participant,
        conversion: Conversion,
        weight_ppm: int,
        channel: str,
        at: datetime,
    ) -> Referral:
        """Start or advance the referral of a conversion's customer by this participant.

        A sign-up starts it; a purchase or custom event converts it. `save` writes it.
        """
        signed_up = conversion.kind == Conversion.Kind.SIGNUP
        referral = self._known(participant, conversion)
        if referral is None:
            referral = self._referrals[participant.pk, conversion.customer_id] = Referral(
                workspace_id=conversion.workspace_id,
                program_id=participant.program_id,
                participant=participant,
                customer_id=conversion.customer_id,
                status=Referral.Status.STARTED,
                share_ppm=weight_ppm,
                channel=channel,
                started_at=conversion.occurred_at,
            )
            self._new.append(referral)
            self._note(referral, "", f"first {conversion.kind}", conversion, at)
            emit("referral.started", at=at, **_ids(referral, participant, conversion))
        elif conversion.occurred_at < referral.started_at or referral.status in _OVER:
            referral.started_at, referral.share_ppm = conversion.occurred_at, weight_ppm
            self._change(referral)
        if not signed_up and (
            referral.converted_at is None or conversion.occurred_at < referral.converted_at
        ):
            referral.converted_at = conversion.occurred_at
            self._change(referral)
        wanted = Referral.Status.STARTED if signed_up else Referral.Status.CONVERTED
        if _RANK.get(wanted, 0) > _RANK.get(referral.status, 0):
            before = referral.status
            referral.status, referral.reason = wanted, ""
            self._change(referral)
            self._note(referral, before, f"{conversion.kind} recorded", conversion, at)
            if wanted == Referral.Status.CONVERTED:
                emit("referral.converted", at=at, **_ids(referral, participant, conversion))
        return referral

    def _known(self, participant: Participant, conversion: Conversion) -> Referral | None:
        """Return the person's referral by the participant: this account's own before another account's."""
        own = self._referrals.get((participant.pk, conversion.customer_id))
        if own is not None:
            return own
        found = (
            self._referrals.get((participant.pk, account))
            for account in sorted(self._accounts[conversion.customer_id])
        )
        return next((referral for referral in found if referral is not None), None)

    def _change(self, referral: Referral) -> None:
        if referral.pk is not None:
            self._changed[referral.pk] = referral

    def save(self) -> None:
        """Write what has started and what has advanced, each with its changes."""
        Referral.objects.bulk_create(self._new)
        for referral in self._changed.values():
            referral.save(update_fields=["status", "reason", "share_ppm", "started_at", "converted_at"])
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
    referrals = Referral.objects.for_workspace(conversion.workspace_id).filter(
        credits__in=Credit.objects.for_workspace(conversion.workspace_id).filter(conversion=conversion)
    )
    return reject_uncredited(
        referrals=list(referrals.distinct()), conversion=conversion, reason=reason, actor=actor, at=at
    )


@transaction.atomic(savepoint=False)
def restore_referrals_of(*, conversion: Conversion, reason: str, actor: str, at: datetime) -> int:
    """Take up again the referrals that ended with this conversion's rejection; returns how many."""
    credits = Credit.objects.for_workspace(conversion.workspace_id).filter(conversion=conversion)
    referrals = Referral.objects.for_workspace(conversion.workspace_id).filter(
        credits__in=credits, status=Referral.Status.REJECTED
    )
    restored = 0
    for referral in referrals.distinct().order_by("pk"):
        changes = ReferralChange.objects.for_workspace(conversion.workspace_id).filter(referral=referral)
        last = changes.order_by("-pk").first()
        if last is None or last.after != Referral.Status.REJECTED or last.subject != conversion.public_id:
            continue
        referral.status, referral.reason = last.before, ""
        referral.save(update_fields=["status", "reason"])
        _change(referral, last.after, referral.status, reason, conversion, at, actor).save()
        restored += 1
    return restored


@transaction.atomic(savepoint=False)
def reject_uncredited(
    *,
    referrals: Sequence[Referral],
    conversion: Conversion,
    reason: str,
    at: datetime,
    actor: str = "system",
) -> int:
    """Reject those of the referrals that no standing conversion carries any more; returns how many."""
    carried = set(
        Credit.objects.for_workspace(conversion.workspace_id)
        .filter(referral__in=referrals)
        .exclude(conversion__status=Conversion.Status.REJECTED)
        .values_list("referral_id", flat=True)
    )
    rejected = 0
    for referral in sorted(referrals, key=lambda each: each.pk):
        if referral.pk in carried or referral.status == Referral.Status.REJECTED:
            continue
        before = referral.status
        referral.status, referral.reason = Referral.Status.REJECTED, reason[:40]
        referral.save(update_fields=["status", "reason"])
        _change(referral, before, referral.status, reason, conversion, at, actor).save()
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
