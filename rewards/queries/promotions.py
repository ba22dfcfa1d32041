"""What was promised under a promotion."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, F, Sum

from programs.models import Promotion
from rewards.models import Reward

_NOT_PROMISED = (Reward.Status.DENIED,)


@dataclass(frozen=True, slots=True)
class PromotionFigures:
    """How many rewards were promised, and their sums by unit, refunds taken off."""

    rewards: int
    sums: tuple[tuple[int, str], ...]


def promotion_figures(promotion: Promotion) -> PromotionFigures:
    """Return what was promised under a promotion; what was denied was not."""
    rows = (
        Reward.objects.for_workspace(promotion.workspace_id)
        .filter(promotion=promotion)
        .exclude(status__in=_NOT_PROMISED)
        .order_by()
        .values("unit")
        .annotate(many=Count("pk"), total=Sum(F("amount_minor") - F("reversed_minor")))
    )
    found = sorted(rows, key=lambda row: row["unit"])
    return PromotionFigures(
        rewards=sum(row["many"] for row in found),
        sums=tuple((row["total"], row["unit"]) for row in found if row["total"]),
    )
