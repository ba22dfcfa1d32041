"""Handing over what is not cash: begun when a reward is approved, completed once, tried again.

Locks: the reward's wallet and the reward first, then its fulfilment.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from accounts.models import Workspace
from accounts.services import Actor, record_audit
from core.errors import Conflict, Invalid
from core.events import emit
from core.transactions import all_or_nothing
from programs.queries import terms_of
from programs.terms import RewardRule
from rewards.models import Fulfilment, Redemption, Reward
from rewards.services.routes import ROUTED, routes_of
from rewards.services.steps import Step, lock_rewards, take_steps

OPEN: Final = (Fulfilment.Status.WAITING, Fulfilment.Status.TODO, Fulfilment.Status.FAILED)
"""What is still owed."""

ORDERED: Final = (Fulfilment.Kind.PRODUCT, Fulfilment.Kind.GIFT_CARD)
"""What a connection orders for its owner: taken back there for as long as it has not arrived."""

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Characters of a discount code: none that is mistaken for another when read aloud or typed."""

_SHOWN: Final = ("code", "single_use", "link", "note", "expires_at")
"""What of a fulfilment's details its owner gets to see, beside the terms of the gift itself."""


def begin_fulfilments(*, workspace: Workspace, rewards: Sequence[Reward], at: datetime) -> list[Step]:
    """Make the fulfilment of each approved reward; returns the steps of those that are issued at once.

    Points need none: they are in the account. Store credit is complete, and so is a discount code unless a
    connected shop has to know it first. Everything else waits for a connection, the workspace's own system,
    or a person. The caller holds the rewards' locks and takes the steps.
    """
    steps = []
    rows = []
    routes = routes_of(workspace) if any(reward.kind in ROUTED for reward in rewards) else {}
    for reward in rewards:
        rule = rule_of(reward)
        expires_at = end_of(reward, rule, at)
        if reward.kind == Reward.Kind.POINTS:
            steps.append(issued_step(reward, {}, expires_at, at))
            continue
        row = new_row(
            workspace=workspace,
            kind=Fulfilment.Kind(reward.kind),
            details=_wanted(reward, rule),
            amount_minor=reward.net_minor,
            currency=reward.unit,
            expires_at=expires_at,
            routes=routes,
            at=at,
        )
        row.reward, row.customer_id = reward, reward.customer_id
        rows.append(row)
        if row.status == Fulfilment.Status.DONE:
            steps.append(issued_step(reward, row.details, expires_at, at))
    Fulfilment.objects.bulk_create(rows)
    for row in rows:
        ask_for(row, at)
    return steps


def begin_redeemed(*, redemption: Redemption, details: Mapping[str, Any], at: datetime) -> Fulfilment:
    """Make the fulfilment of a redemption's item; store credit and, without a shop, a code are complete."""
    item = redemption.item
    assert item is not None
    workspace = redemption.workspace
    row = new_row(
        workspace=workspace,
        kind=Fulfilment.Kind(item.kind),
        details=details,
        amount_minor=item.value_minor,
        currency=item.currency,
        expires_at=None,
        routes=routes_of(workspace) if item.kind in ROUTED else {},
        at=at,
    )
    row.redemption, row.customer_id = redemption, redemption.customer_id
    row.save(force_insert=True)
    ask_for(row, at)
    return row


@all_or_nothing
def complete_fulfilment(
    *,
    fulfilment: Fulfilment,
    reference: str = "",
    details: Mapping[str, Any] | None = None,
    actor: Actor,
    at: datetime,
) -> Fulfilment:
    """Record that it was handed over: the reward is then issued, and its time to expire begins.

    `reference` is the provider's own id; `details` what came of it (`code`, `link`, `note`). A repetition
    changes nothing. What could not be taken back is settled by it. What a person hands over, no connection
    is asked to take back. Raises Conflict (`fulfilment_cancelled`) where it is not owed any more, and Invalid
    naming `reference` or `link`.
    """
    found = _sound(reference, details or {})
    reward, row = locked_fulfilment(fulfilment)
    by_hand = actor.kind != "system"
    if row.status == Fulfilment.Status.KEPT and by_hand:
        return _settled(row, reward, actor, at)
    if row.status == Fulfilment.Status.DONE:
        return row
    if row.status not in OPEN or (reward and reward.status != Reward.Status.APPROVED):
        raise Conflict("It is not owed any more.", code="fulfilment_cancelled")
    if by_hand and row.kind in ORDERED:
        row.connection = ""
    row.details = {**row.details, **found}
    row.status, row.failure, row.updated_at = Fulfilment.Status.DONE, "", at
    row.reference = reference.strip()
    row.save()
    if by_hand:
        audit_of(row, "completed", actor)
    if reward is not None:
        until = row.details.get("expires_at")
        expires_at = datetime.fromisoformat(until) if until else None
        step = issued_step(reward, row.details, expires_at, at)
        take_steps(workspace=row.workspace, steps=[step], actor=actor, at=at)
    return row


