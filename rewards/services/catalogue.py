"""The catalogue: what points can be spent on, and how many there are left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import F, Q

from accounts.models import Workspace
from accounts.services import Actor, record_audit
from core.errors import Conflict, Invalid
from core.money import MAX_MINOR, is_currency
from core.transactions import all_or_nothing
from rewards.models import CatalogueItem


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """What an item is: `points` is its price; `value_minor` in `currency` where it is worth money.

    `details` by kind: `sku` and `name` of a product, `percent_bps` of a discount that has no value.
    `stock` None: any number.
    """

    name: str
    kind: str
    points: int
    currency: str = ""
    value_minor: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)
    stock: int | None = None


@all_or_nothing
def create_item(*, workspace: Workspace, facts: ItemFacts, actor: Actor, at: datetime) -> CatalogueItem:
    """Put something in the catalogue. Raises Invalid naming the field."""
    item = CatalogueItem(workspace=workspace, created_at=at)
    _fill(item, facts)
    item.save(force_insert=True)
    record_audit(
        workspace=workspace,
        actor=actor,
        action="catalogue_item.created",
        subject=item.public_id,
        after=_told(item),
    )
    return item


@all_or_nothing
def change_item(*, item: CatalogueItem, facts: ItemFacts, actor: Actor, at: datetime) -> CatalogueItem:
    """Change an item; those redeemed before stay as they were. Raises Invalid naming the field."""
    row = _locked(item)
    before = _told(row)
    _fill(row, facts)
    row.save()
    record_audit(
        workspace=row.workspace,
        actor=actor,
        action="catalogue_item.changed",
        subject=row.public_id,
        before=before,
        after=_told(row),
    )
    return row


@all_or_nothing
def archive_item(*, item: CatalogueItem, archived: bool, actor: Actor, at: datetime) -> CatalogueItem:
    """Take an item out of the catalogue, or put it back in; repeating it changes nothing."""
    row = _locked(item)
    wanted = CatalogueItem.Status.ARCHIVED if archived else CatalogueItem.Status.ACTIVE
    if row.status == wanted:
        return row
    row.status = wanted
    row.save(update_fields=["status"])
    record_audit(
        workspace=row.workspace,
        actor=actor,
        action=f"catalogue_item.{'archived' if archived else 'restored'}",
        subject=row.public_id,
    )
    return row


def take_from_stock(*, item: CatalogueItem) -> None:
    """Take one piece, inside the caller's transaction; raises Conflict (`sold_out`, `not_offered`)."""
    rows = CatalogueItem.objects.for_workspace(item.workspace_id).filter(pk=item.pk)
    offered = rows.filter(status=CatalogueItem.Status.ACTIVE)
    # One conditional statement: the last piece goes once, however many ask for it.
    if offered.filter(Q(stock__isnull=True) | Q(stock__gt=0)).update(stock=F("stock") - 1):
        return
    if offered.exists():
        raise Conflict(f"{item.name} is sold out.", code="sold_out", details={"item": item.public_id})
    raise Conflict(f"{item.name} is not offered any more.", code="not_offered")


def put_back(*, item: CatalogueItem) -> None:
    """Put one piece back into the stock, where there is one."""
    rows = CatalogueItem.objects.for_workspace(item.workspace_id).filter(pk=item.pk, stock__isnull=False)
    rows.update(stock=F("stock") + 1)


def _locked(item: CatalogueItem) -> CatalogueItem:
    row: CatalogueItem = (
        CatalogueItem.objects.for_workspace(item.workspace_id)
        .select_for_update(of=("self",), no_key=True)
        .select_related("workspace")
        .get(pk=item.pk)
    )
    return row


def _fill(item: CatalogueItem, facts: ItemFacts) -> None:
    name = facts.name.strip()
    if not 0 < len(name) <= 120:
        raise Invalid("A name has 1 to 120 characters.", code="length", param="name")
    if facts.kind not in CatalogueItem.Kind.values:
        raise Invalid("There is no such kind.", code="unknown_kind", param="kind")
    if not 0 < facts.points <= MAX_MINOR:
        raise Invalid("Say how many points it costs.", code="out_of_range", param="points")
    if facts.stock is not None and not 0 <= facts.stock <= 2_000_000_000:
        raise Invalid("The stock is 0 or more.", code="out_of_range", param="stock")
    if not 0 <= facts.value_minor <= MAX_MINOR:
        raise Invalid("The value is 0 or more.", code="out_of_range", param="value_minor")
    currency = facts.currency.strip().upper()
    if currency and not is_currency(currency):
        raise Invalid("There is no such currency.", code="unknown_currency", param="currency")
    if bool(currency) != bool(facts.value_minor):
        name_of = "currency" if facts.value_minor else "value_minor"
        raise Invalid("A value is an amount and a currency.", code="required", param=name_of)
    details = _details(facts)
    needs_value = facts.kind in (CatalogueItem.Kind.CREDIT, CatalogueItem.Kind.GIFT_CARD)
    if (needs_value or (facts.kind == CatalogueItem.Kind.DISCOUNT and not details)) and not facts.value_minor:
        raise Invalid("Say what it is worth.", code="required", param="value_minor")
    item.name, item.kind, item.points, item.stock = name, facts.kind, facts.points, facts.stock
    item.currency, item.value_minor, item.details = currency, facts.value_minor, details


def _details(facts: ItemFacts) -> dict[str, Any]:
    given = facts.details
    if facts.kind == CatalogueItem.Kind.PRODUCT:
        sku = str(given.get("sku") or "").strip()
        if not 0 < len(sku) <= 100:
            raise Invalid("Say which product: its number in the shop.", code="required", param="sku")
        return {"sku": sku, "name": facts.name.strip()}
    if facts.kind == CatalogueItem.Kind.CUSTOM:
        return {"name": facts.name.strip()}
    bps = given.get("percent_bps")
    if facts.kind == CatalogueItem.Kind.DISCOUNT and bps:
        if not isinstance(bps, int) or not 0 < bps <= 10_000:
            raise Invalid(
                "A discount is more than 0 and at most 100 %.", code="out_of_range", param="percent_bps"
            )
        if facts.value_minor:
            raise Invalid("Either a percentage or an amount.", code="not_allowed", param="value_minor")
        return {"percent_bps": bps}
    return {}


def _told(item: CatalogueItem) -> dict[str, Any]:
    return {
        "name": item.name,
        "kind": item.kind,
        "points": item.points,
        "currency": item.currency,
        "value_minor": item.value_minor,
        "stock": item.stock,
    }
