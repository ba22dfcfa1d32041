"""How a WooCommerce shop's REST API, version wc/v3, is called.

Over https the keys go as Basic credentials. Over plain http the shop takes them as an OAuth 1.0a signature
only, which does not show the secret (woocommerce.github.io/woocommerce-rest-api-docs, "Authentication").
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from core.http import Response, retry_after_seconds
from integrations.providers import Gone, ProviderError, Reauthorise, Refused, Retry, ShopAccess
from integrations.providers.payouts import Wire


def address(
    access: ShopAccess,
    path: str,
    *,
    method: str = "GET",
    query: Mapping[str, str] | None = None,
    at: datetime,
    nonce: str,
) -> tuple[str, dict[str, str]]:
    """Return address and headers of a request for a path like "orders/17"."""
    url = f"{access.shop_url.rstrip('/')}/wp-json/wc/v3/{path}"
    headers, fields = {"accept": "application/json"}, dict(query or {})
    if url.startswith("https://"):
        pair = f"{access.consumer_key}:{access.consumer_secret}".encode()
        headers["authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    else:
        fields = _signed(access, method, url, fields, at, nonce)
    return f"{url}?{urlencode(fields)}" if fields else url, headers


def _signed(
    access: ShopAccess, method: str, url: str, query: Mapping[str, str], at: datetime, nonce: str
) -> dict[str, str]:
    fields = {
        **query,
        "oauth_consumer_key": access.consumer_key,
        "oauth_nonce": nonce,
        "oauth_signature_method": "HMAC-SHA256",
        "oauth_timestamp": str(int(at.timestamp())),
    }
    pairs = "&".join(f"{quote(name, safe='')}={quote(fields[name], safe='')}" for name in sorted(fields))
    base = f"{method}&{quote(url, safe='')}&{quote(pairs, safe='')}"
    digest = hmac.new(f"{access.consumer_secret}&".encode(), base.encode(), hashlib.sha256).digest()
    return {**fields, "oauth_signature": base64.b64encode(digest).decode()}


def asked(
    wire: Wire,
    access: ShopAccess,
    method: str,
    path: str,
    *,
    query: Mapping[str, str] | None = None,
    body: Mapping[str, Any] | None = None,
) -> tuple[Response, object]:
    """Make a call; returns the answer of any status and what its JSON holds, None where it is none."""
    nonce = secrets.token_hex(16)
    url, headers = address(access, path, method=method, query=query, at=wire.at, nonce=nonce)
    if body is not None:
        headers["content-type"] = "application/json"
    sent = json.dumps(body).encode() if body is not None else None
    answer = wire.call(method, url, headers=headers, body=sent)
    try:
        found: object = json.loads(answer.body)
    except (ValueError, RecursionError):
        found = None
    return answer, found


def error_of(wire: Wire, answer: Response, found: object, things: str) -> ProviderError:
    """Return the error that an answer about `things`, such as "coupons", stands for."""
    if answer.status in (408, 425, 429) or answer.status >= 500:
        after = retry_after_seconds(answer.headers, at=wire.at)
        return Retry(timedelta(seconds=after) if after is not None else None)
    if answer.status in (401, 403):
        return Reauthorise(
            f"The shop refuses the keys (HTTP {answer.status}); they need the right to write {things}."
        )
    said = str(found.get("message") or "") if isinstance(found, dict) else ""
    said = "".join(filter(str.isprintable, said))[:200]
    if answer.status == 404:
        return Gone(f"The shop has no {things} under this address.")
    told = f": {said}" if said else f", and not with {things}"
    return Refused(f"The shop answered {answer.status}{told}.")
