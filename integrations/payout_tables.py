"""Columns of the list of payout runs."""

from __future__ import annotations

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core import lists
from integrations.models import PayoutRun
from integrations.tables import again, chip

_STATES = {"pending": "Under way", "done": "Done", "dead": "Stopped"}


class RunTable(lists.Table):
    """The parts of batches on their way through one provider."""

    reference = lists.Column("Part of a batch", sort="reference", required=True)
    state = lists.StatusColumn("State", sort="state", required=True)
    payout_count = lists.NumberColumn("Payouts", sort="payout_count")
    step = lists.WordsColumn("Step", sort="step", width="md")
    why = lists.Column("What stands in the way", "last_error", width="md")
    provider_batch_id = lists.Column("Provider's id", sort="provider_batch_id", width="lg")
    asked_at = lists.MomentColumn("Asked last", sort="asked_at", width="lg")
    created_at = lists.MomentColumn("Begun", sort="pk", initial_sort_descending=True, shown=False)

    def label_of(self, record: PayoutRun) -> str:
        """Return the part's name at the provider."""
        return record.reference

    def render_reference(self, value: str, record: PayoutRun) -> SafeString:
        """Return the name with a link to the batch and its payouts."""
        address = reverse("batch_detail", args=[self.workspace.slug, record.batch_id])
        return format_html('<a href="{}">{}</a>', address, value)

    def render_state(self, value: str) -> SafeString:
        """Return the state with its name."""
        return chip(value, _STATES[value])

    def render_step(self, record: PayoutRun) -> str:
        """Return what is done next, nothing for one that is done."""
        return "" if record.state == PayoutRun.State.DONE else record.get_step_display()

    def render_why(self, value: str, record: PayoutRun) -> str:
        """Return why it stopped or waits, else what hinders single payouts."""
        return value or record.note


class RunActionTable(RunTable):
    """The same with a button that lets a stopped part go on."""

    action = lists.Column("Action", "public_id", required=True, exported=False)

    def render_action(self, record: PayoutRun) -> str | SafeString:
        """Return the button where somebody is waited for."""
        if record.state != PayoutRun.State.DEAD:
            return ""
        return again(self.workspace, "payout_run_retry", record.public_id, "Try again", record.reference)
