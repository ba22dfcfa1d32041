"""Forms about exchange rates."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django import forms

from accounts.models import Workspace
from core import lists
from rewards.reference_files import MAX_BYTES


def zone_of(workspace: Workspace) -> ZoneInfo:
    """Return the workspace's time zone."""
    return ZoneInfo(workspace.time_zone)


class CodeField(forms.CharField):
    """A currency code; small letters are taken as well."""

    def __init__(self, **kwargs: object) -> None:
        super().__init__(min_length=3, max_length=3, **kwargs)  # type: ignore[arg-type]

    def to_python(self, value: object) -> str | None:
        text = super().to_python(value)
        return text.upper() if text else text


class RateForm(forms.Form):
    """A rate from a day on."""

    base = CodeField(label="One unit of", help_text="The currency of the order, like USD.")
    rate = forms.DecimalField(
        label="is worth",
        max_digits=24,
        decimal_places=12,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
        help_text="How much of the other currency one of it is, like 0.9213.",
    )
    quote = CodeField(label="units of", help_text="The currency it is turned into, like EUR.")
    on = forms.DateField(
        label="From",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="It counts for orders of this day and later, until you enter another.",
    )


class RateFileForm(forms.Form):
    """A file in one of the European Central Bank's forms."""

    file = forms.FileField(
        label="XML, CSV or zip",
        help_text="As the bank publishes it. Its rates count as entered by you, in this workspace only.",
    )

    def clean_file(self) -> object:
        """Refuse what is too large before it is read."""
        file = self.cleaned_data["file"]
        if file.size > MAX_BYTES:
            raise forms.ValidationError(f"The file has more than {MAX_BYTES} bytes.", code="too_large")
        return file


class RateFilterForm(lists.FilterForm):
    """Narrows the list of entered rates."""

    search = ("base", "quote", "public_id")
    placeholder = "Currency"

    base = forms.CharField(label="One", max_length=3)
    quote = forms.CharField(label="Of", max_length=3)
