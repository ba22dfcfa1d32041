"""Sending a batch with Stripe, a transfer for each payout, and asking how it stands.

An idempotency key lasts 24 hours and keeps also a refusal. So the batch's transfers are listed first, which
finds them for ever, and a definite refusal changes the key.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from integrations.providers import ProviderError, Refused, Retry
from integrations.providers.payouts import (
    ItemResult,
    PayoutAccess,
    PayoutItem,
    Report,
    Sent,
    Wire,
    failed,
    flag,
    part,
    parts,
    text,
)
from integrations.providers.stripe.calls import amount_of, ask, error_of, minor_from, said

MAX_ITEMS: Final = 100
REPEATABLE_FOR: Final = None
"""A batch is looked up before it is sent, so it may be sent again at any time."""

PAGE_SIZE: Final = 100
# Refusals that are about the recipient; all others concern whoever pays, and stop the batch.
_OF_THE_ITEM: Final = frozenset(
    {
        "account_invalid",
        "account_closed",
        "amount_too_large",
        "amount_too_small",
        "insufficient_capabilities_for_transfer",
        "invalid_currency",
        "no_account",
        "parameter_invalid_integer",
        "transfers_not_allowed",
    }
)


def send(wire: Wire, access: PayoutAccess, batch_id: str, items: Sequence[PayoutItem]) -> Sent:
    """Make the transfers that the batch does not have yet, for as long as there is time.

    Raises a ProviderError where nothing was found out; one that came in between is in the answer.
    """
    if not 1 <= len(items) <= MAX_ITEMS:
        raise ValueError(f"A turn has 1 to {MAX_ITEMS} items.")
    made = _made(wire, access, batch_id)
    results: list[ItemResult] = []
    for item in items:
        known = made.get(item.payout_id)
        if known is not None:
            results.append(known)
            continue
        if not wire.has_time():
            break
        try:
            results.append(_transfer(wire, access, batch_id, item))
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
    """Return one page of the batch's transfers, 100 at most."""
    transfers, next_page = _page(wire, access, batch_id, page)
    return Report(tuple(_result(each) for each in transfers), page=next_page)


def check(wire: Wire, access: PayoutAccess) -> str:
    """Say in a sentence that the key works; raises a ProviderError where it does not."""
    answer, found = ask(wire, access, "GET", "/v1/balance")
    if answer.status != 200 or text(found, "object") != "balance":
        raise error_of(wire, answer, found)
    mode = "live" if flag(found, "livemode") else "test"
    return f"Stripe accepts the key, which is for {mode} mode."


def reverse(wire: Wire, access: PayoutAccess, *, transfer_id: str, payout_id: str) -> str:
    """Take a whole transfer back; returns the reversal's id. Repeating it takes nothing twice."""
    if not transfer_id.replace("_", "").isalnum():
        raise Refused("This is no transfer's id.")
    path, fields = f"/v1/transfers/{transfer_id}/reversals", {"metadata[payout_id]": payout_id}
    answer, found = ask(wire, access, "POST", path, fields, key=f"reverse:{payout_id}")
    if answer.status != 200:
        raise error_of(wire, answer, found)
    return text(found, "id")


def _transfer(wire: Wire, access: PayoutAccess, batch_id: str, item: PayoutItem) -> ItemResult:
    try:
        amount = amount_of(item)
    except Refused as error:
        return failed(item, error.reason)
    fields = {
        "amount": str(amount),
        "currency": item.currency.lower(),
        "destination": item.recipient,
        "transfer_group": batch_id,
        "metadata[payout_id]": item.payout_id,
    }
    key = f"{item.payout_id}:{item.refusals}" if item.refusals else item.payout_id
    answer, found = ask(wire, access, "POST", "/v1/transfers", fields, key=key)
    if answer.status == 200:
        return _result(found)
    refusal = part(found, "error")
    code = text(refusal, "code", 60)
    if answer.status == 409 or code == "lock_timeout":
        raise Retry
    about_destination = code == "resource_missing" and text(refusal, "param") == "destination"
    if answer.status in (400, 402) and (code in _OF_THE_ITEM or about_destination):
        return failed(item, said(found))
    raise error_of(wire, answer, found)


def _made(wire: Wire, access: PayoutAccess, batch_id: str) -> dict[str, ItemResult]:
    made: dict[str, ItemResult] = {}
    page = ""
    while True:
        transfers, page = _page(wire, access, batch_id, page)
        for each in transfers:
            result = _result(each)
            if result.payout_id in made:
                raise Refused(f"Stripe has two transfers for {result.payout_id}; look at its dashboard.")
            made[result.payout_id] = result
        if not page:
            return made


def _page(wire: Wire, access: PayoutAccess, batch_id: str, page: str) -> tuple[list[dict[str, Any]], str]:
    fields = {"transfer_group": batch_id, "limit": str(PAGE_SIZE)}
    if page:
        fields["starting_after"] = page
    answer, found = ask(wire, access, "GET", "/v1/transfers", fields)
    if answer.status != 200 or not isinstance(found.get("data"), list):
        raise error_of(wire, answer, found)
    transfers = parts(found, "data")
    more = flag(found, "has_more") and transfers
    return transfers, text(transfers[-1], "id") if more else ""


def _result(found: dict[str, Any]) -> ItemResult:
    currency = text(found, "currency").upper()
    returned = flag(found, "reversed")
    amount, back = found.get("amount"), found.get("amount_reversed")
    if not returned and isinstance(amount, int) and isinstance(back, int):
        # Only a whole reversal says so; after a part the person has less, which is seen as another amount.
        amount -= back
    return ItemResult(
        payout_id=text(part(found, "metadata"), "payout_id", 63),
        status="returned" if returned else "paid",
        reference=text(found, "id"),
        failure="The transfer was reversed." if returned else "",
        amount_minor=minor_from(amount, currency),
    )
