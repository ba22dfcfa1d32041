"""Works out the shapes of a bar chart for an SVG drawn on the server. Pure: no Django and no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

WIDTH: Final = 720
PANEL_HEIGHT: Final = 72
PANEL_GAP: Final = 30
LEFT: Final = 44
TOP: Final = 20
BOTTOM: Final = 22


@dataclass(frozen=True, slots=True)
class Bar:
    """One day's bar; coordinates are SVG user units written as text, `title` is what hovering shows."""

    x: str
    y: str
    width: str
    height: str
    title: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One series over all days, with its own scale from 0 to `ceiling`."""

    label: str
    total: int
    ceiling: int
    top: int
    base: int
    bars: tuple[Bar, ...]

    @property
    def caption_y(self) -> int:
        """Where the panel's name is written."""
        return self.top - 8

    @property
    def ceiling_y(self) -> int:
        """Where the highest number of the scale is written."""
        return self.top + 9


@dataclass(frozen=True, slots=True)
class Tick:
    """A date under the bars."""

    x: str
    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Panels below each other that share their days; `description` says in words what the picture shows."""

    width: int
    height: int
    left: int
    right: int
    panels: tuple[Panel, ...]
    ticks: tuple[Tick, ...]
    ticks_y: int
    description: str


def bar_chart(days: Sequence[date], series: Sequence[tuple[str, Sequence[int]]]) -> Chart:
    """Lay out one panel of bars for each (label, numbers by day).

    ValueError without days, or when a series has not one number for each.
    """
    if not days or any(len(numbers) != len(days) for _, numbers in series):
        raise ValueError("each series has one number for each day, and there is at least one day")
    step = (WIDTH - LEFT) / len(days)
    panels = tuple(
        _panel(label, days, numbers, step, TOP + index * (PANEL_HEIGHT + PANEL_GAP))
        for index, (label, numbers) in enumerate(series)
    )
    height = TOP + len(panels) * (PANEL_HEIGHT + PANEL_GAP) - PANEL_GAP + BOTTOM
    return Chart(
        width=WIDTH,
        height=height,
        left=LEFT,
        right=WIDTH,
        panels=panels,
        ticks=_ticks(days, step),
        ticks_y=height - 6,
        description=_description(days, series),
    )


def _panel(label: str, days: Sequence[date], numbers: Sequence[int], step: float, top: int) -> Panel:
    ceiling = nice_ceiling(max(numbers))
    base = top + PANEL_HEIGHT
    bars = []
    for index, (day_on, number) in enumerate(zip(days, numbers, strict=True)):
        if number:
            height = number / ceiling * PANEL_HEIGHT
            bars.append(
                Bar(
                    x=f"{LEFT + index * step + step * 0.1:.1f}",
                    y=f"{base - height:.1f}",
                    width=f"{step * 0.8:.1f}",
                    height=f"{height:.1f}",
                    title=f"{day_on:%d %b %Y}: {number}",
                )
            )
    return Panel(label, sum(numbers), ceiling, top, base, tuple(bars))


def nice_ceiling(highest: int) -> int:
    """Return the smallest of 1, 2, 3, 4, 5, 6, 8, 10, 20, 30 … that is at least `highest`."""
    power = 1
    while True:
        for lead in (1, 2, 3, 4, 5, 6, 8):
            if lead * power >= highest:
                return lead * power
        power *= 10


def _ticks(days: Sequence[date], step: float) -> tuple[Tick, ...]:
    last = len(days) - 1
    positions = sorted({0, last // 3, 2 * last // 3, last})
    ticks = []
    for index in positions:
        anchor = "start" if index == 0 else "end" if index == last else "middle"
        at = {"start": index * step, "end": (index + 1) * step, "middle": (index + 0.5) * step}[anchor]
        ticks.append(Tick(f"{LEFT + at:.1f}", f"{days[index]:%d %b}", anchor))
    return tuple(ticks)


def _description(days: Sequence[date], series: Sequence[tuple[str, Sequence[int]]]) -> str:
    parts = []
    for label, numbers in series:
        highest = max(numbers)
        text = f"{label}: {sum(numbers)} in all"
        if highest:
            text += f", most on {days[list(numbers).index(highest)]:%d %B %Y} with {highest}"
        parts.append(text)
    return f"From {days[0]:%d %B %Y} to {days[-1]:%d %B %Y}. {'; '.join(parts)}."
