"""WooCommerce bodies -> our events. Pure: no clock, no network, and no input raises."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from core.money import is_currency, prorate
from integrations.providers import (
    CustomerSeen,
    Ignored,
    OrderDeleted,
    OrderLine,
    OrderSeen,
    OrderState,
    ProviderEvent,
    RefundLine,
    SetAside,
)
from integrations.providers.reading import Fields, Unreadable, parsed, total_of

CLICK_META_KEY: Final = "_referral_click_id"
CODE_META_KEY: Final = "_referral_code"
REFERENCE_META_KEY: Final = "_referral_reference"
"""The own field of a coupon or an order of ours that holds our reference."""

_STATES: Final[dict[str, OrderState]] = {
    "checkout-draft": "pending",
    "auto-draft": "pending",
    "pending": "pending",
    "on-hold": "pending",
    "failed": "pending",
    "processing": "paid",
    "completed": "paid",
    "cancelled": "cancelled",
    "refunded": "refunded",
}
_MAX_CODE_LENGTH: Final = 100
MAX_LINES: Final = 500
MAX_NAME: Final = 100
_OWN_KEYS: Final = (CLICK_META_KEY, CODE_META_KEY, REFERENCE_META_KEY)
_CLICK_ID: Final = re.compile(r"[0-9A-Za-z_-]{1,64}")


def events(topic: str, payload: object) -> tuple[ProviderEvent, ...]:
    """Return what a webhook body, or one object of a REST list, means to us.

    `payload` is the raw body as bytes, or JSON that is already parsed. A signed REST error (a body is built
    when the job runs, and by then the order may be gone) is set aside, and so is everything malformed, with a
    sentence that names the field.
    """
    try:
        return (_event(topic, Fields.of(parsed(payload) if isinstance(payload, bytes) else payload)),)
    except Unreadable as error:
        return (SetAside(error.reason, error.sentence),)


def _event(topic: str, fields: Fields) -> ProviderEvent:
    error = _rest_error(fields)
    if error is not None:
        return error
    match topic:
        case "order.created" | "order.updated" | "order.restored":
            return _order(fields)
        case "order.deleted":
            return OrderDeleted(order_id=_id(fields, "id"))
        case "customer.created" | "customer.updated":
            return _customer(fields)
        case "action.woocommerce_order_refunded":
            order_id = _id(fields, "arg")
            return Ignored("no_amounts", f"The refund notice names order {order_id} but no amount.")
        case "":
            return SetAside("no_topic", "The header X-WC-Webhook-Topic is missing.")
        case _:
            return Ignored("topic", f"Messages of the topic {topic[:80]} change nothing here.")


def _rest_error(fields: Fields) -> SetAside | None:
    members = fields.members
    code, message, data = members.get("code"), members.get("message"), members.get("data")
    if not (
        isinstance(code, str) and isinstance(message, str) and isinstance(data, dict) and "status" in data
    ):
        return None
    # ascii() keeps what is shown printable and storable, whatever a shop's plug-in put there.
    said = f"{ascii(code[:80])[1:-1]}: {ascii(message[:200])[1:-1]}"
    return SetAside("rest_error", f"The shop sent an error instead of the object ({said}).")


def _order(fields: Fields) -> OrderSeen | OrderDeleted | Ignored:
    """Read a whole order.

    Processing and completed orders count as paid, with or without a date of payment: cash on delivery has
    none. A status that a plug-in invented counts as paid once there is such a date. Dates are read from the
    `_gmt` fields; the others are in the shop's zone. An order of ours, which hands a reward over, is no sale.
    """
    order_id = _id(fields, "id")
    status = fields.required("status")
    if not isinstance(status, str) or not status:
        raise Unreadable("wrong_type", "The field status must be text.")
    if status == "trash":
        return OrderDeleted(order_id=order_id)
    meta = _meta(fields)
    if REFERENCE_META_KEY in meta:
        return Ignored("own_order", f"Order {order_id} hands over a reward; it is no sale.")
    paid_at = fields.utc_or_none("date_paid_gmt")
    state = _STATES.get(status, "paid" if paid_at else "pending")
    currency = fields.text("currency")
    if not is_currency(currency):
        raise Unreadable("unknown_currency", "The field currency is not an active ISO 4217 code.")
    items = fields.children("line_items")
    amounts = [line.money("total", currency) for line in items]
    base_minor = total_of(amounts, "line_items")
    total_minor = total_of([fields.money("total", currency)], "total")
    refunds = _refunds(fields, currency, base_minor, total_minor)
    customer_id = fields.identifier("customer_id")
    billing = fields.child("billing")
    click_id = meta.get(CLICK_META_KEY, "")
    return OrderSeen(
        order_id=order_id,
        number=fields.text("number")[:60] or order_id,
        state=state,
        customer_external_id=str(customer_id) if customer_id else None,
        email=billing.email("email"),
        name=billing.person("first_name", "last_name"),
        country=billing.country("country"),
        currency=currency,
        base_minor=base_minor,
        total_minor=total_minor,
        refunded_minor=base_minor if state == "refunded" else sum(line.amount_minor for line in refunds),
        refunds=refunds,
        coupon_codes=_coupon_codes(fields),
        click_id=click_id if _CLICK_ID.fullmatch(click_id) else None,
        referral_code=meta.get(CODE_META_KEY, "")[:_MAX_CODE_LENGTH] or None,
        occurred_at=fields.utc("date_created_gmt"),
        paid_at=paid_at,
        modified_at=fields.utc("date_modified_gmt"),
        address=_plain(fields, "customer_ip_address", 64),
        user_agent=_plain(fields, "customer_user_agent", 1000),
        postal=_postal(billing),
        lines=_lines(items, amounts),
    )


def _lines(items: Sequence[Fields], amounts: Sequence[int]) -> tuple[OrderLine, ...]:
    """Return what was bought; a product without a SKU goes by its number in the shop.

    A plug-in may put a discount in as a line below zero. What each thing came to is then not known.
    """
    if amounts and min(amounts) < 0:
        return ()
    lines = []
    for item, amount_minor in zip(items, amounts, strict=True):
        sku, quantity = _plain(item, "sku", MAX_NAME), item.members.get("quantity")
        number = item.members.get("product_id")
        lines.append(
            OrderLine(
                sku=sku or (f"product-{number}" if isinstance(number, int) and number > 0 else ""),
                amount_minor=amount_minor,
                quantity=quantity if isinstance(quantity, int) and 1 <= quantity <= 1_000_000 else 1,
            )
        )
    return tuple(lines[:MAX_LINES])


def _plain(fields: Fields, name: str, longest: int) -> str:
    """Read a text that a shopper's browser gave: an odd one is passed over, for it holds no order back."""
    value = fields.members.get(name)
    return value.strip()[:longest] if isinstance(value, str) and value.isprintable() else ""


