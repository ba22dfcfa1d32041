"""Incoming webhooks: the address, the signature, and what each captured message becomes."""

from __future__ import annotations

import hashlib
import json
import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client

from accounts.models import AuditEntry, User, Workspace
from accounts.queries import sandbox_id_of
from accounts.services import SYSTEM
from core.errors import Conflict
from core.models import Event
from core.tenancy import tenant
from integrations.models import Connection, InboxItem
from integrations.services import connections, inbox
from integrations.tasks import read_inbox
from programs.models import Customer, PromoCode
from tests.conftest import AT, make_workspace
from tests.factories import ParticipantFactory, PromoCodeFactory
from tests.integrations.shops import CAPTURED, connected, hook, order, send, signature
from tracking import services as tracking_services
from tracking.models import Conversion, Credit, Refund

HOUR = timedelta(hours=1)

NO_AMOUNT = "The refund notice names order 12 but no amount."
REST_ERROR = "The shop sent an error instead of the object"
OUTCOMES = {
    "0010": ("ignored", "topic", "Messages of the topic product.created change nothing here."),
    "0011": ("ignored", "customer", "People become known with their orders, not with their accounts."),
    "0012": ("ignored", "customer", "People become known with their orders, not with their accounts."),
    "0013": ("ignored", "topic", "Messages of the topic coupon.created change nothing here."),
    "0014": ("ignored", "not_paid_yet", "Order 12 is not paid yet; it counts once it is."),
    "0015": ("ignored", "not_paid_yet", "Order 12 is not paid yet; it counts once it is."),
    "0016": (
        "applied",
        "recorded",
        "Order 12 was recorded as a purchase of $88.20. Of it, $20.00 were refunded.",
    ),
    "0017": ("ignored", "customer", "People become known with their orders, not with their accounts."),
    "0018": ("ignored", "no_amounts", NO_AMOUNT),
    "0019": ("set_aside", "rest_error", REST_ERROR),
    "0020": ("set_aside", "rest_error", REST_ERROR),
    "0033": ("applied", "recorded", "Order 21 was recorded as a purchase of $49.00."),
    "0034": ("ignored", "no_change", "Order 21 is recorded already as it stands."),
    "0035": ("applied", "rejected", "Order 21 was deleted; its purchase no longer counts."),
    "0036": ("ignored", "topic", "Messages of the topic coupon.created change nothing here."),
    "0037": ("applied", "recorded", "Order 23 was recorded as a purchase of $83.00."),
    "0038": ("ignored", "no_change", "Order 23 is recorded already as it stands."),
}


@pytest.fixture
def shop(workspace: Workspace) -> Connection:
    return connected(workspace)


def told(
    shop: Connection, payload: dict[str, Any], topic: str = "order.updated", at: datetime = AT
) -> InboxItem:
    """Receive a message as the address does, read it, and return it."""
    body = json.dumps(payload).encode()
    fingerprint = hashlib.sha256(topic.encode() + body).hexdigest()
    received = inbox.receive(connection=shop, topic=topic, fingerprint=fingerprint, body=body, at=at)
    row = InboxItem.objects.for_workspace(shop.workspace_id).get(public_id=received.item_id)
    return inbox.read_item(item=row)


def paid(**changes: Any) -> dict[str, Any]:
    """Return order 12 paid and without refunds, last modified at 20:42:32."""
    return order(refunds=[], date_modified_gmt="2026-11-21T20:42:32", **changes)


def conversions(workspace: Workspace) -> list[tuple[str, str, int, str, int]]:
    rows = Conversion.objects.for_workspace(workspace).order_by("source_key")
    return [(c.source_key, c.status, c.amount_minor, c.currency, c.refunded_minor) for c in rows]


def items(workspace: Workspace) -> dict[str, tuple[str, str, str]]:
    rows = InboxItem.objects.for_workspace(workspace).order_by("pk")
    return {item.public_id: (item.outcome, item.reason, item.sentence) for item in rows}


