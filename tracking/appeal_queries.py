"""Reads about appeals, and the decision about a conversion as one participant may read it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from accounts.models import Workspace
from core.answers import parts_of
from programs.models import Participant
from tracking.fraud import Judgement
from tracking.models import Appeal, Attribution, Conversion, FraudCase, FraudJudgement
from tracking.plain_words import OwnPart, check_sentence, own_part, standing_sentence


@dataclass(frozen=True, slots=True)
class OwnExplanation:
    """What one participant may read about one conversion: sentences about their own part in it.

    `standing` is what became of the conversion since, `check` how looking into a doubt stands; both may be
    empty. `at` is the instant at which it was asked.
    """

    participant: Participant
    conversion: Conversion
    part: OwnPart
    standing: str
    check: str
    at: datetime


def appeals(workspace: Workspace) -> QuerySet[Appeal]:
    """Return all appeals with who made them and what they are about, newest first."""
    return (
        Appeal.objects.for_workspace(workspace)
        .select_related("participant__customer", "participant__program", "conversion__customer")
        .order_by("-public_id")
    )


def appeals_of(participant: Participant, conversion: Conversion | None = None) -> QuerySet[Appeal]:
    """Return a participant's appeals about a conversion, or about friends that are missing; newest first."""
    rows: QuerySet[Appeal] = Appeal.objects.for_workspace(participant.workspace_id)
    return rows.filter(participant=participant, conversion=conversion).order_by("-public_id")


def related_appeals(appeal: Appeal) -> QuerySet[Appeal]:
    """Return what the same person asked besides, in every program, newest first."""
    return (
        appeals(appeal.workspace)
        .filter(participant__customer_id=appeal.participant.customer_id)
        .exclude(pk=appeal.pk)
    )


def participant_named(workspace: Workspace, public_id: str) -> Participant | None:
    """Return the participant with customer and program, or None."""
    rows = Participant.objects.for_workspace(workspace).select_related("customer", "program")
    return rows.filter(public_id=public_id).first()


def conversion_named(workspace: Workspace, public_id: str) -> Conversion | None:
    """Return the conversion with its customer, or None."""
    rows = Conversion.objects.for_workspace(workspace).select_related("customer")
    return rows.filter(public_id=public_id).first()


def own_explanation(
    participant: Participant, conversion: Conversion, *, at: datetime
) -> OwnExplanation | None:
    """Return what a participant may read about a conversion; None when they had no part in it."""
    decisions = Attribution.objects.for_workspace(participant.workspace_id)
    decision = (
        decisions.filter(conversion=conversion, program_id=participant.program_id)
        .order_by("-revision", "-pk")
        .first()
    )
    if decision is None:
        return None
    part = own_part(decision.inputs, decision.result, participant.public_id)
    if part is None:
        return None
    return OwnExplanation(
        participant=participant,
        conversion=conversion,
        part=part,
        standing=standing_sentence(conversion.status, conversion.kind),
        check=_check(participant, conversion),
        at=at,
    )


def _check(participant: Participant, conversion: Conversion) -> str:
    mine = {"conversion": conversion, "participant": participant}
    stored = FraudJudgement.objects.for_workspace(participant.workspace_id).filter(**mine).first()
    case = FraudCase.objects.for_workspace(participant.workspace_id).filter(**mine).first()
    judgement = None
    if stored is not None:
        # The sentence needs no signals, which the stored result would have to be decoded for.
        judgement = Judgement(stored.outcome, stored.score, (), stored.reason, stored.shadow_outcome)  # type: ignore[arg-type]
    return check_sentence(judgement, None if case is None else case.status)  # type: ignore[arg-type]


def public_explanation(explanation: OwnExplanation) -> dict[str, Any]:
    """Return an explanation as the API gives it, with what other apps add (`rewards`)."""
    part, conversion = explanation.part, explanation.conversion
    return {
        "participant": explanation.participant.public_id,
        "conversion": conversion.public_id,
        "kind": conversion.kind,
        "occurred_at": conversion.occurred_at,
        "credited": part.credited,
        "share_ppm": part.share_ppm,
        "reason": part.reason,
        "sentence": part.sentence,
        "standing": explanation.standing,
        "check": explanation.check,
        "touches": [
            {
                "at": touch.at,
                "kind": touch.kind,
                "what": touch.what,
                "sentence": touch.sentence,
                "reason": touch.reason,
                "counts": touch.counts,
            }
            for touch in part.touches
        ],
        "rewards": parts_of("own_explanation", explanation).get("rewards", []),
    }