def _settled(row: Fulfilment, reward: Reward | None, actor: Actor, at: datetime) -> Fulfilment:
    row.status, row.updated_at = Fulfilment.Status.CANCELLED, at
    row.save(update_fields=["status", "updated_at"])
    audit_of(row, "settled", actor)
    if reward is not None:
        note_step(reward, "A person settled what could not be taken back.", actor=actor, at=at)
    return row


@all_or_nothing
def fail_fulfilment(*, fulfilment: Fulfilment, failure: str, at: datetime) -> Fulfilment:
    """Record that a provider would not, or could not, hand it over; only what waits can fail."""
    _, row = locked_fulfilment(fulfilment)
    if row.status == Fulfilment.Status.WAITING:
        row.status, row.failure, row.updated_at = Fulfilment.Status.FAILED, failure[:500], at
        row.save(update_fields=["status", "failure", "updated_at"])
        emit("fulfilment.failed", at=at, **named(row))
    return row


@all_or_nothing
def retry_fulfilment(*, fulfilment: Fulfilment, actor: Actor, at: datetime) -> Fulfilment:
    """Ask the provider again about what failed, or for the first time about what was left to a person.

    What could not be taken back is asked back once more, of whoever made it. Raises Conflict: `not_retriable`
    for what waits, is done or cancelled, `no_connection` where nobody can be asked.
    """
    _, row = locked_fulfilment(fulfilment)
    if row.status == Fulfilment.Status.KEPT:
        row.status, row.attempts, row.updated_at = Fulfilment.Status.CANCELLED, row.attempts + 1, at
        row.save(update_fields=["status", "attempts", "updated_at"])
        audit_of(row, "retried", actor)
        emit("fulfilment.wanted", at=at, action="cancel", **named(row))
        return row
    if row.status not in (Fulfilment.Status.FAILED, Fulfilment.Status.TODO):
        raise Conflict(
            f"Only what failed or waits for a person can be tried again; this is {row.status}.",
            code="not_retriable",
            details={"status": row.status},
        )
    routes = routes_of(row.workspace)
    if row.kind not in routes:
        raise Conflict(
            "No connection can hand this over. Connect one, or do it by hand.", code="no_connection"
        )
    row.connection, row.status, row.failure = routes[row.kind], Fulfilment.Status.WAITING, ""
    row.attempts, row.updated_at = row.attempts + 1, at
    row.save()
    audit_of(row, "retried", actor)
    ask_for(row, at)
    return row


_EXPIRING = (Reward.Kind.POINTS, Reward.Kind.CREDIT, Reward.Kind.DISCOUNT)


def rule_of(reward: Reward) -> RewardRule | None:
    """Return the rule the reward was promised by; None where the version no longer has it."""
    found = (rule for rule in terms_of(reward.version).rewards if rule.key == reward.rule_key)
    return next(found, None)


def end_of(reward: Reward, rule: RewardRule | None, at: datetime) -> datetime | None:
    """Return until when the reward can be used; None is for ever, as with everything that was sent."""
    if reward.kind not in _EXPIRING or rule is None or rule.expiry_days is None:
        return None
    return at + timedelta(days=rule.expiry_days)


def _wanted(reward: Reward, rule: RewardRule | None) -> dict[str, Any]:
    if reward.kind == Reward.Kind.CUSTOM and rule is not None and rule.custom is not None:
        return {"name": rule.custom.name, **reward.fulfilment}
    return dict(reward.fulfilment)


