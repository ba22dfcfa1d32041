"""The shapes of the charts."""

import re
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.charts import (
    HEIGHT,
    SPARK_HEIGHT,
    WIDTH,
    area_chart,
    nice_ceiling,
    paired_bars,
    spark,
    weeks,
)
from analytics.days import Period


def days(count: int) -> list[date]:
    return [date(2026, 3, 1) + timedelta(days=n) for n in range(count)]


def single(count: int) -> list[Period]:
    return [Period(day, day) for day in days(count)]


def test_a_line_runs_from_edge_to_edge_above_the_period_before() -> None:
    chart = area_chart("Clicks", single(3), [0, 20, 5], [1, 0, 0], show=lambda n: f"{n} c")
    assert chart.line == "M0.0 238.0L500.0 2.0L1000.0 179.0"
    assert chart.area == f"{chart.line}V240H0Z"
    assert chart.dashes == "M0.0 226.2L500.0 238.0L1000.0 238.0"
    assert chart.scale == ("20 c", "10 c", "0 c")
    assert chart.grid == ("2.0", "120.0", "238.0")
    assert chart.ticks == ("1 Mar", "2 Mar", "3 Mar")
    assert chart.points[1].title == "2 Mar: 20 c (period before: 0 c)"
    assert chart.description == (
        "Clicks from 1 Mar to 3 Mar: 25 c in all, most on 2 Mar with 20 c. The period before: 1 c."
    )
    assert not chart.empty


def test_one_day_is_a_level_line_and_nothing_is_said_to_be_nothing() -> None:
    chart = area_chart("Clicks", single(1), [3], [0])
    assert chart.line == "M0.0 61.0L1000.0 61.0"
    assert chart.ticks == ("1 Mar",)
    nothing = area_chart("Clicks", single(2), [0, 0], [0, 0])
    assert nothing.empty
    assert nothing.scale == ("1", "0")
    assert nothing.description == "Clicks from 1 Mar to 2 Mar: 0 in all. The period before: 0."


def test_series_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="one number for each period"):
        area_chart("Clicks", single(1), [], [0])
    with pytest.raises(ValueError, match="at least one period"):
        area_chart("Clicks", [], [], [])


def test_pairs_of_bars_are_on_the_scale_of_the_longest() -> None:
    first, second = paired_bars(
        [("E-mail", 30, 40), ("Chat", -5, 10)], ("credited", "Markov"), show=lambda n: f"{n} c"
    )
    assert (first.first_width, first.second_width) == ("750.0", "1000.0")
    assert (second.first_width, second.second_width) == ("0.0", "250.0")
    assert (second.first, second.second) == ("-5 c", "10 c")
    assert first.title == "E-mail: credited 30 c, Markov 40 c"
    assert paired_bars([("E-mail", 0, 0)], ("a", "b"))[0].first_width == "0.0"
    assert paired_bars([], ("a", "b")) == ()


def test_weeks_are_counted_back_from_the_last_day() -> None:
    periods, numbers = weeks(days(16), list(range(16)))
    assert [(p.first_on.day, p.last_on.day) for p in periods] == [(1, 2), (3, 9), (10, 16)]
    assert numbers == [1, 35, 84]
    assert weeks(days(7), [1] * 7)[1] == [7]
    chart = area_chart("Clicks", periods, numbers, numbers)
    assert chart.points[1].label == "3 Mar – 9 Mar"


def test_a_spark_needs_two_numbers() -> None:
    assert spark([4]) == ""
    assert spark([0, 4, 2]) == "0.0,26.0 50.0,2.0 100.0,14.0"
    assert spark([3, 3]) == "0.0,26.0 100.0,26.0"


@pytest.mark.parametrize(
    ("highest", "ceiling"), [(0, 1), (1, 1), (3, 4), (5, 6), (7, 8), (9, 10), (11, 20), (81, 100)]
)
def test_scales_end_at_round_numbers(highest: int, ceiling: int) -> None:
    assert nice_ceiling(highest) == ceiling


@given(st.lists(st.integers(min_value=0, max_value=10**12), min_size=1, max_size=366))
def test_every_point_lies_inside_the_picture(numbers: list[int]) -> None:
    chart = area_chart("Clicks", single(len(numbers)), numbers, numbers[::-1])
    for path in (chart.line, chart.dashes):
        for x, y in re.findall(r"([\d.]+) ([\d.]+)", path):
            assert 0 <= float(x) <= WIDTH
            assert 0 < float(y) < HEIGHT
    for pair in spark(numbers).split():
        assert 0 < float(pair.partition(",")[2]) < SPARK_HEIGHT
    last = chart.points[-1]
    assert abs(float(last.x) + float(last.width) - WIDTH) <= 0.2


@given(st.lists(st.integers(min_value=0, max_value=1000), min_size=1, max_size=100))
def test_weeks_hold_all_of_the_days(numbers: list[int]) -> None:
    periods, sums = weeks(days(len(numbers)), numbers)
    assert sum(sums) == sum(numbers)
    assert [day for period in periods for day in period.dates] == days(len(numbers))
