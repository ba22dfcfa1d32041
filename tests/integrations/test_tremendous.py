"""Tremendous' folder against a fake of it over real HTTP: orders once, deliveries, errors, signatures."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import MAX_MINOR, format_major
from integrations.providers import Gone, Ignored, Reauthorise, Refused, Retry, SetAside
from integrations.providers.payouts import ItemResult, PayoutTouched, Wire, minor_of
from integrations.providers.tremendous import signature
from integrations.providers.tremendous.calls import denomination
from integrations.providers.tremendous.events import events
from integrations.providers.tremendous.payouts import check, find, send, status
from tests.conftest import AT
from tests.contracts.fakes.server import Fault, Reply, running
from tests.contracts.fakes.tremendous import FUNDING, Tremendous
from tests.integrations.wires import access_to, item, seconds, wire_to

ORDER = "POST /api/v2/orders"


@pytest.fixture
def tremendous() -> Iterator[Tremendous]:
    """Tremendous, which fails the test in the end if a request broke its contract."""
    with running(Tremendous()) as vendor:
        yield vendor


def sent(tremendous: Tremendous, *items: Any, **changes: Any) -> Any:
    return send(wire_to(tremendous, **changes), access_to(tremendous), "pyb_1", items)


def report(tremendous: Tremendous, *items: Any, page: str = "", **changes: Any) -> Any:
    return status(
        wire_to(tremendous, **changes),
        access_to(tremendous),
        batch_id="pyb_1",
        provider_batch_id="pyb_1",
        items=items,
        page=page,
    )


# Amounts


@given(st.integers(1, MAX_MINOR), st.sampled_from(["JPY", "USD", "KWD"]))
def test_an_amount_goes_out_as_a_number_of_exactly_that_many_decimals(minor: int, currency: str) -> None:
    text = json.dumps(denomination(item(amount_minor=minor, currency=currency)))
    assert Decimal(text) == Decimal(format_major(minor, currency))
    back = json.loads(text, parse_float=Decimal)
    assert minor_of(back, currency) == minor


@pytest.mark.parametrize(
    "amount", [True, None, "", "x", "1e999999999", "NaN", "Infinity", Decimal("1.001"), "9" * 41, 10**30, {}]
)
def test_what_is_no_exact_amount_is_none(amount: object) -> None:
    assert minor_of(amount, "USD") is None
    assert minor_of("1.00", "XXX") is None
    assert minor_of("1.50", "JPY") is None
    assert minor_of("1.500", "KWD") == 1500


# Sending


def test_each_payout_is_one_order_with_a_choice_of_products(tremendous: Tremendous) -> None:
    got = sent(tremendous, item(1, name="Ann"), item(2, 500))
    assert got.results == (
        ItemResult("pyt_0001", "sent", "ORDER000001", "", 1234, 0),
        ItemResult("pyt_0002", "sent", "ORDER000002", "", 500, 0),
    )
    body = tremendous.calls(ORDER)[0].body
    assert body == {
        "external_id": "pyt_0001",
        "payment": {"funding_source_id": FUNDING},
        "reward": {
            "value": {"denomination": 12.34, "currency_code": "USD"},
            "recipient": {"email": "person1@example.com", "name": "Ann"},
            "delivery": {"method": "EMAIL"},
            "campaign_id": "CAMP1",
        },
    }
    tremendous.deliver()
    assert [each.status for each in report(tremendous, item(1), item(2, 500)).results] == ["paid", "paid"]


def test_products_may_take_the_place_of_a_campaign(tremendous: Tremendous) -> None:
    options = {"funding_source_id": FUNDING, "products": "OKMHM2X2OHYV, ET0ZVETV5ILN,"}
    send(wire_to(tremendous), access_to(tremendous, options=options), "pyb_1", [item(1)])
    assert tremendous.calls(ORDER)[0].body["reward"]["products"] == ["OKMHM2X2OHYV", "ET0ZVETV5ILN"]


def test_a_recipient_who_cannot_get_it_fails_alone(tremendous: Tremendous) -> None:
    got = sent(tremendous, item(1), item(2, recipient="invalid@x"), item(3, recipient="none"), item(4))
    assert [each.status for each in got.results] == ["sent", "failed", "failed", "sent"]
    assert [each.failure for each in got.results[1:3]] == [
        "Order failed: validation failure: is invalid",
        "Tremendous needs an e-mail address.",
    ]
    assert tremendous.paid == ["pyt_0001", "pyt_0004"]


@pytest.mark.parametrize("repeated", [200, 201, 409])
@pytest.mark.parametrize("reply", [Reply(0, cut=True), Reply(500, b"oops")])
def test_an_answer_that_is_lost_after_the_order_leads_to_one_order(
    tremendous: Tremendous, reply: Reply, repeated: int
) -> None:
    tremendous.repeated = repeated
    tremendous.faults.append(Fault(ORDER, reply, after=True))
    first = sent(tremendous, item(1), item(2))
    assert (first.results, type(first.problem)) == ((), Retry)
    again = sent(tremendous, item(1), item(2))
    assert [each.reference for each in again.results] == ["ORDER000001", "ORDER000002"]
    assert tremendous.paid == ["pyt_0001", "pyt_0002"]


def test_an_order_of_another_amount_or_currency_is_seen(tremendous: Tremendous) -> None:
    sent(tremendous, item(1, 100))
    assert sent(tremendous, item(1, 200)).results[0].amount_minor == 100
    assert sent(tremendous, item(1, 100, "EUR")).results[0].amount_minor == -1
    assert tremendous.paid == ["pyt_0001"]


def test_too_little_money_a_wrong_source_and_wrong_keys_stop_the_batch(tremendous: Tremendous) -> None:
    tremendous.balance = Decimal(13)
    got = sent(tremendous, item(1), item(2))
    assert [each.payout_id for each in got.results] == ["pyt_0001"]
    assert isinstance(got.problem, Refused)
    assert got.problem.reason == "Insufficient funds"
    options = {"funding_source_id": "OTHER", "campaign_id": "C"}
    got = send(wire_to(tremendous), access_to(tremendous, options=options), "pyb_1", [item(2)])
    assert isinstance(got.problem, Refused)
    assert "Funding source not found" in got.problem.reason
    got = send(wire_to(tremendous), access_to(tremendous, secret="x"), "pyb_1", [item(2)])
    assert isinstance(got.problem, Reauthorise)
    assert tremendous.paid == ["pyt_0001"]


def test_busy_and_strange_answers_are_tried_again(tremendous: Tremendous) -> None:
    tremendous.faults.append(Fault(ORDER, Reply(429, {}, {"Retry-After": "9"})))
    problem = sent(tremendous, item(1)).problem
    assert (type(problem), problem.after) == (Retry, seconds(9))
    for body in (b"<html>", b'{"order": {"external_id": "other"}}', b'{"order": []}'):
        tremendous.faults.append(Fault(ORDER, Reply(200, body)))
        assert isinstance(sent(tremendous, item(1)).problem, Retry)
    tremendous.faults.append(Fault(ORDER, Reply(409, {})))
    assert isinstance(sent(tremendous, item(1)).problem, Retry)
    assert tremendous.paid == []
    with pytest.raises(ValueError, match="1 to 50"):
        sent(tremendous)


# Asking


def test_what_was_paid_for_and_not_delivered_is_not_released(tremendous: Tremendous) -> None:
    items = [item(number) for number in range(1, 6)]
    sent(tremendous, *items)
    tremendous.deliver(pyt_0002="FAILED")
    tremendous.move("pyt_0003", "CANCELED")
    tremendous.move("pyt_0004", "FAILED")
    tremendous.move("pyt_0005", "PENDING APPROVAL")
    assert [(each.status, each.failure) for each in report(tremendous, *items).results] == [
        ("paid", ""),
        ("sent", "Tremendous could not deliver it: correct the address there, or cancel it there."),
        ("returned", "The order was cancelled at Tremendous."),
        ("failed", "Tremendous could not process the order."),
        ("sent", "The order waits for an approval at Tremendous."),
    ]


def test_asking_goes_on_where_the_time_ran_out(tremendous: Tremendous) -> None:
    items = [item(number) for number in range(1, 4)]
    sent(tremendous, *items)
    found = report(tremendous, *items, has_time=lambda: False)
    assert ([each.payout_id for each in found.results], found.page) == (["pyt_0001"], "1")
    found = report(tremendous, *items, page="1")
    assert ([each.payout_id for each in found.results], found.page) == (["pyt_0002", "pyt_0003"], "")
    assert report(tremendous, item(9)).results == ()


def test_two_orders_under_one_id_stop_everything(tremendous: Tremendous) -> None:
    sent(tremendous, item(1))
    tremendous.orders.append({**tremendous.orders[0], "id": "ORDER9"})
    with pytest.raises(Refused, match="two orders"):
        find(wire_to(tremendous), access_to(tremendous), "pyt_0001")


def test_the_check_looks_for_what_pays(tremendous: Tremendous) -> None:
    assert check(wire_to(tremendous), access_to(tremendous)) == "Tremendous accepts the key; balance pays."
    with pytest.raises(Refused, match="no such funding source"):
        check(wire_to(tremendous), access_to(tremendous, options={"funding_source_id": "OTHER"}))
    tremendous.faults.append(Fault("GET /api/v2/funding_sources", Reply(404, {})))
    with pytest.raises(Gone):
        check(wire_to(tremendous), access_to(tremendous))


# Signatures and events


def signed(body: bytes, secret: str = "key") -> dict[str, str]:
    return {
        "Tremendous-Webhook-Signature": "sha256="
        + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    }


def test_only_its_own_messages_are_believed() -> None:
    body, wire = b'{"uuid": "u-1", "event": "ORDERS.CREATED"}', Wire(at=AT)
    assert signature.verify(signed(body), body, "key", wire)
    assert not signature.verify(signed(body), body + b" ", "key", wire)
    assert not signature.verify(signed(body), body, "other", wire)
    assert not signature.verify(signed(body, ""), body, "", wire)
    for bad in ("", "sha256=", "sha1=abc", "é", "sha256=\udc80"):
        assert not signature.verify({"tremendous-webhook-signature": bad}, body, "key", wire)
    assert signature.topic({}, body) == "orders.created"
    assert signature.fingerprint({}, body).startswith("u-1:")


def test_a_message_names_what_to_ask_about() -> None:
    raw = b'{"payload": {"resource": {"id": "ORDER1", "type": "orders"}}}'
    assert events("orders.canceled", raw) == (PayoutTouched(reference="ORDER1"),)
    assert isinstance(events("invoices.paid", raw)[0], Ignored)


@pytest.mark.parametrize("raw", [b"", b"\xff", b"[]", b"[" * 100_000, b'{"payload": []}', b'{"payload": {}}'])
def test_a_hostile_body_is_set_aside(raw: bytes) -> None:
    (found,) = events("rewards.delivery.failed", raw)
    assert isinstance(found, SetAside)
