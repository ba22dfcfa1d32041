"""The bodies that the demo's WooCommerce shop sends. Pure."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from core.money import format_major

REST_ERROR = json.dumps(
    {
        "code": "woocommerce_rest_shop_order_invalid_id",
        "message": "Invalid ID.",
        "data": {"status": 404},
    }
).encode()
"""What WooCommerce signs and sends when the order was deleted before the job ran."""

CUT_OFF = b'{"id":7103,"status":"processing","currency":"EUR","total":"29.90","line_items":[{"to'
"""A body that a proxy cut off on the way."""


def order(
    number: int,
    *,
    name: str,
    email: str,
    country: str,
    amount_minor: int,
    at: datetime,
    modified_at: datetime | None = None,
    status: str = "processing",
    refunded_minor: int = 0,
    coupon: str = "",
    click_id: str = "",
) -> bytes:
    """Return an order as the shop's `order.created` and `order.updated` webhooks carry it."""
    first, _, last = name.partition(" ")
    amount = format_major(amount_minor, "EUR")
    body: dict[str, Any] = {
        "id": number,
        "number": str(number),
        "status": status,
        "currency": "EUR",
        "total": amount,
        "customer_id": 0,
        "billing": {"first_name": first, "last_name": last, "email": email, "country": country},
        "line_items": [{"id": 1, "name": "Beans", "sku": "BEANS-HOUSE", "quantity": 1, "total": amount}],
        "coupon_lines": [{"id": 2, "code": coupon}] if coupon else [],
        "refunds": (
            [{"id": number + 90_000, "reason": "", "total": f"-{format_major(refunded_minor, 'EUR')}"}]
            if refunded_minor
            else []
        ),
        "meta_data": [{"id": 3, "key": "_referral_click_id", "value": click_id}] if click_id else [],
        "date_created_gmt": _written(at),
        "date_modified_gmt": _written(modified_at or at),
        "date_paid_gmt": _written(at) if status != "pending" else None,
    }
    return json.dumps(body).encode()


def _written(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
