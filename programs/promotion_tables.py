"""Columns of the list of promotions."""

from __future__ import annotations

from datetime import date

from core import lists
from programs.models import Promotion
from programs.promotions import ONE, multiplier_text


class DateColumn(lists.Column):
    """A day in words; ISO 8601 in the file."""

    def text(self, value: date, record: Promotion, workspace: object) -> str:
        """Return the day in words."""
        return f"{value.day} {value:%B %Y}"

    def written(self, value: date, record: Promotion) -> tuple[str, ...]:
        """Return the day as other programs read it."""
        return (value.isoformat(),)


class PromotionTable(lists.Table):
    """Promotions of a program."""

    name = lists.Column("Promotion", sort="name", link="promotion_detail", note="banner", required=True)
    status = lists.StatusColumn("Status", sort="status", shown=False)
    starts_on = DateColumn("First day", sort="starts_at", initial_sort_descending=True, required=True)
    ends_on = DateColumn("Last day", sort="ends_at", width="md")
    multiplier_bps = lists.Column("Gives", sort="multiplier_bps")
    stopped_at = lists.MomentColumn("Stopped", sort="stopped_at", width="xl")

    def render_multiplier_bps(self, value: int, record: Promotion) -> str:
        """Return what it gives in a word or two."""
        return multiplier_text(value) if value != ONE else "Other amounts"

    def label_of(self, record: Promotion) -> str:
        """Return the promotion's name."""
        return record.name
