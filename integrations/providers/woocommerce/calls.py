"""How a WooCommerce shop's REST API, version wc/v3, is called.

Over https the keys go as Basic credentials. Over plain http the shop takes them as an OAuth 1.0a signature
only, which does not show the secret (woocommerce.github.io/woocommerce-rest-api-docs, "Authentication").
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote, urlencode

from integrations.providers import ShopAccess


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
