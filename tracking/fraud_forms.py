"""Filters of the fraud queue and of the lists, decisions about cases, and new entries."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.db.models import QuerySet

from accounts.models import Workspace
from core import lists
from programs.models import Program
from tracking import queries
from tracking.fraud_wording import REASON_WORDS
from tracking.models import FraudCase, FraudListEntry

EVERY = "all"


class CaseFilterForm(lists.FilterForm):
    """Narrows the fraud queue; without a status it holds what waits for a person."""

    search = (
        "conversion__customer__name",
        "conversion__customer__email",
        "conversion__customer__external_id",
        "conversion__source_key",
        "participant__display_name",
        "participant__customer__name",
        "participant__customer__email",
        "public_id",
    )
    placeholder = "Person, order or id"
    dates = "opened_at"
    dates_label = "Opened"
    quick = "status"
    lookups = {
        "rule": "reason",
        "program": "program__public_id",
        "participant": "participant__public_id",
        "customer": "conversion__customer__public_id",
        "conversion": "conversion__public_id",
    }

    status = forms.ChoiceField(
        choices=[
            ("", "Open"),
            (FraudCase.Status.APPROVED.value, "Approved"),
            (FraudCase.Status.REJECTED.value, "Rejected"),
            (EVERY, "All"),
        ]
    )
    rule = forms.ChoiceField(
        choices=lists.choices([(reason, words[0]) for reason, words in REASON_WORDS.items()])
    )
    outcome = forms.ChoiceField(
        label="The rules", choices=lists.choices([("hold", "held it"), ("deny", "refused it")])
    )
    program = forms.ChoiceField()
    participant = forms.CharField(max_length=40, widget=forms.HiddenInput)
    customer = forms.CharField(label="Friend", max_length=40, widget=forms.HiddenInput)
    conversion = forms.CharField(max_length=40, widget=forms.HiddenInput)
    field_order = ("q", "program", "rule", "outcome", "from", "to")

    def __init__(self, *args: Any, programs: QuerySet[Program], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["program"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = lists.choices([(program.public_id, program.name) for program in programs])

    @property
    def status_shown(self) -> str:
        """The status that the rows are narrowed to, or `all`."""
        self.is_valid()
        return str(self.cleaned_data.get("status") or FraudCase.Status.OPEN)

    @property
    def is_archive(self) -> bool:
        """Whether it is about what was decided: there the newest comes first."""
        return self.status_shown != FraudCase.Status.OPEN

    def narrow(self, rows: QuerySet[FraudCase]) -> QuerySet[FraudCase]:
        """Return the rows that pass every filter."""
        if self.status_shown == FraudCase.Status.OPEN:
            rows = rows.filter(status=FraudCase.Status.OPEN)
        return super().narrow(rows)

    def narrow_by(self, rows: QuerySet[FraudCase], name: str, value: Any) -> QuerySet[FraudCase]:
        """Return the rows that pass one filter."""
        return rows if (name, value) == ("status", EVERY) else super().narrow_by(rows, name, value)

    def text_of(self, name: str, value: Any) -> str:
        """Return the name of the one that an id belongs to."""
        if name in ("participant", "customer"):
            return queries.name_of(self.workspace, name, value)
        return super().text_of(name, value)


class DecideForm(forms.Form):
    """What a person makes of a case; `seen` is the status on the page that they looked at."""

    status = forms.ChoiceField(choices=FraudCase.Status.choices)
    seen = forms.CharField(max_length=8, required=False)
    reason = forms.CharField(
        label="Note",
        max_length=200,
        required=False,
        # Enter in a one-line field would press the first button.
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Kept in the case's history and in the audit log.",
    )


class ListEntryForm(forms.Form):
    """Something to trust or to refuse from now on."""

    mode = forms.ChoiceField(
        label="What to do",
        choices=[("block", "Always refuse it"), ("allow", "Trust it: never hold it for a doubt")],
    )
    kind = forms.ChoiceField(label="What it is", choices=FraudListEntry.Kind.choices)
    pattern = forms.CharField(label="Entry", max_length=255)
    note = forms.CharField(max_length=200, required=False, help_text="Why, for whoever reads this later.")
    expires_on = forms.DateField(
        label="Last day",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="It counts until the end of this day. Left empty: until somebody removes it.",
    )

    def __init__(self, *args: Any, workspace: Workspace, **kwargs: Any) -> None:
        self._zone = ZoneInfo(workspace.time_zone)
        super().__init__(*args, **kwargs)

    def entry(self) -> dict[str, Any]:
        """Return the entry as `services.add_list_entry` takes it."""
        found = dict(self.cleaned_data)
        day = found.pop("expires_on")
        found["expires_at"] = datetime.combine(day + timedelta(days=1), time(), self._zone) if day else None
        return found


class ListFilterForm(lists.FilterForm):
    """Narrows the allow and block lists."""

    search = ("pattern", "note")
    placeholder = "Entry or note"
    quick = "mode"

    mode = forms.ChoiceField(choices=lists.choices([("block", "Block list"), ("allow", "Allow list")]))
    kind = forms.ChoiceField(choices=lists.choices(FraudListEntry.Kind.choices))
