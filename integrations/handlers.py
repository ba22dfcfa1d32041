"""Handlers."""

from collections.abc import Sequence
from datetime import datetime

from core.events import in_groups
from core.models import Event
from integrations.services import deliveries


@in_groups
def queue_webhooks(heard: Sequence[tuple[Event, datetime]]) -> None:
    """Owe the events to the workspace's webhook endpoints."""
    deliveries.queue_deliveries(heard=heard)
