"""Scheduled work on rewards."""

from celery import shared_task

from accounts import queries as account_queries
from accounts.models import Workspace
from core import clock
from core.tenancy import tenant
from rewards import services


@shared_task(name="rewards.release_due")
def release_due() -> int:
    """Approve the rewards whose hold is over, workspace by workspace, until none is left."""
    total = 0
    for workspace_id in account_queries.active_workspace_ids():
        while released := _release(workspace_id):
            total += released
    return total


def _release(workspace_id: int) -> int:
    with tenant(workspace_id):
        workspace = Workspace.objects.for_workspace(workspace_id).get()
        return services.release_due_rewards(workspace=workspace, at=workspace.local_time(clock.now()))
