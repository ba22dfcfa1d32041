"""Columns of the lists of webhooks, their deliveries, the event log and what shops have sent."""

from __future__ import annotations

from typing import Any

from django.template.loader import get_template
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core import lists
from core.models import Event
from core.templatetags.display import moment, words
from integrations.models import InboxItem, WebhookDelivery, WebhookEndpoint
from tracking.models import ConversionCheck

_CHIP = "_components/status.html"


def chip(value: str, label: str) -> SafeString:
    """Return a status chip."""
    return SafeString(get_template(_CHIP).render({"value": value, "label": label}))


def again(workspace: Any, page: str, public_id: str, label: str, name: str) -> SafeString:
    """Return a row's button; it belongs to the form under the list and asks for a second click."""
    return format_html(
        '<button class="button secondary" type="submit" form="bulk" formaction="{}"'
        ' data-confirm="Click again to confirm" aria-label="{}: {}">{}</button>',
        reverse(page, args=[workspace.slug, public_id]),
        label,
        name,
        label,
    )


class EndpointTable(lists.Table):
    """The addresses that hear our events."""

    url = lists.Column("URL", sort="url", link="webhook_detail", required=True)
    status = lists.StatusColumn("Status", sort="status")
    kinds = lists.Column("Events", width="lg")
    last_delivered_at = lists.MomentColumn("Last delivered", sort="last_delivered_at", width="md")
    waiting = lists.NumberColumn("On the way", sort="waiting", width="md")
    failed = lists.NumberColumn("Failed", sort="failed")
    created_at = lists.MomentColumn("Added", sort="created_at", shown=False)

    def render_status(self, value: str, record: WebhookEndpoint) -> SafeString:
        """Return the status, and since when nothing was accepted."""
        shown = chip(value, record.get_status_display())
        if value != WebhookEndpoint.Status.ENABLED or record.failing_since is None:
            return shown
        since = moment(record.failing_since, self.workspace)
        return format_html('{}<span class="muted block text-xs">failing since {}</span>', shown, since)

    def render_kinds(self, value: list[str]) -> str:
        """Return how many kinds of event it hears."""
        return f"{len(value)} kind{'' if len(value) == 1 else 's'}" if value else "All"

    def value_kinds(self, value: list[str]) -> str:
        """Return the kinds it hears."""
        return " ".join(value) or "all"

    def _numbered(self, value: int, record: WebhookEndpoint, standing: str) -> str | SafeString:
        if not value:
            return "0"
        address = reverse("webhook_detail", args=[self.workspace.slug, record.public_id])
        return format_html('<a href="{}?standing={}">{}</a>', address, standing, value)

    def render_waiting(self, value: int, record: WebhookEndpoint) -> str | SafeString:
        """Return the number with a link to those deliveries."""
        return self._numbered(value, record, "open")

    def render_failed(self, value: int, record: WebhookEndpoint) -> str | SafeString:
        """Return the number with a link to those deliveries."""
        return self._numbered(value, record, "failed")


_STANDINGS = {
    "waiting": "Waiting",
    "retrying": "Will retry",
    "delivered": "Delivered",
    "failed": "Failed",
}


class DeliveryTable(lists.Table):
    """What is owed to one endpoint, with what it answered."""

    kind = lists.Column(
        "Event",
        "event__kind",
        sort="event__kind",
        link="webhook_delivery_detail",
        note="event__public_id",
        required=True,
    )
    standing = lists.StatusColumn("State", sort="standing", required=True)
    answer = lists.Column("Last answer", "last_status", sort="last_status", width="md")
    attempts = lists.NumberColumn("Attempts", sort="attempts", width="md")
    created_at = lists.MomentColumn("Queued", sort="pk", width="lg", initial_sort_descending=True)
    delivered_at = lists.MomentColumn("Delivered", sort="delivered_at", shown=False)
    error = lists.Column("Last error", "last_error", shown=False)

    def label_of(self, record: WebhookDelivery) -> str:
        """Return the event's kind and id."""
        return f"{record.event.kind} {record.event.public_id}"

    def render_standing(self, value: str, record: WebhookDelivery) -> SafeString:
        """Return the state: when it was delivered, when it is tried again and why, or why it was given up."""
        shown = chip(value, _STANDINGS[value])
        note: str | SafeString = ""
        if value == "delivered":
            note = moment(record.delivered_at, self.workspace)
        elif value == "retrying":
            due = moment(record.due_at, self.workspace)
            note = format_html("next attempt {}. {}", due, record.last_error)
        elif value == "failed":
            note = record.last_error
        return format_html('{}<span class="muted block max-w-sm text-xs">{}</span>', shown, note)

    def render_answer(self, value: int | None) -> str:
        """Return the HTTP status of the last answer."""
        return f"HTTP {value}" if value else "–"


class DeliveryActionTable(DeliveryTable):
    """The same with a button that sends again."""

    action = lists.Column("Action", "public_id", required=True, exported=False)

    def render_action(self, record: WebhookDelivery) -> SafeString:
        """Return the button."""
        return again(
            self.workspace, "webhook_delivery_retry", record.public_id, "Redeliver", self.label_of(record)
        )


