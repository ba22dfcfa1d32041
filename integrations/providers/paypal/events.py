"""PayPal's webhooks -> what to ask about. Pure, and no input raises."""

from __future__ import annotations

from integrations.providers import Ignored, SetAside
from integrations.providers.payouts import PayoutEvent, PayoutTouched, members, part, text


def events(topic: str, payload: bytes) -> tuple[PayoutEvent, ...]:
    """Return which payout or batch a message is about; what became of the money is asked."""
    found = members(payload)
    if not found:
        return (SetAside("not_json", "The body is no JSON object."),)
    resource = part(found, "resource")
    if topic.startswith("payment.payouts-item."):
        item = part(resource, "payout_item")
        touched = PayoutTouched(
            payout_id=text(item, "sender_item_id", 63),
            batch_id=text(resource, "sender_batch_id"),
            provider_batch_id=text(resource, "payout_batch_id", 30),
            reference=text(resource, "transaction_id", 30),
        )
    elif topic.startswith("payment.payoutsbatch."):
        header = part(resource, "batch_header")
        touched = PayoutTouched(
            batch_id=text(part(header, "sender_batch_header"), "sender_batch_id"),
            provider_batch_id=text(header, "payout_batch_id", 30),
        )
    else:
        return (Ignored("topic", f"Messages of the topic {topic[:80]} change nothing here."),)
    if not touched.provider_batch_id:
        return (SetAside("missing_field", "The message names no batch."),)
    return (touched,)
