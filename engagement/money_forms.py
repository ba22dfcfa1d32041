"""Forms in which participants say how they are paid, and what the tax office wants to know."""

from __future__ import annotations

from typing import Any, Final

from django import forms

from core.countries import countries
from core.errors import DomainError
from rewards.models import TaxDetails

NO_COUNTRY: Final = [("", "Choose a country")]


class _MoneyForm(forms.Form):
    """`refused_by` is why the service did not take it."""

    refused_by: DomainError | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "country" in self.fields:
            self.fields["country"].choices = [*NO_COUNTRY, *countries()]  # type: ignore[attr-defined]


class BankAccountForm(_MoneyForm):
    """A bank account: with an IBAN, or however accounts are named where there is none."""

    holder = forms.CharField(
        label="Name of the account's holder",
        max_length=70,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    country = forms.ChoiceField(label="Country of the bank")
    iban = forms.CharField(
        label="IBAN",
        max_length=50,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    account = forms.CharField(
        label="Account number, where there is no IBAN",
        max_length=120,
        required=False,
        help_text="With whatever your bank needs to find it, like a sort code.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class MailboxForm(_MoneyForm):
    """The address that a payment account or gift cards go to."""

    email = forms.EmailField(
        label="E-mail address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autocapitalize": "none"}),
    )


class OnboardingForm(_MoneyForm):
    """Nothing to fill in: the account is set up at the provider."""


ACCOUNT_FORMS: Final[dict[str, type[_MoneyForm]]] = {
    "bank": BankAccountForm,
    "paypal": MailboxForm,
    "gift_card": MailboxForm,
    "stripe": OnboardingForm,
}
"""The form of each method, in the order in which they are offered."""


class TaxForm(_MoneyForm):
    """What the tax office wants to know."""

    country = forms.ChoiceField(label="Country you pay taxes in")
    legal_name = forms.CharField(
        label="Legal name",
        max_length=120,
        help_text="As it stands in your papers.",
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    form = forms.ChoiceField(
        label="Form",
        choices=TaxDetails.Form.choices,
        help_text="W-9 in the United States, DAC7 in the European Union; W-8BEN for people and W-8BEN-E for "
        "companies everywhere else.",
    )
    number = forms.CharField(
        label="Tax number",
        max_length=40,
        help_text="Stored encrypted. We show its last characters only.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
