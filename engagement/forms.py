"""Forms of the portal's sign-in, payout details, and the filters of the mail log."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet

from core.mailbox import normalise_mailbox
from engagement.models import Message
from engagement.services.messages import KINDS

STATES = {"pending": "Waiting", "done": "Sent", "dead": "Failed"}
"""What a message's state is called in the console."""


class SignInForm(forms.Form):
    """The address that takes part; `cleaned_data["mailbox"]` is the mailbox it reaches."""

    email = forms.EmailField(
        label="Your e-mail address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autocapitalize": "none"}),
    )

    def clean_email(self) -> str:
        """Refuse an address that cannot reach a mailbox."""
        email: str = self.cleaned_data["email"]
        try:
            self.cleaned_data["mailbox"] = normalise_mailbox(email)
        except ValueError:
            raise forms.ValidationError("Enter a valid email address.", code="invalid") from None
        return email


class PayoutDetailsForm(forms.Form):
    """Where a participant's cash goes."""

    payout_reference = forms.CharField(
        label="Where we send your money",
        max_length=255,
        required=False,
        help_text="An IBAN, or the address of a payment account.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class MessageFilterForm(forms.Form):
    """Narrows the mail log."""

    kind = forms.ChoiceField(choices=[("", "All"), *KINDS.items()], required=False)
    state = forms.ChoiceField(choices=[("", "All"), *STATES.items()], required=False)
    email = forms.CharField(label="To (whole address)", max_length=254, required=False)

    def narrow(self, rows: QuerySet[Message]) -> QuerySet[Message]:
        """Return the rows that pass; a value that is not valid narrows nothing."""
        self.is_valid()
        chosen: dict[str, Any] = self.cleaned_data
        names = {"kind": "kind", "state": "state", "email": "to_email"}
        given = {names[key]: value for key, value in chosen.items() if value}
        if "to_email" in given:
            given["to_email"] = given["to_email"].lower()
        return rows.filter(**given)
