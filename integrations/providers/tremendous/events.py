"""Tremendous' webhooks -> what to ask about. Pure, and no input raises."""

from __future__ import annotations

from integrations.providers import Ignored, SetAside
from integrations.providers.payouts import PayoutEvent, PayoutTouched, members, part, text


def events(topic: str, payload: bytes) -> tuple[PayoutEvent, ...]:
    """Return which order a message is about: of a reward, the message names the reward's id only."""
    found = members(payload)
    if not found:
        return (SetAside("not_json", "The body is no JSON object."),)
    if not topic.startswith(("orders.", "rewards.")):
        return (Ignored("topic", f"Messages of the topic {topic[:80]} change nothing here."),)
    reference = text(part(part(found, "payload"), "resource"), "id", 60)
    if not reference:
        return (SetAside("missing_field", "The message names nothing."),)
    return (PayoutTouched(reference=reference),)
