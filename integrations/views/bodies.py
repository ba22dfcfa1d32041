"""Showing received bodies to people without giving away the secrets in them."""

from __future__ import annotations

import json
from typing import Any, Final

HIDDEN: Final = "(hidden)"
_SECRET_NAMES: Final = frozenset({"order_key", "password", "nonce", "secret", "token"})
_TELLING_LENGTH: Final = 8
_SECRET_ENDINGS: Final = ("_secret", "_token", "_password", "api_key", "consumer_key")


def readable(body: bytes) -> str:
    """Return a body as indented JSON with secrets hidden, wherever they stand; other bodies as they are."""
    try:
        payload: Any = json.loads(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")
    found: set[str] = set()
    _collect(payload, found)
    # The longest first, so that a secret inside another one leaves no rest of it.
    return json.dumps(_hide(payload, sorted(found, key=len, reverse=True)), indent=2, ensure_ascii=False)


def _is_secret(name: str) -> bool:
    lowered = name.lower()
    return lowered in _SECRET_NAMES or lowered.endswith(_SECRET_ENDINGS)


def _collect(value: Any, found: set[str]) -> None:
    if isinstance(value, dict):
        for name, inner in value.items():
            # A short one would blot out chance matches all over the body.
            if _is_secret(name) and isinstance(inner, str) and len(inner) >= _TELLING_LENGTH:
                found.add(inner)
            _collect(inner, found)
    elif isinstance(value, list):
        for inner in value:
            _collect(inner, found)


def _hide(value: Any, found: list[str]) -> Any:
    if isinstance(value, dict):
        return {
            name: HIDDEN if _is_secret(name) and inner else _hide(inner, found)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_hide(inner, found) for inner in value]
    if isinstance(value, str):
        for secret in found:
            value = value.replace(secret, HIDDEN)
    return value
