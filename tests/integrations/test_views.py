"""The console's pages of stores, webhooks and events."""

from __future__ import annotations

import itertools
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditEntry, Member, Role, User, Workspace
from accounts.services import SYSTEM
from core import clock, events
from core.models import Event, EventDelivery
from core.tenancy import tenant
from integrations import queries
from integrations.handlers import queue_webhooks
from integrations.models import Connection, InboxItem, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from integrations.services import webhooks
from integrations.tasks import read_inbox
from integrations.views.bodies import readable
from tests.conftest import AT
from tests.factories import UserFactory
from tests.integrations.shops import CAPTURED, SECRET, connected, hook, send, signature
from tests.lists import assert_same_queries


@pytest.fixture
def browser(owner: User, workspace: Workspace) -> Client:
    client = Client()
    client.force_login(owner)
    return client


@pytest.fixture
def reader(workspace: Workspace) -> Client:
    """The browser of somebody who may only look."""
    person = UserFactory.create()
    Member.objects.create(workspace=workspace, user=person, role=Role.READ_ONLY)
    client = Client()
    client.force_login(person)
    return client


def page(name: str, workspace: Workspace, *args: str) -> str:
    return reverse(name, args=[workspace.slug, *args])


def endpoint(workspace: Workspace, url: str = "https://example.com/hook", *kinds: str) -> WebhookEndpoint:
    made, _ = webhooks.create_endpoint(workspace=workspace, url=url, kinds=kinds, actor=SYSTEM, at=AT)
    return made


def text_of(answer: Any) -> str:
    return answer.content.decode()  # type: ignore[no-any-return]


# Stores


def test_empty_pages_say_what_to_do(browser: Client, workspace: Workspace) -> None:
    assert "No store is connected" in text_of(browser.get(page("connection_list", workspace)))
    assert "Nobody hears the events yet" in text_of(browser.get(page("webhook_list", workspace)))
    assert "No events here" in text_of(browser.get(page("event_log", workspace)))


def test_a_store_is_connected_and_its_secret_shown_once(browser: Client, workspace: Workspace) -> None:
    answer = browser.post(
        page("connection_new", workspace), {"provider": "woocommerce", "name": "Tee shop", "secret": ""}
    )

    connection = Connection.objects.for_workspace(workspace).get()
    (secret,) = queries.accepted_secrets(connection, at=AT)
    shown = text_of(answer)
    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    assert secret in shown
    assert len(secret) == 43
    assert f"http://127.0.0.1:8000/api/v1/hooks/woocommerce/{connection.public_id}" in shown
    detail = text_of(browser.get(page("connection_detail", workspace, connection.public_id)))
    assert secret not in detail
    assert connection.public_id in detail
    assert "Nothing has come in yet" in detail
    entry = AuditEntry.objects.for_workspace(workspace).get(action="connection.created")
    assert (entry.actor, entry.subject) == ("olga@acme.example", connection.public_id)


def test_the_shops_own_secret_can_be_given(browser: Client, workspace: Workspace) -> None:
    browser.post(
        page("connection_new", workspace), {"provider": "woocommerce", "name": "Tee shop", "secret": SECRET}
    )

    connection = Connection.objects.for_workspace(workspace).get()
    assert queries.accepted_secrets(connection, at=AT) == [SECRET]
    assert send(hook(connection), CAPTURED["0016"]).status_code == 200


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"provider": "shopify", "name": "x"}, "Select a valid choice"),
        ({"provider": "woocommerce", "name": ""}, "This field is required"),
        ({"provider": "woocommerce", "name": "x" * 81}, "at most 80 characters"),
        ({"provider": "woocommerce", "name": "x", "secret": "short"}, "at least 8 characters"),
        ({"provider": "woocommerce", "name": "x\x07y"}, "control characters"),
    ],
)
def test_a_wrong_store_is_refused_by_the_field(
    browser: Client, workspace: Workspace, given: dict[str, str], message: str
) -> None:
    answer = browser.post(page("connection_new", workspace), given)

    assert answer.status_code == 400
    assert message in text_of(answer)
    assert Connection.objects.for_workspace(workspace).count() == 0


