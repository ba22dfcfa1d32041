"""Who stands behind a period: its latest referrals with what they earned, and its best referrers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BigIntegerField, CharField, Count, F, OuterRef, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce, JSONObject, NullIf

from accounts.models import Workspace
from analytics.days import ONE_DAY, Period, day_start
from programs.models import Program
from rewards.models import Reward
from tracking.models import Conversion, Credit, Referral


def program_choices(workspace: Workspace) -> QuerySet[Program]:
    """Return the programs by name, with no more than what a menu shows."""
    return (
        Program.objects.for_workspace(workspace).order_by("name", "pk").only("public_id", "name", "workspace")
    )


def latest_referrals(workspace: Workspace, *, program: Program | None = None) -> QuerySet[Referral]:
    """Return the referrals newest first, with program, both people, and `earned`.

    `earned` is what its rewards are worth after refunds, one `{"unit", "minor"}` for each unit.
    """
    earned = (
        Reward.objects.for_workspace(workspace)
        .filter(referral_id=OuterRef("pk"), side=Reward.Side.REFERRER)
        .exclude(status=Reward.Status.DENIED)
        .order_by()
        .values("unit")
        .annotate(net=Sum(F("amount_minor") - F("reversed_minor"), output_field=BigIntegerField()))
        .filter(net__gt=0)
        .order_by("unit")
        .values(each=JSONObject(unit="unit", minor="net"))
    )
    rows = Referral.objects.for_workspace(workspace)
    if program is not None:
        rows = rows.filter(program=program)
    return (
        rows.select_related("program", "participant__customer", "customer")
        .annotate(earned=ArraySubquery(earned))
        .order_by("-public_id")
    )


@dataclass(frozen=True, slots=True)
class Earner:
    """A participant by what the period's purchases were credited with: how many, and their worth in one unit.

    `revenue_minor` is the participant's share where several people are credited, before refunds.
    """

    public_id: str
    name: str
    program: str
    purchases: int
    revenue_minor: int


def top_participants(
    workspace: Workspace, period: Period, *, program: Program | None = None, limit: int = 5
) -> list[Earner]:
    """Return who brought the most purchases in a period, in the workspace's currency, best first."""
    start = day_start(period.first_on, workspace.time_zone)
    end = day_start(period.last_on + ONE_DAY, workspace.time_zone)
    rows = Credit.objects.for_workspace(workspace).filter(
        conversion__workspace_id=workspace.pk,
        conversion__kind=Conversion.Kind.PURCHASE,
        conversion__occurred_at__gte=start,
        conversion__occurred_at__lt=end,
    )
    rows = rows.exclude(conversion__status=Conversion.Status.REJECTED)
    if program is not None:
        rows = rows.filter(participant__program_id=program.pk)
    worth = Sum("amount_minor", filter=Q(currency=workspace.currency))
    best: Any = (
        rows.order_by()
        .values(person=F("participant__public_id"))
        .annotate(
            name=Coalesce(
                NullIf(F("participant__display_name"), Value("")),
                NullIf(F("participant__customer__name"), Value("")),
                NullIf(F("participant__customer__email"), Value("")),
                F("participant__public_id"),
                output_field=CharField(),
            ),
            promise=F("participant__program__name"),
            purchases=Count("conversion_id", distinct=True),
            revenue=Coalesce(worth, 0),
        )
        .order_by("-revenue", "-purchases", "person")[:limit]
    )
    return [
        Earner(row["person"], row["name"], row["promise"], row["purchases"], row["revenue"]) for row in best
    ]
