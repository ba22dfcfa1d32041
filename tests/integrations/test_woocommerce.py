"""WooCommerce signatures and events: every captured body exactly, and hostile ones without an exception."""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.captured import CapturedRequest, load
from integrations.providers import (
    CustomerSeen,
    Ignored,
    OrderDeleted,
    OrderLine,
    OrderSeen,
    ProviderEvent,
    RefundLine,
    SetAside,
)
from integrations.providers.woocommerce.events import events
from integrations.providers.woocommerce.signature import fingerprint, is_ping, topic, verify

FOLDER = Path(__file__).parents[1] / "contracts" / "woocommerce"
SECRET = 'whsec-test-<&>"quote'
CAPTURED = {request.name[:4]: request for request in load(FOLDER)}

ANN_PENDING = OrderSeen(
    order_id="12",
    number="12",
    state="pending",
    customer_external_id="2",
    email="ann@example.test",
    name="Ann Öström",
    country="US",
    currency="USD",
    base_minor=8820,
    total_minor=8820,
    refunded_minor=0,
    refunds=(),
    coupon_codes=("ref-ann-10",),
    click_id=None,
    referral_code="FRIEND42",
    occurred_at=datetime(2026, 11, 21, 20, 42, 30, tzinfo=UTC),
    paid_at=None,
    modified_at=datetime(2026, 11, 21, 20, 42, 30, tzinfo=UTC),
    postal="1 main st 94103 us",
    lines=(OrderLine(sku="TEE-BLUE", amount_minor=8820, quantity=2),),
)
ANN_REFUNDED_IN_PART = OrderSeen(
    order_id="12",
    number="12",
    state="paid",
    customer_external_id="2",
    email="ann@example.test",
    name="Ann Öström",
    country="US",
    currency="USD",
    base_minor=8820,
    total_minor=8820,
    refunded_minor=2000,
    refunds=(RefundLine(external_id="13", amount_minor=2000, total_minor=2000),),
    coupon_codes=("ref-ann-10",),
    click_id=None,
    referral_code="FRIEND42",
    occurred_at=datetime(2026, 11, 21, 20, 42, 30, tzinfo=UTC),
    paid_at=datetime(2026, 11, 21, 20, 42, 32, tzinfo=UTC),
    modified_at=datetime(2026, 11, 21, 20, 42, 36, tzinfo=UTC),
    postal="1 main st 94103 us",
    lines=(OrderLine(sku="TEE-BLUE", amount_minor=8820, quantity=2),),
)
NAMELESS = OrderSeen(
    order_id="21",
    number="21",
    state="paid",
    customer_external_id=None,
    email=None,
    name="",
    country="",
    currency="USD",
    base_minor=4900,
    total_minor=4900,
    refunded_minor=0,
    refunds=(),
    coupon_codes=(),
    click_id=None,
    referral_code=None,
    occurred_at=datetime(2026, 11, 21, 20, 44, 4, tzinfo=UTC),
    paid_at=datetime(2026, 11, 21, 20, 44, 4, tzinfo=UTC),
    modified_at=datetime(2026, 11, 21, 20, 44, 4, tzinfo=UTC),
    lines=(OrderLine(sku="TEE-BLUE", amount_minor=4900, quantity=1),),
)
BO_WITH_COUPON = OrderSeen(
    order_id="23",
    number="23",
    state="paid",
    customer_external_id=None,
    email="bo@example.test",
    name="Bo Li",
    country="US",
    currency="USD",
    base_minor=8300,
    total_minor=8300,
    refunded_minor=0,
    refunds=(),
    coupon_codes=("friend42",),
    click_id=None,
    referral_code=None,
    occurred_at=datetime(2026, 11, 21, 20, 44, 7, tzinfo=UTC),
    paid_at=None,
    modified_at=datetime(2026, 11, 21, 20, 44, 7, tzinfo=UTC),
    address="127.0.0.1",
    user_agent="python-requests/2.34.2",
    postal="2 side st 94607 us",
    lines=(OrderLine(sku="TEE-BLUE", amount_minor=8300, quantity=2),),
)
ANN = CustomerSeen(
    customer_external_id="2",
    email="ann@example.test",
    name="Ann Öström",
    country="",
    occurred_at=datetime(2026, 11, 21, 20, 42, 28, tzinfo=UTC),
    modified_at=datetime(2026, 11, 21, 20, 42, 29, tzinfo=UTC),
)
ANNA = CustomerSeen(
    customer_external_id="2",
    email="ann@example.test",
    name="Anna Öström",
    country="",
    occurred_at=datetime(2026, 11, 21, 20, 42, 28, tzinfo=UTC),
    modified_at=datetime(2026, 11, 21, 20, 42, 38, tzinfo=UTC),
)
REST_ERROR = SetAside(
    "rest_error",
    "The shop sent an error instead of the object (woocommerce_rest_shop_order_invalid_id: Invalid ID.).",
)
NEW_COUPON = Ignored("topic", "Messages of the topic coupon.created change nothing here.")


