"""Handlers."""

from core import clock
from core.models import Event
from integrations.services import deliveries


def queue_webhooks(event: Event) -> None:
    """Owe the event to the workspace's webhook endpoints."""
    deliveries.queue_deliveries(event=event, at=clock.now())
