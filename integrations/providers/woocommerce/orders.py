"""Asking a WooCommerce shop about one order over its REST API, version wc/v3.

Over https the keys go as Basic credentials. Over plain http the shop takes them as an OAuth 1.0a signature
only, which does not show the secret (woocommerce.github.io/woocommerce-rest-api-docs, "Authentication").
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote, urlencode

from core.http import Response, retry_after_seconds
from integrations.providers import (
    Gone,
    OrderDeleted,
    OrderSeen,
    Reauthorise,
    Refused,
    Retry,
    SetAside,
    ShopAccess,
)
from integrations.providers.woocommerce.events import events

UNKNOWN_ORDER: Final = "woocommerce_rest_shop_order_invalid_id"
_ORDER_ID: Final = re.compile(r"#?([0-9]{1,18})")


def order_request(
    access: ShopAccess, order_key: str, *, at: datetime, nonce: str
) -> tuple[str, dict[str, str]]:
    """Return address and headers of the request for an order; raises Gone for what is no order number."""
    match = _ORDER_ID.fullmatch(order_key)
    if match is None:
        raise Gone(f"{order_key[:60]} is not an order number of this shop.")
    url = f"{access.shop_url.rstrip('/')}/wp-json/wc/v3/orders/{int(match[1])}"
    headers = {"accept": "application/json"}
    if url.startswith("https://"):
        pair = f"{access.consumer_key}:{access.consumer_secret}".encode()
        return url, {**headers, "authorization": f"Basic {base64.b64encode(pair).decode()}"}
    return f"{url}?{urlencode(_signed(access, url, at, nonce))}", headers


def _signed(access: ShopAccess, url: str, at: datetime, nonce: str) -> dict[str, str]:
    fields = {
        "oauth_consumer_key": access.consumer_key,
        "oauth_nonce": nonce,
        "oauth_signature_method": "HMAC-SHA256",
        "oauth_timestamp": str(int(at.timestamp())),
    }
    pairs = "&".join(f"{quote(name, safe='')}={quote(fields[name], safe='')}" for name in sorted(fields))
    base = f"GET&{quote(url, safe='')}&{quote(pairs, safe='')}"
    digest = hmac.new(f"{access.consumer_secret}&".encode(), base.encode(), hashlib.sha256).digest()
    return {**fields, "oauth_signature": base64.b64encode(digest).decode()}


def order_of(response: Response, *, at: datetime) -> OrderSeen | OrderDeleted:
    """Return the order that the shop answered with.

    Raises Gone where the shop knows no such order, Reauthorise where it refuses the keys, Retry where it is
    busy or broken, and Refused for every answer that is not an order: sites put pages of HTML in its place.
    """
    after = retry_after_seconds(response.headers, at=at)
    if response.status == 429 or response.status >= 500:
        raise Retry(timedelta(seconds=after) if after is not None else None)
    if response.status in (401, 403):
        raise Reauthorise(f"The shop refuses the keys (HTTP {response.status}).")
    try:
        body = json.loads(response.body)
    except ValueError:
        body = None
    if response.status == 404 and isinstance(body, dict) and body.get("code") == UNKNOWN_ORDER:
        raise Gone("The shop knows no such order.")
    if response.status != 200 or not isinstance(body, dict):
        raise Refused(f"The shop answered {response.status}, and not with an order.")
    (event,) = events("order.updated", response.body)
    if isinstance(event, OrderSeen | OrderDeleted):
        return event
    said = event.sentence if isinstance(event, SetAside) else "It is no order."
    raise Refused(f"The shop's answer cannot be read. {said}")
