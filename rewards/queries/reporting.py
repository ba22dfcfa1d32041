"""Reads about orders that are in no report yet, because no rate into the workspace's currency was known."""

from __future__ import annotations

from datetime import UTC

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncDate

from accounts.models import Workspace
from rewards.queries.rates import Pair
from tracking.models import Conversion


def unreported(workspace: Workspace) -> QuerySet[Conversion]:
    """Return the orders whose amount in the workspace's currency is not known."""
    return (
        Conversion.objects.for_workspace(workspace).filter(reporting_minor__isnull=True).exclude(currency="")
    )


def unreported_pairs(workspace: Workspace) -> set[Pair]:
    """Return the rates that such orders wait for."""
    days = unreported(workspace).order_by().annotate(day=TruncDate("occurred_at", tzinfo=UTC))
    found = days.values_list("currency", "day").distinct()
    return {(currency, workspace.currency, day) for currency, day in found}


def unreported_currencies(workspace: Workspace) -> list[tuple[str, int]]:
    """Return the currencies of such orders, with how many of each, most first."""
    rows = unreported(workspace).order_by().values_list("currency").annotate(many=Count("pk"))
    return list(rows.order_by("-many", "currency"))