# The address


def test_each_captured_request_has_its_outcome(workspace: Workspace, shop: Connection) -> None:
    numbers = {}
    for number, request in CAPTURED.items():
        answer = send(hook(shop), request)
        assert answer.status_code == 200, number
        assert answer.json()["received"] is True
        assert answer.json()["repeated"] is False
        if number != "0001":
            numbers[answer.json()["id"]] = number

    assert read_inbox() == 17

    found = {numbers[public_id]: outcome for public_id, outcome in items(workspace).items()}
    assert set(found) == set(OUTCOMES)
    for number, (outcome, reason, sentence) in OUTCOMES.items():
        assert found[number][:2] == (outcome, reason), number
        assert found[number][2].startswith(sentence), number
    assert conversions(workspace) == [
        ("12", "partly_refunded", 8820, "USD", 2000),
        ("21", "rejected", 4900, "USD", 0),
        ("23", "recorded", 8300, "USD", 0),
    ]
    assert [
        (refund.source_key, refund.amount_minor) for refund in Refund.objects.for_workspace(workspace)
    ] == [("13", 2000)]


def test_requests_sent_three_times_count_once(workspace: Workspace, shop: Connection) -> None:
    for _ in range(3):
        for request in CAPTURED.values():
            assert send(hook(shop), request).status_code == 200
        read_inbox()

    stored = InboxItem.objects.for_workspace(workspace)
    assert [item.repeats for item in stored] == [2] * 17
    assert [item.state for item in stored] == ["done"] * 17
    assert conversions(workspace) == [
        ("12", "partly_refunded", 8820, "USD", 2000),
        ("21", "rejected", 4900, "USD", 0),
        ("23", "recorded", 8300, "USD", 0),
    ]
    assert Refund.objects.for_workspace(workspace).count() == 1
    kinds = Event.objects.for_workspace(workspace).order_by("pk").values_list("kind", flat=True)
    assert sorted(kinds) == [
        "conversion.created",
        "conversion.created",
        "conversion.created",
        "conversion.refunded",
        "conversion.rejected",
    ]


def test_a_repetition_gets_the_first_ones_id(workspace: Workspace, shop: Connection) -> None:
    first = send(hook(shop), CAPTURED["0016"]).json()
    second = send(hook(shop), CAPTURED["0016"]).json()

    assert first == {"received": True, "id": second["id"], "repeated": False}
    assert second == {"received": True, "id": first["id"], "repeated": True}


def test_other_bodies_under_one_delivery_id_are_both_kept(workspace: Workspace, shop: Connection) -> None:
    ids = {CAPTURED[number].header("x-wc-webhook-delivery-id") for number in ("0014", "0016")}
    assert len(ids) == 2
    for number in ("0014", "0016"):
        assert send(hook(shop), CAPTURED[number], X_WC_Webhook_Delivery_ID="same").json()["repeated"] is False
    read_inbox()

    assert [reason for _, reason, _ in items(workspace).values()] == ["not_paid_yet", "recorded"]


def test_the_ping_is_answered_and_forgotten(workspace: Workspace, shop: Connection) -> None:
    answer = send(hook(shop), CAPTURED["0001"])

    assert (answer.status_code, answer.json()) == (200, {"received": True, "id": None, "repeated": False})
    assert items(workspace) == {}


@pytest.mark.parametrize(
    "given",
    [
        "",
        "nonsense",
        "é",
        "====",
        ",",
        "a" * 10_000,
        signature(CAPTURED["0016"].body, "another secret"),
        signature(b"another body"),
        CAPTURED["0016"].header("x-wc-webhook-signature").lower(),
    ],
)
def test_a_wrong_signature_is_refused_and_nothing_stored(
    workspace: Workspace, shop: Connection, given: str
) -> None:
    answer = send(hook(shop), CAPTURED["0016"], X_WC_Webhook_Signature=given)

    assert answer.status_code == 401
    error = answer.json()["error"]
    assert (error["code"], error["message"]) == ("bad_signature", "The signature is missing or wrong.")
    assert items(workspace) == {}
    shop.refresh_from_db()
    assert shop.last_received_at is None


