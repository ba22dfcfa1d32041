"""Columns of the lists of adjustments, tax details and what was paid in a year."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core import lists
from core.money import display
from rewards.models import Adjustment, Payout, TaxDetails
from rewards.tax_years import marks_of


class AdjustmentTable(lists.Table):
    """Money given or taken by hand."""

    created_at = lists.MomentColumn(
        "Made",
        sort="created_at",
        link="adjustment_detail",
        note="public_id",
        initial_sort_descending=True,
        required=True,
    )
    customer = lists.Column(
        "Person",
        sort=("customer__name", "customer__email"),
        link="customer_detail",
        link_id="customer__public_id",
        required=True,
    )
    amount_minor = lists.MoneyColumn("Amount", sort=("unit", "amount_minor"), required=True)
    place = lists.Column("Where", "get_place_display", width="md")
    status = lists.StatusColumn("Status", sort="status", note="note", required=True)
    reason = lists.Column("Reason", width="lg")
    created_by = lists.Column("Made by", "created_by_label", width="xl")
    decided_by = lists.Column("Decided by", "decided_by", width="xl")
    decided_at = lists.MomentColumn("Decided", sort="decided_at", shown=False)

    def label_of(self, record: Adjustment) -> str:
        """Return the amount and for whom it is."""
        return f"{display(record.amount_minor, record.unit)} for {record.customer}"


class TaxTable(lists.Table):
    """Tax details; of the number only its end is ever shown."""

    customer = lists.Column(
        "Person",
        sort=("customer__name", "customer__email"),
        link="tax_detail",
        note="customer__email",
        required=True,
    )
    status = lists.StatusColumn("Status", sort="status", note="note", required=True)
    form = lists.Column("Form", "get_form_display", sort="form")
    country = lists.Column("Country", sort="country", width="md")
    legal_name = lists.Column("Legal name", sort="legal_name", width="lg")
    number_end = lists.Column("Number ends in", width="lg")
    submitted_at = lists.MomentColumn("Given", sort="submitted_at", width="md", initial_sort_descending=True)
    decided_by = lists.Column("Decided by", "decided_by", shown=False)
    decided_at = lists.MomentColumn("Decided", sort="decided_at", shown=False)

    def label_of(self, record: TaxDetails) -> str:
        """Return whose they are."""
        return str(record.customer)


class TaxYearTable(lists.Table):
    """What each person was paid in a year; each row is a customer in one currency."""

    name = lists.Column(
        "Person", "name", sort=("name", "email"), link="customer_detail", note="email", required=True
    )
    paid_minor = lists.MoneyColumn(
        "Paid", unit="currency", sort=("currency", "paid_minor"), required=True, initial_sort_descending=True
    )
    payout_count = lists.NumberColumn("Payouts", sort="payout_count")
    tax_form = lists.Column("Form", "tax_form", width="md")
    tax_country = lists.Column("Country", "tax_country", width="md")
    tax_status = lists.StatusColumn("Tax details", "tax_status", sort="tax_status")
    marks = lists.Column("Thresholds", "currency", width="md")

    def _behind(self, record: Any) -> str:
        """Return the address of the payouts behind a figure."""
        days = f"from={record.year}-01-01&to={record.year}-12-31"
        address = reverse("paid_payouts", args=[self.workspace.slug])
        return f"{address}?customer={record.public_id}&currency={record.currency}&{days}"

    def render_name(self, record: Any) -> SafeString:
        """Return the person, or the address where no name is known."""
        address = reverse("customer_detail", args=[self.workspace.slug, record.public_id])
        return format_html(
            '<a href="{}">{}</a><span class="muted block text-xs font-normal">{}</span>',
            address,
            str(record),
            record.email if record.name else "",
        )

    def render_tax_form(self, value: str) -> str:
        """Return the form's name; the file keeps its code."""
        return str(TaxDetails.Form(value).label) if value in TaxDetails.Form.values else value

    def render_paid_minor(self, value: int, record: Any) -> SafeString:
        """Return the sum with the payouts behind it."""
        shown = self.all_columns["paid_minor"].text(value, record, self.workspace)
        return format_html('<a href="{}">{}</a>', self._behind(record), shown)

    def render_payout_count(self, value: int, record: Any) -> SafeString:
        """Return the number with the payouts behind it."""
        shown = self.all_columns["payout_count"].text(value, record, self.workspace)
        return format_html('<a href="{}">{}</a>', self._behind(record), shown)

    def render_marks(self, record: Any) -> str:
        """Return the thresholds that the sum has reached."""
        return ", ".join(marks_of(record.paid_minor, record.currency)) or "–"

    def value_marks(self, record: Any) -> str:
        """Return the thresholds that the sum has reached."""
        return ", ".join(marks_of(record.paid_minor, record.currency))

    def label_of(self, record: Any) -> str:
        """Return who was paid."""
        return str(record)


class PaidPayoutTable(lists.Table):
    """Payouts that reached their people."""

    customer = lists.Column(
        "Person",
        sort=("customer__name", "customer__email"),
        link="customer_detail",
        link_id="customer__public_id",
        required=True,
    )
    amount_minor = lists.MoneyColumn(
        "Amount", unit="currency", sort=("currency", "amount_minor"), required=True
    )
    settled_at = lists.MomentColumn("Paid", sort="settled_at", initial_sort_descending=True, required=True)
    batch = lists.Column("Batch", link="batch_detail", link_id="batch__public_id", width="md")
    destination = lists.Column("Payout account", width="lg")
    provider_reference = lists.Column("Reference", width="md")

    def label_of(self, record: Payout) -> str:
        """Return who was paid."""
        return str(record.customer)
