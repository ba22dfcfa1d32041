"""Whether Tremendous sent a webhook: `sha256=` and hex HMAC-SHA256 over the body with the webhook's key."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from integrations.providers.payouts import Wire, members, text


def verify(headers: Mapping[str, str], body: bytes, secret: str, wire: Wire) -> bool:
    """Say whether `body` was signed with `secret`. No input raises."""
    given = next((v for name, v in headers.items() if name.lower() == "tremendous-webhook-signature"), "")
    kind, _, signature = given.strip().partition("=")
    if kind != "sha256" or not secret:
        return False
    expected = hmac.new(secret.encode("utf-8", "surrogatepass"), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.encode("utf-8", "surrogatepass"))


def fingerprint(headers: Mapping[str, str], body: bytes) -> str:
    """Return what makes a message the same one again: the event's uuid, which repetitions keep."""
    return f"{text(members(body), 'uuid', 60) or '?'}:{hashlib.sha256(body).hexdigest()}"


def topic(headers: Mapping[str, str], body: bytes) -> str:
    """Return the kind of event, in lower case."""
    return text(members(body), "event", 80).lower()