def test_a_changed_body_is_refused(workspace: Workspace, shop: Connection) -> None:
    answer = send(hook(shop), CAPTURED["0016"], body=CAPTURED["0016"].body.replace(b"88.20", b"98.20"))

    assert answer.status_code == 401
    assert items(workspace) == {}


def test_the_secret_of_one_connection_opens_no_other(
    workspace: Workspace, shop: Connection, other_workspace: Workspace
) -> None:
    with tenant(other_workspace):
        theirs = connected(other_workspace, secret="a secret of theirs")

    assert send(hook(theirs), CAPTURED["0016"]).status_code == 401
    body = CAPTURED["0016"].body
    forged = send(hook(shop), CAPTURED["0016"], X_WC_Webhook_Signature=signature(body, "a secret of theirs"))
    assert forged.status_code == 401
    with tenant(other_workspace):
        assert items(other_workspace) == {}
    assert items(workspace) == {}


def test_the_same_message_to_two_connections_counts_in_each(
    workspace: Workspace, shop: Connection, other_workspace: Workspace
) -> None:
    with tenant(other_workspace):
        theirs = connected(other_workspace)
    second = connected(workspace, name="Second shop")
    for each in (shop, second, theirs):
        assert send(hook(each), CAPTURED["0037"]).json()["repeated"] is False
    assert read_inbox() == 3

    assert [row[0] for row in conversions(workspace)] == ["23", "23"]
    with tenant(other_workspace):
        assert [row[0] for row in conversions(other_workspace)] == ["23"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/v1/hooks/woocommerce/con_01arz3ndektsv4rrffq69g5fav", 404, "not_found"),
        ("/api/v1/hooks/woocommerce/con_x", 404, "not_found"),
        ("/api/v1/hooks/woocommerce/whe_01arz3ndektsv4rrffq69g5fav", 404, "not_found"),
        ("/api/v1/hooks/woocommerce/con_%00", 400, "invalid"),
        ("/api/v1/hooks/woocommerce/ünïcode", 404, "not_found"),
    ],
)
def test_an_unknown_address_is_said_to_be_unknown(
    workspace: Workspace, path: str, status: int, code: str
) -> None:
    answer = send(path, CAPTURED["0016"])

    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code


def test_an_address_belongs_to_its_provider(workspace: Workspace, shop: Connection) -> None:
    path = hook(shop).replace("woocommerce", "shopify")

    assert send(path, CAPTURED["0016"]).status_code == 404


def test_only_post_is_answered(workspace: Workspace, shop: Connection) -> None:
    answer = Client().get(hook(shop))

    assert answer.status_code == 405
    assert answer.json()["error"]["code"] == "method_not_allowed"


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x"])
def test_an_oversize_body_is_refused(workspace: Workspace, shop: Connection, content_type: str) -> None:
    body = b" " * 1_000_001
    answer = Client().post(
        hook(shop),
        data=body,
        content_type=content_type,
        headers={"X-WC-Webhook-Signature": signature(body), "X-WC-Webhook-Topic": "order.updated"},
    )

    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too_large"
    assert items(workspace) == {}


def test_a_body_at_the_limit_is_kept_whole_whatever_it_holds(workspace: Workspace, shop: Connection) -> None:
    body = b"\x00\xff" * 500_000
    answer = send(
        hook(shop),
        CAPTURED["0016"],
        body=body,
        X_WC_Webhook_Signature=signature(body),
        X_WC_Webhook_Topic="order\u00e9",
    )
    assert answer.status_code == 200
    read_inbox()

    item = InboxItem.objects.for_workspace(workspace).get()
    assert bytes(item.body) == body
    assert (item.outcome, item.reason) == ("set_aside", "not_json")


