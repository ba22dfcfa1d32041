"""Which days a statement is about, and a digest line to be checked."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from django import forms

MONTHS: Final = 24
OWN: Final = "own"


class StatementForm(forms.Form):
    """Reads `month` (like 2026-11, of the last two years) or `from` and `to`; without any, this month.

    `today` is the workspace's day. Once valid, `first_on` and `last_on` are set.
    """

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.first_on, self.last_on = today.replace(day=1), today
        names = [(f"{first:%Y-%m}", f"{first:%B %Y}") for first in _months(today)]
        self.fields["month"] = forms.ChoiceField(
            choices=[*names, (OWN, "Own days")],
            required=False,
            error_messages={"invalid_choice": "There is no such month to choose."},
        )
        # `from` is a word of the language, so the field cannot be declared.
        for name, label in (("from", "From"), ("to", "To")):
            self.fields[name] = forms.DateField(
                label=label, required=False, widget=forms.DateInput(attrs={"type": "date"})
            )

    @property
    def query(self) -> str:
        """The days as an address names them."""
        return f"from={self.first_on}&to={self.last_on}"

    def clean(self) -> dict[str, Any]:
        """Set the days; refuses those that begin after they end."""
        given: dict[str, Any] = super().clean() or {}
        if self.errors:
            return given
        month, first_on, last_on = given.get("month"), given.get("from"), given.get("to")
        if month and month != OWN:
            first = date.fromisoformat(f"{month}-01")
            following = (first + timedelta(days=32)).replace(day=1)
            self.first_on, self.last_on = first, following - timedelta(days=1)
        elif first_on or last_on:
            last_on = last_on or self.today
            first_on = first_on or last_on.replace(day=1)
            if first_on > last_on:
                self.add_error("from", "The first day comes after the last.")
            else:
                self.first_on, self.last_on = first_on, last_on
        return given


class DigestForm(forms.Form):
    """The line at the end of a statement."""

    digest = forms.CharField(
        label="Digest line",
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="The line at the end of a statement; it begins with stm1.",
    )


def _months(today: date) -> list[date]:
    found = [today.replace(day=1)]
    while len(found) < MONTHS:
        found.append((found[-1] - timedelta(days=1)).replace(day=1))
    return found
