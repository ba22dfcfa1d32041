"""Columns of the lists of referrals, conversions, clicks and appeals."""

from __future__ import annotations

from typing import Final

from django.utils.text import Truncator

from core import lists
from tracking.models import Appeal, Click, Conversion, Referral

MISSING: Final = "A missing friend"


class ReferralTable(lists.Table):
    """Referrals: who was brought by whom, and how far it got."""

    friend = lists.Column(
        "Friend",
        "customer",
        sort=("customer__name", "customer__email"),
        link="referral_detail",
        note="customer__email",
        required=True,
    )
    participant = lists.Column(
        "Referred by",
        "participant",
        sort="participant__display_name",
        link="participant_detail",
        link_id="participant__public_id",
    )
    program = lists.Column("Program", "program__name", sort="program__name", width="lg")
    status = lists.StatusColumn("Status", sort="status", required=True)
    reason = lists.WordsColumn("Reason", shown=False)
    channel = lists.WordsColumn("Channel", sort="channel", width="lg")
    started_at = lists.MomentColumn("Started", sort="started_at", width="md", initial_sort_descending=True)
    converted_at = lists.MomentColumn("Converted", sort="converted_at", shown=False)

    def label_of(self, record: Referral) -> str:
        """Return who was brought."""
        return f"the referral of {record.customer}"


class ConversionTable(lists.Table):
    """Sign-ups, purchases and custom events."""

    what = lists.WordsColumn("Conversion", "kind", link="conversion_detail", required=True, note="source_key")
    customer = lists.Column(
        "Customer",
        "customer",
        sort=("customer__name", "customer__email"),
        link="customer_detail",
        link_id="customer__public_id",
        note="customer__email",
    )
    status = lists.StatusColumn("Status", sort="status", required=True)
    amount_minor = lists.MoneyColumn("Net amount", unit="currency", sort="amount_minor")
    refunded_minor = lists.MoneyColumn("Refunded", unit="currency", sort="refunded_minor", shown=False)
    reporting_minor = lists.MoneyColumn(
        "In reports", unit="reporting_currency", sort="reporting_minor", shown=False
    )
    reporting_rate = lists.Column("Rate", shown=False)
    reporting_source = lists.Column("Rate from", shown=False)
    reporting_on = lists.Column("Rate of", shown=False)
    source = lists.Column("Source", width="lg")
    source_key = lists.Column("Order or event id", shown=False)
    occurred_at = lists.MomentColumn("When", sort="occurred_at", width="md", initial_sort_descending=True)
    received_at = lists.MomentColumn("Received", sort="received_at", shown=False)

    def render_source(self, value: str) -> str:
        """Return where it came from in words; a connection's id stays in the file."""
        return "Connected store" if value.startswith("con_") else value.upper()

    def label_of(self, record: Conversion) -> str:
        """Return the order's or event's id."""
        return record.source_key


class ClickTable(lists.Table):
    """Requests of links, counted or not."""

    occurred_at = lists.MomentColumn("When", sort="occurred_at", initial_sort_descending=True, required=True)
    link = lists.Column("Link", "link__code", link="click_detail", required=True)
    participant = lists.Column(
        "Participant",
        "participant",
        sort="participant__display_name",
        link="participant_detail",
        link_id="participant__public_id",
    )
    program = lists.Column("Program", "program__name", shown=False)
    channel = lists.WordsColumn("Channel", sort="channel", width="md")
    referrer_host = lists.Column("From", width="lg")
    country = lists.Column("Country", shown=False)
    counted = lists.YesNoColumn("Counted", note="reason", note_words=True)
    reason = lists.Column("Why not counted", shown=False)

    def label_of(self, record: Click) -> str:
        """Return the link's code."""
        return str(record.link.code)


class AppealTable(lists.Table):
    """What participants ask to have looked at again."""

    participant = lists.Column(
        "From",
        "participant",
        sort=("participant__customer__name", "participant__customer__email"),
        link="appeal_detail",
        note="participant__customer__email",
        required=True,
    )
    about = lists.Column("About", "conversion__source_key")
    message = lists.Column("Their words", width="lg")
    program = lists.Column("Program", "participant__program__name", shown=False)
    status = lists.StatusColumn("Status", sort="status", required=True)
    opened_at = lists.MomentColumn("Asked", sort="opened_at", width="md", initial_sort_descending=True)
    answered_by = lists.Column("Answered by", shown=False)
    answered_at = lists.MomentColumn("Answered", sort="answered_at", shown=False)

    def render_about(self, value: str | None) -> str:
        """Return the order's or event's id, or that a friend is missing."""
        return value or MISSING

    def render_message(self, value: str) -> str:
        """Return how it begins; the file has all of it."""
        return Truncator(value).chars(90)

    def label_of(self, record: Appeal) -> str:
        """Return whose it is."""
        return f"the appeal of {record.participant}"
