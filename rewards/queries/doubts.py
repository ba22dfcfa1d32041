"""Reads about the money behind a doubt, for the answers of the app that knows the doubts."""

from __future__ import annotations

from typing import Any

from django.db.models import (
    BigIntegerField,
    CharField,
    Count,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
)
from django.db.models.functions import Coalesce

from core.money import POINTS
from rewards.models import Reward
from rewards.queries.rewards import public_reward, rewards
from tracking.models import FraudCase


def rewards_of_case(case: FraudCase) -> QuerySet[Reward]:
    """Return the rewards that hang on a case, of both sides, as `rewards` does, oldest first."""
    return (
        rewards(case.workspace)
        .filter(conversion_id=case.conversion_id, referral__participant_id=case.participant_id)
        .order_by("pk")
    )


def answer_for_case(case: FraudCase) -> list[dict[str, Any]]:
    """Return a case's rewards as the API shows them, for the pages and answers of the app below."""
    return [public_reward(reward) for reward in rewards_of_case(case)]


def with_money_on_hold(rows: QuerySet[FraudCase]) -> QuerySet[FraudCase]:
    """Annotate cases with what their rewards that are on hold come to.

    `held_count` is their number, `held_minor` and `held_unit` the sum in the unit that most of it is in;
    money stands before points. Without any the sum is None.
    """
    held = Reward.objects.filter(
        workspace_id=OuterRef("workspace_id"),
        conversion_id=OuterRef("conversion_id"),
        referral__participant_id=OuterRef("participant_id"),
        status=Reward.Status.HELD,
    ).order_by()
    sums = (
        held.values("unit")
        .annotate(net=Sum(F("amount_minor") - F("reversed_minor")), points=Q(unit=POINTS))
        .order_by("points", "-net", "unit")
    )
    counts = held.values("workspace_id").annotate(n=Count("pk")).values("n")
    return rows.annotate(
        held_minor=Subquery(sums.values("net")[:1], output_field=BigIntegerField()),
        held_unit=Subquery(sums.values("unit")[:1], output_field=CharField()),
        held_count=Coalesce(Subquery(counts, output_field=IntegerField()), 0),
    )
