"""Forms about people and their codes, and filters of the lists."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet

from programs.models import Participant, Program


class ProgramForm(forms.Form):
    """A new program."""

    name = forms.CharField(max_length=120, help_text="Participants see it.")
    kind = forms.ChoiceField(
        choices=Program.Kind.choices,
        widget=forms.RadioSelect,
        initial=Program.Kind.CUSTOMER,
        help_text="Sets the terms to start from; you can change all of them.",
    )


class EnrolForm(forms.Form):
    """A person to enrol: an e-mail address, an id of the workspace's own, or both."""

    program = forms.ChoiceField()
    email = forms.CharField(label="E-mail address", max_length=254, required=False)
    external_id = forms.CharField(
        label="Your customer id", max_length=255, required=False, help_text="As your shop or CRM knows them."
    )
    name = forms.CharField(max_length=120, required=False)
    display_name = forms.CharField(
        max_length=60, required=False, help_text="What friends see. Left empty: the first name."
    )

    def __init__(self, *args: Any, programs: QuerySet[Program], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._programs = {program.public_id: program for program in programs}
        field = self.fields["program"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(public_id, program.name) for public_id, program in self._programs.items()]

    def clean_program(self) -> Program:
        """Return the chosen program."""
        return self._programs[self.cleaned_data["program"]]


class ParticipantForm(forms.Form):
    """What can be corrected about a participant."""

    display_name = forms.CharField(max_length=60, required=False, help_text="What friends see.")
    payout_reference = forms.CharField(
        max_length=255, required=False, help_text="Where cash goes: an IBAN or an account's address."
    )


class StatusForm(forms.Form):
    """Why a participant is suspended or reactivated."""

    status = forms.ChoiceField(choices=Participant.Status.choices, widget=forms.HiddenInput)
    reason = forms.CharField(max_length=500, required=False)


class LinkForm(forms.Form):
    """A further link."""

    code = forms.CharField(
        max_length=40,
        required=False,
        help_text="3 to 40 letters, digits and hyphens. Left empty: a readable random code.",
    )
    destination_url = forms.CharField(
        label="Destination",
        max_length=2000,
        required=False,
        help_text="An https address on one of the program's hosts. Left empty: where the program leads.",
    )


class PromoCodeForm(forms.Form):
    """A further promo code."""

    code = forms.CharField(
        max_length=40, help_text="3 to 40 letters, digits and hyphens; friends may type it in any case."
    )


class ParticipantFilterForm(forms.Form):
    """Narrows the list of participants."""

    q = forms.CharField(label="Name or e-mail begins with", max_length=254, required=False)
    program = forms.ChoiceField(required=False)
    status = forms.ChoiceField(choices=[("", "All"), *Participant.Status.choices], required=False)

    def __init__(self, *args: Any, programs: QuerySet[Program], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["program"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "All"), *((program.public_id, program.name) for program in programs)]

    def chosen(self) -> dict[str, str]:
        """Return the filters that are valid; any other narrows nothing."""
        self.is_valid()
        return {name: self.cleaned_data.get(name, "") for name in self.fields}


class CustomerFilterForm(forms.Form):
    """Narrows the list of customers."""

    q = forms.CharField(label="Name, e-mail or your id begins with", max_length=255, required=False)

    def chosen(self) -> str:
        """Return what to look for; nothing where it is not valid."""
        self.is_valid()
        return str(self.cleaned_data.get("q", ""))
