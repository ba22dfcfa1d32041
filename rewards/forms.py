"""Filters of the console's lists, decisions with their reasons, and files of payout results."""

from __future__ import annotations

import codecs
import csv
import io
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Workspace
from core import lists
from core.errors import Invalid
from core.money import is_currency, parse_major
from core.templatetags.display import words
from programs.models import Program
from programs.promotion_queries import promotion_name
from rewards import queries
from rewards.bank_files.pain002 import Report, read_report
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
        for name in ("program", "participant", "customer", "referral", "conversion", "promotion")
    }

    status = forms.ChoiceField(choices=lists.choices(Reward.Status.choices))
    kind = forms.ChoiceField(choices=lists.choices(Reward.Kind.choices))
    side = forms.ChoiceField(choices=lists.choices(Reward.Side.choices))
    program = forms.ChoiceField()
    waits_for = forms.ChoiceField(
        label="Waits for", choices=lists.choices([("person", "A person's approval")])
    )
    participant = forms.CharField(max_length=40, widget=forms.HiddenInput)
    customer = forms.CharField(max_length=40, widget=forms.HiddenInput)
    referral = forms.CharField(max_length=40, widget=forms.HiddenInput)
    conversion = forms.CharField(max_length=40, widget=forms.HiddenInput)
    promotion = forms.CharField(max_length=40, widget=forms.HiddenInput)
    reason = forms.CharField(max_length=60, widget=forms.HiddenInput)
    unit = forms.CharField(max_length=3, widget=forms.HiddenInput)
    stands = forms.ChoiceField(
        label="Counts as",
        choices=[("", ""), *((place.key, place.label) for place in queries.PLACES)],
        widget=forms.HiddenInput,
    )

    def __init__(self, *args: Any, programs: QuerySet[Program], at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.at = at
        field = self.fields["program"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = lists.choices([(program.public_id, program.name) for program in programs])

    def narrow_by(self, rows: QuerySet[Any], name: str, value: Any) -> QuerySet[Any]:
        """Narrow by one filter: by a column of the liability report, or to what a person has to approve."""
        if name == "stands":
            return queries.in_place(rows, value)
        if name == "waits_for":
            return rows.filter(pk__in=queries.due_for_a_person(self.workspace, at=self.at).values("pk"))
        return super().narrow_by(rows, name, value)

    def text_of(self, name: str, value: Any) -> str:
        """Return the reason in words, and names for ids."""
        if name == "promotion":
            return promotion_name(self.workspace, value)
        return words(value) if name == "reason" else super().text_of(name, value)


class BatchFilterForm(lists.FilterForm):
    """Narrows the list of batches."""

    dates = "created_at"
    dates_label = "Made"
    quick = "status"

    status = forms.ChoiceField(choices=lists.choices(PayoutBatch.Status.choices))
    method = forms.ChoiceField(choices=lists.choices(PayoutBatch.Method.choices))
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


class BatchForm(forms.Form):
    """Which batch is looked at and prepared: its currency, its method, who sends it, and the cutoff."""

    currency = forms.CharField(max_length=3, help_text="Of the balances that are paid.")
    method = forms.ChoiceField(choices=PayoutBatch.Method.choices, initial=PayoutBatch.Method.CSV)
    connection = forms.CharField(
        max_length=40,
        required=False,
        help_text="The id of the provider's connection, where there are several.",
    )
    cutoff_at = forms.DateTimeField(
        label="Approved before",
        required=False,
        help_text="Rewards approved later wait for the next batch. Empty: the workspace's usual cutoff.",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def __init__(self, *args: Any, workspace: Workspace, **kwargs: Any) -> None:
        self.zone = ZoneInfo(workspace.time_zone)
        super().__init__(*args, **kwargs)

    def full_clean(self) -> None:
        # A time is written as the page shows it: by the workspace's clocks.
        with timezone.override(self.zone):
            super().full_clean()

    def clean_currency(self) -> str:
        currency = str(self.cleaned_data["currency"]).upper()
        if not is_currency(currency):
            raise ValidationError("This is not a currency's code, like EUR.", code="invalid")
        return currency


class CancelForm(forms.Form):
    """Why a draft batch is cancelled."""

    reason = forms.CharField(max_length=200)


class ResultsForm(forms.Form):
    """A file of payout results, uploaded or pasted: lines of CSV, or a bank's status report (pain.002).

    Once the form is valid, `report` is the status report, or None and `rows` are the lines. `currency` is
    that of the fees in it.
    """

    file = forms.FileField(
        label="CSV file, or the bank's status report (pain.002)",
        required=False,
        help_text="Columns: payout_id, status (paid, failed or sent), reference, failure, fee.",
    )
    text = forms.CharField(label="or paste its lines", required=False, widget=forms.Textarea, strip=False)
    rows: list[ResultRow]
    report: Report | None = None

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.currency = currency

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        upload, text = cleaned.get("file"), cleaned.get("text") or ""
        if self.errors:
            return cleaned
        field = "file" if upload else "text"
        if not upload and not text.strip():
            raise ValidationError("Choose a file or paste its lines.", code="required")
        raw = upload.read() if upload else text.encode()
        try:
            if raw.lstrip(codecs.BOM_UTF8 + b" \r\n\t").startswith(b"<"):
                self.report = read_report(io.BytesIO(raw.strip()))
            else:
                self.rows = parse_results(raw, self.currency)
        except Invalid as error:
            self.add_error(field, ValidationError(error.message, code=error.code))
        return cleaned


def parse_results(raw: bytes, currency: str) -> list[ResultRow]:
    """Read lines of payout results from CSV in UTF-8, separated by commas or semicolons.

    The header names `payout_id` and `status`, and optionally `reference`, `failure` and `fee` (in major
    units of the currency), in any order; other columns are ignored, so that the exported file can be filled
    in and sent back. Raises Invalid for a file that has no such header or cannot be read.
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
                fee_minor=_fee(row.get("fee", "").strip(), currency, reader.line_num),
            )
            for row in reader
        ]
    except csv.Error as error:
        raise Invalid(f"Line {reader.line_num} is not CSV: {error}.", code="not_csv", param="file") from error


def _fee(text: str, currency: str, line: int) -> int | None:
    if not text:
        return None
    try:
        return parse_major(text, currency)
    except Invalid as error:
        raise Invalid(f"Line {line}, fee: {error.message}", code="bad_fee", param="file") from error


class ProviderTotalForm(forms.Form):
    """How much a provider says it paid of a batch in all, in major units of its currency."""

    paid = forms.CharField(
        label="Paid in all",
        max_length=30,
        help_text="As the provider reports it, like 1234.50, without fees.",
    )

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.currency = currency

    def clean_paid(self) -> int:
        try:
            paid = parse_major(self.cleaned_data["paid"].strip(), self.currency)
        except Invalid as error:
            raise ValidationError(error.message, code=error.code) from error
        if paid < 0:
            raise ValidationError("A sum that was paid is not negative.", code="invalid")
        return paid
