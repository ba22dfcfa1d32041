"""Which pending rewards are approved by themselves, and which wait for a person, and why."""

from __future__ import annotations

from datetime import datetime

from django.db.models import BigIntegerField, Case, F, Q, QuerySet, TextField, Value, When
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Concat, StrIndex
from django.db.models.lookups import GreaterThan

from accounts.models import Workspace
from programs.queries import terms_of
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
    return _due(workspace, at, by_person=False)


def due_for_a_person(workspace: Workspace | int, *, at: datetime) -> QuerySet[Reward]:
    """Return the pending rewards whose hold is over and which a person has to approve."""
    return _due(workspace, at, by_person=True)


def _due(workspace: Workspace | int, at: datetime, *, by_person: bool) -> QuerySet[Reward]:
    rows: QuerySet[Reward] = Reward.objects.for_workspace(workspace)
    due = rows.filter(
        status=Reward.Status.PENDING, available_at__lte=at, version__workspace_id=F("workspace_id")
    )
    marked = due.alias(by_person=Case(When(_BY_PERSON, then=Value(True)), default=Value(False)))
    return marked.filter(**{"by_person": by_person})


def _said(name: str) -> KeyTextTransform:
    return KeyTextTransform(name, "version__terms")


# What `needs_person` says, for the database: what waits for a person is never read again and again.
_BY_PERSON = (
    Q(version__terms__approval="manual")
    | Q(
        GreaterThan(
            StrIndex(
                _said("approval_kinds"), Concat(Value('"'), F("kind"), Value('"'), output_field=TextField())
            ),
            Value(0),
        )
    )
    | Q(unit=_said("currency"), amount_minor__gt=Cast(_said("approval_above_minor"), BigIntegerField()))
    | Q(score__gte=Cast(_said("approval_score"), BigIntegerField()))
)