def test_a_disabled_connection_says_so_and_stores_nothing(workspace: Workspace, shop: Connection) -> None:
    connections.disable_connection(connection=shop, actor=SYSTEM)

    answer = send(hook(shop), CAPTURED["0016"])
    assert (answer.status_code, answer.json()["error"]["code"]) == (410, "connection_disabled")
    assert send(hook(shop), CAPTURED["0016"], X_WC_Webhook_Signature="x").status_code == 401
    assert items(workspace) == {}

    connections.enable_connection(connection=shop, actor=SYSTEM)
    assert send(hook(shop), CAPTURED["0016"]).status_code == 200


def test_both_secrets_are_good_while_one_is_replaced(workspace: Workspace, shop: Connection) -> None:
    connections.replace_secret(connection=shop, secret="the next secret", actor=SYSTEM, at=shop_time())
    body = CAPTURED["0037"].body

    assert send(hook(shop), CAPTURED["0016"]).status_code == 200
    new = send(hook(shop), CAPTURED["0037"], X_WC_Webhook_Signature=signature(body, "the next secret"))
    assert new.status_code == 200

    connections.replace_secret(
        connection=shop, secret="the third secret", keep_old=False, actor=SYSTEM, at=shop_time()
    )
    assert send(hook(shop), CAPTURED["0014"]).status_code == 401
    old = send(hook(shop), CAPTURED["0037"], X_WC_Webhook_Signature=signature(body, "the next secret"))
    assert old.status_code == 401


def test_the_old_secret_ends_after_a_day(workspace: Workspace, shop: Connection) -> None:
    long_ago = shop_time() - timedelta(hours=25)
    connections.replace_secret(connection=shop, secret="the next secret", actor=SYSTEM, at=long_ago)

    assert send(hook(shop), CAPTURED["0016"]).status_code == 401


def shop_time() -> datetime:
    """Return real time, by which secrets end."""
    return datetime.now(AT.tzinfo)


# What messages become


def test_a_coupon_order_is_attributed_to_the_coupons_owner_without_a_click(
    workspace: Workspace, shop: Connection
) -> None:
    code: PromoCode = PromoCodeFactory.create(workspace=workspace, code="FRIEND42")
    item = told(shop, order("0037"))

    conversion = Conversion.objects.for_workspace(workspace).get()
    assert item.subjects == [conversion.public_id]
    credits = Credit.objects.for_workspace(workspace)
    assert [(c.participant_id, c.amount_minor, c.currency) for c in credits] == [
        (code.participant_id, 8300, "USD")
    ]
    assert conversion.metadata == {"order_number": "23", "coupon_codes": ["friend42"]}
    assert (conversion.source, conversion.source_key) == (shop.public_id, "23")


def test_a_buyer_is_known_by_the_address_whatever_the_shops_number(
    workspace: Workspace, shop: Connection
) -> None:
    known = ParticipantFactory.create(
        workspace=workspace, customer__external_id="2", customer__email="zoe@example.test"
    ).customer
    told(shop, paid())

    buyer = Conversion.objects.for_workspace(workspace).get().customer
    assert buyer.pk != known.pk
    assert (buyer.email, buyer.external_id, buyer.name, buyer.country) == (
        "ann@example.test",
        None,
        "Ann Öström",
        "US",
    )


def test_a_buyer_without_an_address_is_the_shops_account_or_the_orders_guest(
    workspace: Workspace, shop: Connection
) -> None:
    nobody = {"first_name": "", "last_name": "", "email": "", "country": ""}
    told(shop, paid(id=31, billing=nobody))
    told(shop, paid(id=32, billing=nobody))
    told(shop, paid(id=33, billing=nobody, customer_id=0))

    buyers = Customer.objects.for_workspace(workspace).order_by("pk")
    assert [buyer.external_id for buyer in buyers] == [
        f"{shop.public_id}:customer:2",
        f"{shop.public_id}:order:33",
    ]


