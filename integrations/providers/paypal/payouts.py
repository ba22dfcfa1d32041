"""Sending a batch with PayPal, and asking how it stands.

`sender_batch_id` makes a batch the same one again, for 30 days. PayPal looks no batch up by it, but answers a
second one with the address of the first: sending again is finding. After 30 days it would pay again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from integrations.providers import Refused
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
from integrations.providers.paypal.calls import SCOPE, amount_text, ask, said, token

MAX_ITEMS: Final = 15_000
PAGE_SIZE: Final = 1000
REPEATABLE_FOR: Final = timedelta(days=29)
"""How long a batch may be sent again under its id: a day less than PayPal remembers it."""

_STATUSES: Final[dict[str, ItemStatus]] = {
    "SUCCESS": "paid",
    "FAILED": "failed",
    "PENDING": "sent",
    "UNCLAIMED": "sent",
    "ONHOLD": "sent",
    "BLOCKED": "sent",
    "RETURNED": "returned",
    "REFUNDED": "returned",
    "REVERSED": "returned",
}
_HINDERED: Final = {
    "UNCLAIMED": "The recipient has no PayPal account yet; PayPal waits 30 days for one.",
    "ONHOLD": "PayPal is reviewing this payment.",
    "BLOCKED": "PayPal has blocked this payment; ask there what becomes of it.",
}
_BATCH: Final = re.compile(r"/v1/payments/payouts/([A-Za-z0-9_-]{1,30})(?:[?#]|$)")
_ITEM: Final = re.compile(r"items?(?:\[|/)([0-9]{1,5})(?:\]|/|$)")


def send(wire: Wire, access: PayoutAccess, batch_id: str, items: Sequence[PayoutItem]) -> Sent:
    """Hand the items over as one batch, or find the batch that has this id; results come by asking.

    Items that PayPal names as invalid fail and are left out, for then it has taken none of the batch. Raises
    a ProviderError: after Retry the same call is safe.
    """
    if not 1 <= len(items) <= MAX_ITEMS:
        raise ValueError(f"A batch has 1 to {MAX_ITEMS} items.")
    refused: list[ItemResult] = []
    bodies: list[tuple[PayoutItem, dict[str, Any]]] = []
    for item in items:
        try:
            bodies.append((item, _item(item)))
        except Refused as error:
            refused.append(failed(item, error.reason))
    bearer, _ = token(wire, access)
    while bodies:
        header = {"sender_batch_id": batch_id, "email_subject": "You have a payout"}
        body = {"sender_batch_header": header, "items": [each for _, each in bodies]}
        answer, found = ask(wire, access, bearer, "POST", "/v1/payments/payouts", body)
        if answer.status == 201:
            made = text(part(found, "batch_header"), "payout_batch_id", 30)
            if not made:
                raise Refused("PayPal accepted the batch and did not say under which id.")
            return Sent(made, tuple(refused), complete=True)
        known = _known(found)
        if answer.status == 400 and known:
            # What was left out of it then is found missing when it is closed.
            return Sent(known, (), complete=True)
        invalid = _invalid(found, len(bodies)) if answer.status == 400 else {}
        if not invalid:
            raise wire.problem(answer, said(found))
        refused += [failed(bodies[position][0], why) for position, why in invalid.items()]
        bodies = [each for position, each in enumerate(bodies) if position not in invalid]
    return Sent("", tuple(refused), complete=True)


def status(
    wire: Wire,
    access: PayoutAccess,
    *,
    batch_id: str,
    provider_batch_id: str,
    items: Sequence[PayoutItem],
    page: str = "",
) -> Report:
    """Return one page of how a batch stands, 1000 items at most."""
    bearer, _ = token(wire, access)
    number = int(page or "1")
    path = f"/v1/payments/payouts/{provider_batch_id}?page={number}&page_size={PAGE_SIZE}&total_required=true"
    answer, found = ask(wire, access, bearer, "GET", path)
    if answer.status != 200:
        raise wire.problem(answer, said(found))
    header = part(found, "batch_header")
    if text(part(header, "sender_batch_header"), "sender_batch_id") != batch_id:
        raise Refused("PayPal answered with another batch.")
    state, amount = text(header, "batch_status"), part(header, "amount")
    pages = found.get("total_pages")
    return Report(
        results=tuple(_result(each, state) for each in parts(found, "items")),
        total_minor=minor_of(amount.get("value"), text(amount, "currency")),
        closed=state in ("SUCCESS", "DENIED", "CANCELED"),
        page=str(number + 1) if isinstance(pages, int) and number < pages else "",
    )


def check(wire: Wire, access: PayoutAccess) -> str:
    """Say in a sentence that the keys open payouts; raises a ProviderError where they do not."""
    _, scopes = token(wire, access)
    if SCOPE not in scopes.split():
        raise Refused("The keys are right, but Payouts is not switched on for this PayPal app.")
    return "PayPal accepts the keys, and Payouts is switched on."


def _item(item: PayoutItem) -> dict[str, Any]:
    if not item.recipient.isascii() or len(item.recipient) > 127 or "@" not in item.recipient:
        raise Refused("PayPal takes an e-mail address of at most 127 plain characters.")
    return {
        "recipient_type": "EMAIL",
        "receiver": item.recipient,
        "amount": {"currency": item.currency, "value": amount_text(item)},
        "sender_item_id": item.payout_id,
    }


def _known(found: dict[str, Any]) -> str:
    """Return the id of the batch that a refusal of a second one points at.

    PayPal shows the id that was used before, in one of several places, and links to the batch that has it.
    """
    details = parts(found, "details")
    said_of = [text(each, name) for each in details for name in ("field", "issue", "description")]
    if "sender_batch_id" not in " ".join([*said_of, text(found, "message")]).lower():
        return ""
    links = [link for each in [found, *details] for name in ("links", "link") for link in parts(each, name)]
    for link in links:
        match = _BATCH.search(text(link, "href", 2000))
        if match:
            return match[1]
    raise Refused("PayPal has a batch of this id and does not say which; look it up in its dashboard.")


def _invalid(found: dict[str, Any], count: int) -> dict[int, str]:
    """Return why, by position, where a refusal blames items and nothing else."""
    blamed: dict[int, str] = {}
    for each in parts(found, "details"):
        match = _ITEM.search(text(each, "field"))
        if match is None or int(match[1]) >= count:
            return {}
        # The code is stable, the sentence is for people.
        why = [text(each, "issue", 80), text(each, "description", 110)]
        blamed[int(match[1])] = ": ".join(filter(None, why)) or "PayPal says it is invalid."
    return blamed


def _result(found: dict[str, Any], batch_state: str) -> ItemResult:
    sent = part(found, "payout_item")
    state = text(found, "transaction_status")
    amount, fee, error = part(sent, "amount"), part(found, "payout_item_fee"), part(found, "errors")
    currency = text(amount, "currency")
    status = _STATUSES.get(state, "failed" if batch_state in ("DENIED", "CANCELED") else "sent")
    failure = said(error) or _HINDERED.get(state, "")
    if status in ("failed", "returned") and not failure:
        failure = f"PayPal: {state or batch_state}."
    return ItemResult(
        payout_id=text(sent, "sender_item_id", 63),
        status=status,
        reference=text(found, "transaction_id", 30) or text(found, "payout_item_id", 30),
        failure=failure,
        amount_minor=minor_of(amount.get("value"), currency),
        fee_minor=minor_of(fee.get("value"), currency) if text(fee, "currency") == currency else None,
    )
