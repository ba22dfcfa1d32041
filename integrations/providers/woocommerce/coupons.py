"""Discount codes as coupons of a WooCommerce shop: found before they are made, by code and our reference.

Fields and errors are those of the wc/v3 coupons endpoint; the shop writes codes in small letters.
"""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from core.http import Response, retry_after_seconds
from core.money import format_major
from integrations.providers import Gone, ProviderError, Reauthorise, Refused, Retry, ShopAccess
from integrations.providers.issuing import Gift, Given
from integrations.providers.payouts import Wire
from integrations.providers.woocommerce.calls import address

REFERENCE: Final = "_referral_reference"
"""The coupon's own field that holds our reference."""

TAKEN: Final = "woocommerce_rest_coupon_code_already_exists"


def issue(wire: Wire, access: ShopAccess, gift: Gift) -> Given:
    """Make the coupon, or find the one that was made before; raises a ProviderError."""
    known = _found(wire, access, gift)
    if known is not None:
        return _given(known)
    body = json.dumps(_coupon(gift)).encode()
    answer = _asked(wire, access, "POST", "coupons", body=body)
    made = _read(answer)
    if answer.status in (200, 201) and isinstance(made, dict) and made.get("id"):
        return _given(made)
    if isinstance(made, dict) and made.get("code") == TAKEN:
        known = _found(wire, access, gift)
        if known is not None:
            return _given(known)
    raise _error(answer, wire.at)


def cancel(wire: Wire, access: ShopAccess, gift: Gift) -> Given:
    """Delete the coupon unless it was used; one that is not there is fine. Raises a ProviderError."""
    known = _found(wire, access, gift)
    if known is None:
        return Given()
    given = _given(known)
    if given.used:
        return given
    path = f"coupons/{int(given.reference)}"
    answer = _asked(wire, access, "DELETE", path, query={"force": "true"})
    if answer.status not in (200, 404, 410):
        raise _error(answer, wire.at)
    return given


def _found(wire: Wire, access: ShopAccess, gift: Gift) -> dict[str, Any] | None:
    answer = _asked(wire, access, "GET", "coupons", query={"code": gift.code.lower()})
    rows = _read(answer)
    if answer.status != 200 or not isinstance(rows, list):
        raise _error(answer, wire.at)
    for row in rows:
        if not isinstance(row, dict) or str(row.get("code", "")).lower() != gift.code.lower():
            continue
        notes = [each for each in row.get("meta_data") or [] if isinstance(each, dict)]
        if any(each.get("key") == REFERENCE and each.get("value") == gift.reference for each in notes):
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
        "meta_data": [{"key": REFERENCE, "value": gift.reference}],
    }
    if gift.email:
        coupon["email_restrictions"] = [gift.email]
    if gift.expires_at is not None:
        coupon["date_expires"] = gift.expires_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return coupon


def _given(row: dict[str, Any]) -> Given:
    used = row.get("usage_count")
    return Given(reference=str(row.get("id", ""))[:40], used=isinstance(used, int) and used > 0)


def _asked(
    wire: Wire,
    access: ShopAccess,
    method: str,
    path: str,
    *,
    query: dict[str, str] | None = None,
    body: bytes | None = None,
) -> Response:
    nonce = secrets.token_hex(16)
    url, headers = address(access, path, method=method, query=query, at=wire.at, nonce=nonce)
    if body is not None:
        headers["content-type"] = "application/json"
    return wire.call(method, url, headers=headers, body=body)


def _read(answer: Response) -> object:
    try:
        found: object = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    return found


def _error(answer: Response, at: datetime) -> ProviderError:
    if answer.status in (408, 425, 429) or answer.status >= 500:
        after = retry_after_seconds(answer.headers, at=at)
        return Retry(timedelta(seconds=after) if after is not None else None)
    if answer.status in (401, 403):
        return Reauthorise(
            f"The shop refuses the keys (HTTP {answer.status}); they need the right to write coupons."
        )
    found = _read(answer)
    said = str(found.get("message") or "") if isinstance(found, dict) else ""
    said = "".join(filter(str.isprintable, said))[:200]
    if answer.status == 404:
        return Gone("The shop has no coupons under this address.")
    return Refused(f"The shop answered {answer.status}{': ' + said if said else ', and not with a coupon'}.")
