"""Journeys, and how what they are worth is shared out by weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from core.money import Weight, split

REST: Final = "\0rest"
"""The label of all those that are not told apart; no stored text can hold its first character."""

Shares = dict[str, dict[str, int]]
"""By label and unit: whole minor units, or whatever else was counted."""


@dataclass(frozen=True, slots=True)
class Journey:
    """The labels met, oldest first, repeats included, and whether a conversion followed.

    `worth` holds whole numbers by unit: amounts in minor units by currency, a count under any other name. A
    journey without a conversion is worth nothing.
    """

    labels: tuple[str, ...]
    converted: bool = True
    worth: Mapping[str, int] = field(default_factory=dict)


def total_worth(journeys: Iterable[Journey]) -> Counter[str]:
    """Add up by unit what the converted journeys are worth that met any label."""
    total: Counter[str] = Counter()
    for journey in journeys:
        if journey.converted and journey.labels:
            total.update(journey.worth)
    return total


def share_out(total: Mapping[str, int], weights: Mapping[str, Weight]) -> Shares:
    """Share each unit's total out in proportion to the weights, by largest remainder: parts sum to the total.

    Among equal remainders the label that sorts first gets the unit left over. Weights that are all 0, or
    none, leave every label with 0.
    """
    labels = sorted(weights)
    shares: Shares = {label: {} for label in labels}
    for unit, whole in sorted(total.items()):
        by = [weights[label] for label in labels]
        parts = split(whole, by) if any(by) else [0] * len(labels)
        for label, part in zip(labels, parts, strict=True):
            shares[label][unit] = part
    return shares
