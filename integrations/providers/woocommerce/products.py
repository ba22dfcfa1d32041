"""Product rewards as orders of a WooCommerce shop: every line at 0.00, found before they are placed.

The REST API has no idempotency key, and orders cannot be found by their own fields. Its `search` looks
through the names of an order's items, whichever way the shop stores orders
(github.com/woocommerce/woocommerce: `search_orders` of class-wc-order-data-store-cpt.php,
`order_item_name` in OrdersTableSearchQuery.php; with the newer storage from 7.3 on, pull request 35818).
So each order has a fee line of 0.00 whose name ends in the second half of our reference, one word of letters
and digits, which a full-text index finds as well. The order's own field then says whether it is ours.
"""

from __future__ import annotations

from typing import Any, Final

from integrations.providers import Refused, Retry, ShopAccess
from integrations.providers.issuing import Gift, Given
from integrations.providers.payouts import Wire
from integrations.providers.woocommerce.calls import asked, error_of
from integrations.providers.woocommerce.events import REFERENCE_META_KEY

REWARD_META_KEY: Final = "_referral_reward"
"""The order's own field that holds the public id of the reward, or of the redemption."""

NOTE: Final = "A reward for a referral. Nothing is to be paid."
NO_ADDRESS: Final = f"{NOTE} We know no postal address: ask by e-mail before it is sent."

_UNSHIPPED: Final = ("pending", "on-hold", "processing")
_OVER: Final = ("cancelled", "failed", "refunded", "trash")
_ORDERED: Final = ("simple", "variation", "bundle", "composite")
_ADDRESS: Final = ("company", "address_1", "address_2", "city", "state", "postcode", "country", "phone")


def issue(wire: Wire, access: ShopAccess, gift: Gift) -> Given:
    """Order the product for its owner, or find the order that was placed before; raises a ProviderError.

    An order of ours that was cancelled meanwhile is opened again.
    """
    known = _found(wire, access, gift)
    if known is not None and known.get("status") not in _OVER:
        return _given(known)
    product = _product(wire, access, gift)
    if known is not None:
        return _given(_moved(wire, access, known, "processing"))
    body = _order(gift, product, _account(wire, access, gift.email))
    answer, made = asked(wire, access, "POST", "orders", body=body)
    if answer.status in (200, 201) and isinstance(made, dict) and made.get("id"):
        return _given(made)
    if answer.status in (200, 201):
        # Something stands before the shop that answers for it: look again before anything is ordered.
        raise Retry
    raise error_of(wire, answer, made, "orders")


def cancel(wire: Wire, access: ShopAccess, gift: Gift) -> Given:
    """Cancel the order unless it was sent, and say what was done; raises a ProviderError."""
    known = _found(wire, access, gift)
    if known is None:
        return Given()
    number, status = _number(known), str(known.get("status", ""))[:40]
    if status in _OVER:
        return Given(reference=str(known["id"]), told=f"The shop's order {number} is {status} already.")
    if status not in _UNSHIPPED:
        return Given(reference=str(known["id"]), kept=f"The shop's order {number} is {status} already.")
    _moved(wire, access, known, "cancelled")
    return Given(reference=str(known["id"]), told=f"The shop's order {number} was cancelled.")


def _found(wire: Wire, access: ShopAccess, gift: Gift) -> dict[str, Any] | None:
    """Return the order that was placed under our reference; the newest, should there be several."""
    query = {"search": _word(gift), "per_page": "20", "orderby": "id", "order": "desc"}
    answer, rows = asked(wire, access, "GET", "orders", query=query)
    if answer.status != 200 or not isinstance(rows, list):
        raise error_of(wire, answer, rows, "orders")
    ours = [row for row in rows if isinstance(row, dict) and row.get("id") and _is_ours(row, gift)]
    standing = [row for row in ours if row.get("status") not in _OVER]
    if len(standing) > 1:
        numbers = " and ".join(_number(row) for row in standing[:5])
        raise Refused(f"The shop has several orders for this reward: {numbers}. Cancel all but one.")
    return next(iter([*standing, *ours]), None)


def _is_ours(row: dict[str, Any], gift: Gift) -> bool:
    notes = [each for each in row.get("meta_data") or [] if isinstance(each, dict)]
    return any(
        each.get("key") == REFERENCE_META_KEY and each.get("value") == gift.reference for each in notes
    )