def headers_of(request: CapturedRequest) -> dict[str, str]:
    return dict(request.headers)


def only(name: str, payload: object) -> ProviderEvent:
    (event,) = events(name, payload)
    return event


def order(number: str = "0016") -> dict[str, Any]:
    """Return a captured order to change: 0016 is paid 88.20 and has a refund of 20.00."""
    payload: dict[str, Any] = copy.deepcopy(json.loads(CAPTURED[number].body))
    return payload


def seen(payload: object) -> OrderSeen:
    event = only("order.updated", payload)
    assert isinstance(event, OrderSeen), event
    return event


# Every captured body


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("0010", Ignored("topic", "Messages of the topic product.created change nothing here.")),
        ("0011", ANN),
        ("0012", ANN),
        ("0013", NEW_COUPON),
        ("0014", ANN_PENDING),
        ("0015", ANN_PENDING),
        ("0016", ANN_REFUNDED_IN_PART),
        ("0017", ANNA),
        ("0018", Ignored("no_amounts", "The refund notice names order 12 but no amount.")),
        ("0019", REST_ERROR),
        ("0020", REST_ERROR),
        ("0033", NAMELESS),
        ("0034", NAMELESS),
        ("0035", OrderDeleted(order_id="21")),
        ("0036", NEW_COUPON),
        ("0037", BO_WITH_COUPON),
        ("0038", BO_WITH_COUPON),
    ],
)
def test_every_captured_body_gives_exactly_its_event(number: str, expected: ProviderEvent) -> None:
    request = CAPTURED[number]
    name = topic(headers_of(request))

    assert events(name, request.body) == (expected,)
    assert events(name, json.loads(request.body)) == (expected,)


# Signature, fingerprint, ping


def test_the_signature_covers_every_byte_and_the_secret() -> None:
    request = CAPTURED["0016"]
    headers = headers_of(request)

    assert verify(headers, request.body, SECRET)
    assert verify({name.upper(): value for name, value in headers.items()}, request.body, SECRET)
    assert not verify(headers, request.body + b"\n", SECRET)
    assert not verify(headers, request.body[:-1], SECRET)
    assert not verify(headers, request.body, "whsec-test-&lt;&amp;&gt;&quot;quote")
    assert not verify(headers, request.body, "")


@pytest.mark.parametrize(
    "signature", ["", " ", "=", "!!!", "abc", "ö", "\udcff", "a" * 100_000, "v1,abc", "\x00", "None"]
)
def test_malformed_signatures_are_not_accepted(signature: str) -> None:
    request = CAPTURED["0016"]

    assert not verify({**headers_of(request), "X-WC-Webhook-Signature": signature}, request.body, SECRET)


