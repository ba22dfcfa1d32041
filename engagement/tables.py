"""Columns of the mail log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from django.template.loader import get_template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core import lists
from core.templatetags.display import moment
from engagement.models import Message
from engagement.services.messages import KINDS


class MessageTable(lists.Table):
    """The mails, by whom they went to and what came of them; `names` are those of the kinds."""

    names: ClassVar[Mapping[str, str]] = KINDS

    subject = lists.Column("Subject", sort="subject", link="message_detail", required=True)
    kind = lists.WordsColumn("Kind", sort="kind", width="lg")
    to_email = lists.Column("To", sort="to_email", width="md")
    state = lists.StatusColumn("State", sort="state", required=True)
    attempts = lists.NumberColumn("Attempts", sort="attempts", shown=False)
    about = lists.Column("About", shown=False)
    sent_at = lists.MomentColumn("Sent", sort="sent_at", shown=False)
    created_at = lists.MomentColumn("Written", sort="created_at", initial_sort_descending=True)

    def render_kind(self, record: Message) -> str:
        """Return what the kind is called."""
        return self.names.get(record.kind, record.kind)

    def render_state(self, record: Message) -> SafeString:
        """Return the state: waiting, about to be tried again and when, sent, or failed and why."""
        value, label = standing(record)
        chip = SafeString(get_template("_components/status.html").render({"value": value, "label": label}))
        note: str | SafeString = ""
        if value == "retrying":
            note = format_html("next attempt {}", moment(record.due_at, self.workspace))
        elif value == "failed":
            note = record.last_error
        if not note:
            return chip
        return format_html('{}<span class="muted block max-w-sm text-xs">{}</span>', chip, note)


def standing(message: Message) -> tuple[str, str]:
    """Return a message's state as a chip shows it: its class and its label."""
    if message.state == Message.State.DONE:
        return "sent", "Sent"
    if message.state == Message.State.DEAD:
        return "failed", "Failed"
    return ("retrying", "Will retry") if message.attempts else ("waiting", "Waiting")
