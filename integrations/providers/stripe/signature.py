"""Whether Stripe sent a webhook: HMAC-SHA256 over `timestamp.body` (docs.stripe.com/webhooks/signature)."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Final

from integrations.providers.payouts import Wire, members, text

TOLERANCE_SECONDS: Final = 300
_TIME: Final = re.compile(r"[0-9]{1,12}")


def verify(headers: Mapping[str, str], body: bytes, secret: str, wire: Wire) -> bool:
    """Say whether `body` was signed with `secret` within five minutes of now. No input raises.

    While a secret is being replaced there are several signatures, and one that fits is enough.
    """
    given = next((value for name, value in headers.items() if name.lower() == "stripe-signature"), "")
    pairs = [each.strip().partition("=") for each in given.split(",")]
    stamp = next((value for name, _, value in pairs if name == "t"), "")
    if not secret or not _TIME.fullmatch(stamp):
        return False
    if abs(wire.at.timestamp() - int(stamp)) > TOLERANCE_SECONDS:
        return False
    key = secret.encode("utf-8", "surrogatepass")
    expected = hmac.new(key, stamp.encode() + b"." + body, hashlib.sha256).hexdigest().encode()
    return any(
        name == "v1" and hmac.compare_digest(expected, value.encode("utf-8", "surrogatepass"))
        for name, _, value in pairs
    )


def fingerprint(headers: Mapping[str, str], body: bytes) -> str:
    """Return what makes a message the same one again: the event's id, which repetitions keep."""
    return f"{text(members(body), 'id', 60) or '?'}:{hashlib.sha256(body).hexdigest()}"


def topic(headers: Mapping[str, str], body: bytes) -> str:
    """Return the kind of event."""
    return text(members(body), "type", 80).lower()
