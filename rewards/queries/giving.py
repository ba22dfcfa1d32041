"""Reads about what is handed over, what points buy, and what was spent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet

from accounts.models import Workspace
from core.answers import parts_of as answer_parts
from core.money import POINTS
from programs.models import Customer
from rewards.models import (
    Account,
    CatalogueItem,
    Fulfilment,
    MoneySettings,
    Redemption,
    RedemptionPart,
    Reward,
)

NEEDS_SOMEBODY = (Fulfilment.Status.TODO, Fulfilment.Status.FAILED, Fulfilment.Status.KEPT)
"""What does not go on by itself."""

PERSON = "person"
"""Stands in the choice of who hands over a kind for: nobody but a person."""


def fulfilments(workspace: Workspace) -> QuerySet[Fulfilment]:
    """Return what is handed over, with its owner, reward and redemption, newest first."""
    return (
        Fulfilment.objects.for_workspace(workspace)
        .select_related("customer", "reward", "redemption__item")
        .order_by("-public_id")
    )


def fulfilment_of(reward: Reward) -> Fulfilment | None:
    """Return how a reward is handed over; None for cash, points, and before its approval."""
    return fulfilments(reward.workspace).filter(reward=reward).first()


def catalogue(workspace: Workspace) -> QuerySet[CatalogueItem]:
    """Return everything points can or could be spent on, the newest first."""
    return CatalogueItem.objects.for_workspace(workspace).order_by("-public_id")


def offered(workspace: Workspace) -> QuerySet[CatalogueItem]:
    """Return what points can be spent on now, the cheapest first."""
    rows = CatalogueItem.objects.for_workspace(workspace).filter(status=CatalogueItem.Status.ACTIVE)
    return rows.exclude(stock=0).order_by("points", "pk")


def redemptions(workspace: Workspace) -> QuerySet[Redemption]:
    """Return what was spent, with who and on what, newest first."""
    return (
        Redemption.objects.for_workspace(workspace)
        .select_related("customer", "item", "participant")
        .order_by("-public_id")
    )


def redemptions_for(customer: Customer) -> QuerySet[Redemption]:
    """Return what one person spent as `redemptions` does."""
    return redemptions(customer.workspace).filter(customer=customer)


def parts_of(redemption: Redemption) -> QuerySet[RedemptionPart]:
    """Return which rewards a redemption came out of, in the order they were spent."""
    return (
        RedemptionPart.objects.for_workspace(redemption.workspace_id)
        .filter(redemption=redemption)
        .select_related("reward")
        .order_by("pk")
    )


def give_url(workspace: Workspace) -> str:
    """Return the address of the workspace's own system that hands rewards over; empty for none."""
    settings = MoneySettings.objects.for_workspace(workspace).first()
    return settings.give_url if settings else ""


def own_system_counts(workspace: Workspace) -> list[tuple[str, str, int]]:
    """Return each state of what the own system hands over, in words, with how many are in it."""
    rows = Fulfilment.objects.for_workspace(workspace).filter(kind=Fulfilment.Kind.CUSTOM).order_by()
    found = dict(rows.values_list("status").annotate(many=Count("pk")))
    return [(value, str(label), found.get(value, 0)) for value, label in Fulfilment.Status.choices]


def deliverers_of(workspace: Workspace) -> dict[str, list[tuple[str, str]]]:
    """Return the connections that can hand over a kind, the oldest first: public id and name, by kind."""
    found: dict[str, list[tuple[str, str]]] = answer_parts("fulfilment_routes", workspace).get(
        "connections", {}
    )
    return found


def chosen_deliverers(workspace: Workspace) -> dict[str, str]:
    """Return which connection was chosen for a kind, or "person"; what is missing goes to the oldest."""
    settings = MoneySettings.objects.for_workspace(workspace).first()
    return dict(settings.deliverers) if settings else {}


@dataclass(frozen=True, slots=True)
class Purse:
    """What a person can spend: points, and store credit by currency."""

    points: int
    credit: tuple[tuple[str, int], ...]


def purse_of(customer: Customer) -> Purse:
    """Return what a person can spend now; never less than nothing."""
    rows = Account.objects.for_workspace(customer.workspace_id).filter(
        customer=customer, kind__in=(Account.Kind.POINTS, Account.Kind.CREDIT)
    )
    points, credit = 0, []
    for row in rows.order_by("unit"):
        if row.kind == Account.Kind.POINTS and row.unit == POINTS:
            points = max(row.balance_minor, 0)
        elif row.kind == Account.Kind.CREDIT and row.balance_minor > 0:
            credit.append((row.unit, row.balance_minor))
    return Purse(points, tuple(credit))


def public_fulfilment(row: Fulfilment) -> dict[str, Any]:
    """Return a fulfilment as the API shows it, with public ids only."""
    return {
        "id": row.public_id,
        "kind": row.kind,
        "status": row.status,
        "reward": row.reward.public_id if row.reward else None,
        "redemption": row.redemption.public_id if row.redemption else None,
        "customer": row.customer.public_id,
        "connection": row.connection or None,
        "amount_minor": row.amount_minor,
        "currency": row.currency,
        "details": row.details,
        "reference": row.reference,
        "failure": row.failure,
        "attempts": row.attempts,
        "created_at": row.created_at.isoformat(),
        "updated_at": row.updated_at.isoformat(),
    }


def public_item(row: CatalogueItem) -> dict[str, Any]:
    """Return an item of the catalogue as the API shows it."""
    return {
        "id": row.public_id,
        "name": row.name,
        "kind": row.kind,
        "points": row.points,
        "value_minor": row.value_minor,
        "currency": row.currency,
        "sku": str(row.details.get("sku", "")),
        "percent_bps": row.details.get("percent_bps"),
        "stock": row.stock,
        "status": row.status,
        "created_at": row.created_at.isoformat(),
    }


def public_redemption(row: Redemption) -> dict[str, Any]:
    """Return a redemption as the API shows it."""
    return {
        "id": row.public_id,
        "key": row.key,
        "customer": row.customer.public_id,
        "item": row.item.public_id if row.item else None,
        "unit": row.unit,
        "amount_minor": row.amount_minor,
        "order_reference": row.order_reference,
        "status": row.status,
        "note": row.note,
        "created_at": row.created_at.isoformat(),
        "cancelled_at": row.cancelled_at.isoformat() if row.cancelled_at else None,
    }
