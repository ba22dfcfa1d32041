"""Handing over what is not cash: begun when a reward is approved, completed once, called off.

Locks: the reward's wallet and the reward first, then its fulfilment.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from accounts.models import Workspace
from accounts.services import SYSTEM, Actor, record_audit
from core.answers import parts_of
from core.errors import Conflict, Invalid
from core.events import emit
from core.transactions import all_or_nothing
from programs.queries import terms_of
from programs.terms import RewardRule
from rewards.models import Fulfilment, MoneySettings, Redemption, Reward
from rewards.services.steps import Step, lock_rewards, take_steps

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Characters of a discount code: none that is mistaken for another when read aloud or typed."""

_SHOWN: Final = ("code", "single_use", "link", "note", "expires_at")
"""What of a fulfilment's details its owner gets to see, beside the terms of the gift itself."""

_OPEN = (Fulfilment.Status.WAITING, Fulfilment.Status.TODO, Fulfilment.Status.FAILED)
_TAKEN_BACK = (Fulfilment.Kind.DISCOUNT, Fulfilment.Kind.CUSTOM)
"""What can still be taken back once it was handed over."""


def begin_fulfilments(*, workspace: Workspace, rewards: Sequence[Reward], at: datetime) -> list[Step]:
    """Make the fulfilment of each approved reward; returns the steps of those that are issued at once.

    Points need none: they are in the account. Store credit is complete, and so is a discount code unless a
    connected shop has to know it first. Everything else waits for a connection, the workspace's own system,
    or a person. The caller holds the rewards' locks and takes the steps.
    """
    steps = []
    rows = []
    routes = _routes(workspace) if any(reward.kind in _ROUTED for reward in rewards) else {}
    for reward in rewards:
        rule = _rule_of(reward)
        expires_at = _end_of(reward, rule, at)
        if reward.kind == Reward.Kind.POINTS:
            steps.append(_issued(reward, {}, expires_at, at))
            continue
        row = _new(
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
            steps.append(_issued(reward, row.details, expires_at, at))
    Fulfilment.objects.bulk_create(rows)
    for row in rows:
        _ask(row, at)
    return steps


def begin_redeemed(*, redemption: Redemption, details: Mapping[str, Any], at: datetime) -> Fulfilment:
    """Make the fulfilment of a redemption's item; store credit and, without a shop, a code are complete."""
    item = redemption.item
    assert item is not None
    workspace = redemption.workspace
    row = _new(
        workspace=workspace,
        kind=Fulfilment.Kind(item.kind),
        details=details,
        amount_minor=item.value_minor,
        currency=item.currency,
        expires_at=None,
        routes=_routes(workspace) if item.kind in _ROUTED else {},
        at=at,
    )
    row.redemption, row.customer_id = redemption, redemption.customer_id
    row.save(force_insert=True)
    _ask(row, at)
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
    changes nothing. Raises Conflict (`fulfilment_cancelled`) where it is not owed any more, and Invalid
    naming `reference` or `link`.
    """
    found = _sound(reference, details or {})
    reward, row = _locked(fulfilment)
    if row.status == Fulfilment.Status.DONE:
        return row
    if row.status == Fulfilment.Status.CANCELLED or (reward and reward.status != Reward.Status.APPROVED):
        raise Conflict("It is not owed any more.", code="fulfilment_cancelled")
    row.details = {**row.details, **found}
    row.status, row.failure, row.updated_at = Fulfilment.Status.DONE, "", at
    row.reference = reference.strip()
    row.save()
    if actor.kind != "system":
        _audit(row, "completed", actor)
    if reward is not None:
        until = row.details.get("expires_at")
        expires_at = datetime.fromisoformat(until) if until else None
        step = _issued(reward, row.details, expires_at, at)
        take_steps(workspace=row.workspace, steps=[step], actor=actor, at=at)
    return row


@all_or_nothing
def fail_fulfilment(*, fulfilment: Fulfilment, failure: str, at: datetime) -> Fulfilment:
    """Record that a provider would not, or could not, hand it over; only what waits can fail."""
    _, row = _locked(fulfilment)
    if row.status == Fulfilment.Status.WAITING:
        row.status, row.failure, row.updated_at = Fulfilment.Status.FAILED, failure[:500], at
        row.save(update_fields=["status", "failure", "updated_at"])
        emit("fulfilment.failed", at=at, **_named(row))
    return row


@all_or_nothing
def retry_fulfilment(*, fulfilment: Fulfilment, actor: Actor, at: datetime) -> Fulfilment:
    """Ask the provider again about what failed, or for the first time about what was left to a person.

    Raises Conflict: `not_retriable` for what waits, is done or cancelled, `no_connection` where nobody can be
    asked.
    """
    _, row = _locked(fulfilment)
    if row.status not in (Fulfilment.Status.FAILED, Fulfilment.Status.TODO):
        raise Conflict(
            f"Only what failed or waits for a person can be tried again; this is {row.status}.",
            code="not_retriable",
            details={"status": row.status},
        )
    routes = _routes(row.workspace)
    if row.kind not in routes:
        raise Conflict(
            "No connection can hand this over. Connect one, or do it by hand.", code="no_connection"
        )
    row.connection, row.status, row.failure = routes[row.kind], Fulfilment.Status.WAITING, ""
    row.attempts, row.updated_at = row.attempts + 1, at
    row.save()
    _audit(row, "retried", actor)
    _ask(row, at)
    return row


@all_or_nothing
def withdraw_fulfilments(
    *, workspace: Workspace, rewards: Collection[Reward], at: datetime, why: str = "A refund took it back."
) -> None:
    """Call off what these rewards would hand over, and take back what still can be; safe to repeat.

    For rewards that are over: the caller holds their locks. What waits is cancelled. A discount code that
    nobody used is disabled, in the shop too; one that was used stays, and says so.
    """
    by_pk = {reward.pk: reward for reward in rewards if reward.kind not in (_CASH, _POINTS)}
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
        if not cancel_row(row, why=why, at=at):
            continue
        if reward.fulfilment:
            reward.fulfilment = {**reward.fulfilment, "cancelled": True}
            reward.save(update_fields=["fulfilment"])


@all_or_nothing
def restore_fulfilments(*, workspace: Workspace, rewards: Collection[Reward], at: datetime) -> None:
    """Hand over anew what a refund that was wrong had called off; safe to repeat.

    For rewards that are approved again: the caller holds their locks. The same code is good again, once a
    connected shop has it again; what only waited is asked for again.
    """
    by_pk = {reward.pk: reward for reward in rewards if reward.status == Reward.Status.APPROVED}
    rows = list(
        Fulfilment.objects.for_workspace(workspace)
        .select_for_update(of=("self",), no_key=True)
        .filter(reward__in=list(by_pk), status=Fulfilment.Status.CANCELLED)
        .order_by("pk")
    )
    if not rows:
        return
    routes, steps = _routes(workspace), []
    for row in rows:
        reward = by_pk[row.reward_id or 0]
        expires_at = _end_of(reward, _rule_of(reward), at)
        known = {name: value for name, value in row.details.items() if name not in _OF_CODE}
        fresh = _new(
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
            steps.append(_issued(reward, row.details, expires_at, at))
        else:
            reward.save(update_fields=["fulfilment"])
        _ask(row, at)
    take_steps(workspace=workspace, steps=steps, actor=SYSTEM, at=at)


_OF_CODE: Final = ("code", "link", "used_on", "used_at", "expires_at", "cancelled")
"""What tells of a code or link as it was before."""


def cancel_row(row: Fulfilment, *, why: str, at: datetime) -> bool:
    """Cancel a locked fulfilment as far as that can be done; returns whether it was."""
    done = row.status == Fulfilment.Status.DONE
    keeps = done and (row.kind not in _TAKEN_BACK or bool(row.details.get("used_on")))
    if keeps or row.status == Fulfilment.Status.CANCELLED:
        return False
    asked = row.status in (Fulfilment.Status.WAITING, Fulfilment.Status.FAILED) or done
    row.status, row.failure, row.updated_at = Fulfilment.Status.CANCELLED, why[:500], at
    row.save(update_fields=["status", "failure", "updated_at"])
    if asked and (row.connection or row.kind == Fulfilment.Kind.CUSTOM):
        emit("fulfilment.wanted", at=at, action="cancel", **_named(row))
    return True


_CASH, _POINTS = Reward.Kind.CASH, Reward.Kind.POINTS
_ROUTED = (Reward.Kind.DISCOUNT, Reward.Kind.PRODUCT, Reward.Kind.GIFT_CARD, Reward.Kind.CUSTOM)
_EXPIRING = (Reward.Kind.POINTS, Reward.Kind.CREDIT, Reward.Kind.DISCOUNT)


def _routes(workspace: Workspace) -> dict[str, str]:
    """Return who hands over which kind: a connection's public id, or "" for the workspace's own system."""
    routes: dict[str, str] = dict(parts_of("fulfilment_routes", workspace).get("connections", {}))
    settings = MoneySettings.objects.for_workspace(workspace).first()
    if settings is not None and settings.give_url:
        routes[Fulfilment.Kind.CUSTOM.value] = ""
    return routes


def _rule_of(reward: Reward) -> RewardRule | None:
    """Return the rule the reward was promised by; None where the version no longer has it."""
    found = (rule for rule in terms_of(reward.version).rewards if rule.key == reward.rule_key)
    return next(found, None)


def _end_of(reward: Reward, rule: RewardRule | None, at: datetime) -> datetime | None:
    """Return until when the reward can be used; None is for ever, as with everything that was sent."""
    if reward.kind not in _EXPIRING or rule is None or rule.expiry_days is None:
        return None
    return at + timedelta(days=rule.expiry_days)


def _wanted(reward: Reward, rule: RewardRule | None) -> dict[str, Any]:
    if reward.kind == Reward.Kind.CUSTOM and rule is not None and rule.custom is not None:
        return {"name": rule.custom.name, **reward.fulfilment}
    return dict(reward.fulfilment)


def _new(
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


def _issued(reward: Reward, details: Mapping[str, Any], expires_at: datetime | None, at: datetime) -> Step:
    shown = {name: details[name] for name in _SHOWN if details.get(name)}
    reward.fulfilment = {**reward.fulfilment, **shown}
    reward.issued_at, reward.expires_at = at, expires_at
    return Step(reward, after=Reward.Status.ISSUED, event="reward.issued")


def _ask(row: Fulfilment, at: datetime) -> None:
    if row.status == Fulfilment.Status.WAITING:
        emit("fulfilment.wanted", at=at, action="issue", **_named(row))


def _named(row: Fulfilment) -> dict[str, Any]:
    return {
        "fulfilment": row.public_id,
        "gives": row.kind,
        "reward": row.reward.public_id if row.reward else None,
        "redemption": row.redemption.public_id if row.redemption else None,
    }


def _locked(fulfilment: Fulfilment) -> tuple[Reward | None, Fulfilment]:
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


def _audit(row: Fulfilment, what: str, actor: Actor) -> None:
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
