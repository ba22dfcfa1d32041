"""Columns of the list of entered exchange rates."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from core import lists
from rewards.exchange import day
from rewards.models import EnteredRate


class DayColumn(lists.Column):
    """A day in words; ISO 8601 in the file."""

    def text(self, value: date, record: EnteredRate, workspace: object) -> str:
        """Return the day in words."""
        return day(value)

    def written(self, value: date, record: EnteredRate) -> tuple[str, ...]:
        """Return the day as other programs read it."""
        return (value.isoformat(),)


class RateColumn(lists.Column):
    """A rate without the zeros that fill its column."""

    numeric = True

    def text(self, value: Decimal, record: EnteredRate, workspace: object) -> str:
        """Return the digits."""
        return f"{value.normalize():f}"

    def written(self, value: Decimal, record: EnteredRate) -> tuple[str, ...]:
        """Return the digits."""
        return (f"{value.normalize():f}",)


class EnteredRateTable(lists.Table):
    """Rates that people of the workspace entered."""

    base = lists.Column("One", sort="base", required=True)
    rate = RateColumn("is worth", sort="rate", required=True)
    quote = lists.Column("of", sort="quote", required=True)
    on = DayColumn("From", sort="on", initial_sort_descending=True, required=True)
    entered_by = lists.Column("Entered by", "entered_by", width="lg")
    entered_at = lists.MomentColumn("Entered", sort="entered_at", width="xl")

    def label_of(self, record: EnteredRate) -> str:
        """Return the rate in words."""
        return str(record)
