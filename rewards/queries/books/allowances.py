"""Checks of what caps and budgets count as used."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import F, QuerySet, Sum, When

from accounts.models import Workspace
from rewards.models import Allowance, Reservation, Reward
from rewards.queries.books.shapes import CHUNK, NOTHING, Difference, depending, left_of, not_as


def all_allowances(workspace: Workspace) -> QuerySet[Allowance]:
    """Return every allowance, in no order."""
    return Allowance.objects.for_workspace(workspace).order_by()


def wrong_allowances(workspace: Workspace) -> Iterator[Difference]:
    """Find allowances that count more or less as used than their reservations take."""
    found = (
        all_allowances(workspace)
        .annotate(
            taken=Sum("reservations__amount_minor", default=0),
            counted=Sum("reservations__counted", default=0),
        )
        .filter(not_as({"used_minor": F("taken"), "used_count": F("counted")}))
        .order_by("pk")
    )
    rows = found.values_list("public_id", "cap_key", "taken", "used_minor", "counted", "used_count")
    for public_id, cap, taken, used_minor, counted, used_count in rows.iterator(chunk_size=CHUNK):
        names = {"kind": "allowance", "public_id": public_id}
        if taken != used_minor:
            yield Difference(f"used of {cap} ({public_id})", "minor units", taken, used_minor, **names)
        if counted != used_count:
            yield Difference(f"rewards under {cap} ({public_id})", "rewards", counted, used_count, **names)


def all_reservations(workspace: Workspace) -> QuerySet[Reservation]:
    """Return every reservation, in no order."""
    return Reservation.objects.for_workspace(workspace).order_by()


def excessive_reservations(workspace: Workspace) -> Iterator[Difference]:
    """Find reservations of more than is left of their reward; a denied reward takes nothing."""
    found = (
        all_reservations(workspace)
        .annotate(
            left=depending(
                When(reward__status=Reward.Status.DENIED, then=NOTHING), default=left_of("reward__")
            )
        )
        .filter(amount_minor__gt=F("left"))
        .order_by("pk")
    )
    rows = found.values_list("reward__public_id", "reward__unit", "left", "amount_minor")
    for public_id, unit, left, amount in rows.iterator(chunk_size=CHUNK):
        subject = f"reserved for reward {public_id}"
        yield Difference(subject, unit, left, amount, kind="reward", public_id=public_id)