class EventTable(lists.Table):
    """Everything that happened, and whether each handler has taken it."""

    kind = lists.Column("Event", sort="kind", note="public_id", required=True)
    data = lists.Column("Data", width="md")
    handlers = lists.Column("Handlers", "public_id", required=True, exported=False)
    occurred_at = lists.MomentColumn("When", sort="pk", initial_sort_descending=True)

    def choosable(self, record: Event) -> bool:
        """Only what a handler gave up on can be delivered again."""
        return bool(record.has_failed)  # type: ignore[attr-defined]

    def label_of(self, record: Event) -> str:
        """Return the event's kind and id."""
        return f"{record.kind} {record.public_id}"

    def render_data(self, value: dict[str, Any]) -> SafeString:
        """Return each name with what it holds."""
        return format_html_join(
            "",
            '<p><span class="muted">{}</span> <code>{}</code></p>',
            ((words(name).capitalize(), held) for name, held in value.items()),
        )

    def value_data(self, value: dict[str, Any]) -> str:
        """Return the data in one cell."""
        return " ".join(f"{name}={held}" for name, held in value.items())

    def render_handlers(self, record: Event) -> str | SafeString:
        """Return each handler with how it did."""
        return get_template("integrations/_handlers.html").render(
            {"deliveries": record.deliveries.all(), "workspace": self.workspace}
        )


class EventActionTable(EventTable):
    """The same with a button that delivers again what a handler gave up on."""

    action = lists.Column("Action", "public_id", required=True, exported=False)

    def render_action(self, record: Event) -> str | SafeString:
        """Return the button where there is something to deliver again."""
        if not self.choosable(record):
            return ""
        return again(self.workspace, "event_retry", record.public_id, "Deliver again", self.label_of(record))


_INBOX_STANDINGS = {
    "applied": "Applied",
    "ignored": "Ignored",
    "set_aside": "Set aside",
    "waiting": "Waiting",
    "retrying": "Will retry",
    "failed": "Failed",
}


class InboxTable(lists.Table):
    """What a shop has sent, with what came of it."""

    topic = lists.Column("Message", sort="topic", link="inbox_item_detail", required=True)
    standing = lists.StatusColumn("What came of it", sort="standing", required=True)
    why = lists.Column("Why", "sentence", width="md")
    repeats = lists.NumberColumn("Repeats", sort="repeats", shown=False)
    received_at = lists.MomentColumn("Received", sort="pk", initial_sort_descending=True)

    def choosable(self, record: InboxItem) -> bool:
        """Only what failed or was set aside can be read again."""
        return record.state == InboxItem.State.DEAD or record.outcome == InboxItem.Outcome.SET_ASIDE

    def label_of(self, record: InboxItem) -> str:
        """Return the message's topic and id."""
        return f"{record.topic or 'message'} {record.public_id}"

    def render_topic(self, value: str, record: InboxItem) -> SafeString:
        """Return the topic, and how often the same message came again."""
        address = reverse("inbox_item_detail", args=[self.workspace.slug, record.public_id])
        shown = format_html('<a href="{}">{}</a>', address, value or "(no topic)")
        if not record.repeats:
            return shown
        times = f"again {record.repeats} time{'' if record.repeats == 1 else 's'}"
        return format_html('{}<span class="muted block text-xs">{}</span>', shown, times)

    def render_standing(self, value: str) -> SafeString:
        """Return the state with its name."""
        return chip(value, _INBOX_STANDINGS[value])

    def render_why(self, value: str, record: InboxItem) -> str:
        """Return the sentence for people, or the error that stands in its way."""
        return value or record.last_error[:160]


class InboxActionTable(InboxTable):
    """The same with a button that reads again."""

    action = lists.Column("Action", "public_id", required=True, exported=False)

    def render_action(self, record: InboxItem) -> str | SafeString:
        """Return the button where there is something to read again."""
        if not self.choosable(record):
            return ""
        return again(self.workspace, "inbox_item_retry", record.public_id, "Try again", self.label_of(record))


class CheckTable(lists.Table):
    """What others are asked about conversions, with what they answered."""

    kind = lists.Column("Check", sort="kind", link="check_detail", required=True)
    status = lists.StatusColumn("State", sort="status", required=True)
    conversion = lists.Column(
        "Conversion",
        "conversion__source_key",
        link="conversion_detail",
        link_id="conversion__public_id",
        note="conversion__customer",
    )
    amount_minor = lists.MoneyColumn(
        "Net amount", "conversion__amount_minor", unit="conversion__currency", width="lg"
    )
    why = lists.Column("Answer", "detail", width="md")
    attempts = lists.NumberColumn("Tries", shown=False)
    asked_at = lists.MomentColumn("Asked", sort="asked_at", width="md", initial_sort_descending=True)
    answered_at = lists.MomentColumn("Answered", sort="answered_at", shown=False)

    def label_of(self, record: ConversionCheck) -> str:
        """Return what is checked."""
        return f"{record.get_kind_display()} {record.conversion.source_key}"

    def render_kind(self, record: ConversionCheck) -> SafeString:
        """Return who is asked, with a link to all about it."""
        address = reverse("check_detail", args=[self.workspace.slug, record.public_id])
        return format_html('<a href="{}">{}</a>', address, record.get_kind_display())

    def render_why(self, value: str, record: ConversionCheck) -> str:
        """Return the answer, or why there is none yet."""
        return value or (getattr(record, "last_error", "") or "")[:160]


class CheckActionTable(CheckTable):
    """The same with a button that asks again."""

    action = lists.Column("Action", "public_id", required=True, exported=False)

    def render_action(self, record: ConversionCheck) -> str | SafeString:
        """Return the button where there is something left to ask."""
        if record.status == ConversionCheck.Status.PASSED:
            return ""
        return again(self.workspace, "check_retry", record.public_id, "Try again", self.label_of(record))