def test_a_missing_signature_or_an_empty_secret_is_not_accepted() -> None:
    unkeyed = base64.b64encode(hmac.new(b"", b"{}", hashlib.sha256).digest()).decode()

    assert not verify({}, b"{}", SECRET)
    assert not verify({"X-WC-Webhook-Signature": unkeyed}, b"{}", "")


@given(st.dictionaries(st.text(), st.text()), st.text(), st.binary(), st.text())
def test_nothing_raises_before_the_body_is_read(
    headers: dict[str, str], signature: str, body: bytes, secret: str
) -> None:
    headers = {**headers, "x-wc-webhook-signature": signature, "X-WC-Webhook-Topic": signature}

    assert verify(headers, body, secret) is False
    assert is_ping(headers, body) is False or not signature
    assert len(topic(headers)) <= 80
    assert len(fingerprint(headers, body)) <= 90


def test_the_fingerprint_is_the_webhook_and_the_body_not_the_delivery() -> None:
    prints = {number: fingerprint(headers_of(request), request.body) for number, request in CAPTURED.items()}

    # SHA-256 of {"id":21}
    assert prints["0035"] == "3:9103bc7681cd9138327d62516c1231e49b3ec204018f10a10fccef9a45ce5d62"
    assert len(set(prints.values())) == len(prints)
    request = CAPTURED["0035"]
    again = {**headers_of(request), "X-WC-Webhook-Delivery-ID": "another"}
    assert fingerprint(again, request.body) == prints["0035"]
    assert fingerprint({**again, "X-WC-Webhook-ID": "4"}, request.body) != prints["0035"]
    assert fingerprint(again, request.body + b" ") != prints["0035"]
    assert fingerprint({}, b"").startswith("?:")
    assert fingerprint({"x-wc-webhook-id": "1:2\n"}, b"").startswith("?:")


