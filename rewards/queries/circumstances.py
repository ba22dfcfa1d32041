"""Reads for the conditions of programs, each for many conversions in one statement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, OuterRef, Subquery
from django.db.models.functions import Coalesce

from accounts.models import Workspace
from rewards.queries.reached import all_converted_friends
from tracking.models import Conversion, Credit, Touchpoint


@dataclass(frozen=True, slots=True)
class Purchase:
    """One purchase of a customer: when, by which key, and what is left of it after refunds."""

    occurred_at: datetime
    pk: int
    currency: str
    net_minor: int


def purchases_by(workspace: Workspace, customers: Collection[int]) -> dict[int, list[Purchase]]:
    """Return customers' purchases that were neither given back in full nor rejected, by their keys."""
    rows = Conversion.objects.for_workspace(workspace).filter(
        customer__in=customers,
        kind=Conversion.Kind.PURCHASE,
        status__in=(Conversion.Status.RECORDED, Conversion.Status.PARTLY_REFUNDED),
    )
    found: defaultdict[int, list[Purchase]] = defaultdict(list)
    for customer, at, pk, currency, net_minor in rows.order_by("pk").values_list(
        "customer_id", "occurred_at", "pk", "currency", F("amount_minor") - F("refunded_minor")
    ):
        found[customer].append(Purchase(at, pk, currency, net_minor))
    return found


def friends_before(workspace: Workspace, credits: Collection[int]) -> dict[int, int]:
    """Return how many friends the credited participants had who bought before, by the credits' keys."""
    earlier = (
        all_converted_friends(workspace)
        .filter(participant_id=OuterRef("participant_id"), converted_at__lt=OuterRef("occurred_at"))
        .order_by()
        .values("participant_id")
        .annotate(rows=Count("pk"))
        .values("rows")
    )
    rows = Credit.objects.for_workspace(workspace).filter(pk__in=credits).order_by()
    return dict(rows.values_list("pk", Coalesce(Subquery(earlier), 0)))


def codes_used_on(workspace: Workspace, conversions: Collection[int]) -> dict[int, list[str]]:
    """Return the promo codes that credit somebody and were used on conversions, by the conversions' keys."""
    rows = Touchpoint.objects.for_workspace(workspace).filter(
        conversion__in=conversions, promo_code__isnull=False
    )
    found: defaultdict[int, list[str]] = defaultdict(list)
    for conversion, code in rows.order_by("pk").values_list("conversion_id", "promo_code__code"):
        found[conversion].append(code)
    return found


def contacts_of(
    workspace: Workspace, customers: Collection[int], participants: Collection[int]
) -> dict[tuple[int, int], list[Touchpoint]]:
    """Return the contacts that were not refused, by customer and participant, in the order of time."""
    rows = Touchpoint.objects.for_workspace(workspace).filter(
        customer__in=customers, participant__in=participants, refusal=""
    )
    found: defaultdict[tuple[int, int], list[Touchpoint]] = defaultdict(list)
    for touch in rows.order_by("occurred_at", "pk"):
        found[touch.customer_id, touch.participant_id].append(touch)
    return found


def links_of_contacts(workspace: Workspace, ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return `utm`, `code` and `campaign` of the links behind contacts, by the contacts' public ids."""
    rows = Touchpoint.objects.for_workspace(workspace).filter(public_id__in=ids, click__isnull=False)
    return {
        public_id: {"utm": utm, "code": code, "campaign": campaign}
        for public_id, utm, code, campaign in rows.values_list(
            "public_id", "click__link__utm", "click__link__code", "click__link__campaign"
        )
    }