def new_row(
    *,
    workspace: Workspace,
    kind: Fulfilment.Kind,
    details: Mapping[str, Any],
    amount_minor: int,
    currency: str,
    expires_at: datetime | None,
    routes: Mapping[str, str],
    at: datetime,
    code: str = "",
) -> Fulfilment:
    """Return the row of something that is to be handed over, in the state it begins in; not saved."""
    row = Fulfilment(
        workspace=workspace,
        kind=kind,
        details=dict(details),
        amount_minor=amount_minor,
        currency=currency,
        created_at=at,
        updated_at=at,
    )
    if kind == Fulfilment.Kind.DISCOUNT:
        row.code = code or _discount_code()
        row.details |= {"code": row.code, "single_use": True}
        if expires_at is not None:
            row.details["expires_at"] = expires_at.isoformat()
    if kind in routes:
        row.connection, row.status = routes[kind], Fulfilment.Status.WAITING
    elif kind in (Fulfilment.Kind.CREDIT, Fulfilment.Kind.DISCOUNT):
        row.status = Fulfilment.Status.DONE
    else:
        row.status = Fulfilment.Status.TODO
    return row


def issued_step(
    reward: Reward, details: Mapping[str, Any], expires_at: datetime | None, at: datetime
) -> Step:
    """Return the step of a reward that its owner has now."""
    shown = {name: details[name] for name in _SHOWN if details.get(name)}
    reward.fulfilment = {**reward.fulfilment, **shown}
    reward.issued_at, reward.expires_at = at, expires_at
    return Step(reward, after=Reward.Status.ISSUED, event="reward.issued")


def ask_for(row: Fulfilment, at: datetime) -> None:
    """Tell whoever hands it over that it is wanted, where somebody has to be asked."""
    if row.status == Fulfilment.Status.WAITING:
        emit("fulfilment.wanted", at=at, action="issue", **named(row))


def named(row: Fulfilment) -> dict[str, Any]:
    """Return what events say about a fulfilment."""
    return {
        "fulfilment": row.public_id,
        "gives": row.kind,
        "reward": row.reward.public_id if row.reward else None,
        "redemption": row.redemption.public_id if row.redemption else None,
    }


def locked_fulfilment(fulfilment: Fulfilment) -> tuple[Reward | None, Fulfilment]:
    """Lock a fulfilment, its reward first; returns both as they stand now."""
    workspace = Workspace.objects.for_workspace(fulfilment.workspace_id).get()
    reward = None
    if fulfilment.reward_id is not None:
        (reward,) = lock_rewards(workspace=workspace, pks=[fulfilment.reward_id])
    row: Fulfilment = (
        Fulfilment.objects.for_workspace(workspace)
        .select_for_update(of=("self",), no_key=True)
        .select_related("redemption")
        .get(pk=fulfilment.pk)
    )
    row.workspace = workspace
    if reward is not None:
        row.reward = reward
    return reward, row


def _sound(reference: str, details: Mapping[str, Any]) -> dict[str, str]:
    if len(reference.strip()) > 255:
        raise Invalid("The reference is at most 255 characters.", code="too_long", param="reference")
    found = {name: str(details.get(name) or "").strip() for name in ("code", "link", "note")}
    link = found["link"]
    if link and not link.startswith(("https://", "http://")):
        raise Invalid("A link begins with https://.", code="invalid_format", param="link")
    for name, value in found.items():
        if len(value) > 2000:
            raise Invalid("This is too long.", code="too_long", param=name)
    return {name: value for name, value in found.items() if value}


def note_step(reward: Reward, reason: str, *, actor: Actor, at: datetime) -> None:
    """Write into a locked reward's history what became of its fulfilment; its status stays."""
    step = Step(reward, after=reward.status, reason=reason[:200])
    take_steps(workspace=reward.workspace, steps=[step], actor=actor, at=at)


def audit_of(row: Fulfilment, what: str, actor: Actor) -> None:
    """Note what a person did about a fulfilment."""
    record_audit(
        workspace=row.workspace,
        actor=actor,
        action=f"fulfilment.{what}",
        subject=row.public_id,
        after={"status": row.status, "reference": row.reference},
    )


def _discount_code() -> str:
    # 12 of 32 characters: 60 bits, so that nobody guesses one and no two people get the same.
    letters = [secrets.choice(_LETTERS) for _ in range(12)]
    return "-".join("".join(letters[start : start + 4]) for start in (0, 4, 8))