def test_a_click_nobody_knows_does_not_hold_an_order_back(workspace: Workspace, shop: Connection) -> None:
    meta = [{"id": 1, "key": "_referral_click_id", "value": "clk_made_up"}]

    assert told(shop, paid(meta_data=meta)).reason == "recorded"


def test_a_partial_refund_counts_what_was_given_back(workspace: Workspace, shop: Connection) -> None:
    assert told(shop, paid()).reason == "recorded"
    assert conversions(workspace) == [("12", "recorded", 8820, "USD", 0)]

    item = told(shop, order("0016"))
    assert (item.outcome, item.reason, item.sentence) == (
        "applied",
        "refunded",
        "$20.00 of order 12 were refunded.",
    )
    assert conversions(workspace) == [("12", "partly_refunded", 8820, "USD", 2000)]

    rest = [*order()["refunds"], {"id": 14, "reason": "", "total": "-68.20"}]
    told(shop, order(refunds=rest, status="refunded", date_modified_gmt="2026-11-21T21:00:00"))
    assert conversions(workspace) == [("12", "refunded", 8820, "USD", 8820)]


def test_a_refunded_order_without_refunds_gives_everything_back(
    workspace: Workspace, shop: Connection
) -> None:
    told(shop, paid())
    told(shop, order(refunds=[], status="refunded"))

    assert conversions(workspace) == [("12", "refunded", 8820, "USD", 8820)]
    late = told(shop, order(status="refunded", date_modified_gmt="2026-11-21T21:00:00"))
    assert (late.outcome, late.reason) == ("ignored", "no_change")
    assert conversions(workspace) == [("12", "refunded", 8820, "USD", 8820)]


def test_an_order_refunded_before_it_is_seen_paid_comes_to_nothing(
    workspace: Workspace, shop: Connection
) -> None:
    told(shop, order(refunds=[], status="refunded"))
    late = told(shop, paid())

    assert (late.outcome, late.reason) == ("ignored", "stale")
    assert conversions(workspace) == [("12", "refunded", 8820, "USD", 8820)]


def test_a_stale_update_undoes_nothing(workspace: Workspace, shop: Connection) -> None:
    told(shop, order("0016"))
    for stale in (paid(), order("0014"), paid(status="cancelled")):
        item = told(shop, stale)
        assert (item.outcome, item.reason) == ("ignored", "stale")

    assert conversions(workspace) == [("12", "partly_refunded", 8820, "USD", 2000)]


def test_a_cancelled_order_does_not_count_and_stays_so(workspace: Workspace, shop: Connection) -> None:
    told(shop, paid())
    item = told(shop, order(refunds=[], status="cancelled"))

    assert (item.outcome, item.reason) == ("applied", "rejected")
    assert conversions(workspace) == [("12", "rejected", 8820, "USD", 0)]
    entry = AuditEntry.objects.for_workspace(workspace).get(action="conversion.rejected")
    assert (entry.actor, entry.reason) == ("connection Tee shop", "order_cancelled")

    again = told(shop, order(date_modified_gmt="2026-11-21T22:00:00"))
    assert (again.outcome, again.reason) == ("set_aside", "rejected_before")
    assert conversions(workspace) == [("12", "rejected", 8820, "USD", 0)]


def test_an_order_cancelled_before_it_is_seen_paid_never_counts(
    workspace: Workspace, shop: Connection
) -> None:
    first = told(shop, order(refunds=[], status="cancelled"))
    late = told(shop, paid())

    assert (first.reason, late.reason) == ("not_recorded", "stale")
    assert conversions(workspace) == []


