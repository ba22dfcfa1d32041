"""Waking the workers that drain this app's queues."""

from __future__ import annotations

import logging

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def wake(task: str) -> None:
    """Ask a worker to run a task after the commit; without a broker the next sweep does the work."""

    def send() -> None:
        try:
            current_app.send_task(task, retry=False, ignore_result=True)
        except (OperationalError, OSError) as error:
            logger.warning("the broker is away, the sweep will run %s: %s", task, error)

    transaction.on_commit(send, robust=True)