def test_only_the_unsigned_form_encoded_notice_is_a_ping() -> None:
    request = CAPTURED["0001"]
    headers = headers_of(request)

    assert is_ping(headers, request.body)
    assert is_ping(
        {**headers, "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}, request.body
    )
    assert topic(headers) == ""
    assert not is_ping({**headers, "X-WC-Webhook-Signature": "x"}, request.body)
    assert not is_ping({**headers, "Content-Type": "application/json"}, request.body)
    assert not is_ping(headers, b"webhook_id=1&more=1")
    assert not is_ping(headers, b"webhook_id=")
    assert not any(
        is_ping(headers_of(other), other.body) for name, other in CAPTURED.items() if name != "0001"
    )


# States


@pytest.mark.parametrize(
    ("status", "paid", "state"),
    [
        ("checkout-draft", False, "pending"),
        ("pending", False, "pending"),
        ("on-hold", False, "pending"),
        ("failed", True, "pending"),
        ("processing", False, "paid"),
        ("processing", True, "paid"),
        ("completed", True, "paid"),
        ("cancelled", True, "cancelled"),
        ("refunded", True, "refunded"),
        ("wc-shipped", True, "paid"),
        ("wc-shipped", False, "pending"),
    ],
)
def test_each_status_has_a_state(status: str, paid: bool, state: str) -> None:
    payload = order("0014")
    payload["status"] = status
    payload["date_paid_gmt"] = "2026-11-21T20:43:00" if paid else None

    assert seen(payload).state == state


def test_a_trashed_order_counts_as_deleted() -> None:
    assert only("order.updated", {**order(), "status": "trash"}) == OrderDeleted(order_id="12")


def test_a_restored_order_is_read_whole() -> None:
    assert only("order.restored", order()) == ANN_REFUNDED_IN_PART


# Money


def with_money(
    lines: list[str], total: str, refunds: list[tuple[int, str]], currency: str = "USD"
) -> OrderSeen:
    payload = order()
    line, refund = payload["line_items"][0], payload["refunds"][0]
    payload["currency"] = currency
    payload["total"] = total
    payload["line_items"] = [{**line, "total": text} for text in lines]
    payload["refunds"] = [{**refund, "id": number, "total": text} for number, text in refunds]
    return seen(payload)


def test_the_base_is_merchandise_after_discounts_without_tax_and_shipping() -> None:
    found = with_money(["80.00", "20.50"], "135.00", [])

    assert (found.base_minor, found.total_minor, found.refunded_minor) == (10_050, 13_500, 0)


def test_a_refund_takes_back_its_share_of_the_base() -> None:
    # 60.00 of 130.00 came back: 100.00 * 60 / 130 = 46.153...
    found = with_money(["100.00"], "130.00", [(7, "-60.00")])

    assert found.refunds == (RefundLine("7", 4615, 6000),)
    assert found.refunded_minor == 4615


def test_refunds_add_up_to_the_base_and_an_earlier_one_keeps_its_share() -> None:
    one = with_money(["10.00"], "30.00", [(5, "-10.00")])
    two = with_money(["10.00"], "30.00", [(6, "-10.00"), (5, "-10.00")])
    three = with_money(["10.00"], "30.00", [(7, "-10.00"), (6, "-10.00"), (5, "-10.00")])

    assert one.refunds == (RefundLine("5", 333, 1000),)
    assert two.refunds == (RefundLine("5", 333, 1000), RefundLine("6", 334, 1000))
    assert three.refunds == (*two.refunds, RefundLine("7", 333, 1000))
    assert three.refunded_minor == three.base_minor == 1000


@given(
    st.integers(0, 10**9),
    st.integers(0, 10**6),
    st.lists(st.integers(0, 10**9), max_size=6),
)
def test_refunded_parts_never_exceed_the_base(base: int, rest: int, amounts: list[int]) -> None:
    refunds = [(position + 1, f"-{amount}") for position, amount in enumerate(amounts)]
    found = with_money([str(base)], str(base + rest), refunds, "JPY")

    assert 0 <= found.refunded_minor <= found.base_minor == base
    assert found.refunded_minor == sum(line.amount_minor for line in found.refunds)
    assert all(line.amount_minor >= 0 for line in found.refunds)
    if sum(amounts) >= base + rest > 0:
        assert found.refunded_minor == base


def test_a_refunded_order_gives_back_its_whole_base_even_without_refund_lines() -> None:
    payload = {**order(), "status": "refunded", "refunds": []}

    assert (seen(payload).refunded_minor, seen(payload).refunds) == (8820, ())


def test_an_order_of_nothing_can_be_refunded() -> None:
    found = with_money(["10.00"], "0.00", [(1, "-0.00")])

    assert (found.base_minor, found.total_minor, found.refunded_minor) == (1000, 0, 0)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("88", "USD", 8800),
        ("88.2", "USD", 8820),
        ("88.2000", "USD", 8820),
        ("10.05", "USD", 1005),
        ("88.00", "JPY", 88),
        ("88.125", "KWD", 88_125),
    ],
)
def test_shops_with_other_decimals_are_read_exactly(text: str, currency: str, minor: int) -> None:
    assert with_money([text], text, [], currency).total_minor == minor


def test_an_order_without_lines_has_no_base() -> None:
    assert with_money([], "5.00", []).base_minor == 0


# People, codes, clicks


def test_coupon_codes_are_lower_case_and_named_once() -> None:
    payload = order()
    line = payload["coupon_lines"][0]
    payload["coupon_lines"] = [{**line, "code": code} for code in ("FRIEND42", " Other ", "friend42", "ÖL")]

    assert seen(payload).coupon_codes == ("friend42", "other", "öl")


