"""Celery: wakes whoever drains the queues that live in Postgres, and keeps the clock of scheduled jobs."""

from __future__ import annotations

import logging
import os

from celery import Celery
from kombu.exceptions import OperationalError

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "referral_platform.settings")

logger = logging.getLogger(__name__)

app = Celery("referral_platform")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def wake() -> None:
    """Ask a worker to deliver events now. Without a broker nothing is lost: the sweeper delivers them."""
    try:
        app.send_task("core.deliver_events", retry=False, ignore_result=True)
    except (OperationalError, OSError) as error:
        logger.warning("the broker is away, the sweeper will deliver: %s", error)
