"""Filters of the console's lists, decisions with their reasons, and files of payout results."""

from __future__ import annotations

import csv
import io
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from core.errors import Invalid
from programs.models import Program
from rewards.models import Account, Reward
from rewards.services import ResultRow


def _choices(choices: Any) -> list[tuple[str, str]]:
    return [("", "All"), *choices]


class RewardFilterForm(forms.Form):
    """Narrows the list of rewards; a value that is not valid narrows nothing."""

    status = forms.ChoiceField(choices=_choices(Reward.Status.choices), required=False)
    side = forms.ChoiceField(choices=_choices(Reward.Side.choices), required=False)
    kind = forms.ChoiceField(choices=_choices(Reward.Kind.choices), required=False)
    program = forms.ChoiceField(required=False)
    participant = forms.CharField(max_length=40, required=False, widget=forms.HiddenInput)
    customer = forms.CharField(max_length=40, required=False, widget=forms.HiddenInput)
    referral = forms.CharField(max_length=40, required=False, widget=forms.HiddenInput)
    conversion = forms.CharField(max_length=40, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, programs: QuerySet[Program], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["program"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = _choices([(program.public_id, program.name) for program in programs])

    def narrow(self, rows: QuerySet[Reward]) -> QuerySet[Reward]:
        """Return the rows that pass."""
        self.is_valid()
        plain = ("status", "side", "kind")
        chosen = {
            name if name in plain else f"{name}__public_id": value
            for name, value in self.cleaned_data.items()
            if value
        }
        return rows.filter(**chosen)


class AccountFilterForm(forms.Form):
    """Narrows the list of ledger accounts."""

    kind = forms.ChoiceField(label="Purpose", choices=_choices(Account.Kind.choices), required=False)
    unit = forms.CharField(max_length=3, required=False)
    customer = forms.CharField(max_length=40, required=False, widget=forms.HiddenInput)

    def narrow(self, rows: QuerySet[Account]) -> QuerySet[Account]:
        """Return the rows that pass."""
        self.is_valid()
        chosen = {
            "customer__public_id" if name == "customer" else name: value
            for name, value in self.cleaned_data.items()
            if value
        }
        return rows.filter(**chosen)


class ApproveForm(forms.Form):
    """Why a reward is approved; a held one needs it."""

    reason = forms.CharField(
        max_length=200, required=False, help_text="Needed for a held reward; kept in its history."
    )


class DenyForm(forms.Form):
    """Why a reward is denied."""

    reason = forms.CharField(max_length=200, help_text="Kept in the reward's history.")


class BulkForm(forms.Form):
    """What to do with the chosen rewards."""

    action = forms.ChoiceField(choices=[("approve", "Approve"), ("deny", "Deny")])
    reason = forms.CharField(max_length=200, required=False)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("action") == "deny" and not cleaned.get("reason"):
            self.add_error("reason", "Say why the rewards are denied.")
        return cleaned


class CurrencyForm(forms.Form):
    """Which currency a batch is prepared in."""

    currency = forms.CharField(max_length=3, widget=forms.HiddenInput)


class CancelForm(forms.Form):
    """Why a draft batch is cancelled."""

    reason = forms.CharField(max_length=200)


class ResultsForm(forms.Form):
    """A file of payout results, uploaded or pasted; `rows` are its lines once the form is valid."""

    file = forms.FileField(
        label="CSV file",
        required=False,
        help_text="Columns: payout_id, status (paid or failed), reference, failure.",
    )
    text = forms.CharField(label="or paste its lines", required=False, widget=forms.Textarea, strip=False)
    rows: list[ResultRow]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        upload, text = cleaned.get("file"), cleaned.get("text") or ""
        if self.errors:
            return cleaned
        field = "file" if upload else "text"
        if not upload and not text.strip():
            raise ValidationError("Choose a file or paste its lines.", code="required")
        try:
            self.rows = parse_results(upload.read() if upload else text.encode())
        except Invalid as error:
            self.add_error(field, ValidationError(error.message, code=error.code))
        return cleaned


def parse_results(raw: bytes) -> list[ResultRow]:
    """Read lines of payout results from CSV in UTF-8, separated by commas or semicolons.

    The header names `payout_id` and `status`, and optionally `reference` and `failure`, in any order; other
    columns are ignored, so that the exported file can be filled in and sent back. Raises Invalid for a file
    that has no such header or cannot be read.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid("The file is not UTF-8 text.", code="not_utf8", param="file") from error
    header = text.lstrip().partition("\n")[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restval="", strict=True)
    try:
        reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or []]
        missing = [name for name in ("payout_id", "status") if name not in reader.fieldnames]
        if missing:
            raise Invalid(f"Line 1 has no column {missing[0]}.", code="missing_column", param="file")
        return [
            ResultRow(
                line=reader.line_num,
                payout_id=row["payout_id"].strip(),
                status=row["status"].strip().lower(),
                reference=row.get("reference", "").strip(),
                failure=row.get("failure", "").strip(),
            )
            for row in reader
        ]
    except csv.Error as error:
        raise Invalid(f"Line {reader.line_num} is not CSV: {error}.", code="not_csv", param="file") from error