@pytest.mark.parametrize(
    ("key", "value", "click_id", "code"),
    [
        ("_referral_click_id", "clk_01JD7QF8Z", "clk_01JD7QF8Z", None),
        ("_referral_click_id", " clk_1 ", "clk_1", None),
        ("_referral_click_id", "clk_1'; --", None, None),
        ("_referral_click_id", "a" * 65, None, None),
        ("_referral_click_id", {"a": 1}, None, None),
        ("_referral_click_id", "\x00\ud800", None, None),
        ("_referral_code", "FRIEND42", None, "FRIEND42"),
        ("_referral_code", "x" * 500, None, "x" * 100),
        ("_referral_code", "", None, None),
        ("_referral_code", 42, None, None),
        ("other", "clk_1", None, None),
        (["_referral_click_id"], "clk_1", None, None),
    ],
)
def test_what_a_shopper_can_write_never_holds_an_order_back(
    key: object, value: object, click_id: str | None, code: str | None
) -> None:
    payload = {**order(), "meta_data": [{"id": 1, "key": key, "value": value}]}

    assert (seen(payload).click_id, seen(payload).referral_code) == (click_id, code)


def test_what_a_privacy_plug_in_left_out_is_unknown() -> None:
    payload = order()
    for name in ("billing", "meta_data", "number"):
        del payload[name]
    found = seen(payload)

    assert (found.email, found.name, found.country, found.number) == (None, "", "", "12")
    assert (found.click_id, found.referral_code) == (None, None)


def test_long_names_are_cut_and_odd_countries_are_unknown() -> None:
    payload = order()
    payload["billing"] |= {"first_name": " A  b\n", "last_name": "c" * 500, "country": "usa"}
    found = seen(payload)

    assert (found.name, found.country) == ("A b " + "c" * 196, "")


# Hostile bodies


