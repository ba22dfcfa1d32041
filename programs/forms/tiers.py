"""One rung of a reward, and progress as it is typed: a number of friends or months, or an amount of money."""

from __future__ import annotations

from typing import Any, Final

from django import forms

from core.money import POINTS
from programs.forms.values import amount_input, percent_input, read_amount, read_measured, read_whole
from programs.terms import Amount, PercentageAmount, Tier

MAX_TIERS: Final = 10
NUMBER: Final = {"inputmode": "decimal", "autocomplete": "off"}


class TierForm(forms.Form):
    """One rung of a reward: from how much progress on, and what it gives instead."""

    use_required_attribute = False

    at_least = forms.CharField(label="From", max_length=20, widget=forms.TextInput(attrs=NUMBER))
    measure = forms.ChoiceField(
        label="Counted in", choices=[("percentage", "%"), ("fixed", "fixed")], required=False
    )
    value = forms.CharField(label="How much", max_length=20, widget=forms.TextInput(attrs=NUMBER))

    def __init__(self, *args: Any, unit: str, basis: str, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._basis, self._currency = basis, currency
        name_unit(self, unit)

    def clean(self) -> dict[str, Any]:
        """Read the threshold."""
        self.threshold = read_progress(self, "at_least", self._basis, self._currency)
        return self.cleaned_data

    def entry(self, unit: str) -> dict[str, Any]:
        """Return the tier as it stands in the document; a fault is put on `value`. Call when it is valid."""
        return {"at_least": self.threshold, "amount": read_measured(self, unit)}


def read_progress(form: forms.Form, name: str, basis: str, currency: str) -> int | None:
    """Return a referrer's progress as it was typed; a fault is put on its field, and None is for nothing."""
    text = str(form.cleaned_data.get(name) or "")
    if basis == "revenue":
        return read_amount(form, name, currency)
    try:
        return read_whole(text) if text else None
    except ValueError as error:
        form.add_error(name, str(error))
        return None


def progress_input(count: int, basis: str, currency: str) -> str:
    """Write a referrer's progress as it is typed."""
    return amount_input(count, currency) if basis == "revenue" else str(count)


def tier_initial(tier: Tier, basis: str, unit: str, currency: str) -> dict[str, Any]:
    """Return the form's values for a tier that is there."""
    return {
        "at_least": progress_input(tier.at_least, basis, currency),
        "measure": measure_of(tier.amount),
        "value": typed_amount(tier.amount, unit),
    }


def name_unit(form: forms.Form, unit: str) -> None:
    """Name the unit of fixed amounts in a form's `measure`."""
    field = form.fields["measure"]
    assert isinstance(field, forms.ChoiceField)
    field.choices = [("percentage", "%"), ("fixed", "points" if unit == POINTS else unit)]


def measure_of(amount: Amount | None) -> str:
    """Return the choice of `measure` that an amount is written with."""
    return "percentage" if isinstance(amount, PercentageAmount) else "fixed"


def typed_amount(amount: Amount | None, unit: str) -> str:
    """Write an amount as it is typed."""
    if amount is None:
        return ""
    if isinstance(amount, PercentageAmount):
        return percent_input(amount.bps)
    return amount_input(amount.minor, unit)
