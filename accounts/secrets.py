"""Secrets that are shown once and stored as keyed hashes, and credentials that are stored encrypted."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


def new_secret(length: int = 32) -> str:
    """Return a random URL-safe secret of `length` bytes (256 bits by default)."""
    return secrets.token_urlsafe(length)


def keyed_hash(secret: str) -> str:
    """Return the hex HMAC-SHA-256 of a secret under HASH_KEY, for storing and comparing."""
    return hmac.new(settings.HASH_KEY.encode(), secret.encode(), hashlib.sha256).hexdigest()


def same(stored: str, secret: str) -> bool:
    """Compare a stored keyed hash with a presented secret in constant time."""
    return hmac.compare_digest(stored, keyed_hash(secret))


def signature(text: str, *, bound_to: str) -> str:
    """Return the hex HMAC-SHA-256 of a text by a key of its own for `bound_to`, a workspace's public id."""
    key = hmac.new(settings.HASH_KEY.encode(), f"signature\n{bound_to}".encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def signed_by(given: str, text: str, *, bound_to: str) -> bool:
    """Compare a signature with the one a text has, in constant time."""
    return hmac.compare_digest(given.encode(), signature(text, bound_to=bound_to).encode())


def _ring() -> MultiFernet:
    return _ring_of(tuple(settings.CREDENTIALS_KEYS))


@cache
def _ring_of(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(plain: str, *, bound_to: str) -> str:
    """Encrypt a credential; `bound_to` is the row's public id, so that it opens in no other row."""
    return _ring().encrypt(f"{bound_to}\n{plain}".encode()).decode()


def decrypt(sealed: str, *, bound_to: str) -> str:
    """Open a credential sealed for this row by any key of the ring; raises InvalidToken for another row's."""
    owner, _, plain = _ring().decrypt(sealed.encode()).decode().partition("\n")
    if owner != bound_to:
        raise InvalidToken
    return plain
