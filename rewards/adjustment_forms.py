"""Forms about money given or taken by hand, and the filters of their list."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import uuid4

from django import forms

from core import lists
from core.errors import Invalid
from core.money import POINTS, is_currency, parse_major
from rewards.models import Adjustment
from tracking import queries as tracking_queries


class AdjustmentForm(forms.Form):
    """What is given or taken; `cleaned_data` has `unit` and `amount_minor` as the service wants them.

    `key` comes with the form, so that sending it twice adjusts once.
    """

    direction = forms.ChoiceField(
        label="What to do", choices=[("give", "Give money"), ("take", "Take money away")]
    )
    place = forms.ChoiceField(label="Where", choices=Adjustment.Place.choices)
    amount = forms.CharField(label="Amount", max_length=20, help_text="Like 12.50; points in whole numbers.")
    unit = forms.CharField(label="Currency", max_length=3, required=False, help_text="Nothing for points.")
    reason = forms.CharField(max_length=200, help_text="Stands in the ledger; the person may read it.")
    key = forms.CharField(max_length=160, widget=forms.HiddenInput)

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial = {"unit": currency, "key": uuid4().hex}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if self.errors:
            return cleaned
        points = cleaned["place"] == Adjustment.Place.POINTS
        unit = POINTS if points else cleaned["unit"].strip().upper()
        if not points and not is_currency(unit):
            self.add_error("unit", "This is not a currency.")
            return cleaned
        try:
            minor = int(Decimal(cleaned["amount"])) if points else parse_major(cleaned["amount"], unit)
            if points and Decimal(cleaned["amount"]) != minor:
                raise Invalid("Points are whole numbers.")
        except (Invalid, InvalidOperation, ValueError, OverflowError):
            self.add_error("amount", "Write the amount in digits, like 12.50.")
            return cleaned
        if minor <= 0:
            self.add_error("amount", "Give an amount above zero, and say above whether it is given or taken.")
        cleaned["unit"] = unit
        cleaned["amount_minor"] = minor if cleaned["direction"] == "give" else -minor
        return cleaned


class DeclineForm(forms.Form):
    """Why an adjustment is declined."""

    reason = forms.CharField(max_length=200)


class AdjustmentFilterForm(lists.FilterForm):
    """Narrows the list of adjustments."""

    search = ("customer__name", "customer__email", "reason", "public_id")
    placeholder = "Person, reason or id"
    dates = "created_at"
    dates_label = "Made"
    quick = "status"
    lookups = {"customer": "customer__public_id"}

    status = forms.ChoiceField(choices=lists.choices(Adjustment.Status.choices))
    place = forms.ChoiceField(choices=lists.choices(Adjustment.Place.choices))
    unit = forms.CharField(max_length=3)
    customer = forms.CharField(max_length=40, widget=forms.HiddenInput)

    def text_of(self, name: str, value: Any) -> str:
        """Return the name of the person that an id belongs to."""
        if name == "customer":
            return tracking_queries.name_of(self.workspace, name, value)
        return super().text_of(name, value)
