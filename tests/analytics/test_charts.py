"""The shapes of the bar chart."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.charts import BOTTOM, LEFT, PANEL_HEIGHT, TOP, WIDTH, bar_chart, nice_ceiling


def test_bars_stand_on_the_base_and_reach_to_their_number() -> None:
    days = [date(2026, 3, 1) + timedelta(days=n) for n in range(4)]
    chart = bar_chart(days, [("Clicks", [0, 5, 10, 1]), ("Sign-ups", [0, 0, 0, 0])])
    clicks, signups = chart.panels
    assert (clicks.total, clicks.ceiling, clicks.top, clicks.base) == (16, 10, TOP, TOP + PANEL_HEIGHT)
    assert [bar.height for bar in clicks.bars] == ["36.0", "72.0", "7.2"]
    assert clicks.bars[1].y == f"{TOP:.1f}"
    assert clicks.bars[1].title == "03 Mar 2026: 10"
    assert signups.bars == ()
    assert signups.ceiling == 1
    assert chart.height == signups.base + BOTTOM
    assert [tick.text for tick in chart.ticks] == ["01 Mar", "02 Mar", "03 Mar", "04 Mar"]
    assert chart.description == (
        "From 01 March 2026 to 04 March 2026. Clicks: 16 in all, most on 03 March 2026 with 10; "
        "Sign-ups: 0 in all."
    )


def test_one_day_has_one_tick() -> None:
    chart = bar_chart([date(2026, 3, 1)], [("Clicks", [3])])
    assert [(tick.text, tick.anchor) for tick in chart.ticks] == [("01 Mar", "start")]


def test_series_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="one number for each day"):
        bar_chart([date(2026, 3, 1)], [("Clicks", [])])
    with pytest.raises(ValueError, match="at least one day"):
        bar_chart([], [])


@given(st.lists(st.integers(min_value=0, max_value=10**9), min_size=1, max_size=400))
def test_every_bar_lies_inside_the_picture(numbers: list[int]) -> None:
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(len(numbers))]
    panel = bar_chart(days, [("Clicks", numbers)]).panels[0]
    for bar in panel.bars:
        assert float(bar.x) >= LEFT
        assert float(bar.x) + float(bar.width) <= WIDTH + 0.2
        assert panel.top - 0.1 <= float(bar.y) <= panel.base
    assert max(numbers) <= panel.ceiling == nice_ceiling(max(numbers))