def test_an_order_deleted_before_it_is_seen_never_counts_unless_restored(
    workspace: Workspace, shop: Connection
) -> None:
    deleted_at = datetime(2026, 11, 21, 21, 0, tzinfo=AT.tzinfo)
    first = told(shop, {"id": 12}, topic="order.deleted", at=deleted_at)
    late = told(shop, order(), at=deleted_at)
    assert (first.reason, late.reason) == ("not_recorded", "stale")
    assert conversions(workspace) == []

    back = order(date_modified_gmt="2026-11-21T21:30:00")
    assert told(shop, back, topic="order.restored", at=deleted_at + HOUR).reason == "recorded"


def test_of_two_states_of_one_second_the_later_stage_stays(workspace: Workspace, shop: Connection) -> None:
    told(shop, paid(status="cancelled"))
    item = told(shop, paid())

    assert item.reason == "stale"
    assert conversions(workspace) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"status": "on-hold"}, "unpaid_again"),
        ({"currency": "EUR"}, "amount_changed"),
    ],
)
def test_what_only_a_person_can_judge_is_set_aside(
    workspace: Workspace, shop: Connection, change: dict[str, Any], reason: str
) -> None:
    told(shop, order())
    before = conversions(workspace)
    item = told(shop, order(**change, date_modified_gmt="2026-11-22T00:00:00"))

    assert (item.outcome, item.reason) == ("set_aside", reason)
    assert item.sentence.startswith("Order 12")
    assert conversions(workspace) == before


def test_a_refund_that_the_shop_deletes_no_longer_counts(workspace: Workspace, shop: Connection) -> None:
    told(shop, order())
    gone = order(refunds=[], date_modified_gmt="2026-11-22T00:00:00")
    item = told(shop, gone)
    assert (item.outcome, item.reason) == ("applied", "refund_withdrawn")
    assert item.sentence == "Refunds of $20.00 of order 12 are gone from the shop and no longer count."
    assert conversions(workspace) == [("12", "recorded", 8820, "USD", 0)]
    again = told(shop, order(refunds=[], date_modified_gmt="2026-11-22T00:00:01"))
    assert again.reason == "no_change"
    assert (
        Refund.objects.for_workspace(workspace).get().reinstated_why == "The shop no longer has this refund."
    )

    anew = [{**order()["refunds"][0], "id": 99}]
    item = told(shop, order(refunds=anew, date_modified_gmt="2026-11-22T00:00:02"))
    assert item.reason == "refunded"
    assert conversions(workspace) == [("12", "partly_refunded", 8820, "USD", 2000)]


def test_an_order_refunded_and_not_and_refunded_again(workspace: Workspace, shop: Connection) -> None:
    told(shop, paid())
    states = [("refunded", 8820), ("completed", 0), ("refunded", 8820), ("completed", 0)]
    for second, (status, refunded_minor) in enumerate(states):
        modified = f"2026-11-22T00:00:{second:02}"
        told(shop, order(refunds=[], status=status, date_modified_gmt=modified))
        assert conversions(workspace)[0][4] == refunded_minor, modified
    assert [row.source_key for row in Refund.objects.for_workspace(workspace)] == ["rest", "rest:2"]


def test_what_a_person_took_back_stays_taken_back(workspace: Workspace, shop: Connection) -> None:
    told(shop, order())
    refund = Refund.objects.for_workspace(workspace).get()
    tracking_services.reinstate_refund(refund=refund, reason="A mistake", actor=SYSTEM, at=shop_time())
    for second, status in enumerate(("completed", "refunded")):
        told(shop, order(status=status, date_modified_gmt=f"2026-11-22T00:00:{second:02}"))
        assert conversions(workspace) == [("12", "recorded", 8820, "USD", 0)]


