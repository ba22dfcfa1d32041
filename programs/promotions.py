"""Which seasonal promotion counts for something that happened. Reads no clock and queries nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from programs.models import Promotion


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom something happened to: the friend's country, when the participant enrolled."""

    country: str
    enrolled_at: datetime


def promotion_for(promotions: Sequence[Promotion], *, at: datetime, audience: Audience) -> Promotion | None:
    """Return the promotion that counts at an instant: the first one made of those that run and fit.

    One that was stopped counts until the instant it was stopped.
    """
    for promotion in promotions:
        ends_at = min(promotion.ends_at, promotion.stopped_at or promotion.ends_at)
        if promotion.starts_at <= at < ends_at and _fits(promotion.audience, audience):
            return promotion
    return None


def _fits(wanted: dict[str, object], audience: Audience) -> bool:
    countries = wanted.get("countries")
    if isinstance(countries, list) and countries and audience.country not in countries:
        return False
    since, until = wanted.get("enrolled_from"), wanted.get("enrolled_until")
    if isinstance(since, str) and audience.enrolled_at < datetime.fromisoformat(since):
        return False
    return not (isinstance(until, str) and audience.enrolled_at >= datetime.fromisoformat(until))
