"""What is likely to become payable, and to be promised, in the days ahead. Pure: no Django and no clock.

Two figures, apart from each other because they need different trust:

- becoming payable = sum over rewards on hold whose hold ends within the horizon of their amount, times the
  share of earlier rewards that survived their hold: (promised - taken back or denied) / promised;
- newly promised = mean of the last 90 days' daily promises, times the days ahead. Its range is plus and
  minus 1.96 standard deviations of such a sum, sqrt(days ahead * sample variance of a day): with days
  independent of each other, 19 of 20 such periods lie in it. Never below zero.

Amounts are integers in minor units; shares are exact fractions, rounded half-even once at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import isqrt

from core.money import prorate

_SPREAD_PERCENT = 196


@dataclass(frozen=True, slots=True)
class Survival:
    """How much of what was promised outlived its hold, in minor units; before any promise, all of it."""

    promised_minor: int
    kept_minor: int

    @property
    def known(self) -> bool:
        """Whether there is any experience to go by."""
        return self.promised_minor > 0

    def of(self, amount_minor: int) -> int:
        """Return what is expected to be left of an amount."""
        if not self.known:
            return amount_minor
        return prorate(amount_minor, self.kept_minor, self.promised_minor)


@dataclass(frozen=True, slots=True)
class Range:
    """An expected amount and the range it lies in 19 times out of 20."""

    low_minor: int
    expected_minor: int
    high_minor: int


@dataclass(frozen=True, slots=True)
class Due:
    """An amount on hold until a day."""

    on: date
    amount_minor: int


def becoming_payable(dues: Sequence[Due], survival: Survival, *, today: date, days: int) -> int:
    """Return what is expected to become payable from today until `days` later; what is overdue counts."""
    last = today + timedelta(days=days)
    return survival.of(sum(due.amount_minor for due in dues if due.on <= last))


def newly_promised(daily: Sequence[int], *, days: int) -> Range:
    """Return what is expected to be promised in the next `days`, from the amounts of so many past days.

    Days without a promise belong in `daily` as 0. Fewer than two days give no range: nothing is known.
    """
    past = len(daily)
    total = sum(daily)
    if past < 2:
        expected = total * days
        return Range(expected, expected, expected)
    expected = prorate(total, days, past)
    # Sample variance = (n * sum of squares - square of the sum) / (n * (n - 1)), kept as a fraction.
    numerator = past * sum(amount * amount for amount in daily) - total * total
    denominator = past * (past - 1)
    spread = isqrt(days * numerator * _SPREAD_PERCENT**2 // (denominator * 100**2))
    return Range(max(0, expected - spread), expected, expected + spread)
