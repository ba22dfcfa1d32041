"""Discount codes as coupons of a WooCommerce shop: found before they are made, by code and our reference.

Fields and errors are those of the wc/v3 coupons endpoint; the shop writes codes in small letters.
"""

from __future__ import annotations

from datetime import UTC
from typing import Any, Final

from core.money import format_major
from integrations.providers import Refused, ShopAccess
from integrations.providers.issuing import Gift, Given
from integrations.providers.payouts import Wire
from integrations.providers.woocommerce.calls import asked, error_of
from integrations.providers.woocommerce.events import REFERENCE_META_KEY

TAKEN: Final = "woocommerce_rest_coupon_code_already_exists"


def issue(wire: Wire, access: ShopAccess, gift: Gift) -> Given:
    """Make the coupon, or find the one that was made before; raises a ProviderError."""
    known = _found(wire, access, gift)
    if known is not None:
        return _given(known)
    answer, made = asked(wire, access, "POST", "coupons", body=_coupon(gift))
    if answer.status in (200, 201) and isinstance(made, dict) and made.get("id"):
        return _given(made)
    if isinstance(made, dict) and made.get("code") == TAKEN:
        known = _found(wire, access, gift)
        if known is not None:
            return _given(known)
    raise error_of(wire, answer, made, "coupons")


def cancel(wire: Wire, access: ShopAccess, gift: Gift) -> Given:
    """Delete the coupon unless it was used; one that is not there is fine. Raises a ProviderError."""
    known = _found(wire, access, gift)
    if known is None:
        return Given()
    given = _given(known)
    if given.used:
        return given
    path = f"coupons/{int(given.reference)}"
    answer, found = asked(wire, access, "DELETE", path, query={"force": "true"})
    if answer.status not in (200, 404, 410):
        raise error_of(wire, answer, found, "coupons")
    return given


def _found(wire: Wire, access: ShopAccess, gift: Gift) -> dict[str, Any] | None:
    answer, rows = asked(wire, access, "GET", "coupons", query={"code": gift.code.lower()})
    if answer.status != 200 or not isinstance(rows, list):
        raise error_of(wire, answer, rows, "coupons")
    for row in rows:
        if not isinstance(row, dict) or str(row.get("code", "")).lower() != gift.code.lower():
            continue
        notes = [each for each in row.get("meta_data") or [] if isinstance(each, dict)]
        if any(
            each.get("key") == REFERENCE_META_KEY and each.get("value") == gift.reference for each in notes
        ):
            return row
        raise Refused(f"The shop has another coupon with the code {gift.code}.")
    return None


def _coupon(gift: Gift) -> dict[str, Any]:
    percent = gift.bps > 0
    coupon: dict[str, Any] = {
        "code": gift.code,
        "discount_type": "percent" if percent else "fixed_cart",
        "amount": f"{gift.bps / 100:.2f}" if percent else format_major(gift.amount_minor, gift.currency),
        "description": "A reward for a referral.",
        "usage_limit": 1,
        "usage_limit_per_user": 1,
        "meta_data": [{"key": REFERENCE_META_KEY, "value": gift.reference}],
    }
    if gift.email:
        coupon["email_restrictions"] = [gift.email]
    if gift.expires_at is not None:
        coupon["date_expires"] = gift.expires_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return coupon


def _given(row: dict[str, Any]) -> Given:
    used = row.get("usage_count")
    return Given(reference=str(row.get("id", ""))[:40], used=isinstance(used, int) and used > 0)
