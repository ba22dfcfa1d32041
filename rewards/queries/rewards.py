"""Reads about rewards."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, F, QuerySet, Sum

from accounts.models import Workspace
from programs.models import Customer, Program
from rewards.models import Reward, RewardChange, Transfer
from rewards.queries.approving import why_a_person
from tracking.models import Conversion, Referral

MOST_OF_A_REFERRAL = 50
"""So many rewards does a referral's own page show; a subscription's referral may have hundreds."""


def rewards(workspace: Workspace) -> QuerySet[Reward]:
    """Return all rewards with program, conversion, recipient, referral and payout, newest first."""
    return (
        Reward.objects.for_workspace(workspace)
        .select_related("program", "version", "conversion", "customer", "participant", "referral", "payout")
        .order_by("-public_id")
    )


def listed(workspace: Workspace) -> QuerySet[Reward]:
    """Return all rewards with what a list shows of each, newest first: recipient and program."""
    return (
        Reward.objects.for_workspace(workspace).select_related("customer", "program").order_by("-public_id")
    )


def named(workspace: Workspace, public_ids: Collection[str]) -> dict[str, Reward]:
    """Return rewards by their public ids as `listed` does; an id that is not there is left out."""
    return {reward.public_id: reward for reward in listed(workspace).filter(public_id__in=public_ids)}


def of_referral(referral: Referral) -> QuerySet[Reward]:
    """Return a referral's rewards as `listed` does, oldest first."""
    return listed(referral.workspace).filter(referral=referral).order_by("pk")


def rewards_of(conversion: Conversion) -> QuerySet[Reward]:
    """Return a conversion's rewards as `rewards` does, oldest first."""
    return rewards(conversion.workspace).filter(conversion=conversion).order_by("pk")


def rewards_for(customer: Customer) -> QuerySet[Reward]:
    """Return what one person earned as `rewards` does, newest first."""
    return rewards(customer.workspace).filter(customer=customer)


def changes_of(reward: Reward) -> QuerySet[RewardChange]:
    """Return a reward's steps, oldest first."""
    return RewardChange.objects.for_workspace(reward.workspace_id).filter(reward=reward).order_by("pk")


def transfers_of(reward: Reward) -> QuerySet[Transfer]:
    """Return the ledger's transfers for a reward with their accounts, oldest first."""
    return (
        Transfer.objects.for_workspace(reward.workspace_id)
        .filter(reward=reward)
        .select_related("debit", "credit")
        .order_by("pk")
    )


@dataclass(frozen=True, slots=True)
class Total:
    """How many rewards there are in one status and unit, and what is left of them after refunds."""

    status: str
    unit: str
    count: int
    net_minor: int


def totals(chosen: QuerySet[Reward]) -> list[Total]:
    """Add up rewards by status and unit, in the order of a reward's life."""
    order = {status: index for index, status in enumerate(Reward.Status.values)}
    rows = (
        chosen.order_by()
        .values("status", "unit")
        .annotate(n=Count("pk"), net=Sum(F("amount_minor") - F("reversed_minor")))
    )
    found = [Total(row["status"], row["unit"], row["n"], row["net"]) for row in rows]
    return sorted(found, key=lambda total: (order[total.status], total.unit))


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a reward cannot be approved: a code, a sentence, and figures that go with it."""

    code: str
    message: str
    details: dict[str, Any] = field(default_factory=dict)


def approval_refusal(reward: Reward, *, at: datetime) -> Refusal | None:
    """Return why a reward cannot be approved now, or None when it can.

    A held reward can be released while its hold period runs; it is then pending.
    """
    status = Reward.Status(reward.status)
    if status == Reward.Status.HELD and reward.reason == "currency_differs":
        return Refusal("currency_differs", "The order's currency is not the program's; a rate is needed.")
    if status == Reward.Status.PENDING and reward.available_at > at:
        return Refusal(
            "on_hold",
            f"The hold period runs until {reward.available_at:%Y-%m-%d %H:%M} UTC.",
            {"available_at": reward.available_at.isoformat()},
        )
    if status in (Reward.Status.PENDING, Reward.Status.HELD):
        return None
    if status in (Reward.Status.DENIED, Reward.Status.REVERSED, Reward.Status.EXPIRED):
        message = f"The reward is {status.label.lower()}."
        return Refusal(str(status.value), message, {"status": status.value})
    return Refusal("already_approved", "The reward is approved already.", {"status": status.value})


def public_reward(reward: Reward) -> dict[str, Any]:
    """Return a reward as the API shows it, with public ids only."""
    return {
        "id": reward.public_id,
        "program": reward.program.public_id,
        "version": reward.version.number,
        "conversion": reward.conversion.public_id,
        "referral": reward.referral.public_id,
        "side": reward.side,
        "customer": reward.customer.public_id,
        "participant": reward.participant.public_id if reward.participant else None,
        "rule": reward.rule_key,
        "kind": reward.kind,
        "status": reward.status,
        "reason": reward.reason,
        "sentence": reward.sentence,
        "unit": reward.unit,
        "base_minor": reward.base_minor,
        "amount_minor": reward.amount_minor,
        "reversed_minor": reward.reversed_minor,
        "net_minor": reward.net_minor,
        "redeemed_minor": reward.redeemed_minor,
        "expired_minor": reward.expired_minor,
        "needs_person": why_a_person(reward) if reward.status == Reward.Status.PENDING else "",
        "fulfilment": reward.fulfilment,
        "payout": reward.payout.public_id if reward.payout else None,
        "available_at": reward.available_at.isoformat(),
        "issued_at": reward.issued_at.isoformat() if reward.issued_at else None,
        "expires_at": reward.expires_at.isoformat() if reward.expires_at else None,
        "created_at": reward.created_at.isoformat(),
    }


def answer_for_conversion(conversion: Conversion) -> list[dict[str, Any]]:
    """Return a conversion's rewards as the API shows them, for the answers of other apps' endpoints."""
    return [public_reward(reward) for reward in rewards_of(conversion)]


def answer_for_referral(referral: Referral) -> list[dict[str, Any]]:
    """Return what a referral's page shows of its rewards, for the page of the app below."""
    return [
        {
            "id": reward.public_id,
            "customer": str(reward.customer),
            "side": reward.get_side_display(),
            "kind": reward.get_kind_display(),
            "status": reward.status,
            "status_label": reward.get_status_display(),
            "amount_minor": reward.net_minor,
            "unit": reward.unit,
            "sentence": reward.sentence,
            "counts_in_money": bool(reward.amount_minor),
        }
        for reward in of_referral(referral)[:MOST_OF_A_REFERRAL]
    ]


def programs_of(workspace: Workspace) -> QuerySet[Program]:
    """Return the workspace's programs by name, for filters."""
    return Program.objects.for_workspace(workspace).order_by("name")
