"""Calling off what was to be handed over: cancelled, asked back, kept where that is too late, given anew.

Locks: the reward's wallet and the reward first, then its fulfilment.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from accounts.models import Workspace
from accounts.services import SYSTEM
from core.events import emit
from core.transactions import all_or_nothing
from rewards.models import Fulfilment, Reward
from rewards.services.fulfilment import (
    ORDERED,
    ask_for,
    end_of,
    issued_step,
    locked_fulfilment,
    named,
    new_row,
    note_step,
    rule_of,
)
from rewards.services.routes import routes_of
from rewards.services.steps import take_steps

_STANDING = (Reward.Status.APPROVED, Reward.Status.ISSUED, Reward.Status.REDEEMED)
_TAKEN_BACK: Final = (Fulfilment.Kind.DISCOUNT, Fulfilment.Kind.CUSTOM)
"""What can still be taken back once it was handed over."""

_OF_CODE: Final = ("code", "link", "used_on", "used_at", "expires_at", "cancelled", "recalled")
"""What tells of a code, a link or an order as it was before."""


@all_or_nothing
def withdraw_fulfilments(
    *, workspace: Workspace, rewards: Collection[Reward], at: datetime, why: str = "A refund took it back."
) -> None:
    """Call off what these rewards would hand over, and take back what still can be; safe to repeat.

    For rewards that are over: the caller holds their locks. What waits is cancelled. A discount code that
    nobody used is disabled, in the shop too; one that was used stays, and says so. What a connection has
    ordered is called back there, and stays where that comes too late (`keep_fulfilment`).
    """
    by_pk = {
        reward.pk: reward for reward in rewards if reward.kind not in (Reward.Kind.CASH, Reward.Kind.POINTS)
    }
    if not by_pk:
        return
    rows = (
        Fulfilment.objects.for_workspace(workspace)
        .select_for_update(of=("self",), no_key=True)
        .filter(reward__in=list(by_pk))
        .order_by("pk")
    )
    for row in rows:
        assert row.reward_id is not None
        reward = by_pk[row.reward_id]
        if not cancel_row(row, why=why, at=at, ordered=True):
            continue
        if reward.fulfilment:
            reward.fulfilment = {**reward.fulfilment, "cancelled": True}
            reward.save(update_fields=["fulfilment"])


@all_or_nothing
def restore_fulfilments(*, workspace: Workspace, rewards: Collection[Reward], at: datetime) -> None:
    """Hand over anew what a refund that was wrong had called off; safe to repeat.

    For rewards that are approved again, or as they were because their owner kept what they had: the caller
    holds their locks. The same code is good again, once a connected shop has it again; what only waited is
    asked for again; what could not be taken back is theirs.
    """
    by_pk = {reward.pk: reward for reward in rewards if reward.status in _STANDING}
    rows = list(
        Fulfilment.objects.for_workspace(workspace)
        .select_for_update(of=("self",), no_key=True)
        .filter(reward__in=list(by_pk), status__in=(Fulfilment.Status.CANCELLED, Fulfilment.Status.KEPT))
        .order_by("pk")
    )
    if not rows:
        return
    routes, steps = routes_of(workspace), []
    for row in rows:
        reward = by_pk[row.reward_id or 0]
        expires_at = end_of(reward, rule_of(reward), at)
        if row.status == Fulfilment.Status.KEPT:
            row.status, row.failure, row.updated_at = Fulfilment.Status.DONE, "", at
            row.save(update_fields=["status", "failure", "updated_at"])
            if reward.status == Reward.Status.APPROVED:
                steps.append(issued_step(reward, row.details, expires_at, at))
            continue
        if reward.status != Reward.Status.APPROVED:
            continue
        known = {name: value for name, value in row.details.items() if name not in _OF_CODE}
        fresh = new_row(
            workspace=workspace,
            kind=Fulfilment.Kind(row.kind),
            details=known,
            amount_minor=reward.net_minor,
            currency=row.currency,
            expires_at=expires_at,
            routes=routes,
            at=at,
            code=row.code,
        )
        row.details, row.code, row.status = fresh.details, fresh.code, fresh.status
        row.connection, row.amount_minor = fresh.connection, fresh.amount_minor
        row.failure, row.reference, row.updated_at = "", "", at
        row.save()
        reward.fulfilment = {name: value for name, value in reward.fulfilment.items() if name not in _OF_CODE}
        if row.status == Fulfilment.Status.DONE:
            steps.append(issued_step(reward, row.details, expires_at, at))
        else:
            reward.save(update_fields=["fulfilment"])
        ask_for(row, at)
    take_steps(workspace=workspace, steps=steps, actor=SYSTEM, at=at)


def cancel_row(row: Fulfilment, *, why: str, at: datetime, ordered: bool = False) -> bool:
    """Cancel a locked fulfilment as far as that can be done; returns whether it was.

    With `ordered`, what a connection has ordered is called back too, though that may turn out to be too late.
    """
    done = row.status == Fulfilment.Status.DONE
    recalled = row.kind in _TAKEN_BACK or (ordered and row.kind in ORDERED and bool(row.connection))
    keeps = done and (not recalled or bool(row.details.get("used_on")))
    if keeps or row.status in (Fulfilment.Status.CANCELLED, Fulfilment.Status.KEPT):
        return False
    asked = row.status in (Fulfilment.Status.WAITING, Fulfilment.Status.FAILED) or done
    row.status, row.failure, row.updated_at = Fulfilment.Status.CANCELLED, why[:500], at
    row.save(update_fields=["status", "failure", "updated_at"])
    if asked and (row.connection or row.kind == Fulfilment.Kind.CUSTOM):
        emit("fulfilment.wanted", at=at, action="cancel", **named(row))
    return True


@all_or_nothing
def keep_fulfilment(*, fulfilment: Fulfilment, failure: str, at: datetime) -> Fulfilment:
    """Record that what was called off could not be taken back, and why; only what is cancelled can be kept.

    Its owner still has it, so a person has to look. Repeating it changes nothing.
    """
    reward, row = locked_fulfilment(fulfilment)
    if row.status != Fulfilment.Status.CANCELLED:
        return row
    row.status, row.failure, row.updated_at = Fulfilment.Status.KEPT, failure[:500], at
    row.save(update_fields=["status", "failure", "updated_at"])
    if reward is not None:
        reward.fulfilment = {name: value for name, value in reward.fulfilment.items() if name != "cancelled"}
        note_step(reward, f"It could not be taken back. {failure}", actor=SYSTEM, at=at)
    emit("fulfilment.failed", at=at, **named(row))
    return row


@all_or_nothing
def note_recall(*, fulfilment: Fulfilment, sentence: str, at: datetime) -> None:
    """Write down what the other side did when it took something back, once."""
    reward, row = locked_fulfilment(fulfilment)
    if row.status != Fulfilment.Status.CANCELLED or row.details.get("recalled") == sentence:
        return
    row.details = {**row.details, "recalled": sentence}
    row.updated_at = at
    row.save(update_fields=["details", "updated_at"])
    if reward is not None:
        note_step(reward, sentence, actor=SYSTEM, at=at)
