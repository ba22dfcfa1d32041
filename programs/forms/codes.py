"""Forms about links and promo codes, and filters of their lists."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django import forms
from django.db.models import QuerySet

from accounts.models import Workspace
from core import lists
from programs import qr
from programs.models import Link, Program, PromoCode
from programs.utm import LONGEST, NAMES


class LinkEditForm(forms.Form):
    """What can be changed about a link."""

    destination_url = forms.CharField(
        label="Destination",
        max_length=2000,
        required=False,
        help_text="An https address on one of the program's hosts. Left empty: where the program leads.",
    )
    campaign = forms.CharField(
        max_length=80, required=False, help_text="What this link is for, like “Spring”."
    )
    expires_on = forms.DateField(
        label="Last day",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="The link leads on until the end of this day. Left empty: for good.",
    )
    utm_source = forms.CharField(label="UTM source", max_length=LONGEST, required=False)
    utm_medium = forms.CharField(label="UTM medium", max_length=LONGEST, required=False)
    utm_campaign = forms.CharField(label="UTM campaign", max_length=LONGEST, required=False)
    utm_content = forms.CharField(label="UTM content", max_length=LONGEST, required=False)
    utm_term = forms.CharField(
        label="UTM term",
        max_length=LONGEST,
        required=False,
        help_text="{campaign}, {channel} and {code} are filled in at each click.",
    )

    def __init__(self, *args: Any, workspace: Workspace, **kwargs: Any) -> None:
        self._zone = ZoneInfo(workspace.time_zone)
        super().__init__(*args, **kwargs)
        self._expires_at: datetime | None = self.initial.get("expires_at")
        if self._expires_at is not None:
            last = self._expires_at.astimezone(self._zone) - timedelta(microseconds=1)
            self.initial["expires_on"] = last.date()

    def changes(self) -> dict[str, Any]:
        """Return the changes as `services.update_link` takes them; an end that was not touched stays."""
        found = self.cleaned_data
        day = found["expires_on"]
        end = datetime.combine(day + timedelta(days=1), time(), self._zone) if day else None
        if day and day == self.initial.get("expires_on"):
            end = self._expires_at
        return {
            "destination_url": found["destination_url"],
            "campaign": found["campaign"],
            "expires_at": end,
            "utm": {name: found[f"utm_{name}"] for name in NAMES},
        }


class QrForm(forms.Form):
    """How a QR code is drawn."""

    color = forms.CharField(max_length=7, required=False)
    background = forms.CharField(max_length=7, required=False)
    size = forms.IntegerField(min_value=qr.SMALLEST, max_value=qr.LARGEST, required=False)
    level = forms.ChoiceField(choices=[(name, name) for name in qr.LEVELS], required=False)
    logo = forms.BooleanField(required=False)


class _CodeFilterForm(lists.FilterForm):
    """What the filters of both lists share."""

    search: ClassVar[tuple[str, ...]] = (
        "code_key",
        "participant__display_name",
        "participant__customer__name",
        "participant__customer__email",
        "public_id",
    )
    placeholder = "Code or participant"
    dates = "created_at"
    dates_label = "Made"
    quick = "status"
    lookups = {"program": "participant__program__public_id", "participant": "participant__public_id"}

    program = forms.ChoiceField()
    participant = forms.CharField(max_length=40, widget=forms.HiddenInput)

    def __init__(self, *args: Any, programs: QuerySet[Program], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["program"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = lists.choices([(program.public_id, program.name) for program in programs])


class LinkFilterForm(_CodeFilterForm):
    """Narrows the list of links."""

    search: ClassVar[tuple[str, ...]] = (*_CodeFilterForm.search, "campaign")
    placeholder = "Code, campaign or participant"

    status = forms.ChoiceField(choices=lists.choices(Link.Status.choices))


class PromoCodeFilterForm(_CodeFilterForm):
    """Narrows the list of promo codes."""

    status = forms.ChoiceField(choices=lists.choices(PromoCode.Status.choices))
