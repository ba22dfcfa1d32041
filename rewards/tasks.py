"""Scheduled work on rewards."""

import logging

from celery import shared_task
from django.conf import settings

from accounts import queries as account_queries
from accounts.models import Workspace
from accounts.services import SYSTEM
from core import clock, http
from core.errors import DomainError
from core.tenancy import tenant
from rewards import queries, services
from rewards.reference_files import MAX_BYTES

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


@shared_task(name="rewards.import_rates")
def import_rates() -> int:
    """Fetch the European Central Bank's exchange rates; returns how many were new or another.

    One that cannot be had is one line in the log: the next run fetches the last 90 days again, and no reward
    is reckoned without a rate. An empty RATES_URL turns it off.
    """
    if not settings.RATES_URL:
        return 0
    try:
        return import_from(settings.RATES_URL)
    except (DomainError, http.OutboundFailed, http.OutboundRefused) as error:
        logger.warning("the exchange rates could not be fetched from %s: %s", settings.RATES_URL, error)
        return 0


def import_from(url: str) -> int:
    """Import the rates behind an address and tell the workspaces that wait for them; returns how many.

    Raises OutboundRefused or OutboundFailed, and FileRefused for what is no file of rates.
    """
    answer = http.get(url, timeout=30, limit=MAX_BYTES)
    if answer.status != 200:
        raise http.OutboundFailed("protocol", f"The server answered {answer.status}.")
    return import_content(answer.body)


def import_content(content: bytes) -> int:
    """Import a file of rates and tell the workspaces that wait for one.

    Returns how many were new or another.
    """
    imported = services.import_reference_rates(content=content, at=clock.now())
    if imported.new or imported.changed:
        for workspace_id in account_queries.active_workspace_ids():
            with tenant(workspace_id):
                workspace = Workspace.objects.for_workspace(workspace_id).get()
                if queries.waiting_for_rate(workspace).exists() or queries.unreported(workspace).exists():
                    at = workspace.local_time(clock.now())
                    services.tell_of_rates(workspace=workspace, source="ecb", at=at)
    return imported.new + imported.changed


@shared_task(name="rewards.expire_due")
def expire_due() -> int:
    """Warn of rewards that lapse soon and end those whose time is over, workspace by workspace.

    A workspace that fails is logged and tried again with the next run. Returns how many ended.
    """
    total = 0
    for workspace_id in account_queries.active_workspace_ids():
        try:
            while ended := _expire(workspace_id):
                total += ended
        except Exception:
            logger.exception("the rewards of workspace %s could not be ended", workspace_id)
    return total


def _expire(workspace_id: int) -> int:
    with tenant(workspace_id):
        workspace = Workspace.objects.for_workspace(workspace_id).get()
        at = workspace.local_time(clock.now())
        services.warn_of_expiry(workspace=workspace, at=at)
        return services.expire_due_rewards(workspace=workspace, at=at)


@shared_task(name="rewards.check_books")
def check_books() -> int:
    """Run the checks of the books that were asked for, until none is left."""
    total = 0
    while done := services.run_due_checks():
        total += done
    return total


@shared_task(name="rewards.check_all_books")
def check_all_books() -> int:
    """Ask for a check of every active workspace's books; the sweep runs them one after the other."""
    asked = 0
    for workspace_id in account_queries.active_workspace_ids():
        with tenant(workspace_id):
            workspace = Workspace.objects.for_workspace(workspace_id).get()
            services.request_check(workspace=workspace, actor=SYSTEM, at=workspace.local_time(clock.now()))
            asked += 1
    return asked
