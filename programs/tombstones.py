"""What is left of an erased person's own words: keyed hashes that find the row again and tell nothing.

Whoever tells us an id, a mailbox or a code gets the hash of it again, so that what is told about an erased
person later still meets the same row, and no second row with the person's data comes into being.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Final, Literal

from django.conf import settings

PREFIX: Final = "erased:"
CODE_PREFIX: Final = "erased-"

Kind = Literal["external_id", "mailbox", "code"]


def tombstone(kind: Kind, value: str) -> str:
    """Return what stands in the place of a value: the same for the same value, 39 characters.

    One in the place of a code can be part of an address. That of a tombstone is itself.
    """
    prefix = CODE_PREFIX if kind == "code" else PREFIX
    if value.startswith(prefix) and len(value) == len(prefix) + 32:
        return value
    digest = hmac.digest(settings.HASH_KEY.encode(), f"{kind}|{value}".encode(), "sha256").hex()[:32]
    return f"{prefix}{digest}"


def spellings(kind: Kind, values: Iterable[str]) -> set[str]:
    """Return the values and their tombstones, to look up both at once."""
    return {spelling for value in values if value for spelling in (value, tombstone(kind, value))}


def digest_in(value: str) -> str:
    """Return the hash in a tombstone, or nothing for what is none."""
    return value.removeprefix(PREFIX) if value.startswith(PREFIX) else ""
