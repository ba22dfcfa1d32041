"""How right the rules are where the truth is known: the table of truth by outcome, and what follows from it.

An alarm is a hold or a denial. With true alarms (TP), false alarms (FP), fraud that was let through (FN) and
honest referrals that were (TN):

- precision = TP / (TP + FP): of the alarms, how many are fraud
- recall = TP / (TP + FN): of the fraud, how much raises an alarm
- false-positive rate = FP / (FP + TN): of the honest ones, how many raise an alarm

T. Fawcett, An introduction to ROC analysis, Pattern Recognition Letters 27, 2006. For one rule, its firing
is the alarm. None where there is nothing to divide by.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tracking.fraud.facts import DEFAULT_WEIGHTS, Outcome
from tracking.fraud.shares import Share, share_of

Label = Literal["fraud", "fine"]
LABELS: tuple[Label, ...] = ("fraud", "fine")


@dataclass(frozen=True, slots=True)
class Accuracy:
    """True and false alarms, and what was let through."""

    true_alarms: int
    false_alarms: int
    missed: int
    passed: int

    @property
    def precision(self) -> Share | None:
        """Of the alarms, the share that is fraud."""
        return share_of(self.true_alarms, self.true_alarms + self.false_alarms)

    @property
    def recall(self) -> Share | None:
        """Of the fraud, the share that raises an alarm."""
        return share_of(self.true_alarms, self.true_alarms + self.missed)

    @property
    def false_positive_rate(self) -> Share | None:
        """Of the honest ones, the share that raises an alarm."""
        return share_of(self.false_alarms, self.false_alarms + self.passed)


class Confusion:
    """Counts labelled cases by outcome, and by rule that fired in them."""

    def __init__(self) -> None:
        self._cells: Counter[tuple[Label, Outcome]] = Counter()
        self._fired: Counter[tuple[str, Label]] = Counter()

    def add(self, label: Label, outcome: Outcome, rules: Iterable[str]) -> None:
        """Count one case; `rules` are those that fired in it."""
        self._cells[label, outcome] += 1
        for rule in set(rules):
            self._fired[rule, label] += 1

    def count(self, label: Label, outcome: Outcome) -> int:
        """Return how many cases of this truth came to this outcome."""
        return self._cells[label, outcome]

    def of(self, label: Label) -> int:
        """Return how many cases of this truth there are."""
        return sum(count for (each, _), count in self._cells.items() if each == label)

    def overall(self) -> Accuracy:
        """Return how right the outcomes are."""
        passed, missed = self._cells["fine", "allow"], self._cells["fraud", "allow"]
        return Accuracy(self.of("fraud") - missed, self.of("fine") - passed, missed, passed)

    def by_rule(self) -> dict[str, Accuracy]:
        """Return how right each rule is that fired at all, the heaviest first."""
        fraud, fine = self.of("fraud"), self.of("fine")
        found = {}
        for rule in DEFAULT_WEIGHTS:
            right, wrong = self._fired[rule, "fraud"], self._fired[rule, "fine"]
            if right or wrong:
                found[rule] = Accuracy(right, wrong, fraud - right, fine - wrong)
        return found
