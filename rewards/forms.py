"""Filters of the console's lists, decisions with their reasons, and files of payout results."""

from __future__ import annotations

import csv
import io
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from core import lists
from core.errors import Invalid
from core.templatetags.display import words
from programs.models import Program
from rewards.models import Account, Payout, PayoutBatch, Reward
from rewards.services import ResultRow
from tracking import queries as tracking_queries


class _Filters(lists.FilterForm):
    """Filters with the ids that other pages link with; a chip shows whose they are."""

    def text_of(self, name: str, value: Any) -> str:
        """Return the name of the one that an id belongs to."""
        if name in ("participant", "customer", "referral"):
            return tracking_queries.name_of(self.workspace, name, value)
        return super().text_of(name, value)


class RewardFilterForm(_Filters):
    """Narrows the list of rewards."""

    search = ("customer__name", "customer__email", "conversion__source_key", "public_id")
    placeholder = "Person, order or id"
    dates = "created_at"
    dates_label = "Promised"
    quick = "status"
    lookups = {
        name: f"{name}__public_id"
        for name in ("program", "participant", "customer", "referral", "conversion")
    }

    status = forms.ChoiceField(choices=lists.choices(Reward.Status.choices))
    kind = forms.ChoiceField(choices=lists.choices(Reward.Kind.choices))
    side = forms.ChoiceField(choices=lists.choices(Reward.Side.choices))
    program = forms.ChoiceField()
    participant = forms.CharField(max_length=40, widget=forms.HiddenInput)
    customer = forms.CharField(max_length=40, widget=forms.HiddenInput)
    referral = forms.CharField(max_length=40, widget=forms.HiddenInput)
    conversion = forms.CharField(max_length=40, widget=forms.HiddenInput)
    reason = forms.CharField(max_length=60, widget=forms.HiddenInput)

    def __init__(self, *args: Any, programs: QuerySet[Program], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["program"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = lists.choices([(program.public_id, program.name) for program in programs])

    def text_of(self, name: str, value: Any) -> str:
        """Return the reason in words, and names for ids."""
        return words(value) if name == "reason" else super().text_of(name, value)


class BatchFilterForm(lists.FilterForm):
    """Narrows the list of batches."""

    dates = "created_at"
    dates_label = "Made"
    quick = "status"

    status = forms.ChoiceField(choices=lists.choices(PayoutBatch.Status.choices))
    currency = forms.CharField(max_length=3)


class PayoutFilterForm(lists.FilterForm):
    """Narrows the payouts of a batch."""

    search = ("customer__name", "customer__email", "destination", "provider_reference", "public_id")
    placeholder = "Person, account or reference"
    quick = "status"

    status = forms.ChoiceField(choices=lists.choices(Payout.Status.choices))


class AccountFilterForm(_Filters):
    """Narrows the list of ledger accounts."""

    search = ("customer__name", "customer__email", "public_id")
    placeholder = "Owner"

    kind = forms.ChoiceField(label="Purpose", choices=lists.choices(Account.Kind.choices))
    unit = forms.CharField(max_length=3)
    customer = forms.CharField(label="Owner", max_length=40, widget=forms.HiddenInput)
    lookups = {"customer": "customer__public_id"}


class TransferFilterForm(lists.FilterForm):
    """Narrows the transfers through an account."""

    search = ("memo", "reward__public_id", "payout__public_id")
    placeholder = "Why, or the id of a reward or payout"
    dates = "at"


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