def test_the_health_and_the_messages_of_a_store_show(browser: Client, workspace: Workspace) -> None:
    shop = connected(workspace)
    for number in ("0010", "0016", "0019", "0037", "0016"):
        send(hook(shop), CAPTURED[number])
    read_inbox()
    send(hook(shop), CAPTURED["0014"])
    dead = InboxItem.objects.for_workspace(workspace).get(topic="product.created")
    InboxItem.objects.for_workspace(workspace).filter(pk=dead.pk).update(
        state="dead", outcome="", sentence="", last_error="KeyError: 'x'"
    )

    health = queries.health_of(workspace, [shop])[shop.pk]
    assert health == queries.Health(applied=2, ignored=0, set_aside=1, waiting=1, failed=1)
    listed = text_of(browser.get(page("connection_list", workspace)))
    for standing, count in (("", 5), ("?standing=set_aside", 1), ("?standing=failed", 1)):
        where = page("connection_detail", workspace, shop.public_id) + standing
        assert re.search(rf'href="{re.escape(where)}">{count}</a>', re.sub(r' class="[^"]*"', "", listed))
    address = page("connection_detail", workspace, shop.public_id)
    detail = text_of(browser.get(address))
    assert "Order 23 was recorded as a purchase of $83.00." in detail
    assert "woocommerce_rest_shop_order_invalid_id" in detail
    assert "KeyError: &#x27;x&#x27;" in detail
    assert detail.count(">Try again<") == 2
    for standing, topics in {
        "applied": ["order.updated", "order.updated"],
        "set_aside": ["order.created"],
        "open": ["order.created"],
        "failed": ["product.created"],
        "ignored": [],
    }.items():
        answer = browser.get(address, {"standing": standing})
        assert [item.topic for item in answer.context["page"]] == topics
    assert len(browser.get(address, {"topic": "order.created"}).context["page"]) == 2
    assert len(browser.get(address, {"standing": "nonsense"}).context["page"]) == 5


def test_a_list_of_stores_takes_as_many_queries_with_one_as_with_three(
    browser: Client, workspace: Workspace, django_assert_num_queries: Any
) -> None:
    connected(workspace)
    with CaptureQueriesContext(database) as one:
        browser.get(page("connection_list", workspace))
    connected(workspace, "Second")
    connected(workspace, "Third")
    with django_assert_num_queries(len(one)):
        browser.get(page("connection_list", workspace))


def test_a_message_shows_its_conversion_and_its_body_without_secrets(
    browser: Client, workspace: Workspace
) -> None:
    shop = connected(workspace)
    send(hook(shop), CAPTURED["0016"])
    read_inbox()
    item = InboxItem.objects.for_workspace(workspace).get()

    shown = text_of(browser.get(page("inbox_item_detail", workspace, item.public_id)))
    assert reverse("conversion_detail", args=[workspace.slug, item.subjects[0]]) in shown
    assert "Of it, $20.00 were refunded." in shown
    assert "ann@example.test" in shown
    assert "wc_order_" not in shown
    assert shown.count("(hidden)") == 2


def test_a_reader_sees_what_came_of_it_but_not_the_body(reader: Client, workspace: Workspace) -> None:
    shop = connected(workspace)
    send(hook(shop), CAPTURED["0016"])
    read_inbox()
    item = InboxItem.objects.for_workspace(workspace).get()

    shown = text_of(reader.get(page("inbox_item_detail", workspace, item.public_id)))
    assert "Of it, $20.00 were refunded." in shown
    assert "ann@example.test" not in shown
    detail = text_of(reader.get(page("connection_detail", workspace, shop.public_id)))
    assert "hook-url" not in detail
    assert "Disable" not in detail


def test_a_dead_message_is_tried_again(browser: Client, workspace: Workspace) -> None:
    shop = connected(workspace)
    send(hook(shop), CAPTURED["0037"])
    InboxItem.objects.for_workspace(workspace).update(state="dead", attempts=12)
    item = InboxItem.objects.for_workspace(workspace).get()

    answer = browser.post(page("inbox_item_retry", workspace, item.public_id))
    assert answer.headers["Location"] == page("inbox_item_detail", workspace, item.public_id)
    assert read_inbox() == 1
    item.refresh_from_db()
    assert (item.state, item.outcome) == ("done", "applied")
    assert browser.post(page("inbox_item_retry", workspace, item.public_id)).status_code == 409


