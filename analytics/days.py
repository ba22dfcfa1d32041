"""Days of a time zone: which instants they hold, and runs of them. Pure: no Django and no clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days from `first_on` to `last_on`, both included. ValueError for an end before the start."""

    first_on: date
    last_on: date

    def __post_init__(self) -> None:
        if self.last_on < self.first_on:
            raise ValueError("a period ends on its first day or later")

    @property
    def days(self) -> int:
        """How many days there are."""
        return (self.last_on - self.first_on).days + 1

    @property
    def dates(self) -> list[date]:
        """Every day, in order."""
        return [self.first_on + ONE_DAY * n for n in range(self.days)]

    @property
    def previous(self) -> Period:
        """The period of the same length that ends the day before."""
        return Period(self.first_on - ONE_DAY * self.days, self.first_on - ONE_DAY)


def day_of(at: datetime, zone: str) -> date:
    """Return the date that a clock in the zone shows at an instant."""
    return at.astimezone(ZoneInfo(zone)).date()


def day_start(day_on: date, zone: str) -> datetime:
    """Return the first instant of a day, in UTC.

    Where clocks jump over midnight the day starts with the jump; where midnight comes twice, with the first.
    """
    return datetime.combine(day_on, time(), tzinfo=ZoneInfo(zone)).astimezone(UTC)


def bounds(period: Period, zone: str) -> list[datetime]:
    """Return the start of each day of a period and, last, the end of the last day; in UTC, rising.

    Days are 23, 24 or 25 hours long, as the zone has it.
    """
    return [day_start(period.first_on + ONE_DAY * n, zone) for n in range(period.days + 1)]


def runs(days: Iterable[date]) -> list[Period]:
    """Put days together that follow each other, in order."""
    found: list[Period] = []
    for day in sorted(set(days)):
        if found and found[-1].last_on + ONE_DAY == day:
            found[-1] = Period(found[-1].first_on, day)
        else:
            found.append(Period(day, day))
    return found


def parts(period: Period, days: int) -> list[Period]:
    """Cut a period into pieces of at most so many days, in order."""
    return [
        Period(first_on, min(period.last_on, first_on + ONE_DAY * (days - 1)))
        for first_on in period.dates[::days]
    ]
