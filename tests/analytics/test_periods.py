"""Periods chosen by name."""

from datetime import date

import pytest

from analytics.days import Period
from analytics.periods import CHOICES, period_named

TODAY = date(2026, 3, 1)


@pytest.mark.parametrize(
    ("name", "today", "first_on", "last_on"),
    [
        ("7d", TODAY, date(2026, 2, 23), TODAY),
        ("30d", TODAY, date(2026, 1, 31), TODAY),
        ("90d", TODAY, date(2025, 12, 2), TODAY),
        ("month", TODAY, TODAY, TODAY),
        ("month", date(2026, 3, 31), TODAY, date(2026, 3, 31)),
        ("last_month", TODAY, date(2026, 2, 1), date(2026, 2, 28)),
        ("last_month", date(2026, 1, 15), date(2025, 12, 1), date(2025, 12, 31)),
        ("quarter", TODAY, date(2026, 1, 1), TODAY),
        ("quarter", date(2026, 12, 31), date(2026, 10, 1), date(2026, 12, 31)),
    ],
)
def test_a_name_stands_for_days(name: str, today: date, first_on: date, last_on: date) -> None:
    assert period_named(name, today) == Period(first_on, last_on)


def test_every_choice_has_its_days_and_no_other_name_has() -> None:
    assert all(period_named(name, TODAY).last_on <= TODAY for name, _ in CHOICES)
    with pytest.raises(KeyError):
        period_named("custom", TODAY)
