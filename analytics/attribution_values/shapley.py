"""Shapley values: each label's fair part of what all of them brought together.

Source: K. Zhao, S. H. Mahboobi, S. R. Bagheri, "Shapley Value Methods for Attribution Modeling in Online
Advertising", arXiv:1804.05327, 2018, section on the simplified formula. The value itself: L. S. Shapley,
"A value for n-person games", 1953.

- A coalition is a set of labels. It is worth what those converted journeys are worth that met no label
  outside of it.
- The Shapley value of a label is what it adds to the coalition of those before it, averaged over all orders
  in which the labels can come.

That game is a sum of one game for each converted journey, in which every coalition that holds the journey's
labels is worth the journey and every other is worth nothing. There all of the journey's labels are alike and
the others add nothing, so each distinct label gets an equal part; and the value of a sum of games is the sum
of their values. So the definition comes down to: share each converted journey equally among its distinct
labels. Order and repeats within a journey do not matter, nor do journeys without a conversion.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from analytics.attribution_values.journeys import Journey, Shares, share_out


class Coalitions:
    """Adds converted journeys up, one at a time, by how many labels they met."""

    def __init__(self) -> None:
        self._sums: Counter[tuple[str, str, int]] = Counter()
        self._total: Counter[str] = Counter()

    def add(self, labels: Sequence[str], worth: Mapping[str, int]) -> None:
        """Count one converted journey; one without labels is nobody's."""
        distinct = set(labels)
        if not distinct:
            return
        self._total.update(worth)
        for label in distinct:
            for unit, amount in worth.items():
                self._sums[unit, label, len(distinct)] += amount

    def exact(self) -> dict[str, dict[str, Fraction]]:
        """Return the exact values by unit and label."""
        values: dict[str, dict[str, Fraction]] = {}
        for (unit, label, size), amount in self._sums.items():
            own = values.setdefault(unit, {})
            own[label] = own.get(label, Fraction(0)) + Fraction(amount, size)
        return values

    def values(self) -> Shares:
        """Return the values in whole units, by largest remainder: they sum to the total of each unit."""
        shares: Shares = {}
        for unit, exact in self.exact().items():
            for label, parts in share_out({unit: self._total[unit]}, exact).items():
                shares.setdefault(label, {}).update(parts)
        return shares


def shapley_values(journeys: Iterable[Journey]) -> Shares:
    """Return what each label met by any journey is worth, by unit; the parts sum to the total.

    The total is what converted journeys with labels are worth. The order of the journeys does not matter.
    """
    coalitions = Coalitions()
    units: set[str] = set()
    met: set[str] = set()
    for journey in journeys:
        met.update(journey.labels)
        if journey.converted:
            coalitions.add(journey.labels, journey.worth)
            units.update(journey.worth if journey.labels else ())
    values = coalitions.values()
    return {
        label: {unit: values.get(label, {}).get(unit, 0) for unit in sorted(units)} for label in sorted(met)
    }
