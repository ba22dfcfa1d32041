"""Forms of what staff say about people."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms

from accounts.models import Workspace
from programs import queries as program_queries
from programs.models import Customer, Participant


class MergeForm(forms.Form):
    """The other customer, by id, e-mail address or the shop's own id."""

    duplicate = forms.CharField(
        label="The other customer",
        max_length=255,
        help_text="Their id here (cus_…), their e-mail address, or your own id of them.",
    )

    def __init__(self, *args: Any, workspace: Workspace, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._workspace = workspace

    def clean_duplicate(self) -> Customer:
        """Return the customer; several with one address have to be told apart by their ids."""
        text = self.cleaned_data["duplicate"].strip()
        rows = program_queries.customers_of(self._workspace)
        found = list(rows.filter(public_id=text)) or list(rows.filter(external_id=text))
        found = found or list(rows.filter(email__iexact=text)[:2])
        if len(found) != 1:
            raise forms.ValidationError(
                "Several customers have this address; give the id." if found else "There is no such customer."
            )
        return found[0]


class ReferrerForm(forms.Form):
    """The participant, from when on, and how it is known."""

    participant = forms.CharField(
        max_length=255, help_text="Their id (prt_…), or their e-mail address where it is in one program only."
    )
    since = forms.DateTimeField(
        label="Brought them on",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text="What happened after is credited to the participant, in the workspace's time zone.",
    )
    reason = forms.CharField(max_length=200, help_text="How do you know? Kept in the audit log.")

    def __init__(self, *args: Any, workspace: Workspace, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._workspace = workspace

    def clean_participant(self) -> Participant:
        """Return the participant."""
        text = self.cleaned_data["participant"].strip()
        rows = program_queries.participants_of(self._workspace)
        found = list(rows.filter(public_id=text)) or list(rows.filter(customer__email__iexact=text)[:2])
        if len(found) != 1:
            raise forms.ValidationError(
                "They take part in several programs; give the id."
                if found
                else "There is no such participant."
            )
        return found[0]

    def clean_since(self) -> datetime:
        """Read the time in the workspace's own zone."""
        value: datetime = self.cleaned_data["since"]
        return value.replace(tzinfo=ZoneInfo(self._workspace.time_zone))
