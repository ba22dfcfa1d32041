"""Works out the shapes of charts for an SVG drawn on the server. Pure: no Django and no clock.

Drawings are stretched to the width there is, so letters stand beside them in the page, not in them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from analytics.days import Period

WIDTH: Final = 1000
HEIGHT: Final = 240
SPARK_WIDTH: Final = 100
SPARK_HEIGHT: Final = 28
_MARGIN: Final = 2

Show = Callable[[int], str]
"""Writes a number of the series for people."""


@dataclass(frozen=True, slots=True)
class Point:
    """One day or week: its strip of the drawing, what hovering says, and its row of the table."""

    label: str
    x: str
    width: str
    value: str
    before: str
    title: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A line over its area, the period before as a dashed line beneath, on a scale from 0 to a ceiling.

    `line`, `area` and `dashes` are SVG paths in user units; `scale` has the labels of the grid from the top,
    `grid` the heights of its lines; `ticks` are labels below, evenly spread from edge to edge. `description`
    says in words what the picture shows. `title` names the series.
    """

    title: str
    width: int
    height: int
    line: str
    area: str
    dashes: str
    grid: tuple[str, ...]
    scale: tuple[str, ...]
    ticks: tuple[str, ...]
    points: tuple[Point, ...]
    description: str
    empty: bool


@dataclass(frozen=True, slots=True)
class Pair:
    """Two bars on one line, from the left edge: their widths in user units and what they say.

    `title` says in words what the picture shows.
    """

    label: str
    first_width: str
    second_width: str
    first: str
    second: str
    title: str


def paired_bars(
    rows: Sequence[tuple[str, int, int]], names: tuple[str, str], *, show: Show = str
) -> tuple[Pair, ...]:
    """Lay out two numbers for each label beside each other, all on the scale of the largest.

    `names` says what the first and the second numbers are.
    """
    widest = max((number for _, *numbers in rows for number in numbers), default=0) or 1
    return tuple(
        Pair(
            label,
            f"{WIDTH * max(first, 0) / widest:.1f}",
            f"{WIDTH * max(second, 0) / widest:.1f}",
            show(first),
            show(second),
            f"{label}: {names[0]} {show(first)}, {names[1]} {show(second)}",
        )
        for label, first, second in rows
    )


def area_chart(
    title: str,
    periods: Sequence[Period],
    numbers: Sequence[int],
    before: Sequence[int],
    *,
    show: Show = str,
    name: Callable[[Period], str] | None = None,
) -> Chart:
    """Lay out a series, one number for each period (a day or a week), beside the one of the period before.

    ValueError without periods, or when a series has not one number for each.
    """
    if not periods or not len(periods) == len(numbers) == len(before):
        raise ValueError("each series has one number for each period, and there is at least one period")
    label = name or _name
    ceiling = nice_ceiling(max(*numbers, *before, 0))
    now = _heights(numbers, ceiling)
    step = WIDTH / len(periods)
    path = _path(now)
    points = tuple(
        Point(
            label(period),
            f"{index * step:.1f}",
            f"{step:.1f}",
            show(number),
            show(earlier),
            f"{label(period)}: {show(number)} (period before: {show(earlier)})",
        )
        for index, (period, number, earlier) in enumerate(zip(periods, numbers, before, strict=True))
    )
    scale = (ceiling, ceiling // 2, 0) if ceiling % 2 == 0 else (ceiling, 0)
    return Chart(
        title=title,
        width=WIDTH,
        height=HEIGHT,
        line=path,
        area=f"{path}V{HEIGHT}H0Z",
        dashes=_path(_heights(before, ceiling)),
        grid=tuple(f"{_height(level, ceiling):.1f}" for level in scale),
        scale=tuple(show(level) for level in scale),
        ticks=tuple(points[index].label for index in _spread(len(points))),
        points=points,
        description=_description(title, points, numbers, before, show),
        empty=not any(numbers) and not any(before),
    )


def spark(numbers: Sequence[int]) -> str:
    """Return the points of a small line in a drawing of 100 by 28 units; empty for fewer than two numbers."""
    if len(numbers) < 2:
        return ""
    highest, lowest = max(numbers), min(numbers)
    span = (highest - lowest) or 1
    room = SPARK_HEIGHT - 2 * _MARGIN
    step = SPARK_WIDTH / (len(numbers) - 1)
    # A line that never moves lies on the ground.
    return " ".join(
        f"{index * step:.1f},{SPARK_HEIGHT - _MARGIN - (number - lowest) / span * room:.1f}"
        for index, number in enumerate(numbers)
    )


def nice_ceiling(highest: int) -> int:
    """Return the smallest of 1, 2, 4, 6, 8, 10, 20, 40 … that is at least `highest`."""
    power = 1
    while True:
        for lead in (1, 2, 4, 6, 8):
            if lead * power >= highest:
                return lead * power
        power *= 10


def weeks(days: Sequence[date], numbers: Sequence[int]) -> tuple[list[Period], list[int]]:
    """Add days up by sevens, counted back from the last; the first week may be shorter."""
    first = len(days) % 7
    starts = [0] * bool(first) + list(range(first, len(days), 7))
    ends = [*starts[1:], len(days)]
    spans = list(zip(starts, ends, strict=True))
    return [Period(days[a], days[b - 1]) for a, b in spans], [sum(numbers[a:b]) for a, b in spans]


def _name(period: Period) -> str:
    first = f"{period.first_on.day} {period.first_on:%b}"
    return first if period.days == 1 else f"{first} – {period.last_on.day} {period.last_on:%b}"


def _height(number: int, ceiling: int) -> float:
    return _MARGIN + (HEIGHT - 2 * _MARGIN) * (1 - max(number, 0) / ceiling)


def _heights(numbers: Sequence[int], ceiling: int) -> list[float]:
    return [_height(number, ceiling) for number in numbers]


def _path(heights: Sequence[float]) -> str:
    """Return a line from edge to edge; a single point is drawn as a level line."""
    places = [*heights, *heights] if len(heights) == 1 else list(heights)
    step = WIDTH / (len(places) - 1)
    return "M" + "L".join(f"{index * step:.1f} {height:.1f}" for index, height in enumerate(places))


def _spread(count: int) -> list[int]:
    last = count - 1
    return sorted({0, last // 3, 2 * last // 3, last})


def _description(
    title: str, points: Sequence[Point], numbers: Sequence[int], before: Sequence[int], show: Show
) -> str:
    text = f"{title} from {points[0].label} to {points[-1].label}: {show(sum(numbers))} in all"
    if any(numbers):
        highest = list(numbers).index(max(numbers))
        text += f", most on {points[highest].label} with {points[highest].value}"
    return f"{text}. The period before: {show(sum(before))}."
