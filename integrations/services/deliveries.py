"""What is owed to webhook endpoints: queued from events, queued again by hand, and test events."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from core import queue
from core.errors import Conflict
from core.models import Event, EventDelivery
from core.transactions import all_or_nothing
from integrations.models import WebhookDelivery, WebhookEndpoint
from integrations.queries import TEST_KIND
from integrations.wake import wake

SEND_WEBHOOKS: Final = "integrations.send_webhooks"
DELIVER_EVENTS: Final = "core.deliver_events"


def body_of(event: Event) -> str:
    """Return the JSON that tells of an event: its kind, its time, and public ids only."""
    at = event.occurred_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return json.dumps({"type": event.kind, "timestamp": at, "data": event.data}, separators=(",", ":"))


@all_or_nothing
def queue_deliveries(*, heard: Sequence[tuple[Event, datetime]]) -> int:
    """Owe events of one workspace to every enabled endpoint that hears their kinds.

    With each event comes the real time. Repeating it owes nothing twice. Returns how many are owed.
    """
    enabled = list(
        WebhookEndpoint.objects.for_workspace(heard[0][0].workspace_id).filter(
            status=WebhookEndpoint.Status.ENABLED
        )
    )
    owed = [
        _delivery(event, endpoint, at)
        for event, at in heard
        for endpoint in enabled
        if not endpoint.kinds or event.kind in endpoint.kinds
    ]
    _owe(owed)
    return len(owed)


def _delivery(event: Event, endpoint: WebhookEndpoint, at: datetime) -> WebhookDelivery:
    return WebhookDelivery(
        workspace_id=event.workspace_id,
        endpoint=endpoint,
        event=event,
        body=body_of(event),
        created_at=at,
        due_at=at,
    )


def _owe(owed: Sequence[WebhookDelivery]) -> None:
    if owed:
        WebhookDelivery.objects.bulk_create(owed, batch_size=500, ignore_conflicts=True)
        wake(SEND_WEBHOOKS)


@all_or_nothing
def send_test_event(*, endpoint: WebhookEndpoint, at: datetime) -> WebhookDelivery:
    """Write an event of the kind `webhook.test` that only this endpoint hears, and owe it.

    The event stands in the log, but no handler is owed it. Raises Conflict for a disabled endpoint. `at` is
    real time.
    """
    _require_enabled(endpoint)
    event = Event.objects.create(
        workspace_id=endpoint.workspace_id,
        kind=TEST_KIND,
        data={"endpoint": endpoint.public_id},
        occurred_at=at,
    )
    _owe([_delivery(event, endpoint, at)])
    delivery: WebhookDelivery = WebhookDelivery.objects.for_workspace(endpoint.workspace_id).get(
        endpoint=endpoint, event=event
    )
    return delivery


@all_or_nothing
def retry_delivery(*, delivery: WebhookDelivery, at: datetime) -> WebhookDelivery:
    """Send a delivery now, whatever came of it before, with a fresh set of attempts; `at` is real time.

    The receiver sees the same `webhook-id` again. Raises Conflict while the endpoint is disabled.
    """
    _require_enabled(delivery.endpoint)
    row: WebhookDelivery = (
        WebhookDelivery.objects.for_workspace(delivery.workspace_id)
        .select_for_update(no_key=True)
        .get(pk=delivery.pk)
    )
    row.state, row.attempts, row.due_at, row.leased_until = WebhookDelivery.State.PENDING, 0, at, None
    row.save(update_fields=["state", "attempts", "due_at", "leased_until"])
    wake(SEND_WEBHOOKS)
    return row


@all_or_nothing
def retry_event(*, event: Event, at: datetime) -> int:
    """Owe an event again to the handlers that gave up on it; returns how many. `at` is real time."""
    dead = (
        EventDelivery.objects.for_workspace(event.workspace_id)
        .filter(event=event, state=EventDelivery.State.DEAD)
        .values_list("pk", flat=True)
    )
    revived = [
        pk
        for pk in list(dead)
        if queue.retry_dead(EventDelivery, workspace_id=event.workspace_id, pk=pk, at=at)
    ]
    if revived:
        wake(DELIVER_EVENTS)
    return len(revived)


def _require_enabled(endpoint: WebhookEndpoint) -> None:
    if endpoint.status != WebhookEndpoint.Status.ENABLED:
        raise Conflict("This endpoint is disabled; enable it first.", code="endpoint_disabled")
