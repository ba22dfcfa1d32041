"""Sending payouts with Tremendous, an order for each, and asking how they stand.

`external_id` makes an order the same one again, for ever: a second one is answered with the first. What is
paid is decided when the order is executed; a gift that could not be delivered has been paid for all the same,
so it counts as sent until somebody resends it, or cancels it, at Tremendous.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from integrations.providers import ProviderError, Refused, Retry
from integrations.providers.payouts import (
    ItemResult,
    ItemStatus,
    PayoutAccess,
    PayoutItem,
    Report,
    Sent,
    Wire,
    failed,
    minor_of,
    part,
    parts,
    text,
)
from integrations.providers.tremendous.calls import ask, blames, denomination, error_of, said

MAX_ITEMS: Final = 50
REPEATABLE_FOR: Final = None

FUNDING: Final = "funding_source_id"
CAMPAIGN: Final = "campaign_id"
PRODUCTS: Final = "products"
"""Options: what pays, and what the recipient may choose from; products are ids apart by commas."""


def send(wire: Wire, access: PayoutAccess, batch_id: str, items: Sequence[PayoutItem]) -> Sent:
    """Place the orders, for as long as there is time; one that was placed before is found.

    Raises a ProviderError where nothing was found out; one that came in between is in the answer.
    """
    if not 1 <= len(items) <= MAX_ITEMS:
        raise ValueError(f"A turn has 1 to {MAX_ITEMS} items.")
    results: list[ItemResult] = []
    for item in items:
        if not wire.has_time():
            break
        try:
            results.append(_order(wire, access, item))
        except ProviderError as error:
            return Sent(batch_id, tuple(results), error)
    return Sent(batch_id, tuple(results), complete=len(results) == len(items))


def status(
    wire: Wire,
    access: PayoutAccess,
    *,
    batch_id: str,
    provider_batch_id: str,
    items: Sequence[PayoutItem],
    page: str = "",
) -> Report:
    """Return how the items from position `page` stand, for as long as there is time."""
    first = int(page or "0")
    results: list[ItemResult] = []
    position = first
    for position in range(first, len(items)):
        if not wire.has_time() and position > first:
            return Report(tuple(results), page=str(position))
        found = find(wire, access, items[position].payout_id)
        if found is not None:
            results.append(_result(found, items[position]))
    return Report(tuple(results))


def find(wire: Wire, access: PayoutAccess, payout_id: str) -> dict[str, Any] | None:
    """Return the order that was placed under an id of ours, None if there is none."""
    answer, found = ask(wire, access, "GET", f"/api/v2/orders?external_id={quote(payout_id, safe='')}")
    if answer.status != 200 or not isinstance(found.get("orders"), list):
        raise error_of(wire, answer, found)
    ours = [each for each in parts(found, "orders") if text(each, "external_id") == payout_id]
    if len(ours) > 1:
        raise Refused(f"Tremendous has two orders for {payout_id}; look at its dashboard.")
    return ours[0] if ours else None


def check(wire: Wire, access: PayoutAccess) -> str:
    """Say in a sentence that the key works and what pays exists; raises a ProviderError where not."""
    answer, found = ask(wire, access, "GET", "/api/v2/funding_sources")
    if answer.status != 200 or not isinstance(found.get("funding_sources"), list):
        raise error_of(wire, answer, found)
    wanted = access.options.get(FUNDING, "")
    for source in parts(found, "funding_sources"):
        if text(source, "id") == wanted:
            return f"Tremendous accepts the key; {text(source, 'method', 40) or 'the funding source'} pays."
    raise Refused("The key is right, but Tremendous knows no such funding source.")


def _order(wire: Wire, access: PayoutAccess, item: PayoutItem) -> ItemResult:
    try:
        body = _body(access, item)
    except Refused as error:
        return failed(item, error.reason)
    answer, found = ask(wire, access, "POST", "/api/v2/orders", body)
    order = part(found, "order")
    # 200, 201 and 202 are orders, old or new: the manual has said both of 201.
    if answer.status in (200, 201, 202) and text(order, "external_id") == item.payout_id:
        return _result(order, item)
    if answer.status == 409:
        known = find(wire, access, item.payout_id)
        if known is None:
            raise Retry
        return _result(known, item)
    if answer.status in (400, 422) and blames(found, "recipient"):
        return failed(item, said(found) or "Tremendous says the recipient is invalid.")
    if answer.status in (200, 201, 202):
        raise Retry
    raise error_of(wire, answer, found)


def _body(access: PayoutAccess, item: PayoutItem) -> dict[str, Any]:
    if "@" not in item.recipient:
        raise Refused("Tremendous needs an e-mail address.")
    reward: dict[str, Any] = {
        "value": {"denomination": denomination(item), "currency_code": item.currency},
        "recipient": {"email": item.recipient, **({"name": item.name} if item.name else {})},
        "delivery": {"method": "EMAIL"},
    }
    if access.options.get(CAMPAIGN):
        reward["campaign_id"] = access.options[CAMPAIGN]
    products = [each.strip() for each in access.options.get(PRODUCTS, "").split(",") if each.strip()]
    if products:
        reward["products"] = products
    return {
        "external_id": item.payout_id,
        "payment": {"funding_source_id": access.options.get(FUNDING, "")},
        "reward": reward,
    }


def state_of(order: dict[str, Any]) -> ItemStatus:
    """Return what became of an order: delivered is paid, cancelled is returned."""
    reward = (parts(order, "rewards") or [part(order, "reward")])[0]
    state, delivered = text(order, "status"), text(part(reward, "delivery"), "status")
    if state == "FAILED":
        return "failed"
    if state == "CANCELED" or delivered == "CANCELED":
        return "returned"
    return "paid" if state == "EXECUTED" and delivered == "SUCCEEDED" else "sent"


def _result(order: dict[str, Any], item: PayoutItem) -> ItemResult:
    rewards = parts(order, "rewards") or [part(order, "reward")]
    reward = rewards[0]
    value, delivery, payment = part(reward, "value"), part(reward, "delivery"), part(order, "payment")
    currency = text(value, "currency_code")
    state, delivered = text(order, "status"), text(delivery, "status")
    status, failure = state_of(order), ""
    if status == "failed":
        failure = "Tremendous could not process the order."
    elif status == "returned":
        failure = "The order was cancelled at Tremendous."
    elif state == "EXECUTED" and delivered == "FAILED":
        failure = "Tremendous could not deliver it: correct the address there, or cancel it there."
    elif state.startswith("PENDING"):
        failure = "The order waits for an approval at Tremendous."
    same = currency == item.currency
    return ItemResult(
        payout_id=item.payout_id,
        status=status,
        reference=text(order, "id", 60),
        failure=failure,
        # Another currency is another amount, so that it is seen.
        amount_minor=minor_of(value.get("denomination"), currency) if same else -1,
        fee_minor=minor_of(payment.get("fees"), currency) if same and currency == "USD" else None,
    )
