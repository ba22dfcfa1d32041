"""Scheduled work of analytics."""

import logging

from celery import shared_task

from accounts import queries as account_queries
from accounts.models import Workspace
from analytics import services
from core import clock
from core.tenancy import tenant

logger = logging.getLogger(__name__)


@shared_task(name="analytics.rebuild_recent")
def rebuild_recent() -> int:
    """Bring every active workspace's figures up to date, each in its own transaction; returns rows written.

    A workspace that fails is logged and tried again with the next run; it does not hold up the others.
    """
    total = 0
    for workspace_id in account_queries.active_workspace_ids():
        try:
            with tenant(workspace_id):
                workspace = Workspace.objects.for_workspace(workspace_id).get()
                total += services.rebuild_recent(workspace=workspace, at=workspace.local_time(clock.now()))
        except Exception:
            logger.exception("the figures of workspace %s could not be rebuilt", workspace_id)
    return total