def test_a_store_is_switched_off_and_on(browser: Client, workspace: Workspace) -> None:
    shop = connected(workspace)
    browser.post(page("connection_disable", workspace, shop.public_id))
    shop.refresh_from_db()
    assert shop.status == "disabled"
    detail = text_of(browser.get(page("connection_detail", workspace, shop.public_id)))
    assert "refused with 410" in detail

    browser.post(page("connection_enable", workspace, shop.public_id))
    shop.refresh_from_db()
    assert shop.status == "active"
    actions = AuditEntry.objects.for_workspace(workspace).order_by("pk").values_list("action", flat=True)
    assert list(actions)[-2:] == ["connection.disabled", "connection.enabled"]


def test_a_stores_secret_is_replaced_and_shown_once(browser: Client, workspace: Workspace) -> None:
    shop = connected(workspace)
    address = page("connection_secret", workspace, shop.public_id)
    assert browser.post(address, {"secret": "short", "keep_old": "on"}).status_code == 400
    shown = text_of(browser.post(address, {"secret": "", "keep_old": "on"}))

    shop.refresh_from_db()
    new, old = queries.accepted_secrets(shop, at=clock.now())
    assert new in shown
    assert old == SECRET
    browser.post(address, {"secret": "a fresh secret"})
    shop.refresh_from_db()
    assert queries.accepted_secrets(shop, at=clock.now()) == ["a fresh secret"]


# Webhooks


def test_an_endpoint_is_added_and_its_secret_shown_once(browser: Client, workspace: Workspace) -> None:
    answer = browser.post(
        page("webhook_new", workspace), {"url": "https://example.com/hook", "kinds": ["reward.created"]}
    )

    made = WebhookEndpoint.objects.for_workspace(workspace).get()
    (secret,) = queries.signing_secrets(made, at=AT)
    assert made.kinds == ["reward.created"]
    assert "no-store" in answer.headers["Cache-Control"]
    assert re.findall(r'value="(whsec_[^"]+)"', text_of(answer)) == [secret]
    assert secret not in text_of(browser.get(page("webhook_detail", workspace, made.public_id)))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"url": ""}, "This field is required"),
        ({"url": "https://192.168.0.1/"}, "not on the public internet"),
        ({"url": "https://example.com/", "kinds": ["reward.stolen"]}, "Select a valid choice"),
    ],
)
def test_a_wrong_endpoint_is_refused_by_the_field(
    browser: Client, workspace: Workspace, given: dict[str, Any], message: str
) -> None:
    answer = browser.post(page("webhook_new", workspace), given)

    assert answer.status_code == 400
    assert message in text_of(answer)
    assert WebhookEndpoint.objects.for_workspace(workspace).count() == 0


def test_deliveries_show_their_state_in_words(browser: Client, workspace: Workspace) -> None:
    made = endpoint(workspace)
    for _ in range(4):
        queue_webhooks(events.emit("reward.created", at=AT, reward="rwd_1"))
    rows = list(WebhookDelivery.objects.for_workspace(workspace).order_by("pk"))
    states: list[dict[str, Any]] = [
        {"state": "done", "attempts": 1, "delivered_at": AT},
        {"attempts": 2, "last_error": "The receiver answered 500.", "due_at": AT + timedelta(hours=5)},
        {"state": "dead", "attempts": 10, "last_error": "Given up after 10 attempts."},
    ]
    for row, changes in zip(rows, states, strict=False):
        WebhookDelivery.objects.for_workspace(workspace).filter(pk=row.pk).update(**changes)
    WebhookAttempt.objects.create(
        workspace=workspace, delivery=rows[1], status=500, response="<b>no</b>", elapsed_ms=12, at=AT
    )

    address = page("webhook_detail", workspace, made.public_id)
    shown = " ".join(text_of(browser.get(address)).split())
    for state, word in (
        ("delivered", "Delivered"),
        ("retrying", "Will retry"),
        ("failed", "Failed"),
        ("waiting", "Waiting"),
    ):
        assert f'<span class="status {state}">{word}</span>' in shown
    assert 'next attempt <time datetime="2026-03-02T17:00:00+00:00"' in shown
    assert "HTTP 500" in shown
    assert shown.count(">Redeliver<") == 4
    one = text_of(browser.get(page("webhook_delivery_detail", workspace, rows[1].public_id)))
    assert "The receiver answered 500." in one
    assert 'HTTP 500 <span class="muted font-normal">in 12 ms</span>' in one
    assert "&lt;b&gt;no&lt;/b&gt;</pre>" in one
    assert "&quot;reward.created&quot;" in one
    opened = browser.get(address, {"standing": "open"})
    assert [each.pk for each in opened.context["page"]] == [rows[3].pk, rows[1].pk]
    for standing, row in zip(("delivered", "retrying", "failed", "waiting"), rows, strict=True):
        answer = browser.get(address, {"standing": standing, "kind": "reward.created"})
        assert [each.pk for each in answer.context["page"]] == [row.pk]
    assert len(browser.get(address, {"kind": "payout.failed"}).context["page"]) == 0
    listed = browser.get(page("webhook_list", workspace)).context["page"][0]
    assert (listed.waiting, listed.failed, listed.last_delivered_at) == (2, 1, AT)


