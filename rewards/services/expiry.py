"""Rewards that are used within a time: their owners are warned, and what is left of them lapses."""

from __future__ import annotations

from datetime import datetime, timedelta

from accounts.models import Workspace
from accounts.services import SYSTEM
from core.transactions import all_or_nothing
from programs.models import ProgramVersion
from programs.queries import terms_of
from rewards.models import Account, Reward
from rewards.services.ledger import Movement, Place, destination, post
from rewards.services.recall import withdraw_fulfilments
from rewards.services.steps import Step, lock_rewards, step_counts, take_steps, tell


@all_or_nothing
def expire_due_rewards(*, workspace: Workspace, at: datetime, limit: int = 500) -> int:
    """End the issued rewards whose time is over; what was not spent of them lapses.

    Points and credit lapse only as far as the account has them: what somebody took away by hand is gone
    already. A code is disabled. Takes at most `limit`, those due longest first, and returns how many; a
    repetition finds the rest. Nothing happens in a suspended workspace.
    """
    if workspace.status != Workspace.Status.ACTIVE:
        return 0
    due = Reward.objects.for_workspace(workspace).filter(status=Reward.Status.ISSUED, expires_at__lte=at)
    chosen = list(due.order_by("expires_at", "pk").values_list("pk", flat=True)[:limit])
    if not chosen:
        return 0
    rows = [
        row
        for row in lock_rewards(workspace=workspace, pks=chosen)
        if row.status == Reward.Status.ISSUED and row.expires_at is not None and row.expires_at <= at
    ]
    left = _balances(workspace, rows)
    movements, steps = [], []
    counts = step_counts(workspace=workspace, rewards=rows)
    for row in rows:
        lapsed = max(row.unused_minor, 0)
        place = destination(row)
        if place.kind in (Account.Kind.POINTS, Account.Kind.CREDIT):
            lapsed = min(lapsed, max(left.get(place, 0), 0))
            left[place] = left.get(place, 0) - lapsed
        row.expired_minor += lapsed
        if lapsed:
            movements.append(
                Movement(
                    # By the step: what a cancelled redemption or refund gives back may lapse later on.
                    key=f"reward:{row.public_id}:expire:{counts[row.pk]}",
                    debit=place,
                    credit=Place(Account.Kind.EXPIRED, row.unit, row.customer_id),
                    amount_minor=lapsed,
                    memo="Expired unused",
                    reward=row,
                )
            )
        partly = row.redeemed_minor > 0
        steps.append(
            Step(
                row,
                after=Reward.Status.REDEEMED if partly else Reward.Status.EXPIRED,
                amount_minor=-lapsed,
                reason="The rest of it expired." if partly else "It was not used in time.",
                event="reward.expired",
            )
        )
    take_steps(workspace=workspace, steps=steps, actor=SYSTEM, at=at)
    withdraw_fulfilments(workspace=workspace, rewards=rows, at=at, why="It was not used in time.")
    post(workspace=workspace, movements=movements, at=at)
    return len(rows)


@all_or_nothing
def warn_of_expiry(*, workspace: Workspace, at: datetime, limit: int = 500) -> int:
    """Tell, once for each reward, that it lapses within the days its program says; returns how many.

    What was issued with less time than that is told at once. Takes at most `limit`.
    """
    if workspace.status != Workspace.Status.ACTIVE:
        return 0
    ending = Reward.objects.for_workspace(workspace).filter(
        status=Reward.Status.ISSUED, expires_at__gt=at, warned_at__isnull=True
    )
    versions = ProgramVersion.objects.for_workspace(workspace).filter(
        pk__in=ending.values_list("version_id", flat=True).distinct()
    )
    warned = 0
    for version in versions.order_by("pk"):
        days = terms_of(version).expiry_warning_days
        if not days or warned >= limit:
            continue
        near = ending.filter(version=version, expires_at__lte=at + timedelta(days=days))
        rows = list(
            near.select_for_update(of=("self",), no_key=True, skip_locked=True)
            .select_related("conversion", "program")
            .order_by("pk")[: limit - warned]
        )
        Reward.objects.for_workspace(workspace).filter(pk__in=[row.pk for row in rows]).update(warned_at=at)
        for row in rows:
            tell("reward.expiring", reward=row, at=at)
        warned += len(rows)
    return warned


def _balances(workspace: Workspace, rows: list[Reward]) -> dict[Place, int]:
    """Return what stands in the accounts of these rewards' owners; the caller holds their wallets."""
    accounts = Account.objects.for_workspace(workspace).filter(
        kind__in=(Account.Kind.POINTS, Account.Kind.CREDIT),
        customer__in={row.customer_id for row in rows},
        unit__in={row.unit for row in rows},
    )
    return {Place(each.kind, each.unit, each.customer_id): each.balance_minor for each in accounts}
