"""Telling that promotions started and ended."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db.models import F, Q

from accounts.models import Workspace
from core.events import emit, together
from core.transactions import all_or_nothing
from programs.models import Promotion
from programs.promotions import end_of

AT_ONCE: Final = 100


@all_or_nothing
def tell_of_promotions(*, workspace: Workspace, at: datetime) -> int:
    """Write `promotion.started` and `promotion.ended` for what began or was over by `at`; returns how many.

    Each once for each promotion, dated at its own start and end however late it is told. One that was stopped
    before its start is told of neither. Safe to run concurrently with itself; of many promotions it takes
    some, so it is repeated until nothing is left.
    """
    rows = (
        Promotion.objects.for_workspace(workspace)
        .filter(end_told_at__isnull=True, starts_at__lte=at)
        .filter(Q(start_told_at__isnull=True) | Q(ends_at__lte=at) | Q(stopped_at__lte=at))
        .exclude(stopped_at__lte=F("starts_at"))
        .select_for_update(of=("self",), skip_locked=True)
        .select_related("program")
        .order_by("starts_at", "pk")
    )
    told = 0
    with together():
        for promotion in rows[:AT_ONCE]:
            if promotion.start_told_at is None:
                promotion.start_told_at = at
                _tell("promotion.started", promotion, promotion.starts_at)
                told += 1
            ended_at = end_of(promotion)
            if ended_at <= at:
                promotion.end_told_at = at
                _tell("promotion.ended", promotion, ended_at)
                told += 1
            promotion.save(update_fields=["start_told_at", "end_told_at"])
    return told


def _tell(kind: str, promotion: Promotion, at: datetime) -> None:
    emit(kind, at=at, promotion=promotion.public_id, program=promotion.program.public_id)
