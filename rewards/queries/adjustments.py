"""Reads about money given or taken by hand."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.models import Workspace
from rewards.models import Adjustment, Transfer
from rewards.queries.money import money_settings


def adjustments(workspace: Workspace) -> QuerySet[Adjustment]:
    """Return all adjustments with whom they are for, who made them and who decided, newest first."""
    return (
        Adjustment.objects.for_workspace(workspace)
        .select_related("customer", "created_by", "decided_by", "workspace")
        .order_by("-public_id")
    )


def adjustment_limit(workspace: Workspace) -> int:
    """Return the amount up to which one person adjusts alone, in any currency's minor unit or points."""
    return money_settings(workspace).adjustment_limit_minor


def transfers_of_adjustment(adjustment: Adjustment) -> QuerySet[Transfer]:
    """Return the transfers an adjustment became, with their accounts: one once it is applied, else none."""
    return (
        Transfer.objects.for_workspace(adjustment.workspace_id)
        .filter(adjustment=adjustment)
        .select_related("debit__customer", "credit__customer")
        .order_by("pk")
    )
