import pytest
from hypothesis import given
from hypothesis import strategies as st

from programs.terms import MilestoneTerms
from rewards.milestones import longest_streak, milestone_crossed, streak_until


@pytest.mark.parametrize(
    ("repeat", "before", "after", "crossed"),
    [
        (False, 4, 5, (5,)),
        (False, 3, 4, ()),
        (False, 5, 6, ()),
        (False, 0, 25, (5,)),
        (False, 6, 4, ()),
        (True, 4, 5, (5,)),
        (True, 5, 9, ()),
        (True, 3, 16, (5, 10, 15)),
        (True, 10, 9, ()),
        (True, -3, 5, (5,)),
    ],
)
def test_thresholds_that_were_passed(repeat: bool, before: int, after: int, crossed: tuple[int, ...]) -> None:
    assert milestone_crossed(MilestoneTerms("friends", 5, repeat=repeat), before, after) == crossed


@given(
    st.booleans(),
    st.integers(1, 20),
    st.lists(st.integers(0, 30), min_size=1, max_size=10),
)
def test_every_threshold_is_passed_once_however_progress_grows(
    repeat: bool, step: int, growth: list[int]
) -> None:
    milestone = MilestoneTerms("friends", step, repeat=repeat)
    found: list[int] = []
    before = 0
    for more in growth:
        found += milestone_crossed(milestone, before, before + more)
        before += more
    assert tuple(found) == milestone_crossed(milestone, 0, before)


def test_streaks_are_months_without_a_gap() -> None:
    months = [(2025, 11), (2025, 12), (2026, 1), (2026, 3), (2026, 3)]
    assert longest_streak(months) == 3
    assert longest_streak([]) == 0
    assert streak_until(months, (2026, 1)) == 3
    assert streak_until(months, (2026, 2)) == 0
    assert streak_until(months, (2026, 3)) == 1
    assert longest_streak([*months, (2026, 2)]) == 5


calendar_months = st.tuples(st.integers(2024, 2026), st.integers(1, 12))


@given(st.lists(calendar_months), calendar_months)
def test_another_month_never_makes_the_longest_streak_shorter(
    months: list[tuple[int, int]], more: tuple[int, int]
) -> None:
    longest = longest_streak(months)
    assert longest <= longest_streak([*months, more])
    assert longest == max((streak_until(months, month) for month in months), default=0)
