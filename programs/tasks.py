"""Scheduled work on programs."""

import logging

from celery import shared_task

from accounts import queries as account_queries
from accounts.models import Workspace
from core import clock
from core.tenancy import tenant
from programs import services

logger = logging.getLogger(__name__)


@shared_task(name="programs.tell_of_promotions")
def tell_of_promotions() -> int:
    """Tell of the promotions that started or ended, workspace by workspace; returns how many events.

    A workspace that fails is logged and tried again with the next run; it does not hold up the others.
    """
    total = 0
    for workspace_id in account_queries.active_workspace_ids():
        try:
            while told := _tell(workspace_id):
                total += told
        except Exception:
            logger.exception("the promotions of workspace %s could not be told of", workspace_id)
    return total


def _tell(workspace_id: int) -> int:
    with tenant(workspace_id):
        workspace = Workspace.objects.for_workspace(workspace_id).get()
        return services.tell_of_promotions(workspace=workspace, at=workspace.local_time(clock.now()))