def test_a_delivery_is_sent_again(browser: Client, workspace: Workspace) -> None:
    made = endpoint(workspace)
    queue_webhooks(events.emit("reward.created", at=AT))
    WebhookDelivery.objects.for_workspace(workspace).update(state="dead", attempts=10)
    row = WebhookDelivery.objects.for_workspace(workspace).get()

    answer = browser.post(page("webhook_delivery_retry", workspace, row.public_id))
    assert answer.headers["Location"] == page("webhook_detail", workspace, made.public_id)
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("pending", 0)


def test_an_endpoint_is_rotated_tested_and_switched(browser: Client, workspace: Workspace) -> None:
    made = endpoint(workspace)
    shown = text_of(browser.post(page("webhook_rotate", workspace, made.public_id)))
    made.refresh_from_db()
    new, old = queries.signing_secrets(made, at=clock.now())
    assert new in shown
    assert old not in shown
    assert "signs too until" in text_of(browser.get(page("webhook_detail", workspace, made.public_id)))

    browser.post(page("webhook_test", workspace, made.public_id))
    assert WebhookDelivery.objects.for_workspace(workspace).get().event.kind == "webhook.test"

    browser.post(page("webhook_disable", workspace, made.public_id))
    made.refresh_from_db()
    assert (made.status, made.disabled_reason) == ("disabled", "Switched off by olga@acme.example.")
    assert WebhookDelivery.objects.for_workspace(workspace).get().state == "dead"
    assert browser.post(page("webhook_test", workspace, made.public_id)).status_code == 409
    browser.post(page("webhook_enable", workspace, made.public_id))
    made.refresh_from_db()
    assert (made.status, made.disabled_reason) == ("enabled", "")


# The event log


def test_the_event_log_shows_data_and_handlers(browser: Client, workspace: Workspace) -> None:
    events.emit("payout.failed", at=AT, payout="pyt_1")
    failed = events.emit("reward.created", at=AT, reward="rwd_1")
    owed = EventDelivery.objects.for_workspace(workspace)
    owed.filter(event=failed).update(state="dead", attempts=12, last_error="ValueError: no")

    answer = browser.get(page("event_log", workspace))
    shown = text_of(answer)
    assert [event.kind for event in answer.context["page"]] == ["reward.created", "payout.failed"]
    assert "<code>rwd_1</code>" in shown
    assert "integrations.handlers.queue_webhooks" in shown
    assert "ValueError: no" in shown
    assert shown.count(">Deliver again<") == 1
    narrowed = browser.get(page("event_log", workspace), {"kind": "payout.failed"})
    assert [event.kind for event in narrowed.context["page"]] == ["payout.failed"]
    narrowed = browser.get(page("event_log", workspace), {"standing": "failed"})
    assert [event.pk for event in narrowed.context["page"]] == [failed.pk]

    browser.post(page("event_retry", workspace, failed.public_id))
    assert {(row.state, row.attempts) for row in owed.filter(event=failed)} == {("pending", 0)}
    again = browser.post(page("event_retry", workspace, failed.public_id), follow=True)
    assert "is still trying" in text_of(again)


