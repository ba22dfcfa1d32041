"""The forecast's formulas, by hand and by property."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards.forecast import Due, Range, Survival, becoming_payable, newly_promised

TODAY = date(2026, 3, 2)


def _in(days: int, amount: int) -> Due:
    return Due(TODAY + timedelta(days=days), amount)


def test_what_is_on_hold_becomes_payable_as_far_as_earlier_rewards_survived() -> None:
    dues = [_in(-3, 100), _in(30, 1_000), _in(31, 10_000), _in(90, 5)]
    survival = Survival(promised_minor=1_000, kept_minor=850)
    assert becoming_payable(dues, survival, today=TODAY, days=30) == 935
    # 85 % of 11,105 is 9,439.25.
    assert becoming_payable(dues, survival, today=TODAY, days=90) == 9_439
    assert becoming_payable([], survival, today=TODAY, days=30) == 0


def test_without_experience_all_is_expected() -> None:
    assert Survival(0, 0).of(123) == 123
    assert not Survival(0, 0).known
    assert Survival(7, 0).of(123) == 0


@pytest.mark.parametrize(
    ("daily", "days", "expected"),
    [
        ([0] * 90, 30, Range(0, 0, 0)),
        ([100] * 90, 30, Range(3_000, 3_000, 3_000)),
        # Mean 50, sample variance 2,528.09: 1.96 * sqrt(30 * 2,528.09) = 539.77.
        ([0, 100] * 45, 30, Range(961, 1_500, 2_039)),
        # One large day: the low end stops at zero.
        ([0] * 89 + [9_000], 30, Range(0, 3_000, 13_184)),
        ([700], 30, Range(21_000, 21_000, 21_000)),
        ([], 30, Range(0, 0, 0)),
    ],
)
def test_new_promises_go_on_as_before(daily: list[int], days: int, expected: Range) -> None:
    assert newly_promised(daily, days=days) == expected


@given(
    st.lists(st.integers(0, 10**9), min_size=2, max_size=90),
    st.integers(1, 365),
)
def test_the_range_holds_the_expectation(daily: list[int], days: int) -> None:
    found = newly_promised(daily, days=days)
    assert 0 <= found.low_minor <= found.expected_minor <= found.high_minor
    shifted = newly_promised([amount + 1 for amount in daily], days=days)
    # A cent more each day moves the middle by the days ahead (rounded), and the width not at all.
    assert abs(shifted.expected_minor - found.expected_minor - days) <= 1
    assert shifted.high_minor - shifted.expected_minor == found.high_minor - found.expected_minor
