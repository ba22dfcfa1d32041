"""Discount codes of ours that were used on orders.

Locks: the rewards, then their fulfilments.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from accounts.models import Workspace
from accounts.services import SYSTEM
from core.transactions import all_or_nothing
from rewards.models import Fulfilment, Reward
from rewards.services.steps import Step, lock_rewards, take_steps


@all_or_nothing
def use_codes(
    *, workspace: Workspace, codes: Collection[str], order_reference: str, at: datetime
) -> list[Fulfilment]:
    """Record that an order used discount codes of ours, in any spelling; returns those it was told of first.

    The reward of an issued code is then redeemed. A code that was cancelled meanwhile notes its use all the
    same. Nothing moves in the ledger: the value was given when the reward was approved.
    """
    wanted = {code.strip().upper() for code in codes if code.strip()}
    if not wanted:
        return []
    known = Fulfilment.objects.for_workspace(workspace).filter(code__in=wanted)
    rewards = {
        reward.pk: reward
        for reward in lock_rewards(
            workspace=workspace, pks=[pk for pk in known.values_list("reward_id", flat=True) if pk]
        )
    }
    rows = list(known.select_for_update(of=("self",), no_key=True).order_by("pk"))
    used, steps = [], []
    for row in rows:
        if row.details.get("used_on"):
            continue
        row.details = {**row.details, "used_on": order_reference[:255], "used_at": at.isoformat()}
        row.updated_at = at
        row.save(update_fields=["details", "updated_at"])
        used.append(row)
        reward = rewards.get(row.reward_id or 0)
        if reward is None:
            continue
        reward.fulfilment = {**reward.fulfilment, "used_on": order_reference[:255]}
        if reward.status == Reward.Status.ISSUED:
            reward.redeemed_minor += max(reward.unused_minor, 0)
            reason = f"The code was used on the order {order_reference}."[:200]
            steps.append(Step(reward, after=Reward.Status.REDEEMED, reason=reason, event="reward.redeemed"))
        else:
            reward.save(update_fields=["fulfilment"])
    take_steps(workspace=workspace, steps=steps, actor=SYSTEM, at=at)
    return used