def set_at(payload: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    target: Any = payload
    *parents, last = path.split("/")
    for step in parents:
        target = target[int(step) if step.isdigit() else step]
    target[last] = value
    return payload


@pytest.mark.parametrize(
    ("path", "value", "reason", "field"),
    [
        ("id", "12", "wrong_type", "id"),
        ("id", True, "wrong_type", "id"),
        ("id", 12.0, "wrong_type", "id"),
        ("id", None, "wrong_type", "id"),
        ("id", 0, "bad_value", "id"),
        ("id", -1, "bad_value", "id"),
        ("id", 2**63, "bad_value", "id"),
        ("status", None, "wrong_type", "status"),
        ("status", "", "wrong_type", "status"),
        ("status", {"a": []}, "wrong_type", "status"),
        ("currency", "XXX", "unknown_currency", "currency"),
        ("currency", "usd", "unknown_currency", "currency"),
        ("currency", "", "unknown_currency", "currency"),
        ("currency", 840, "wrong_type", "currency"),
        ("total", 88.2, "wrong_type", "total"),
        ("total", "88,20", "not_a_number", "total"),
        ("total", "1e3", "not_a_number", "total"),
        ("total", "1.2.000", "not_a_number", "total"),
        ("total", "", "not_a_number", "total"),
        ("total", "88.205", "too_many_decimals", "total"),
        ("total", "9" * 40, "too_large", "total"),
        ("total", "9" * 5000, "too_large", "total"),
        ("total", "-1.00", "bad_value", "total"),
        ("line_items", {}, "wrong_type", "line_items"),
        ("line_items", [7], "wrong_type", "line_items[0]"),
        ("line_items/0/total", None, "wrong_type", "line_items[0].total"),
        ("line_items/0/total", "x", "not_a_number", "line_items[0].total"),
        ("line_items/0/total", "-5.00", "bad_value", "line_items"),
        ("refunds", "x", "wrong_type", "refunds"),
        ("refunds/0/total", -20, "wrong_type", "refunds[0].total"),
        ("refunds/0/id", "13", "wrong_type", "refunds[0].id"),
        ("customer_id", "2", "wrong_type", "customer_id"),
        ("customer_id", -2, "bad_value", "customer_id"),
        ("billing", [], "wrong_type", "billing"),
        ("billing/email", 5, "wrong_type", "billing.email"),
        ("billing/email", "nobody", "bad_value", "billing.email"),
        ("billing/email", "a@b c", "bad_value", "billing.email"),
        ("billing/email", "a@" + "b" * 300, "bad_value", "billing.email"),
        ("billing/first_name", "a\x00", "bad_value", "billing.first_name"),
        ("billing/last_name", "\ud83d", "bad_value", "billing.last_name"),
        ("billing/country", 1, "wrong_type", "billing.country"),
        ("number", 12, "wrong_type", "number"),
        ("coupon_lines", None, "wrong_type", "coupon_lines"),
        ("coupon_lines/0/code", "", "bad_value", "coupon_lines[0].code"),
        ("coupon_lines/0/code", "x" * 101, "bad_value", "coupon_lines[0].code"),
        ("meta_data", "x", "wrong_type", "meta_data"),
        ("date_created_gmt", None, "wrong_type", "date_created_gmt"),
        ("date_created_gmt", 1795293750, "wrong_type", "date_created_gmt"),
        ("date_created_gmt", "yesterday", "bad_value", "date_created_gmt"),
        ("date_created_gmt", "2026-02-30T00:00:00", "bad_value", "date_created_gmt"),
        ("date_modified_gmt", "2026-11-21T20:42:30+05:00", "bad_value", "date_modified_gmt"),
        ("date_modified_gmt", "0000-00-00T00:00:00", "bad_value", "date_modified_gmt"),
        ("date_paid_gmt", "", "bad_value", "date_paid_gmt"),
    ],
)
def test_a_wrong_value_is_set_aside_and_its_field_named(
    path: str, value: object, reason: str, field: str
) -> None:
    event = only("order.updated", set_at(order(), path, value))

    assert isinstance(event, SetAside)
    assert event.reason == reason
    assert f" {field} " in event.sentence.replace(":", " ").replace(",", " ")
    assert len(event.sentence) < 200


@pytest.mark.parametrize(
    "name",
    [
        "id",
        "status",
        "currency",
        "total",
        "line_items",
        "refunds",
        "coupon_lines",
        "customer_id",
        "date_created_gmt",
        "date_modified_gmt",
        "date_paid_gmt",
    ],
)
def test_a_missing_field_is_set_aside_and_named(name: str) -> None:
    payload = order()
    del payload[name]
    event = only("order.updated", payload)

    assert isinstance(event, SetAside)
    if name == "currency":
        assert event == SetAside("unknown_currency", "The field currency is not an active ISO 4217 code.")
    else:
        assert event == SetAside("missing_field", f"The field {name} is missing.")


def test_the_same_refund_twice_and_sums_beyond_measure_are_set_aside() -> None:
    twice = order()
    twice["refunds"] *= 2
    huge = order()
    huge["line_items"] = [{**huge["line_items"][0], "total": "9000000000000.00"}] * 2

    assert only("order.updated", twice) == SetAside(
        "bad_value", "The field refunds names the same refund twice."
    )
    assert only("order.updated", huge) == SetAside(
        "bad_value", "The amounts in line_items add up to less than nothing or to too much."
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not_json"),
        (CAPTURED["0016"].body[:-1], "not_json"),
        (CAPTURED["0016"].body[:1000], "not_json"),
        (b"\xff\xfe{}", "not_json"),
        (b'{"id": "\xff"}', "not_json"),
        (b"[" * 100_000, "not_json"),
        (b'{"id": ' + b"9" * 5000 + b"}", "not_json"),
        (b"[]", "wrong_type"),
        (b"null", "wrong_type"),
        (b'"text"', "wrong_type"),
        (b"12", "wrong_type"),
        (b"NaN", "wrong_type"),
        (b"{}", "missing_field"),
        (b'{"id": 1e999}', "wrong_type"),
        (b'{"id": NaN}', "wrong_type"),
    ],
)
def test_bodies_that_are_not_an_order_are_set_aside(body: bytes, reason: str) -> None:
    event = only("order.updated", body)

    assert isinstance(event, SetAside)
    assert event.reason == reason


