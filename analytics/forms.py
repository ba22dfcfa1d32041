"""The period and the program that a report is about."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from django import forms
from django.db.models import QuerySet

from analytics.days import Period
from programs.models import Program

LENGTHS: Final = (7, 30, 90)
LONGEST_DAYS: Final = 366
DEFAULT_DAYS: Final = 30


class PeriodForm(forms.Form):
    """Reads `days` (7, 30 or 90) or `from` and `to`, and `program` (a public id).

    Dates win over `days`; one of the two alone reaches to today, or back from there by 30 days. `today` is
    the workspace's day. Once valid, `period` and `program` are set.
    """

    days = forms.TypedChoiceField(
        choices=[("", "Own dates"), *((str(n), f"Last {n} days") for n in LENGTHS)],
        coerce=int,
        empty_value=None,
        required=False,
        label="Period",
    )

    def __init__(self, *args: Any, today: date, programs: QuerySet[Program], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        # `from` is a word of the language, so the field cannot be declared.
        for name, label in (("from", "From"), ("to", "To")):
            self.fields[name] = forms.DateField(
                label=label, required=False, widget=forms.DateInput(attrs={"type": "date"})
            )
        self._programs = {program.public_id: program for program in programs}
        self.fields["program"] = forms.ChoiceField(
            choices=[("", "All programs"), *((key, row.name) for key, row in self._programs.items())],
            required=False,
            error_messages={"invalid_choice": "There is no such program."},
        )
        self.period = Period(today - timedelta(days=DEFAULT_DAYS - 1), today)
        self.program: Program | None = None

    def clean(self) -> dict[str, Any]:
        """Set the period; refuses one that ends before it starts, lies ahead, or is longer than a year."""
        given: dict[str, Any] = super().clean() or {}
        self.program = self._programs.get(given.get("program") or "")
        first_on, last_on = given.get("from"), given.get("to")
        if {"from", "to", "days"} & set(self.errors):
            return given
        if first_on is None and last_on is None:
            length = given.get("days") or DEFAULT_DAYS
            self.period = Period(self.today - timedelta(days=length - 1), self.today)
            return given
        last_on = last_on or self.today
        first_on = first_on or last_on - timedelta(days=DEFAULT_DAYS - 1)
        if last_on > self.today:
            self.add_error("to", f"The last day is today, {self.today}, or before.")
        elif first_on > last_on:
            self.add_error("from", "The first day comes after the last.")
        elif (last_on - first_on).days >= LONGEST_DAYS:
            self.add_error("from", f"A report covers at most {LONGEST_DAYS} days.")
        elif first_on.year < 2000:
            self.add_error("from", "There are no figures from before the year 2000.")
        else:
            self.period = Period(first_on, last_on)
        return given