def test_what_failed_is_taken_up_again_together(browser: Client, workspace: Workspace) -> None:
    made = endpoint(workspace)
    shop = connected(workspace)
    for number in ("0016", "0037"):
        send(hook(shop), CAPTURED[number])
    for _ in range(2):
        queue_webhooks(events.emit("reward.created", at=AT))
    InboxItem.objects.for_workspace(workspace).update(state="dead", attempts=12)
    WebhookDelivery.objects.for_workspace(workspace).update(state="dead", attempts=10)
    EventDelivery.objects.for_workspace(workspace).update(state="dead", attempts=12)
    for name, address, rows in (
        ("inbox_bulk", [shop.public_id], InboxItem.objects.for_workspace(workspace)),
        ("webhook_delivery_bulk", [made.public_id], WebhookDelivery.objects.for_workspace(workspace)),
        ("event_bulk", [], Event.objects.for_workspace(workspace).filter(kind="reward.created")),
    ):
        chosen = list(rows.values_list("public_id", flat=True))
        assert len(chosen) == 2
        answer = browser.post(page(name, workspace, *address), {"chosen": chosen}, follow=True)
        assert answer.status_code == 200
        assert re.search(r"2 (messages|events) ", text_of(answer)), name
    for model in (InboxItem, WebhookDelivery):
        assert {row.state for row in model.objects.for_workspace(workspace)} == {"pending"}
    revived = EventDelivery.objects.for_workspace(workspace).filter(event__kind="reward.created")
    assert {row.state for row in revived} == {"pending"}
    WebhookEndpoint.objects.for_workspace(workspace).update(status="disabled")
    refused = browser.post(
        page("webhook_delivery_bulk", workspace, made.public_id),
        {
            "chosen": list(
                WebhookDelivery.objects.for_workspace(workspace).values_list("public_id", flat=True)
            )
        },
    )
    assert refused.status_code == 409


def test_lists_ask_as_often_whatever_their_length(browser: Client, workspace: Workspace) -> None:
    shop, made = connected(workspace), endpoint(workspace)
    serial = itertools.count()

    def items(count: int) -> None:
        InboxItem.objects.bulk_create(
            InboxItem(
                workspace=workspace,
                connection=shop,
                fingerprint=f"f{next(serial)}",
                topic="order.created",
                body=b"{}",
                received_at=AT,
                due_at=AT,
                state="dead",
            )
            for _ in range(count)
        )

    def owed(count: int) -> None:
        for _ in range(count):
            queue_webhooks(events.emit("reward.created", at=AT))
        for delivery in WebhookDelivery.objects.for_workspace(workspace).filter(tries__isnull=True):
            WebhookAttempt.objects.create(workspace=workspace, delivery=delivery, status=500, at=AT)

    def endpoints(count: int) -> None:
        WebhookEndpoint.objects.bulk_create(
            WebhookEndpoint(workspace=workspace, url=f"https://example.com/{next(serial)}", created_at=AT)
            for _ in range(count)
        )

    def shops(count: int) -> None:
        for _ in range(count):
            connected(workspace)

    assert_same_queries(browser, page("connection_detail", workspace, shop.public_id), items)
    assert_same_queries(browser, page("webhook_detail", workspace, made.public_id), owed)
    assert_same_queries(browser, page("event_log", workspace), owed)
    assert_same_queries(browser, page("webhook_list", workspace), endpoints)
    assert_same_queries(browser, page("connection_list", workspace), shops)


def test_deliveries_are_exported_as_they_stand(browser: Client, workspace: Workspace) -> None:
    made = endpoint(workspace)
    queue_webhooks(events.emit("reward.created", at=AT))
    row = WebhookDelivery.objects.for_workspace(workspace).select_related("event").get()

    saved: Any = browser.get(page("webhook_detail", workspace, made.public_id), {"export": "csv"})

    lines = b"".join(saved.streaming_content).decode("utf-8-sig").splitlines()
    assert lines[0] == "Id,Event,State,Last answer,Attempts,Queued,Delivered,Last error"
    assert lines[1].startswith(f"{row.public_id},reward.created,waiting,,0,")


# Who may


