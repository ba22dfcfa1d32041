"""Forms about payout accounts and tax details, and the filters of the list of tax details."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.db.models import QuerySet

from core import lists
from core.countries import countries
from rewards.models import TaxDetails
from rewards.payout_details import FIELDS
from tracking import queries as tracking_queries

_LABELS: Final = {
    "holder": "Name of the account's holder",
    "country": "Country of the bank",
    "iban": "IBAN",
    "account": "Account number, where there is no IBAN",
    "email": "E-mail address",
}


class PayoutAccountForm(forms.Form):
    """The details of an account of one method; what is stored is never shown again."""

    def __init__(self, *args: Any, method: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in FIELDS[method]:
            if name == "country":
                self.fields[name] = forms.ChoiceField(label=_LABELS[name], choices=[("", "–"), *countries()])
            else:
                self.fields[name] = forms.CharField(
                    label=_LABELS[name], max_length=254, required=name not in ("iban", "account")
                )


class RefuseForm(forms.Form):
    """Why an account or tax details cannot be used; the person reads it."""

    reason = forms.CharField(max_length=200, help_text="The person reads this in their portal.")


class TaxFilterForm(lists.FilterForm):
    """Narrows the list of tax details."""

    search = ("customer__name", "customer__email", "legal_name", "public_id")
    placeholder = "Person or id"
    dates = "submitted_at"
    dates_label = "Given"
    quick = "status"
    lookups = {"customer": "customer__public_id"}

    status = forms.ChoiceField(choices=lists.choices(TaxDetails.Status.choices))
    form = forms.ChoiceField(choices=lists.choices(TaxDetails.Form.choices))
    country = forms.CharField(max_length=2)
    customer = forms.CharField(max_length=40, widget=forms.HiddenInput)

    def text_of(self, name: str, value: Any) -> str:
        """Return the name of the person that an id belongs to."""
        if name == "customer":
            return tracking_queries.name_of(self.workspace, name, value)
        return super().text_of(name, value)


class TaxYearFilterForm(lists.FilterForm):
    """Narrows what was paid in a year; `chosen_year` is this year where none was chosen."""

    search = ("name", "email", "public_id")
    placeholder = "Person or id"
    lookups = {"currency": "currency", "tax_status": "tax_status"}

    year = forms.TypedChoiceField(coerce=int, empty_value=None)
    currency = forms.CharField(max_length=3)
    tax_status = forms.ChoiceField(
        label="Tax details", choices=lists.choices([("none", "None"), *TaxDetails.Status.choices])
    )

    def __init__(self, *args: Any, years: list[int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["year"]
        assert isinstance(field, forms.TypedChoiceField)
        field.choices = [(year, str(year)) for year in years]
        self.is_valid()
        self.chosen_year: int = self.cleaned_data.get("year") or years[0]

    def narrow_by(self, rows: QuerySet[Any], name: str, value: Any) -> QuerySet[Any]:
        """Return the rows as they come for the year, which chose them."""
        return rows if name == "year" else super().narrow_by(rows, name, value)


class PaidPayoutFilterForm(lists.FilterForm):
    """Narrows the payouts that were paid."""

    search = ("customer__name", "customer__email", "provider_reference", "public_id")
    placeholder = "Person or reference"
    dates = "settled_at"
    dates_label = "Paid"
    lookups = {"customer": "customer__public_id"}

    currency = forms.CharField(max_length=3)
    customer = forms.CharField(max_length=40, widget=forms.HiddenInput)

    def text_of(self, name: str, value: Any) -> str:
        """Return the name of the person that an id belongs to."""
        if name == "customer":
            return tracking_queries.name_of(self.workspace, name, value)
        return super().text_of(name, value)
