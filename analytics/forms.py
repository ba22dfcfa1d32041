"""The period and the program that a report is about, and what it tells apart."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, Final

from django import forms

from analytics.days import Period
from analytics.periods import CHOICES, CUSTOM, DEFAULT, period_named
from programs.models import Program
from tracking.models import Conversion

LONGEST_DAYS: Final = 366
DEFAULT_DAYS: Final = 30


class PeriodForm(forms.Form):
    """Reads `period` (a name from `analytics.periods`) or `from` and `to`, and `program` (a public id).

    Dates win over the name; one of the two alone reaches to today, or back from there by 30 days. `today` is
    the workspace's day. Once valid, `period`, `choice` (the name, or custom) and `program` are set.
    """

    def __init__(self, *args: Any, today: date, programs: Iterable[Program], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.fields["period"] = forms.ChoiceField(
            choices=[*CHOICES, (CUSTOM, "Own dates")],
            required=False,
            error_messages={"invalid_choice": "There is no such period."},
        )
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
        self.period = period_named(DEFAULT, today)
        self.choice = DEFAULT
        self.program: Program | None = None

    @property
    def programs(self) -> list[Program]:
        """The programs that can be chosen."""
        return list(self._programs.values())

    def clean(self) -> dict[str, Any]:
        """Set the period; refuses one that ends before it starts, lies ahead, or is longer than a year."""
        given: dict[str, Any] = super().clean() or {}
        self.program = self._programs.get(given.get("program") or "")
        first_on, last_on = given.get("from"), given.get("to")
        if {"from", "to", "period"} & set(self.errors):
            return given
        if first_on is None and last_on is None:
            named = given.get("period") or DEFAULT
            if named != CUSTOM:
                self.choice, self.period = named, period_named(named, self.today)
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
            self.choice, self.period = CUSTOM, Period(first_on, last_on)
        return given


class AttributionForm(forms.Form):
    """Reads what the attribution report is `by` (channel or participant) and of which `kind` of conversion.

    Without them it is by channel, of all conversions.
    """

    by = forms.ChoiceField(
        choices=[("channel", "Channel"), ("participant", "Participant")],
        required=False,
        error_messages={"invalid_choice": "A report is by channel or by participant."},
    )
    kind = forms.ChoiceField(
        choices=[
            ("", "All conversions"),
            (Conversion.Kind.PURCHASE.value, "Purchases"),
            (Conversion.Kind.SIGNUP.value, "Sign-ups"),
            (Conversion.Kind.CUSTOM.value, "Custom events"),
        ],
        required=False,
        error_messages={"invalid_choice": "There is no such kind of conversion."},
    )

    @property
    def chosen(self) -> dict[str, str]:
        """Return `by` and `kind` as they apply, also where the form has errors."""
        given = getattr(self, "cleaned_data", {})
        return {"by": given.get("by") or "channel", "kind": given.get("kind") or ""}
