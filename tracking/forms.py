"""Filters of the console's lists, and the reason for rejecting a conversion."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet

from programs.models import Program
from tracking.models import Click, Conversion, Referral


def _choices(choices: Any) -> list[tuple[str, str]]:
    return [("", "All"), *choices]


class ConversionFilterForm(forms.Form):
    """Narrows the list of conversions."""

    kind = forms.ChoiceField(choices=_choices(Conversion.Kind.choices), required=False)
    status = forms.ChoiceField(choices=_choices(Conversion.Status.choices), required=False)
    key = forms.CharField(label="Order or event id", max_length=255, required=False)
    customer = forms.CharField(max_length=40, required=False, widget=forms.HiddenInput)

    def narrow(self, rows: QuerySet[Conversion]) -> QuerySet[Conversion]:
        """Return the rows that pass; a value that is not valid narrows nothing."""
        self.is_valid()
        chosen = self.cleaned_data
        names = {
            "kind": "kind",
            "status": "status",
            "key": "source_key",
            "customer": "customer__public_id",
        }
        return rows.filter(**{names[k]: v for k, v in chosen.items() if v and k in names})


class _ProgramFilterForm(forms.Form):
    program = forms.ChoiceField(required=False)
    participant = forms.CharField(max_length=40, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, programs: QuerySet[Program], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["program"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = _choices([(program.public_id, program.name) for program in programs])

    def _chosen(self) -> dict[str, Any]:
        self.is_valid()
        names = {"program": "program__public_id", "participant": "participant__public_id"}
        return {names[k]: v for k, v in self.cleaned_data.items() if v and k in names}


class ReferralFilterForm(_ProgramFilterForm):
    """Narrows the list of referrals."""

    status = forms.ChoiceField(choices=_choices(Referral.Status.choices), required=False)
    customer = forms.CharField(max_length=40, required=False, widget=forms.HiddenInput)

    def narrow(self, rows: QuerySet[Referral]) -> QuerySet[Referral]:
        """Return the rows that pass."""
        chosen = self._chosen()
        if self.cleaned_data.get("status"):
            chosen["status"] = self.cleaned_data["status"]
        if self.cleaned_data.get("customer"):
            chosen["customer__public_id"] = self.cleaned_data["customer"]
        return rows.filter(**chosen)


class ClickFilterForm(_ProgramFilterForm):
    """Narrows the list of clicks."""

    counted = forms.ChoiceField(
        choices=[("", "All"), ("yes", "Counted"), ("no", "Not counted")], required=False
    )
    link = forms.CharField(max_length=40, required=False, widget=forms.HiddenInput)

    def narrow(self, rows: QuerySet[Click]) -> QuerySet[Click]:
        """Return the rows that pass."""
        chosen = self._chosen()
        if self.cleaned_data.get("counted"):
            chosen["counted"] = self.cleaned_data["counted"] == "yes"
        if self.cleaned_data.get("link"):
            chosen["link__public_id"] = self.cleaned_data["link"]
        return rows.filter(**chosen)


class RejectForm(forms.Form):
    """Why a conversion does not count."""

    reason = forms.CharField(max_length=200, help_text="Kept in the audit log and on the rewards.")
