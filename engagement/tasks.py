"""Scheduled work of engagement."""

from celery import shared_task

from engagement import services


@shared_task(name="engagement.send_messages")
def send_messages() -> int:
    """Send the mails that are due."""
    return services.send_due_messages()
