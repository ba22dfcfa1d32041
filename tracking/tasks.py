"""Scheduled work of tracking."""

from celery import shared_task

from core import clock
from tracking import services


@shared_task(name="tracking.make_click_months")
def make_click_months() -> int:
    """Make the partitions of this month and the three after it; returns how many were missing."""
    return services.make_click_months(at=clock.now())
