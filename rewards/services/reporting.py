"""Converts orders in another currency into the workspace's own, for reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from accounts.models import Workspace
from core.transactions import all_or_nothing
from rewards.exchange import convert
from rewards.queries.rates import rates_for
from rewards.queries.reporting import unreported, unreported_pairs
from rewards.services.sources import day_of
from tracking import services as tracking_services
from tracking.models import Conversion
from tracking.services import Reported

_AT_ONCE: Final = 1_000


@all_or_nothing
def report_conversions(*, workspace: Workspace, conversions: Sequence[Conversion]) -> int:
    """Keep what orders are worth in the workspace's currency by the rate of their day; returns how many.

    One whose amount is known, that has none, or for which there is no rate yet is left alone.
    """
    due = [each for each in conversions if each.currency and each.reporting_minor is None]
    target = workspace.currency
    rates = rates_for(workspace, {(each.currency, target, day_of(each)) for each in due}) if due else {}
    found = {}
    for each in due:
        rate = rates[each.currency, target, day_of(each)]
        if rate is not None:
            amount_minor = convert(each.amount_minor, each.currency, target, rate)
            found[each.pk] = Reported(amount_minor, rate.stored, rate.source, rate.on)
    return tracking_services.store_reported(workspace=workspace, found=found) if found else 0


@all_or_nothing
def report_waiting(*, workspace: Workspace) -> int:
    """Convert every order that waited for a rate and has one now; returns how many."""
    rates = rates_for(workspace, unreported_pairs(workspace))
    days = {(pair[0], pair[2]) for pair, rate in rates.items() if rate is not None}
    due = unreported(workspace).filter(currency__in={currency for currency, _ in days})
    total, group = 0, []
    for each in due.order_by("pk").iterator(chunk_size=_AT_ONCE):
        if (each.currency, day_of(each)) in days:
            group.append(each)
        if len(group) == _AT_ONCE:
            total += report_conversions(workspace=workspace, conversions=group)
            group = []
    return total + report_conversions(workspace=workspace, conversions=group)
