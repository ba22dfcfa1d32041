"""Who sent a WooCommerce webhook, which one it is, and whether it is only the ping."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Final

MAX_TOPIC_LENGTH: Final = 80

_WEBHOOK_ID: Final = re.compile(r"[0-9]{1,20}")
_PING: Final = re.compile(rb"webhook_id=[0-9]{1,20}")


def verify(headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    """Say whether `body` was signed with `secret`: base64 of HMAC-SHA256 over the raw bytes.

    An empty secret proves nothing and is never accepted. No input raises.
    """
    given = _header(headers, "x-wc-webhook-signature")
    if not given or not secret:
        return False
    key = secret.encode("utf-8", "surrogatepass")
    expected = base64.b64encode(hmac.new(key, body, hashlib.sha256).digest())
    return hmac.compare_digest(expected, given.encode("utf-8", "surrogatepass"))


def fingerprint(headers: Mapping[str, str], body: bytes) -> str:
    """Return what makes a delivery the same one again: the webhook's id and SHA-256 of the body.

    The delivery id is no use: it names the second, so it repeats for other bodies. Unique per connection.
    """
    webhook_id = _header(headers, "x-wc-webhook-id")
    known = webhook_id if _WEBHOOK_ID.fullmatch(webhook_id) else "?"
    return f"{known}:{hashlib.sha256(body).hexdigest()}"


def topic(headers: Mapping[str, str]) -> str:
    """Return the topic in lower case, such as `order.updated`; empty if it is missing."""
    return _header(headers, "x-wc-webhook-topic").strip().lower()[:MAX_TOPIC_LENGTH]


def is_ping(headers: Mapping[str, str], body: bytes) -> bool:
    """Say whether this is the unsigned, form-encoded ping of a new webhook: answer 200, do nothing."""
    content_type = _header(headers, "content-type").partition(";")[0].strip().lower()
    return (
        content_type == "application/x-www-form-urlencoded"
        and not _header(headers, "x-wc-webhook-signature")
        and _PING.fullmatch(body) is not None
    )


def _header(headers: Mapping[str, str], name: str) -> str:
    return next((value for key, value in headers.items() if key.lower() == name), "")
