"""What orders are worth in the workspace's own currency, beside the amount in their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from accounts.models import Workspace
from core.transactions import all_or_nothing
from tracking.models import Conversion


@dataclass(frozen=True, slots=True)
class Reported:
    """An order's amount in the workspace's currency: minor units, and the rate with its source and day.

    `rate` is units of that currency for one of the order's.
    """

    amount_minor: int
    rate: Decimal
    source: str
    on: date


@all_or_nothing
def store_reported(*, workspace: Workspace, found: Mapping[int, Reported]) -> int:
    """Keep what orders are worth, by the conversion's key; returns how many were new.

    What is stored stays: repeating it, or another rate later, changes nothing.
    """
    rows = list(
        Conversion.objects.for_workspace(workspace)
        .select_for_update(no_key=True)
        .filter(pk__in=found, reporting_minor__isnull=True)
        .order_by("pk")
    )
    for row in rows:
        value = found[row.pk]
        row.reporting_minor, row.reporting_currency = value.amount_minor, workspace.currency
        row.reporting_rate, row.reporting_source, row.reporting_on = value.rate, value.source, value.on
    Conversion.objects.for_workspace(workspace).bulk_update(
        rows,
        ["reporting_minor", "reporting_currency", "reporting_rate", "reporting_source", "reporting_on"],
        batch_size=500,
    )
    return len(rows)
