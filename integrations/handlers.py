"""Handlers."""

from core.models import Event


def queue_webhooks(event: Event) -> None:
    """Not written yet."""
