"""Calendar periods of caps, tiers and milestones, in a workspace's time zone.

Pure: no Django and no clock.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Period = Literal["lifetime", "year", "month", "week", "day"]


def period_key(period: Period, at: datetime, zone: ZoneInfo) -> str:
    """Name the period an instant lies in: 2026, 2026-11, 2026-W47 (ISO 8601), 2026-11-22; empty for ever."""
    local = at.astimezone(zone)
    if period == "lifetime":
        return ""
    if period == "week":
        year, week, _ = local.isocalendar()
        return f"{year}-W{week:02}"
    return local.strftime({"year": "%Y", "month": "%Y-%m", "day": "%Y-%m-%d"}[period])


def period_bounds(period: Period, at: datetime, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
    """Return the first instant of the period an instant lies in, and that of the next one; None for ever.

    Both are local midnights, so that a day of a clock change has 23 or 25 hours and each instant lies in
    exactly one period.
    """
    local = at.astimezone(zone)
    if period == "lifetime":
        return None
    day = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if period == "day":
        return day, _midnight(day, 1)
    if period == "week":
        monday = _midnight(day, -day.weekday())
        return monday, _midnight(monday, 7)
    first = day.replace(day=1) if period == "month" else day.replace(month=1, day=1)
    following = (first + timedelta(days=32 if period == "month" else 367)).replace(day=1)
    if period == "year":
        following = following.replace(month=1)
    return first, following


def month_number(at: datetime, zone: ZoneInfo) -> int:
    """Count calendar months, so that months in a row have numbers in a row."""
    local = at.astimezone(zone)
    return local.year * 12 + local.month - 1


def _midnight(day: datetime, days: int) -> datetime:
    """Return local midnight some days later: adding to a local time keeps the wall clock."""
    return day + timedelta(days=days)
