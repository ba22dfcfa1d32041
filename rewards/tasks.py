"""Scheduled work on rewards."""

import logging

from celery import shared_task

from accounts import queries as account_queries
from accounts.models import Workspace
from core import clock
from core.tenancy import tenant
from rewards import services

logger = logging.getLogger(__name__)


@shared_task(name="rewards.release_due")
def release_due() -> int:
    """Approve the rewards whose hold is over, workspace by workspace, until none is left.

    A workspace that fails is logged and tried again with the next run; it does not hold up the others.
    """
    total = 0
    for workspace_id in account_queries.active_workspace_ids():
        try:
            while released := _release(workspace_id):
                total += released
        except Exception:
            logger.exception("the rewards of workspace %s could not be released", workspace_id)
    return total


def _release(workspace_id: int) -> int:
    with tenant(workspace_id):
        workspace = Workspace.objects.for_workspace(workspace_id).get()
        return services.release_due_rewards(workspace=workspace, at=workspace.local_time(clock.now()))