def _product(wire: Wire, access: ShopAccess, gift: Gift) -> dict[str, Any]:
    """Return the product, or the variation, with the number; refused where it cannot be ordered."""
    if not gift.sku:
        raise Refused("The reward names no product number.")
    if not gift.email:
        raise Refused("The shop needs an e-mail address for the order, and none is known.")
    answer, rows = asked(wire, access, "GET", "products", query={"sku": gift.sku})
    if answer.status != 200 or not isinstance(rows, list):
        raise error_of(wire, answer, rows, "products")
    # The shop takes a comma for the end of a number, and answers with others then.
    same = [
        row for row in rows if isinstance(row, dict) and str(row.get("sku")) == gift.sku and row.get("id")
    ]
    if not same:
        raise Refused(f"The shop has no product with the number {gift.sku}.")
    if len(same) > 1:
        raise Refused(f"The shop has several products with the number {gift.sku}.")
    (product,) = same
    if product.get("type") not in _ORDERED:
        raise Refused(f"The product {gift.sku} cannot be ordered as it is; name one of its variations.")
    if product.get("stock_status") == "outofstock":
        raise Refused(f"The product {gift.sku} is out of stock in the shop.")
    return product


def _account(wire: Wire, access: ShopAccess, email: str) -> dict[str, Any]:
    """Return the owner's account in the shop, which knows where they live; empty where there is none.

    Keys that may not read accounts leave it at that: the order can do without.
    """
    answer, rows = asked(wire, access, "GET", "customers", query={"email": email, "role": "all"})
    if answer.status in (401, 403):
        return {}
    if answer.status != 200 or not isinstance(rows, list):
        raise error_of(wire, answer, rows, "customers")
    same = (row for row in rows if isinstance(row, dict) and str(row.get("email")).lower() == email.lower())
    return next(same, {})


def _order(gift: Gift, product: dict[str, Any], account: dict[str, Any]) -> dict[str, Any]:
    first, _, last = gift.name.rpartition(" ")
    name = {"first_name": first or last, "last_name": last if first else ""}
    billing, shipping = _address(account, "billing"), _address(account, "shipping")
    # An account's shipping address is empty where it is the other one.
    shipping = shipping if shipping.get("address_1") else billing
    country = {"country": gift.country} if gift.country and not billing.get("country") else {}
    nothing = {"subtotal": "0.00", "total": "0.00"}
    variation = product.get("type") == "variation"
    line = {
        "product_id": product.get("parent_id") if variation else product["id"],
        **({"variation_id": product["id"]} if variation else {}),
        "quantity": 1,
        **nothing,
    }
    order: dict[str, Any] = {
        "status": "processing",
        "billing": {**name, **billing, **country, "email": gift.email},
        "line_items": [line],
        "fee_lines": [{"name": f"Referral reward {_word(gift)}", "tax_status": "none", "total": "0.00"}],
        "customer_note": NOTE if shipping.get("address_1") else NO_ADDRESS,
        "meta_data": [
            {"key": REFERENCE_META_KEY, "value": gift.reference},
            {"key": REWARD_META_KEY, "value": gift.about},
        ],
    }
    if shipping.get("address_1"):
        order["shipping"] = {**name, **shipping}
    if isinstance(account.get("id"), int) and account["id"] > 0:
        order["customer_id"] = account["id"]
    return order


def _address(account: dict[str, Any], kind: str) -> dict[str, str]:
    found = account.get(kind)
    known = found if isinstance(found, dict) else {}
    fields = [*_ADDRESS, "first_name", "last_name"]
    return {name: known[name] for name in fields if isinstance(known.get(name), str) and known[name]}


def _moved(wire: Wire, access: ShopAccess, known: dict[str, Any], status: str) -> dict[str, Any]:
    """Put an order into another status; returns it as the shop has it then."""
    answer, found = asked(wire, access, "PUT", f"orders/{int(known['id'])}", body={"status": status})
    if answer.status != 200 or not isinstance(found, dict):
        raise error_of(wire, answer, found, "orders")
    if found.get("status") != status:
        raise Refused(f"The shop left its order {_number(known)} {str(found.get('status', ''))[:40]}.")
    return found


def _given(row: dict[str, Any]) -> Given:
    return Given(reference=str(row["id"])[:40], details={"note": "The shop sends it to you."})


def _number(row: dict[str, Any]) -> str:
    return str(row.get("number") or row.get("id"))[:40]


def _word(gift: Gift) -> str:
    """Return what the order is searched for by: an underscore would end a word of a full-text index."""
    return gift.reference.rpartition("_")[2]