def test_an_order_keeps_what_was_bought_and_follows_an_edit(workspace: Workspace, shop: Connection) -> None:
    told(shop, paid())
    conversion = Conversion.objects.for_workspace(workspace).get()
    tee = {"sku": "TEE-BLUE", "category": "", "quantity": 2, "amount_minor": 8820, "cost_minor": None}
    assert conversion.lines == [tee]

    line = order()["line_items"][0]
    lines = [
        {**line, "sku": "TEE-RED", "total": "80.00"},
        {**line, "sku": "MUG", "quantity": 1, "total": "8.20"},
    ]
    later = "2026-11-21T20:50:00"
    item = told(shop, order(refunds=[], line_items=lines, date_modified_gmt=later))
    assert (item.outcome, item.reason) == ("applied", "lines_changed")
    conversion.refresh_from_db()
    assert [(each["sku"], each["quantity"], each["amount_minor"]) for each in conversion.lines] == [
        ("TEE-RED", 2, 8000),
        ("MUG", 1, 820),
    ]


def test_an_edited_order_is_set_aside_but_its_refund_counts(workspace: Workspace, shop: Connection) -> None:
    told(shop, paid())
    lines = [{**order()["line_items"][0], "total": "78.20"}]
    item = told(shop, order(line_items=lines, total="78.20"))

    assert (item.outcome, item.reason) == ("set_aside", "amount_changed")
    assert item.sentence == (
        "Order 12 was recorded with $88.20 and now comes to $78.20; the record stays. "
        "$20.00 of order 12 were refunded."
    )
    assert conversions(workspace) == [("12", "partly_refunded", 8820, "USD", 2000)]


def test_a_refusal_by_the_domain_is_set_aside_with_its_reason(workspace: Workspace, shop: Connection) -> None:
    billing = {**order()["billing"], "email": "ann@-.test"}
    item = told(shop, paid(billing=billing))

    assert (item.outcome, item.reason, item.sentence) == (
        "set_aside",
        "invalid_format",
        "This is not an e-mail address.",
    )
    assert conversions(workspace) == []


# Failures and second tries


def test_an_unexpected_error_is_retried_and_then_dead_and_can_be_tried_again(
    workspace: Workspace, shop: Connection
) -> None:
    send(hook(shop), CAPTURED["0016"])
    Connection.objects.for_workspace(workspace).update(provider="forgotten")
    rows = InboxItem.objects.for_workspace(workspace)
    for attempt in range(1, 13):
        rows.update(due_at=AT)
        assert read_inbox() == 1
        item = rows.get()
        assert (item.attempts, item.state) == (attempt, "dead" if attempt == 12 else "pending")
        assert item.last_error == "KeyError: 'forgotten'"
        assert item.due_at > shop_time()
    rows.update(due_at=AT)
    assert read_inbox() == 0

    Connection.objects.for_workspace(workspace).update(provider="woocommerce")
    inbox.retry_item(item=rows.get(), at=shop_time())
    assert read_inbox() == 1
    item = rows.get()
    assert (item.state, item.outcome, item.last_error) == ("done", "applied", "")


def test_a_poisoned_message_does_not_hold_up_those_behind_it(workspace: Workspace, shop: Connection) -> None:
    broken = connected(workspace, name="Broken")
    send(hook(broken), CAPTURED["0016"])
    Connection.objects.for_workspace(workspace).filter(pk=broken.pk).update(provider="forgotten")
    send(hook(shop), CAPTURED["0037"])
    read_inbox()

    assert [row[0] for row in conversions(workspace)] == ["23"]


def test_a_message_that_was_set_aside_can_be_read_again(workspace: Workspace, shop: Connection) -> None:
    told(shop, order())
    item = told(shop, order(currency="EUR", date_modified_gmt="2026-11-22T00:00:00"))
    assert item.reason == "amount_changed"
    InboxItem.objects.for_workspace(workspace).update(state="done")

    retried = inbox.retry_item(item=item, at=shop_time())
    assert (retried.state, retried.outcome) == ("pending", "")
    assert read_inbox() == 1


