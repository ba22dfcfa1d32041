"""Participants' appeals: opening one, and answering it.

The words of an appeal and of its answer are personal data: the audit log and the events do not repeat them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from accounts.services import Actor, record_audit
from core.errors import Conflict, Invalid, NotFound, RateLimited
from core.events import emit
from core.transactions import all_or_nothing
from programs.models import Participant
from tracking import appeal_queries as queries
from tracking.models import Appeal, Conversion

SHORTEST: Final = 10
LONGEST: Final = 2_000
OPEN_WITHOUT_CONVERSION: Final = 3
PER_DAY: Final = 10
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class OpenedAppeal:
    """The appeal, and whether this call opened it."""

    appeal: Appeal
    created: bool


@all_or_nothing
def open_appeal(
    *, participant: Participant, conversion: Conversion | None, message: str, actor: Actor, at: datetime
) -> OpenedAppeal:
    """Take a participant's appeal about a conversion or, without one, about a friend who is missing.

    `message` has 10 to 2,000 characters (else Invalid naming `message`). While an appeal about the conversion
    is open, or one about a missing friend in the same words, that one is returned and nothing changes. Raises
    NotFound (`conversion`) for a conversion in which the participant had no part, Conflict
    (`too_many_open_appeals`) for a fourth open one without a conversion, and RateLimited for the eleventh
    within a day.
    """
    words = _worded(message, "message", SHORTEST)
    # One after another for each participant: what is counted below must not change before it is acted on.
    Participant.objects.for_workspace(participant.workspace_id).select_for_update(no_key=True).get(
        pk=participant.pk
    )
    if conversion is not None and queries.own_explanation(participant, conversion, at=at) is None:
        raise NotFound("This participant had no part in such a conversion.", param="conversion")
    asked = list(queries.appeals_of(participant, conversion).filter(status=Appeal.Status.OPEN))
    same = [appeal for appeal in asked if conversion is not None or appeal.message == words]
    if same:
        return OpenedAppeal(same[0], created=False)
    if conversion is None and len(asked) >= OPEN_WITHOUT_CONVERSION:
        raise Conflict(
            f"{OPEN_WITHOUT_CONVERSION} reports are waiting for an answer already.",
            code="too_many_open_appeals",
        )
    today = Appeal.objects.for_workspace(participant.workspace_id).filter(
        participant=participant, opened_at__gt=at - _DAY
    )
    if today.count() >= PER_DAY:
        raise RateLimited(
            "That is a lot for one day. Please try again tomorrow.",
            details={"retry_after": int(_DAY.total_seconds())},
        )
    appeal = Appeal.objects.create(
        workspace_id=participant.workspace_id,
        participant=participant,
        conversion=conversion,
        message=words,
        opened_at=at,
    )
    about = "" if conversion is None else conversion.public_id
    record_audit(
        workspace=participant.workspace_id,
        actor=actor,
        action="appeal.opened",
        subject=appeal.public_id,
        after={"status": appeal.status, "participant": participant.public_id, "conversion": about},
    )
    emit(
        "appeal.opened",
        at=at,
        appeal=appeal.public_id,
        participant=participant.public_id,
        conversion=about,
    )
    return OpenedAppeal(appeal, created=True)


@all_or_nothing
def answer_appeal(*, appeal: Appeal, status: str, answer: str, actor: Actor, at: datetime) -> Appeal:
    """Grant or decline an open appeal, with the words that the participant will read; moves no money.

    `status` is `granted` or `declined`, `answer` has at most 2,000 characters and is not empty (else Invalid
    naming the field). Repeating it changes nothing; another answer to an answered one raises Conflict
    (`appeal_answered`).
    """
    if status not in (Appeal.Status.GRANTED, Appeal.Status.DECLINED):
        raise Invalid("An appeal is granted or declined.", param="status")
    words = _worded(answer, "answer", 1)
    locked: Appeal = (
        Appeal.objects.for_workspace(appeal.workspace_id).select_for_update(no_key=True).get(pk=appeal.pk)
    )
    if locked.status != Appeal.Status.OPEN:
        if (locked.status, locked.answer) == (status, words):
            return locked
        raise Conflict("This appeal was answered before.", code="appeal_answered")
    before = locked.status
    locked.status, locked.answer = status, words
    locked.answered_by, locked.answered_at = actor.label[:120], at
    locked.save(update_fields=["status", "answer", "answered_by", "answered_at"])
    record_audit(
        workspace=locked.workspace_id,
        actor=actor,
        action="appeal.answered",
        subject=locked.public_id,
        before={"status": before},
        after={"status": locked.status},
    )
    emit(
        "appeal.answered",
        at=at,
        appeal=locked.public_id,
        participant=locked.participant.public_id,
        conversion="" if locked.conversion is None else locked.conversion.public_id,
        status=locked.status,
    )
    return locked


def _worded(text: str, param: str, shortest: int) -> str:
    """Return a text without the space around it and with one kind of line end."""
    words = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not shortest <= len(words) <= LONGEST or "\0" in words:
        raise Invalid(f"Write {shortest} to {LONGEST:,} characters.", param=param)
    return words
