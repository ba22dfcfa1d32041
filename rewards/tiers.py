"""Which tier of a rule an event is paid by, and how a revenue is divided among the tiers it passes.

Pure: frozen values in and out; no Django and no clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from core.money import split
from programs.terms import PercentageAmount, RewardRule


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a referrer had come in a tier's period, before an event and with it: friends or minor units."""

    before: int
    after: int


@dataclass(frozen=True, slots=True)
class TierPart:
    """The part of a base that is paid by one tier, numbered from 1; 0 is the amount without any tier."""

    tier: int
    base_minor: int


def tier_parts(
    rule: RewardRule, progress: Progress, standing: int | None, base_minor: int
) -> tuple[TierPart, ...]:
    """Divide what a percentage is taken of among the tiers; the parts sum to `base_minor`, lowest tier first.

    There is a single part by the tier that the event reaches; for a retroactive rule, by the tier of
    `standing`, the most that was reached in the period. Only a marginal rule by revenue whose amounts are all
    percentages has brackets, like an income tax: what lies below a threshold stays at the lower rate.
    """
    reached = progress.after
    if rule.tier_mode == "retroactive" and standing is not None:
        reached = max(standing, reached)
    amounts = (rule.amount, *(tier.amount for tier in rule.tiers))
    rates_only = all(isinstance(amount, PercentageAmount) for amount in amounts)
    if rule.tier_mode == "marginal" and rule.tier_basis == "revenue" and rates_only:
        thresholds = [tier.at_least for tier in rule.tiers]
        if parts := brackets(thresholds, progress, base_minor):
            return parts
    return (TierPart(rule.tier_at(reached), base_minor),)


def brackets(thresholds: Sequence[int], progress: Progress, base_minor: int) -> tuple[TierPart, ...]:
    """Divide a base by how much of the way from `before` to `after` lies at or above each rising threshold.

    The base may differ from the way, as a margin or a share does; it is divided in proportion, by the largest
    remainder. Empty for an event that leads no further.
    """
    edges = [progress.before, *thresholds, progress.after]
    places = sorted(min(max(edge, progress.before), progress.after) for edge in edges)
    widths = [upper - lower for lower, upper in pairwise(places)]
    if not any(widths):
        return ()
    divided = split(base_minor, widths)
    return tuple(
        TierPart(tier, part)
        for tier, (part, width) in enumerate(zip(divided, widths, strict=True))
        if width > 0
    )
