"""Stripe's webhooks -> what to ask about, and whose account changed. Pure, and no input raises."""

from __future__ import annotations

from integrations.providers import Ignored, Refused, SetAside
from integrations.providers.payouts import PayoutEvent, PayoutTouched, members, part, text
from integrations.providers.stripe.accounts import account_of


def events(topic: str, payload: bytes) -> tuple[PayoutEvent, ...]:
    """Return which payout a message is about, or how a person's account stands."""
    found = members(payload)
    if not found:
        return (SetAside("not_json", "The body is no JSON object."),)
    thing = part(part(found, "data"), "object")
    if topic == "account.updated":
        try:
            return (account_of(thing),)
        except Refused as error:
            return (SetAside("bad_value", error.reason),)
    if topic.startswith("transfer."):
        payout_id = text(part(thing, "metadata"), "payout_id", 63)
        if not payout_id:
            return (Ignored("not_ours", "This transfer is not one of ours."),)
        batch_id = text(thing, "transfer_group")
        return (PayoutTouched(payout_id, batch_id, batch_id, text(thing, "id")),)
    return (Ignored("topic", f"Messages of the topic {topic[:80]} change nothing here."),)