def _postal(billing: Fields) -> str:
    """Return the street, postcode and country in one spelling, or nothing without a street."""
    parts = [_plain(billing, name, 200) for name in ("address_1", "postcode", "country")]
    return " ".join(" ".join(parts).lower().split()) if parts[0] else ""


def _refunds(fields: Fields, currency: str, base_minor: int, total_minor: int) -> tuple[RefundLine, ...]:
    """Read `refunds[]` and say how much of the base each gave back.

    A refund carries one negative total that includes tax and shipping, and no lines. So money given back is
    taken to come from all parts of the order alike: after refunds of R in all, out of an order of T, the part
    of the base B that is refunded is B * min(R, T) / T, rounded half-even. Each refund gets the growth of
    that cumulative figure, oldest first, so the parts always add up to it, and to B exactly when all of T
    went back. Where nothing but merchandise was paid for, B equals T and 20.00 takes back exactly 20.00.
    """
    given = sorted(
        (refund.identifier("id"), abs(refund.money("total", currency)))
        for refund in fields.children("refunds")
    )
    if len({refund_id for refund_id, _ in given}) < len(given):
        raise Unreadable("bad_value", "The field refunds names the same refund twice.")
    lines: list[RefundLine] = []
    returned_minor = counted_minor = 0
    for refund_id, amount_minor in given:
        returned_minor += amount_minor
        reached_minor = (
            prorate(base_minor, min(returned_minor, total_minor), total_minor) if total_minor else 0
        )
        lines.append(RefundLine(str(refund_id), reached_minor - counted_minor, amount_minor))
        counted_minor = reached_minor
    return tuple(lines)


def _coupon_codes(fields: Fields) -> tuple[str, ...]:
    codes = []
    for line in fields.children("coupon_lines"):
        code = line.text("code").lower()
        if not code or len(code) > _MAX_CODE_LENGTH:
            raise Unreadable("bad_value", f"The field {line.named('code')} is empty or too long.")
        codes.append(code)
    return tuple(dict.fromkeys(codes))


def _meta(fields: Fields) -> dict[str, str]:
    """Read our own keys. Their values come from a shopper's browser, so odd ones are passed over: nobody
    may hold an order back by writing nonsense into a cookie.
    """
    found: dict[str, str] = {}
    if fields.members.get("meta_data") is None:
        return found
    for entry in fields.children("meta_data"):
        key, value = entry.members.get("key"), entry.members.get("value")
        if key in _OWN_KEYS and isinstance(value, str) and value.isprintable():
            found[str(key)] = value.strip()
    return found


def _customer(fields: Fields) -> CustomerSeen:
    return CustomerSeen(
        customer_external_id=_id(fields, "id"),
        email=fields.email("email"),
        name=fields.person("first_name", "last_name"),
        country=fields.child("billing").country("country"),
        occurred_at=fields.utc("date_created_gmt"),
        modified_at=fields.utc("date_modified_gmt"),
    )


def _id(fields: Fields, name: str) -> str:
    number = fields.identifier(name)
    if number == 0:
        raise Unreadable("bad_value", f"The field {name} must not be 0.")
    return str(number)
