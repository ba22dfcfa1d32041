"""Forms about payout accounts and tax details, and the filters of the list of tax details."""

from __future__ import annotations

from typing import Any, Final

from django import forms

from core import lists
from core.countries import countries
from rewards.models import TaxDetails
from rewards.payout_details import FIELDS

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
