"""How Tremendous is asked: an API key, JSON, amounts as numbers (developers.tremendous.com)."""

from __future__ import annotations

import json
from typing import Any, Final

from core.http import Response
from core.money import format_major
from integrations.providers import ProviderError
from integrations.providers.payouts import PayoutAccess, PayoutItem, Wire, members, part, text

LIVE: Final = "https://www.tremendous.com"
SANDBOX: Final = "https://testflight.tremendous.com"


def denomination(item: PayoutItem) -> int | float:
    """Return an item's amount as a JSON number. It is exact: a double keeps 15 digits as written."""
    written = format_major(item.amount_minor, item.currency)
    return float(written) if "." in written else int(written)


def ask(
    wire: Wire, access: PayoutAccess, method: str, path: str, body: dict[str, Any] | None = None
) -> tuple[Response, dict[str, Any]]:
    """Make a call; returns the answer of any status and its members."""
    headers = {"authorization": f"Bearer {access.secret}", "accept": "application/json"}
    if body is not None:
        headers["content-type"] = "application/json"
    sent = json.dumps(body, separators=(",", ":")).encode() if body is not None else None
    answer = wire.call(method, access.url(path), headers=headers, body=sent)
    return answer, members(answer.body)


def error_of(wire: Wire, answer: Response, found: dict[str, Any]) -> ProviderError:
    """Return the error that an answer stands for."""
    return wire.problem(answer, said(found))


def said(found: dict[str, Any]) -> str:
    """Return the error as one line: its sentence, and what is said about single fields."""
    errors = part(found, "errors")
    sentence = text(errors, "message", 120)
    details = "; ".join(_leaves(errors.get("payload"), 4))
    return ": ".join(each for each in (sentence, details) if each)[:200]


def blames(found: dict[str, Any], name: str) -> bool:
    """Say whether an error is about a part of the order, and about no other."""
    payload = part(part(found, "errors"), "payload")
    inner = part(payload, "reward")
    return set(payload) == {"reward"} and bool(inner) and set(inner) <= {name, "value"}


def _leaves(value: object, depth: int) -> list[str]:
    if isinstance(value, str):
        return ["".join(filter(str.isprintable, value))[:100]]
    if isinstance(value, dict) and depth:
        return [leaf for inner in value.values() for leaf in _leaves(inner, depth - 1)]
    return []
