"""Which milestones a referrer passes. Pure: no Django and no clock."""

from __future__ import annotations

from collections.abc import Iterable

from programs.terms import MilestoneTerms

Month = tuple[int, int]
"""A calendar month as year and number, (2026, 1) for January."""


def milestone_crossed(milestone: MilestoneTerms, before: int, after: int) -> tuple[int, ...]:
    """Return the thresholds that progress passed on its way from `before` to `after`, the lowest first.

    Progress counts friends, minor units of revenue, or the months of the longest streak. A threshold is
    passed once it is reached; progress that falls passes none.
    """
    step = milestone.at_least
    if not milestone.repeat:
        return (step,) if before < step <= after else ()
    return tuple(range((max(before, 0) // step + 1) * step, after + 1, step))


def streak_until(months: Iterable[Month], month: Month) -> int:
    """Return how many of the months follow one another without a gap up to `month`, itself included."""
    counted = {_number(each) for each in months}
    last = number = _number(month)
    while number in counted:
        number -= 1
    return last - number


def longest_streak(months: Iterable[Month]) -> int:
    """Return the length of the longest row of months without a gap; more months never make it shorter."""
    counted = {_number(month) for month in months}
    longest = 0
    for number in counted:
        if number - 1 in counted:
            continue
        end = number
        while end in counted:
            end += 1
        longest = max(longest, end - number)
    return longest


def _number(month: Month) -> int:
    year, number = month
    return year * 12 + number - 1
