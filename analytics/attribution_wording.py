"""Puts the attribution report into words: what the models mean, numbers, bars, the lines of a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from analytics.charts import Pair, paired_bars
from analytics.queries import COLUMNS, AttributionReport, AttributionRow
from core import locales
from core.money import format_major, prorate
from core.text import spreadsheet_cell
from tracking.attribution import WHOLE_PPM

NAMES: Final = {
    "actual": "Credited",
    "first_click": "First click",
    "last_click": "Last click",
    "linear": "Linear",
    "time_decay": "Time decay",
    "position_based": "Position",
    "custom": "Custom",
    "markov": "Markov",
    "shapley": "Shapley",
}
OTHERS: Final = COLUMNS[1:]
"""The columns that stand beside what was credited."""
DRAWN_FIRST: Final = "markov"
MEANINGS: Final = (
    (
        "actual",
        "What your programs decided when each conversion came in, by the model they had then. Rewards follow "
        "this column and no other.",
    ),
    (
        "first_click",
        "Everything goes to the first click. It shows what makes you known.",
    ),
    (
        "last_click",
        "Everything goes to the last click before the conversion. It shows what closes the deal.",
    ),
    (
        "linear",
        "Every click gets an equal part. Nothing on the way is left out, and nothing stands out.",
    ),
    (
        "time_decay",
        "The closer a click is to the conversion, the more it gets. It halves with every half-life that the "
        "program has set.",
    ),
    (
        "position_based",
        "The first and the last click get most, those between share the rest, in the percentages that the "
        "program has set.",
    ),
    (
        "custom",
        "The program’s own weights by position and channel. Where a program has set none, every click counts "
        "the same.",
    ),
    (
        "markov",
        "Looks at all journeys together, also those without a conversion: how many conversions would be lost "
        "if this one did not exist? The larger the loss, the larger the part. Money is shared by the same "
        "parts, however large the orders were.",
    ),
    (
        "shapley",
        "Shares each conversion equally among all that were met on the way, however often. It is what each "
        "adds on average, over every order in which they could have come.",
    ),
)
"""What each column is, in plain words."""

MOST_DRAWN: Final = 8

_OTHER_ROWS: Final = {
    ("rest", "channel"): "All other channels",
    ("rest", "participant"): "All other participants",
    ("none", "channel"): "No contact",
    ("none", "participant"): "No contact",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One number, the address of the conversions behind it (empty: no list shows them), and if it is 0."""

    text: str
    address: str
    empty: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table; `address` is the page of a participant."""

    name: str
    program: str
    address: str
    touches: str
    cells: tuple[Cell, ...]
    difference: str


def row_name(row: AttributionRow, by: str) -> str:
    """Return what a row is called: a participant's name, a channel in words, or what it puts together."""
    if row.kind != "one":
        return _OTHER_ROWS[row.kind, by]
    if by == "participant":
        return row.name
    text = row.name.replace("_", " ")
    return text[:1].upper() + text[1:] or "Unknown"


def shows(report: AttributionReport, currency: str) -> Callable[[int], str]:
    """Return what writes the numbers: amounts, or conversions with two decimals unless all are whole."""
    if currency:
        return lambda minor: locales.amount(minor, currency)
    worths = [worth.conversions_ppm for row in report.rows for worth in row.worth.values()]
    whole = not any(ppm % WHOLE_PPM for ppm in worths)

    places = 0 if whole else 2

    def show(ppm: int) -> str:
        return locales.fixed(Decimal(prorate(ppm, 10**places, WHOLE_PPM)).scaleb(-places), places)

    return show


def signed(number: int, show: Callable[[int], str]) -> str:
    """Write a difference with its sign; nothing where there is none."""
    if not number:
        return ""
    return f"+{show(number)}" if number > 0 else f"−{show(-number)}"


def lines_of(
    report: AttributionReport,
    currency: str,
    column: str,
    *,
    person: Callable[[AttributionRow], str],
    behind: Callable[[AttributionRow, str], str],
) -> list[Line]:
    """Return the table's rows; those in which every column is 0 are left out.

    `person` addresses the page of a row's participant, `behind` the conversions behind a column of a row.
    """
    show = shows(report, currency)
    return [
        Line(
            name=row_name(row, report.by),
            program=row.program,
            address=person(row),
            touches=locales.number(row.touches),
            cells=tuple(
                Cell(
                    show(row.worth[each].of(currency)),
                    behind(row, each) if row.worth[each].of(currency) else "",
                    not row.worth[each].of(currency),
                )
                for each in COLUMNS
            ),
            difference=signed(row.difference(column, currency), show),
        )
        for row in worth_showing(report, currency)
    ]


def worth_showing(report: AttributionReport, currency: str) -> list[AttributionRow]:
    """Return the rows in which at least one column is not 0."""
    return [row for row in report.rows if any(worth.of(currency) for worth in row.worth.values())]


def bars_of(report: AttributionReport, currency: str, column: str) -> tuple[Pair, ...]:
    """Return what was credited beside a column, for the rows that have most of either; gathered rows last."""
    rows = sorted(
        worth_showing(report, currency),
        key=lambda row: (
            row.kind != "one",
            -max(row.worth["actual"].of(currency), row.worth[column].of(currency)),
        ),
    )
    return paired_bars(
        [
            (
                row_name(row, report.by),
                row.worth["actual"].of(currency),
                row.worth[column].of(currency),
            )
            for row in rows[:MOST_DRAWN]
        ],
        (NAMES["actual"].lower(), NAMES[column]),
        show=shows(report, currency),
    )


def file_of(report: AttributionReport, currencies: Sequence[str]) -> list[list[str]]:
    """Return the lines of a CSV file, names first: each row in conversions and in every currency.

    Conversions have six decimals, amounts all decimals of their currency.
    """
    lines = [[report.by, "id", "program", "touches", "unit", *COLUMNS]]
    for row in report.rows:
        head = [row_name(row, report.by), row.label, row.program, str(row.touches)]
        counts = [f"{Decimal(row.worth[each].conversions_ppm).scaleb(-6):f}" for each in COLUMNS]
        lines.append([spreadsheet_cell(cell) for cell in head] + ["conversions", *counts])
        for currency in currencies:
            amounts = [format_major(row.worth[each].of(currency), currency) for each in COLUMNS]
            lines.append([spreadsheet_cell(cell) for cell in head] + [currency, *amounts])
    return lines
