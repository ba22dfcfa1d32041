"""What a participant can spend, on what, and what came of what was spent before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from programs.models import Participant
from rewards.models import CatalogueItem, Fulfilment, Redemption
from rewards.queries import giving

SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class Offer:
    """An item of the catalogue, and how many points are lacking for it; 0 when it can be had."""

    item: CatalogueItem
    lacking: int


@dataclass(frozen=True, slots=True)
class Spent:
    """What was redeemed: its name, what it cost, when, where it stands, and the code or link to use it."""

    name: str
    amount_minor: int
    unit: str
    at: datetime
    status: str
    words: str
    code: str
    link: str


@dataclass(frozen=True, slots=True)
class Spending:
    """Everything on the page: the purse, the offers, and what was redeemed."""

    purse: giving.Purse
    offers: tuple[Offer, ...]
    spent: tuple[Spent, ...]


def spending_of(participant: Participant) -> Spending:
    """Return what a participant can spend; the cheapest offer comes first, the newest redemption too."""
    purse = giving.purse_of(participant.customer)
    items = giving.offered(participant.workspace)[:SHOWN]
    rows = list(giving.redemptions_for(participant.customer)[:SHOWN])
    handed = {
        row.redemption_id: row
        for row in Fulfilment.objects.for_workspace(participant.workspace_id).filter(redemption__in=rows)
    }
    return Spending(
        purse=purse,
        offers=tuple(Offer(item, max(item.points - purse.points, 0)) for item in items),
        spent=tuple(_spent(row, handed.get(row.pk)) for row in rows),
    )


def _spent(row: Redemption, handed: Fulfilment | None) -> Spent:
    done = handed is not None and handed.status == Fulfilment.Status.DONE
    cancelled = row.status == Redemption.Status.CANCELLED
    words = "Given back" if cancelled else "Yours" if done or handed is None else "On its way"
    details = handed.details if handed is not None and done and not cancelled else {}
    name = row.item.name if row.item else f"Order {row.order_reference}".strip()
    return Spent(
        name=name,
        amount_minor=row.amount_minor,
        unit=row.unit,
        at=row.created_at,
        status="cancelled" if cancelled else "done" if words == "Yours" else "waiting",
        words=words,
        code=str(details.get("code", "")),
        link=str(details.get("link", "")),
    )
