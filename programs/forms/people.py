"""Forms about people and their codes, and filters of the lists."""

from __future__ import annotations

import re
from typing import Any, Final

from django import forms
from django.db.models import QuerySet

from core import lists
from programs.models import Customer, Participant, Program

_PERSON: Final = re.compile(r"([^<>]*)<([^<>]+)>")


class ProgramForm(forms.Form):
    """A new program."""

    name = forms.CharField(
        max_length=120, initial="Refer a friend", help_text="People see it in the portal and in e-mails."
    )
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


MOST_INVITED: Final = 200


class InviteForm(forms.Form):
    """People to invite: one address a line, with a name before it or not."""

    program = forms.ChoiceField()
    people = forms.CharField(
        label="E-mail addresses",
        max_length=40_000,
        widget=forms.Textarea(
            attrs={
                "rows": 5,
                "placeholder": "ana@example.com\nBo Berg <bo@example.com>",
                "spellcheck": "false",
            }
        ),
        help_text=f"One a line, or with commas between them; {MOST_INVITED} at a time at most. "
        "Each person gets an e-mail with their own link.",
    )

    def __init__(self, *args: Any, programs: QuerySet[Program], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._programs = {program.public_id: program for program in programs}
        field = self.fields["program"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(public_id, program.name) for public_id, program in self._programs.items()]

    @property
    def has_programs(self) -> bool:
        """Whether there is any program to invite people to."""
        return bool(self._programs)

    def clean_program(self) -> Program:
        """Return the chosen program."""
        return self._programs[self.cleaned_data["program"]]

    def clean_people(self) -> list[tuple[str, str]]:
        """Return name and address of each person once, in the order typed; the name may be empty."""
        entries = [entry.strip() for entry in re.split(r"[\n,;]+", self.cleaned_data["people"])]
        people: dict[str, tuple[str, str]] = {}
        for entry in filter(None, entries):
            match = _PERSON.fullmatch(entry)
            name, address = (match[1].strip(' "'), match[2]) if match else ("", entry)
            people.setdefault(address.lower(), (name, address))
        if len(people) > MOST_INVITED:
            raise forms.ValidationError(f"These are {len(people)} people; {MOST_INVITED} at a time at most.")
        if not people:
            raise forms.ValidationError("Give at least one e-mail address.")
        return list(people.values())


class ParticipantForm(forms.Form):
    """What can be corrected about a participant."""

    display_name = forms.CharField(max_length=60, required=False, help_text="What friends see.")


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
    campaign = forms.CharField(
        max_length=80, required=False, help_text="What the link is for, like “Spring”."
    )


class PromoCodeForm(forms.Form):
    """A further promo code."""

    code = forms.CharField(
        max_length=40, help_text="3 to 40 letters, digits and hyphens; friends may type it in any case."
    )


class ProgramFilterForm(lists.FilterForm):
    """Narrows the list of programs."""

    search = ("name", "public_id")
    placeholder = "Name"
    quick = "status"

    status = forms.ChoiceField(choices=lists.choices(Program.Status.choices))
    kind = forms.ChoiceField(choices=lists.choices(Program.Kind.choices))


class ParticipantFilterForm(lists.FilterForm):
    """Narrows the list of participants."""

    search = ("display_name", "customer__name", "customer__email", "customer__external_id", "public_id")
    placeholder = "Name, e-mail or id"
    dates = "enrolled_at"
    dates_label = "Joined"
    quick = "status"
    lookups = {"program": "program__public_id"}

    status = forms.ChoiceField(choices=lists.choices(Participant.Status.choices))
    program = forms.ChoiceField()

    def __init__(self, *args: Any, programs: QuerySet[Program], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["program"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = lists.choices([(program.public_id, program.name) for program in programs])


class CustomerFilterForm(lists.FilterForm):
    """Narrows the list of customers."""

    search = ("name", "email", "external_id", "public_id")
    placeholder = "Name, e-mail or your id"
    dates = "created_at"
    dates_label = "Known since"


class EraseForm(forms.Form):
    """Asks for the person's id, so that nobody is erased by a slip of the hand."""

    confirm = forms.CharField(max_length=40, label="Id of the person")

    def __init__(self, *args: Any, customer: Customer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._wanted = customer.public_id
        self.fields["confirm"].help_text = f"Write {customer.public_id} to confirm."

    def clean_confirm(self) -> str:
        """Refuse anything but the person's id."""
        text: str = self.cleaned_data["confirm"]
        if text.strip() != self._wanted:
            raise forms.ValidationError(f"Write {self._wanted} to confirm.")
        return text
