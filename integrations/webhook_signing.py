"""Signatures and retry times of outbound webhooks, by the Standard Webhooks specification 1.0.0."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets as random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

SECRET_PREFIX: Final = "whsec_"  # noqa: S105
TOLERANCE: Final = timedelta(seconds=300)
MAX_ATTEMPTS: Final = 10
MAX_RETRY_AFTER: Final = timedelta(hours=24)

# The specification's example schedule: ten attempts in 75 hours. The jitter only ever adds.
_DELAYS: Final = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
_JITTER_SHARE: Final = 0.1
_MESSAGE_ID: Final = re.compile(r"[0-9A-Za-z_-]{1,200}")
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")
_SECRET_BYTES: Final = range(24, 65)

SignatureCode = Literal[
    "missing_header", "malformed_timestamp", "too_old", "too_new", "malformed_signature", "no_match"
]


class SignatureInvalid(Exception):
    """A message that is not proved to come from the sender; `code` says which check it failed."""

    def __init__(self, code: SignatureCode) -> None:
        super().__init__(code)
        self.code: SignatureCode = code


def new_secret() -> str:
    """Return a fresh signing secret of 256 random bits in the specification's written form."""
    return SECRET_PREFIX + base64.b64encode(random.token_bytes(32)).decode()


def sign(secrets: Sequence[str], message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the three headers that prove `body` to a receiver who holds any one of `secrets`.

    While a secret is being replaced, pass the new one and the old one. `at` is the time of this attempt, in
    any zone; `message_id` stays the same for every attempt. ValueError for a naive time, a bad secret, or an
    id that is not made of letters, digits, `-` and `_`: a full stop would let two messages share a signature.
    """
    if at.tzinfo is None:
        raise ValueError("The time of an attempt needs a time zone.")
    if not _MESSAGE_ID.fullmatch(message_id):
        raise ValueError("A message id consists of letters, digits, hyphens and underscores.")
    if not secrets:
        raise ValueError("At least one secret is needed.")
    # timestamp() respects the zone; formatting the local time as if it were UTC would not.
    timestamp = str(int(at.timestamp()))
    digests = [_digest(_key(secret), message_id, timestamp, body) for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests),
    }


def verify(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, *, at: datetime) -> str:
    """Return the message id of a request whose signature and time are right at `at`.

    Raises SignatureInvalid for anything else, however malformed, and ValueError if a secret of ours is bad.
    Signatures of other versions are passed over. A message stays acceptable for five minutes, so the caller
    still has to remember the ids it has seen.
    """
    given = {name.lower(): value for name, value in headers.items()}
    message_id = given.get("webhook-id", "")
    timestamp = given.get("webhook-timestamp", "")
    signatures = given.get("webhook-signature", "")
    if not (message_id and timestamp and signatures):
        raise SignatureInvalid("missing_header")
    if not _TIMESTAMP.fullmatch(timestamp):
        raise SignatureInvalid("malformed_timestamp")
    age = at.timestamp() - int(timestamp)
    if age > TOLERANCE.total_seconds():
        raise SignatureInvalid("too_old")
    if age < -TOLERANCE.total_seconds():
        raise SignatureInvalid("too_new")
    digests = [digest for digest in map(_claimed_digest, signatures.split(" ")) if digest is not None]
    if not digests:
        raise SignatureInvalid("malformed_signature")
    if not _MESSAGE_ID.fullmatch(message_id):
        raise SignatureInvalid("no_match")
    expected = [_digest(_key(secret), message_id, timestamp, body) for secret in secrets]
    # Every pair is compared, so the time taken does not tell which secret or signature was close.
    matches = [hmac.compare_digest(ours, theirs) for ours in expected for theirs in digests]
    if not any(matches):
        raise SignatureInvalid("no_match")
    return message_id


def next_attempt_delay(attempt: int, retry_after: int | None, jitter: float) -> timedelta | None:
    """Return how long to wait after `attempt` failed attempts, None when it was the last.

    `retry_after` is the receiver's wish in seconds: it can lengthen the wait to at most a day, never shorten
    it. `jitter` in [0, 1) is drawn by the caller and lengthens the wait by up to a tenth.
    """
    if attempt < 0 or not 0 <= jitter < 1:
        raise ValueError("The attempt is 0 or more, and the jitter lies in [0, 1).")
    if attempt >= MAX_ATTEMPTS:
        return None
    wished = timedelta(seconds=min(max(retry_after or 0, 0), int(MAX_RETRY_AFTER.total_seconds())))
    return max(_DELAYS[attempt], wished) * (1 + _JITTER_SHARE * jitter)


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("A signing secret is whsec_ followed by base64.") from error
    if not secret.startswith(SECRET_PREFIX) or len(key) not in _SECRET_BYTES:
        raise ValueError("A signing secret is whsec_ followed by 24 to 64 bytes in base64.")
    return key


def _digest(key: bytes, message_id: str, timestamp: str, body: bytes) -> bytes:
    return hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()


def _claimed_digest(signature: str) -> bytes | None:
    version, _, text = signature.partition(",")
    if version != "v1":
        return None
    try:
        digest = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return digest if len(digest) == hashlib.sha256().digest_size else None
