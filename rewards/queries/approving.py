"""Which pending rewards are approved by themselves, and which wait for a person, and why."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q, QuerySet

from accounts.models import Workspace
from programs.models import ProgramVersion
from programs.queries import terms_of
from programs.terms import ProgramTerms
from rewards.approval_policy import needs_person
from rewards.models import Reward


def why_a_person(reward: Reward) -> str:
    """Return why a person has to approve this reward, in a sentence; empty where it approves itself."""
    return needs_person(
        terms_of(reward.version),
        kind=reward.kind,  # type: ignore[arg-type]
        amount_minor=reward.amount_minor,
        unit=reward.unit,
        score=reward.score,
    )


def due_by_itself(workspace: Workspace, *, at: datetime) -> QuerySet[Reward]:
    """Return the pending rewards whose hold is over and which need no person."""
    due = _due(workspace, at)
    return due.exclude(_by_person(workspace, due))


def due_for_a_person(workspace: Workspace, *, at: datetime) -> QuerySet[Reward]:
    """Return the pending rewards whose hold is over and which a person has to approve."""
    due = _due(workspace, at)
    return due.filter(_by_person(workspace, due))


def _due(workspace: Workspace, at: datetime) -> QuerySet[Reward]:
    return Reward.objects.for_workspace(workspace).filter(status=Reward.Status.PENDING, available_at__lte=at)


def _by_person(workspace: Workspace, due: QuerySet[Reward]) -> Q:
    """Return what `needs_person` says as a condition, so that what waits is never read again and again."""
    versions = ProgramVersion.objects.for_workspace(workspace).filter(
        pk__in=due.order_by().values_list("version_id", flat=True).distinct()
    )
    condition = Q(pk__in=[])
    for version in versions:
        condition |= Q(version=version) & _in_terms(terms_of(version))
    return condition


def _in_terms(terms: ProgramTerms) -> Q:
    if terms.approval == "manual":
        return Q()
    condition = Q(kind__in=terms.approval_kinds)
    if terms.approval_above_minor is not None:
        condition |= Q(unit=terms.currency, amount_minor__gt=terms.approval_above_minor)
    if terms.approval_score is not None:
        condition |= Q(score__gte=terms.approval_score)
    return condition