def test_a_message_that_was_read_cannot_be_tried_again(workspace: Workspace, shop: Connection) -> None:
    send(hook(shop), CAPTURED["0016"])
    item = InboxItem.objects.for_workspace(workspace).get()
    with pytest.raises(Conflict):
        inbox.retry_item(item=item, at=AT)
    read_inbox()
    with pytest.raises(Conflict):
        inbox.retry_item(item=item, at=AT)


def test_reading_twice_changes_nothing(workspace: Workspace, shop: Connection) -> None:
    item = told(shop, order())
    inbox.read_item(item=item)

    assert (item.outcome, item.reason) == ("ignored", "no_change")
    assert conversions(workspace) == [("12", "partly_refunded", 8820, "USD", 2000)]
    assert Refund.objects.for_workspace(workspace).count() == 1


def test_the_time_of_the_last_message_is_kept_to_the_minute(workspace: Workspace, shop: Connection) -> None:
    for seconds in (0, 30, 61):
        told(shop, {"id": seconds}, topic="x", at=AT + timedelta(seconds=seconds))
        shop.refresh_from_db()
        assert shop.last_received_at == AT + timedelta(seconds=61 if seconds == 61 else 0)


def test_a_sandbox_takes_the_message_at_its_own_time(workspace: Workspace) -> None:
    sandbox_id = sandbox_id_of(workspace)
    assert sandbox_id is not None
    received_at = datetime(2026, 12, 1, tzinfo=AT.tzinfo)
    with tenant(sandbox_id):
        Workspace.objects.for_workspace(sandbox_id).update(clock_offset=timedelta(days=30))
        sandbox = Workspace.objects.for_workspace(sandbox_id).get()
        item = told(connected(sandbox), paid(), at=received_at)

        conversion = Conversion.objects.for_workspace(sandbox_id).get()
        assert conversion.received_at == received_at + timedelta(days=30)
        assert conversion.occurred_at == datetime(2026, 11, 21, 20, 42, 30, tzinfo=AT.tzinfo)
        assert item.received_at == received_at


# Races


def committed_shop(owner: User) -> Connection:
    workspace = make_workspace(owner)
    with tenant(workspace):
        return connected(workspace)


def in_threads(*calls: Any) -> None:
    barrier = threading.Barrier(len(calls))
    faults: list[BaseException] = []

    def run(call: Any) -> None:
        try:
            barrier.wait(10)
            call()
        except BaseException as error:
            faults.append(error)
        finally:
            database.close()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not faults


@pytest.mark.django_db(transaction=True)
def test_one_message_sixteen_times_at_once_is_one_conversion(owner: User) -> None:
    shop = committed_shop(owner)
    answers: list[dict[str, Any]] = []
    path = hook(shop)

    in_threads(*[lambda: answers.append(send(path, CAPTURED["0037"]).json())] * 16)
    in_threads(*[read_inbox] * 4)

    assert len({answer["id"] for answer in answers}) == 1
    assert sorted(answer["repeated"] for answer in answers) == [False] + [True] * 15
    with tenant(shop.workspace_id):
        item = InboxItem.objects.for_workspace(shop.workspace_id).get()
        assert (item.state, item.repeats, item.attempts) == ("done", 15, 1)
        assert len(conversions(shop.workspace)) == 1


@pytest.mark.django_db(transaction=True)
def test_messages_about_one_order_read_at_once_end_in_its_newest_state(owner: User) -> None:
    shop = committed_shop(owner)
    states = [
        order("0014"),
        paid(),
        order(),
        order(status="refunded", date_modified_gmt="2026-11-21T21:00:00"),
    ]
    for payload in states * 2:
        body = json.dumps({**payload, "at": len(json.dumps(payload))}).encode()
        send(hook(shop), CAPTURED["0016"], body=body, X_WC_Webhook_Signature=signature(body))

    in_threads(*[read_inbox] * 4)

    with tenant(shop.workspace_id):
        assert conversions(shop.workspace) == [("12", "refunded", 8820, "USD", 8820)]
