"""Reads about promotions."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from accounts.models import Workspace
from programs.models import Participant, Program, Promotion
from programs.promotions import NOTICE, Member, announced, promotion_for


def promotions_of(program: Program) -> QuerySet[Promotion]:
    """Return a program's promotions, the latest start first."""
    rows = Promotion.objects.for_workspace(program.workspace_id).filter(program_id=program.pk)
    return rows.select_related("workspace", "program").order_by("-starts_at", "-pk")


def promotions(workspace: Workspace) -> QuerySet[Promotion]:
    """Return the promotions of all programs, the latest start first."""
    rows = Promotion.objects.for_workspace(workspace).select_related("workspace", "program")
    return rows.order_by("-starts_at", "-pk")


def member_of(participant: Participant) -> Member:
    """Return what an audience is told apart by; needs the customer loaded."""
    return Member(country=participant.customer.country, enrolled_at=participant.enrolled_at)


def shown_to(participant: Participant, at: datetime) -> tuple[Promotion | None, Promotion | None]:
    """Return the promotion that runs for a participant, and the one that starts within a week."""
    rows = list(
        Promotion.objects.for_workspace(participant.workspace_id).filter(
            program_id=participant.program_id, starts_at__lte=at + NOTICE, ends_at__gt=at
        )
    )
    member = member_of(participant)
    return promotion_for(rows, at, member), announced(rows, at, member)