def test_every_truncation_of_a_body_is_set_aside() -> None:
    body = CAPTURED["0037"].body

    for length in range(0, len(body), 7):
        assert isinstance(only("order.updated", body[:length]), SetAside)


def test_a_rest_error_is_recognised_whatever_the_topic_and_quoted_safely() -> None:
    payload = {"code": "rest_forbidden", "message": "Nö\x00" + "x" * 500, "data": {"status": 401}}

    for name in ("order.updated", "customer.created", "product.created", ""):
        event = only(name, payload)
        assert isinstance(event, SetAside)
        assert event.reason == "rest_error"
        assert "rest_forbidden: N\\xf6\\x00xxx" in event.sentence
        assert len(event.sentence) < 1200


def test_other_topics_change_nothing() -> None:
    assert only("order.archived", order()) == Ignored(
        "topic", "Messages of the topic order.archived change nothing here."
    )
    assert only("customer.deleted", {"id": 2}) == Ignored(
        "topic", "Messages of the topic customer.deleted change nothing here."
    )
    assert only("", order()) == SetAside("no_topic", "The header X-WC-Webhook-Topic is missing.")


def test_notices_with_a_bad_id_are_set_aside() -> None:
    assert only("order.deleted", {"id": 0}) == SetAside("bad_value", "The field id must not be 0.")
    assert only("order.deleted", {"id": "21"}) == SetAside(
        "wrong_type", "The field id must be a whole number."
    )
    assert only("action.woocommerce_order_refunded", {"arg": [12]}) == SetAside(
        "wrong_type", "The field arg must be a whole number."
    )


TOPICS = st.sampled_from(
    [
        "order.created",
        "order.updated",
        "order.deleted",
        "customer.created",
        "action.woocommerce_order_refunded",
        "coupon.created",
        "",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(TOPICS, JSON)
def test_no_json_raises(name: str, payload: object) -> None:
    assert len(events(name, payload)) == 1


@given(TOPICS, st.binary())
def test_no_bytes_raise(name: str, body: bytes) -> None:
    assert len(events(name, body)) == 1


@given(
    st.sampled_from(["0011", "0014", "0016", "0035", "0037"]),
    st.dictionaries(
        st.sampled_from(sorted(order() | order("0011") | {"arg": 1})), JSON, min_size=1, max_size=4
    ),
    TOPICS,
)
def test_no_captured_body_with_random_members_raises(
    number: str, members: dict[str, object], name: str
) -> None:
    (event,) = events(name, {**order(number), **members})

    # Whatever was accepted can be stored and shown.
    repr(event).encode()
    if isinstance(event, OrderSeen):
        assert 0 <= event.refunded_minor <= event.base_minor


@given(
    st.sampled_from(["line_items", "refunds", "coupon_lines", "meta_data"]),
    st.sampled_from(["id", "total", "code", "key", "value"]),
    JSON,
)
def test_no_random_entry_of_a_list_raises(name: str, member: str, value: object) -> None:
    payload = order()
    payload[name][0][member] = value

    assert len(events("order.updated", payload)) == 1


def test_lines_without_a_sku_and_below_zero() -> None:
    order = json.loads(CAPTURED["0014"].body)
    (item,) = order["line_items"]
    order["line_items"] = [
        {**item, "sku": "", "product_id": 77, "total": "10.00"},
        {**item, "sku": None, "product_id": 0, "quantity": "x", "total": "5.00"},
    ]
    (event,) = events("order.updated", order)
    assert isinstance(event, OrderSeen)
    assert event.lines == (OrderLine("product-77", 1_000, 2), OrderLine("", 500, 1))
    order["line_items"][1]["total"] = "-5.00"
    (event,) = events("order.updated", order)
    assert isinstance(event, OrderSeen)
    assert (event.base_minor, event.lines) == (500, ())
