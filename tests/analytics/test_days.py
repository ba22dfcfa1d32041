"""Days of a zone, through the changes of its clocks."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.days import Period, bounds, day_of, day_start, parts, runs

ZONES = ("UTC", "Europe/Berlin", "America/Santiago", "Asia/Beirut", "Pacific/Apia", "America/Havana")


def test_a_day_in_berlin_is_23_hours_long_in_march_and_25_in_october() -> None:
    spring = bounds(Period(date(2026, 3, 28), date(2026, 3, 30)), "Europe/Berlin")
    assert spring == [
        datetime(2026, 3, 27, 23, tzinfo=UTC),
        datetime(2026, 3, 28, 23, tzinfo=UTC),
        datetime(2026, 3, 29, 22, tzinfo=UTC),
        datetime(2026, 3, 30, 22, tzinfo=UTC),
    ]
    autumn = bounds(Period(date(2026, 10, 25), date(2026, 10, 25)), "Europe/Berlin")
    assert autumn == [datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC)]


def test_a_day_without_midnight_starts_with_the_jump_of_the_clock() -> None:
    # Santiago sprang from 23:59:59 on 6 September 2025 to 01:00 on the 7th.
    assert day_start(date(2025, 9, 7), "America/Santiago") == datetime(2025, 9, 7, 4, tzinfo=UTC)
    assert day_of(datetime(2025, 9, 7, 3, 59, tzinfo=UTC), "America/Santiago") == date(2025, 9, 6)


def test_a_period_knows_its_days_and_the_one_before() -> None:
    period = Period(date(2026, 3, 1), date(2026, 3, 7))
    assert period.days == 7
    assert period.dates[0] == date(2026, 3, 1)
    assert period.dates[-1] == date(2026, 3, 7)
    assert period.previous == Period(date(2026, 2, 22), date(2026, 2, 28))
    with pytest.raises(ValueError, match="first day or later"):
        Period(date(2026, 3, 2), date(2026, 3, 1))


def test_days_that_follow_each_other_are_one_run() -> None:
    days = [date(2026, 1, 3), date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 5), date(2026, 1, 1)]
    assert runs(days) == [
        Period(date(2026, 1, 1), date(2026, 1, 3)),
        Period(date(2026, 1, 5), date(2026, 1, 5)),
    ]
    assert runs([]) == []


def test_parts_cover_a_period_without_overlap() -> None:
    assert parts(Period(date(2026, 1, 1), date(2026, 1, 5)), 2) == [
        Period(date(2026, 1, 1), date(2026, 1, 2)),
        Period(date(2026, 1, 3), date(2026, 1, 4)),
        Period(date(2026, 1, 5), date(2026, 1, 5)),
    ]


@given(
    zone=st.sampled_from(ZONES),
    at=st.datetimes(min_value=datetime(2012, 1, 3), max_value=datetime(2037, 12, 30)),  # noqa: DTZ001
)
def test_every_instant_lies_within_the_bounds_of_its_day(zone: str, at: datetime) -> None:
    moment = at.replace(tzinfo=UTC)
    day_on = day_of(moment, zone)
    start, end = bounds(Period(day_on, day_on), zone)
    assert start <= moment < end
    assert timedelta(hours=22) <= end - start <= timedelta(hours=26)