CHANGES: tuple[str, ...] = (
    "connection_enable",
    "connection_disable",
    "connection_secret",
    "inbox_item_retry",
    "webhook_enable",
    "webhook_disable",
    "webhook_rotate",
    "webhook_test",
    "webhook_delivery_retry",
    "event_retry",
)
LOOKS = ("connection_detail", "inbox_item_detail", "webhook_detail", "webhook_delivery_detail")


def things(workspace: Workspace) -> dict[str, str]:
    """Make one of everything and return the public id that each page takes."""
    shop = connected(workspace)
    body = CAPTURED["0016"].body
    send(hook(shop), CAPTURED["0016"], X_WC_Webhook_Signature=signature(body))
    made = endpoint(workspace)
    event = events.emit("reward.created", at=AT)
    queue_webhooks(event)
    item = InboxItem.objects.for_workspace(workspace).get()
    delivery = WebhookDelivery.objects.for_workspace(workspace).get()
    by_kind = {
        "connection": shop.public_id,
        "inbox_item": item.public_id,
        "webhook_delivery": delivery.public_id,
        "webhook": made.public_id,
        "event": event.public_id,
    }
    return {
        name: next(public_id for prefix, public_id in by_kind.items() if name.startswith(prefix))
        for name in (*CHANGES, *LOOKS)
    }


def counted(workspace: Workspace) -> list[Any]:
    models = (Connection, InboxItem, WebhookEndpoint, WebhookDelivery, Event, EventDelivery)
    return [list(model.objects.for_workspace(workspace).order_by("pk").values()) for model in models]


def test_a_reader_may_look_and_change_nothing(reader: Client, workspace: Workspace) -> None:
    ids = things(workspace)
    before = counted(workspace)

    for name in LOOKS:
        assert reader.get(page(name, workspace, ids[name])).status_code == 200, name
    for name in CHANGES:
        assert reader.post(page(name, workspace, ids[name])).status_code == 403, name
    for name in ("inbox_bulk", "webhook_delivery_bulk"):
        owner_of = ids["connection_detail" if name == "inbox_bulk" else "webhook_detail"]
        assert reader.post(page(name, workspace, owner_of)).status_code == 403, name
    assert reader.post(page("event_bulk", workspace)).status_code == 403
    for name in ("connection_new", "webhook_new"):
        assert reader.get(page(name, workspace)).status_code == 403
        assert reader.post(page(name, workspace), {"name": "x"}).status_code == 403
    assert counted(workspace) == before


def test_foreign_and_unknown_ids_are_not_found(
    browser: Client, workspace: Workspace, other_workspace: Workspace
) -> None:
    with tenant(other_workspace):
        theirs = things(other_workspace)
        before = counted(other_workspace)

    for name in LOOKS:
        assert browser.get(page(name, workspace, theirs[name])).status_code == 404, name
        assert browser.get(page(name, other_workspace, theirs[name])).status_code == 404, name
    for name in CHANGES:
        assert browser.post(page(name, workspace, theirs[name])).status_code == 404, name
        assert browser.post(page(name, workspace, "nonsense")).status_code == 404, name
        assert browser.get(page(name, workspace, theirs[name])).status_code == 405, name
    with tenant(other_workspace):
        assert counted(other_workspace) == before


# Bodies


def test_secrets_are_hidden_wherever_they_stand() -> None:
    body = (
        b'{"order_key": "key-12345", "url": "https://x/?key=key-12345", '
        b'"lines": [{"api_secret": "s"}, "key-12345"], "key": "kept", "token": null, "n": 1}'
    )

    assert readable(body) == (
        '{\n  "order_key": "(hidden)",\n  "url": "https://x/?key=(hidden)",\n  "lines": [\n    {\n'
        '      "api_secret": "(hidden)"\n    },\n    "(hidden)"\n  ],\n  "key": "kept",\n'
        '  "token": null,\n  "n": 1\n}'
    )


@pytest.mark.parametrize(
    ("body", "shown"), [(b"webhook_id=1", "webhook_id=1"), (b"\xff\x00", "\ufffd\x00"), (b"[" * 3, "[[[")]
)
def test_bodies_that_are_no_json_show_as_they_are(body: bytes, shown: str) -> None:
    assert readable(body) == shown
