"""The periods people choose by name, counted back from a day. Pure: no Django and no clock."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from analytics.days import ONE_DAY, Period

DEFAULT: Final = "30d"
CUSTOM: Final = "custom"
CHOICES: Final = (
    ("7d", "Last 7 days"),
    ("30d", "Last 30 days"),
    ("90d", "Last 90 days"),
    ("month", "This month"),
    ("last_month", "Last month"),
    ("quarter", "This quarter"),
)
"""Names and labels of the periods that need no dates; `CUSTOM` is the one that does."""


def last_days(length: int, today: date) -> Period:
    """Return the days up to and with today."""
    return Period(today - timedelta(days=length - 1), today)


def period_named(choice: str, today: date) -> Period:
    """Return a period of `CHOICES` as it stands today; none reaches past today. KeyError for another name."""
    month = Period(today.replace(day=1), today)
    before = month.first_on - ONE_DAY
    return {
        "7d": last_days(7, today),
        "30d": last_days(30, today),
        "90d": last_days(90, today),
        "month": month,
        "last_month": Period(before.replace(day=1), before),
        "quarter": Period(today.replace(month=3 * ((today.month - 1) // 3) + 1, day=1), today),
    }[choice]
