"""Columns of the fraud queue, and of the allow and block lists."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core import lists
from core.lists.columns import NOTHING
from tracking.fraud_wording import rule_words
from tracking.models import FraudCase, FraudListEntry


class FraudCaseTable(lists.Table):
    """Fraud cases: who brought whom, what speaks against it, and the money that waits."""

    who = lists.Column(
        "Friend",
        "conversion__customer",
        sort=("conversion__customer__name", "conversion__customer__email"),
        required=True,
    )
    participant = lists.Column(
        "Brought by",
        "participant",
        sort="participant__display_name",
        link="participant_detail",
        link_id="participant__public_id",
        shown=False,
    )
    reason = lists.Column("Finding", sort="reason", required=True)
    score = lists.NumberColumn("Score", sort="score", width="md")
    held_minor = lists.MoneyColumn("Money on hold", unit="held_unit", sort=("held_unit", "held_minor"))
    status = lists.StatusColumn("Status", sort="status", required=True)
    program = lists.Column("Program", "program__name", sort="program__name", width="xl")
    opened_at = lists.MomentColumn("Opened", sort="opened_at", width="md", initial_sort_descending=True)
    decided_at = lists.MomentColumn("Decided", sort="decided_at", shown=False)
    decided_by = lists.Column("Decided by", shown=False)
    note = lists.Column("Note", shown=False)
    participant_id = lists.Column("Participant's id", "participant__public_id", shown=False)
    conversion_id = lists.Column("Conversion's id", "conversion__public_id", shown=False)

    def render_who(self, record: FraudCase) -> SafeString:
        """Return the friend, with a link that keeps the filters for whoever goes on to the next case."""
        address = reverse("fraud_case", args=[self.workspace.slug, record.public_id])
        return format_html(
            '<a href="{}{}">{}</a><span class="muted block text-xs max-sm:max-w-28 max-sm:truncate">'
            "brought by {}</span>",
            address,
            self.query if self.query != "?" else "",
            record.conversion.customer,
            record.participant,
        )

    def render_reason(self, value: str) -> str:
        """Return what the rule is called."""
        return rule_words(value)

    def render_held_minor(self, value: int | None, record: Any) -> str | SafeString:
        """Return the amount, and of how many rewards it is if there are several."""
        if value is None:
            return NOTHING
        amount = self.all_columns["held_minor"].text(value, record, self.workspace)
        if record.held_count == 1:
            return str(amount)
        return format_html('{}<span class="muted block text-xs">{} rewards</span>', amount, record.held_count)

    def label_of(self, record: FraudCase) -> str:
        """Return whose case it is."""
        return f"the case of {record.conversion.customer}, brought by {record.participant}"


class FraudListTable(lists.Table):
    """What is trusted or refused."""

    pattern = lists.Column("Entry", sort="pattern", note="note", required=True)
    mode = lists.WordsColumn("List", sort="mode", required=True)
    kind = lists.WordsColumn("Kind", sort="kind", width="md")
    expires_at = lists.MomentColumn("Until", sort="expires_at", width="lg")
    created_by = lists.Column("Added by", shown=False)
    created_at = lists.MomentColumn("Added", sort="created_at", width="md", initial_sort_descending=True)
    note = lists.Column("Note", shown=False)

    def label_of(self, record: FraudListEntry) -> str:
        """Return the entry."""
        return f"{record.get_kind_display()} {record.pattern}"
