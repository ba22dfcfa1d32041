"""Scheduled work of the kernel."""

from celery import shared_task

from core import events


@shared_task(name="core.deliver_events")
def deliver_events() -> int:
    """Deliver due events until none is left; woken after commits and swept by the clock."""
    total = 0
    while delivered := events.deliver_due():
        total += delivered
    return total
