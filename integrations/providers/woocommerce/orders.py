"""Asking a WooCommerce shop about one order."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Final

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
from integrations.providers.woocommerce.calls import address
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
    return address(access, f"orders/{int(match[1])}", at=at, nonce=nonce)


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
