"""The decision about a reward: approved by a person or by itself, or denied."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from accounts.models import Workspace
from accounts.services import SYSTEM, Actor
from core.errors import Conflict, DomainError, Invalid, NotFound
from core.transactions import all_or_nothing
from rewards.models import Reward
from rewards.queries import approval_refusal
from rewards.queries.approving import due_by_itself, why_a_person
from rewards.services.fulfilment import begin_fulfilments
from rewards.services.ledger import Movement, destination, expense, post, standing, wallet
from rewards.services.steps import Step, lock_rewards, take_steps
from tracking.case_queries import DOUBTS
from tracking.services import resolve_cases_about, trust_conversions


@all_or_nothing
def approve_reward(*, reward: Reward, actor: Actor, at: datetime, reason: str = "") -> Reward:
    """Approve a reward: cash becomes payable, every other kind is handed over.

    For a held reward this is the decision to trust it and needs a `reason`; while its hold period still runs,
    it becomes pending. Raises Conflict with the code `on_hold` (details: `available_at`), `denied`,
    `reversed`, `currency_differs` or `already_approved`, and Invalid naming `reason`.
    """
    reason = _fitting(reason)
    if reason:
        _judge(reward.workspace, [reward.public_id], "approved", reason=reason, actor=actor, at=at)
    row = _one(reward)
    _approve([row], actor=actor, at=at, reason=reason)
    return row


@all_or_nothing
def bulk_approve(
    *, workspace: Workspace, public_ids: Sequence[str], actor: Actor, at: datetime, reason: str = ""
) -> list[tuple[str, DomainError | None]]:
    """Approve many rewards at once; returns each id, in the order given, with why it was refused or None.

    A refused reward does not stop the others.
    """
    reason = _fitting(reason)
    if reason:
        _judge(workspace, public_ids, "approved", reason=reason, actor=actor, at=at)
    rows = _named(workspace, public_ids)
    refused = {
        public_id: _refusal(row, at=at, reason=reason) if row else _unknown()
        for public_id, row in rows.items()
    }
    accepted = [row for public_id, row in rows.items() if row is not None and refused[public_id] is None]
    _approve(accepted, actor=actor, at=at, reason=reason)
    return list(refused.items())


@all_or_nothing
def release_due_rewards(*, workspace: Workspace, at: datetime, limit: int = 500) -> int:
    """Approve pending rewards whose hold is over, where the program's version approves by itself.

    Takes at most `limit`, the longest waiting first, and returns how many; a repetition finds the rest. Those
    that a person approves, by kind, amount or fraud score too, stay pending. Nothing happens in a suspended
    workspace.
    """
    if workspace.status != Workspace.Status.ACTIVE:
        return 0
    due = due_by_itself(workspace, at=at).order_by("available_at", "pk")
    chosen = list(due.values_list("pk", flat=True)[:limit])
    if not chosen:
        return 0
    rows = lock_rewards(workspace=workspace, pks=chosen)
    ready = [row for row in rows if row.status == Reward.Status.PENDING and not why_a_person(row)]
    _approve(ready, actor=SYSTEM, at=at, reason="The hold is over.")
    return len(ready)


@all_or_nothing
def deny_reward(*, reward: Reward, reason: str, actor: Actor, at: datetime) -> Reward:
    """Refuse a pending or held reward for good and release what was set aside for it.

    Raises Invalid naming `reason` when it is missing, and Conflict (`not_deniable`) in any other status.
    """
    reason = _said(reason)
    _judge(reward.workspace, [reward.public_id], "rejected", reason=reason, actor=actor, at=at)
    row = _one(reward)
    if row.status not in _OPEN:
        raise _not_deniable(row)
    _deny([row], reason=reason, actor=actor, at=at)
    return row


@all_or_nothing
def bulk_deny(
    *, workspace: Workspace, public_ids: Sequence[str], reason: str, actor: Actor, at: datetime
) -> list[tuple[str, DomainError | None]]:
    """Deny many rewards for one reason; returns each id, in the order given, with why not or None.

    A refused reward does not stop the others. Raises Invalid naming `reason`.
    """
    reason = _said(reason)
    _judge(workspace, public_ids, "rejected", reason=reason, actor=actor, at=at)
    rows = _named(workspace, public_ids)
    refused = {
        public_id: (None if row.status in _OPEN else _not_deniable(row)) if row else _unknown()
        for public_id, row in rows.items()
    }
    accepted = [row for row in rows.values() if row is not None and row.status in _OPEN]
    _deny(accepted, reason=reason, actor=actor, at=at)
    return list(refused.items())


_OPEN = (Reward.Status.PENDING, Reward.Status.HELD)


def _not_deniable(row: Reward) -> Conflict:
    return Conflict(
        f"Only a pending or held reward can be denied; this one is {row.status}.",
        code="not_deniable",
        details={"status": row.status},
    )


def _deny(rewards: Sequence[Reward], *, reason: str, actor: Actor, at: datetime) -> None:
    if not rewards:
        return
    workspace = rewards[0].workspace
    movements = [
        Movement(
            key=f"reward:{row.public_id}:deny",
            debit=standing(row),
            credit=expense(row.unit),
            amount_minor=row.net_minor,
            memo="Denied",
            reward=row,
        )
        for row in rewards
        if row.net_minor
    ]
    steps = [
        Step(
            row,
            after=Reward.Status.DENIED,
            amount_minor=-row.net_minor,
            reason=reason,
            code="denied_by_person",
            event="reward.reversed",
        )
        for row in rewards
    ]
    take_steps(workspace=workspace, steps=steps, actor=actor, at=at)
    post(workspace=workspace, movements=movements, at=at)


def _one(reward: Reward) -> Reward:
    return lock_rewards(workspace=reward.workspace, pks=[reward.pk])[0]


def _named(workspace: Workspace, public_ids: Sequence[str]) -> dict[str, Reward | None]:
    """Lock the rewards with these ids; returns them by id in the order given, None for an unknown one."""
    wanted = list(dict.fromkeys(public_ids))
    found = Reward.objects.for_workspace(workspace).filter(public_id__in=wanted).values_list("pk", flat=True)
    rows = {row.public_id: row for row in lock_rewards(workspace=workspace, pks=list(found))}
    return {public_id: rows.get(public_id) for public_id in wanted}


def _unknown() -> NotFound:
    return NotFound("There is no such reward.")


def _said(reason: str) -> str:
    reason = _fitting(reason)
    if not reason:
        raise Invalid("Say why the reward is denied.", code="required", param="reason")
    return reason


def _fitting(reason: str) -> str:
    reason = reason.strip()
    if len(reason) > 200:
        raise Invalid("The reason is at most 200 characters.", code="too_long", param="reason")
    return reason


def _refusal(reward: Reward, *, at: datetime, reason: str) -> DomainError | None:
    refusal = approval_refusal(reward, at=at)
    if refusal is not None:
        return Conflict(refusal.message, code=refusal.code, details=refusal.details)
    if reward.status == Reward.Status.HELD and not reason:
        return Invalid("Say why this held reward can be trusted.", code="required", param="reason")
    return None


def _approve(rewards: Sequence[Reward], *, actor: Actor, at: datetime, reason: str) -> None:
    if not rewards:
        return
    steps, movements, given = [], [], []
    for row in rewards:
        refusal = _refusal(row, at=at, reason=reason)
        if refusal is not None:
            raise refusal
        if row.status == Reward.Status.HELD and row.available_at > at:
            steps.append(Step(row, after=Reward.Status.PENDING, reason=reason, code=""))
            continue
        if row.net_minor:
            movements.append(
                Movement(
                    key=f"reward:{row.public_id}:approve",
                    debit=wallet(row.customer_id, row.unit),
                    credit=destination(row),
                    amount_minor=row.net_minor,
                    memo="Approved",
                    reward=row,
                )
            )
        steps.append(
            Step(
                row,
                after=Reward.Status.APPROVED,
                amount_minor=row.net_minor,
                reason=reason,
                code="",
                event="reward.approved",
            )
        )
        if row.kind != Reward.Kind.CASH:
            given.append(row)
    workspace = rewards[0].workspace
    steps += begin_fulfilments(workspace=workspace, rewards=given, at=at)
    take_steps(workspace=workspace, steps=steps, actor=actor, at=at)
    post(workspace=workspace, movements=movements, at=at)


def _judge(
    workspace: Workspace, public_ids: Sequence[str], status: str, *, reason: str, actor: Actor, at: datetime
) -> None:
    """Settle the cases and checks that hold these rewards: whoever decides about the money has judged them.

    Before the rewards are locked, because the customers come first in the order of locks.
    """
    held = Reward.objects.for_workspace(workspace).filter(
        public_id__in=public_ids, status=Reward.Status.HELD, reason__in=DOUBTS
    )
    pairs = list(held.values_list("conversion_id", "referral__participant_id"))
    resolve_cases_about(workspace=workspace, pairs=pairs, status=status, actor=actor, at=at, reason=reason)
    if status == "approved":
        trust_conversions(
            workspace=workspace,
            conversions=[conversion for conversion, _ in pairs],
            actor=actor,
            reason=reason,
            at=at,
        )
