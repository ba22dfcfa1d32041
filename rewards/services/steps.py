"""A reward's steps: its status, its history, the event and the audit entry, written together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from accounts.models import Workspace
from accounts.services import Actor, record_audit
from core.events import emit
from rewards.models import Reward, RewardChange
from rewards.services.allowances import follow
from rewards.services.ledger import lock_wallets

_CHANGED = [
    "status",
    "reason",
    "reversed_minor",
    "redeemed_minor",
    "expired_minor",
    "fulfilment",
    "payout",
    "issued_at",
    "expires_at",
]
"""The columns of a reward that change with its steps."""


def lock_rewards(*, workspace: Workspace, pks: Sequence[int]) -> list[Reward]:
    """Lock rewards, their owners' wallets first; returns them as they stand now, oldest first."""
    rewards = Reward.objects.for_workspace(workspace).filter(pk__in=pks, amount_minor__gt=0)
    lock_wallets(workspace=workspace, owners=set(rewards.values_list("customer_id", "unit")))
    return locked_rows(workspace=workspace, pks=pks)


def locked_rows(*, workspace: Workspace, pks: Sequence[int]) -> list[Reward]:
    """Lock rewards whose owners' wallets the caller holds already; returns them as they stand now."""
    return list(
        Reward.objects.for_workspace(workspace)
        .select_for_update(of=("self",), no_key=True)
        .filter(pk__in=pks)
        .select_related("program", "version", "conversion", "customer")
        .order_by("pk")
    )


@dataclass(frozen=True, slots=True)
class Step:
    """One change of a reward: to which status, how much it moved, and the event that tells of it.

    `reason` goes to the history; `code` replaces the reward's own reason code.
    """

    reward: Reward
    after: str
    amount_minor: int = 0
    reason: str = ""
    code: str | None = None
    event: str = ""


def take_steps(*, workspace: Workspace, steps: Sequence[Step], actor: Actor, at: datetime) -> None:
    """Give each reward its new status and write history, events, and the audit of what a person did."""
    changes = []
    changed: dict[int, Reward] = {}
    for step in steps:
        reward, before = step.reward, step.reward.status
        reward.status = step.after
        if step.code is not None:
            reward.reason = step.code
        changed[reward.pk] = reward
        changes.append(
            RewardChange(
                workspace=workspace,
                reward=reward,
                before=before,
                after=step.after,
                actor=actor.label,
                reason=step.reason,
                amount_minor=step.amount_minor,
                at=at,
            )
        )
        if step.event:
            tell(step.event, reward=reward, at=at)
        if actor.kind != "system" and step.after != Reward.Status.ISSUED:
            record_audit(
                workspace=workspace,
                actor=actor,
                action=f"reward.{step.after}",
                subject=reward.public_id,
                before={"status": before},
                after={"status": step.after, "amount_minor": step.amount_minor, "unit": reward.unit},
                reason=step.reason,
            )
    # A reward may take two steps at once: approved, then issued.
    for reward in changed.values():
        reward.save(update_fields=_CHANGED)
    follow(workspace=workspace, rewards=changed.values())
    RewardChange.objects.bulk_create(changes)


def step_counts(*, workspace: Workspace, rewards: Sequence[Reward]) -> Counter[int]:
    """Count each reward's steps, by its key: part of a transfer's key that is new each time.

    The caller holds the rewards.
    """
    return Counter(
        RewardChange.objects.for_workspace(workspace)
        .filter(reward__in=rewards)
        .values_list("reward_id", flat=True)
    )


def tell(kind: str, *, reward: Reward, at: datetime) -> None:
    """Emit an event about a reward."""
    emit(
        kind,
        at=at,
        reward=reward.public_id,
        conversion=reward.conversion.public_id,
        program=reward.program.public_id,
    )
