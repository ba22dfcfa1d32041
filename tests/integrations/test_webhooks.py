"""Outbound webhooks against a real receiver on loopback: signed, retried, given up, fair to every tenant."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.fernet import InvalidToken
from django.db import connection as database
from standardwebhooks import Webhook

from accounts.models import AuditEntry, User, Workspace
from accounts.services import SYSTEM
from core import clock, events
from core.errors import Conflict, Invalid
from core.models import Event, EventDelivery
from core.tenancy import tenant
from integrations import queries
from integrations.handlers import queue_webhooks
from integrations.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from integrations.services import deliveries, sending, webhooks
from integrations.tasks import send_webhooks
from tests.conftest import AT, make_workspace
from tests.integrations.receiver import Receiver, Reply, receiving

DAY = timedelta(days=1)


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    """A server that the platform is allowed to reach, though it is on loopback."""
    with receiving() as server:
        settings.OUTBOUND_ALLOW_NETWORKS = ["127.0.0.0/8"]
        settings.OUTBOUND_ALLOW_PORTS = [server.server_port]
        yield server


def endpoint_at(workspace: Workspace, url: str, *kinds: str) -> tuple[WebhookEndpoint, str]:
    return webhooks.create_endpoint(workspace=workspace, url=url, kinds=kinds, actor=SYSTEM, at=AT)


def happened(kind: str = "reward.created", **data: Any) -> Event:
    """Write an event and let the handler queue it, as the worker does."""
    event = events.emit(kind, at=AT, **data)
    queue_webhooks(event)
    return event


def only(workspace: Workspace) -> WebhookDelivery:
    delivery: WebhookDelivery = WebhookDelivery.objects.for_workspace(workspace).get()
    return delivery


def _ignore(_: object) -> None:
    """Make a call's result None."""


def due_now(workspace: Workspace) -> None:
    WebhookDelivery.objects.for_workspace(workspace).update(due_at=AT)


# What is owed


def test_an_event_is_owed_to_every_enabled_endpoint_that_hears_its_kind(
    workspace: Workspace, other_workspace: Workspace, receiver: Receiver
) -> None:
    everything, _ = endpoint_at(workspace, receiver.url("/all"))
    rewards, _ = endpoint_at(workspace, receiver.url("/rewards"), "reward.created", "reward.issued")
    endpoint_at(workspace, receiver.url("/payouts"), "payout.completed")
    off, _ = endpoint_at(workspace, receiver.url("/off"))
    webhooks.disable_endpoint(endpoint=off, reason="Switched off.", actor=SYSTEM)
    with tenant(other_workspace):
        endpoint_at(other_workspace, receiver.url("/theirs"))

    event = happened(reward="rwd_1", amount_minor=1000)
    queue_webhooks(event)

    rows = WebhookDelivery.objects.for_workspace(workspace).order_by("pk")
    assert [row.endpoint_id for row in rows] == [everything.pk, rewards.pk]
    assert {row.body for row in rows} == {
        '{"type":"reward.created","timestamp":"2026-03-02T12:00:00Z",'
        '"data":{"reward":"rwd_1","amount_minor":1000}}'
    }
    with tenant(other_workspace):
        assert WebhookDelivery.objects.for_workspace(other_workspace).count() == 0


def test_the_handler_is_subscribed_to_what_endpoints_can_hear(workspace: Workspace) -> None:
    for kind in queries.event_kinds():
        event = events.emit(kind, at=AT)
        handlers = EventDelivery.objects.for_workspace(workspace).filter(event=event)
        assert "integrations.handlers.queue_webhooks" in handlers.values_list("handler", flat=True)


@pytest.mark.parametrize(
    ("url", "kinds", "param", "code"),
    [
        ("https://10.0.0.1/", [], "url", "address"),
        ("https://[::1]/", [], "url", "address"),
        ("https://user:secret@example.com/", [], "url", "userinfo"),
        ("ftp://example.com/", [], "url", "scheme"),
        ("https://example.com:22/", [], "url", "port"),
        ("example.com", [], "url", "bad_url"),
        ("https://example.com/" + "x" * 2000, [], "url", "bad_url"),
        ("https://example.com/", ["reward.created", "reward.stolen"], "kinds", "unknown_kind"),
        ("https://example.com/", ["sandbox.clock_moved"], "kinds", "unknown_kind"),
    ],
)
def test_a_bad_endpoint_names_the_field_and_is_not_made(
    workspace: Workspace, url: str, kinds: list[str], param: str, code: str
) -> None:
    with pytest.raises(Invalid) as refused:
        endpoint_at(workspace, url, *kinds)

    assert (refused.value.param, refused.value.code) == (param, code)
    assert WebhookEndpoint.objects.for_workspace(workspace).count() == 0


def test_a_workspace_has_twenty_endpoints_at_most(workspace: Workspace) -> None:
    for number in range(20):
        endpoint_at(workspace, f"https://example.com/{number}")
    with pytest.raises(Conflict):
        endpoint_at(workspace, "https://example.com/20")


def test_secrets_are_not_stored_in_clear_and_open_in_their_own_row_only(workspace: Workspace) -> None:
    first, secret = endpoint_at(workspace, "https://example.com/1")
    second, _ = endpoint_at(workspace, "https://example.com/2")

    assert secret not in first.sealed_secret
    assert queries.signing_secrets(first, at=AT) == [secret]
    second.sealed_secret = first.sealed_secret
    with pytest.raises(InvalidToken):
        queries.signing_secrets(second, at=AT)


# Sending


def test_a_message_is_signed_so_that_any_library_verifies_it(
    workspace: Workspace, receiver: Receiver
) -> None:
    _, secret = endpoint_at(workspace, receiver.url())
    event = happened(reward="rwd_1")
    assert send_webhooks() == 1

    ((path, headers, body),) = receiver.received
    assert path == "/hook"
    assert headers["content-type"] == "application/json"
    assert headers["webhook-id"] == event.public_id
    assert Webhook(secret).verify(body, headers) == {
        "type": "reward.created",
        "timestamp": "2026-03-02T12:00:00Z",
        "data": {"reward": "rwd_1"},
    }
    delivery = only(workspace)
    assert (delivery.state, delivery.attempts, delivery.last_error) == ("done", 1, "")
    assert delivery.delivered_at is not None
    attempt = WebhookAttempt.objects.for_workspace(workspace).get()
    assert (attempt.status, attempt.response, attempt.error) == (200, "ok", "")
    assert send_webhooks() == 0


def test_a_failure_is_retried_with_the_same_id_and_a_new_signature(
    workspace: Workspace, receiver: Receiver
) -> None:
    _, secret = endpoint_at(workspace, receiver.url())
    event = happened()
    receiver.script = [Reply(500, b"out of order\x00")]
    began = clock.now()
    assert send_webhooks() == 1

    delivery = only(workspace)
    assert (delivery.state, delivery.attempts) == ("pending", 1)
    assert delivery.last_error == "The receiver answered 500."
    assert timedelta(seconds=5) <= delivery.due_at - began < timedelta(seconds=15)
    assert queries.endpoints(workspace).get().failing_since is not None
    assert send_webhooks() == 0

    due_now(workspace)
    assert send_webhooks() == 1
    assert receiver.ids == [event.public_id] * 2
    for _, headers, body in receiver.received:
        Webhook(secret).verify(body, headers)
    assert queries.endpoints(workspace).get().failing_since is None
    attempts = WebhookAttempt.objects.for_workspace(workspace).order_by("pk")
    assert [(a.status, a.response, a.error) for a in attempts] == [
        (500, "out of order", "The receiver answered 500."),
        (200, "ok", ""),
    ]


def test_the_receivers_wish_to_wait_is_honoured(workspace: Workspace, receiver: Receiver) -> None:
    endpoint_at(workspace, receiver.url())
    happened()
    receiver.script = [Reply(503, headers={"Retry-After": "600"})]
    began = clock.now()
    send_webhooks()

    wait = only(workspace).due_at - began
    assert timedelta(seconds=600) <= wait <= timedelta(seconds=600 * 1.1 + 10)


def test_ten_failures_are_the_end_and_a_person_can_begin_again(
    workspace: Workspace, receiver: Receiver
) -> None:
    endpoint_at(workspace, receiver.url())
    happened()
    receiver.script = [Reply(500)] * 10
    waits = []
    for _ in range(10):
        due_now(workspace)
        began = clock.now()
        assert send_webhooks() == 1
        waits.append(only(workspace).due_at - began)

    delivery = only(workspace)
    assert (delivery.state, delivery.attempts) == ("dead", 10)
    assert delivery.last_error == "Given up after 10 attempts. The receiver answered 500."
    assert sum(waits[:9], timedelta()) >= DAY
    due_now(workspace)
    assert send_webhooks() == 0

    deliveries.retry_delivery(delivery=delivery, at=clock.now())
    assert send_webhooks() == 1
    assert only(workspace).state == "done"


def test_410_disables_the_endpoint_and_gives_up_what_is_on_its_way(
    workspace: Workspace, receiver: Receiver
) -> None:
    endpoint, _ = endpoint_at(workspace, receiver.url())
    other, _ = endpoint_at(workspace, receiver.url("/other"))
    happened()
    happened()
    rows = WebhookDelivery.objects.for_workspace(workspace)
    rows.filter(endpoint=endpoint).update(due_at=AT)
    rows.filter(endpoint=other).update(due_at=clock.now() + DAY)
    later = rows.filter(endpoint=endpoint).order_by("-pk").first()
    assert later is not None
    rows.filter(pk=later.pk).update(due_at=clock.now() + DAY)
    receiver.script = [Reply(410)]
    assert send_webhooks() == 1

    endpoint.refresh_from_db()
    other.refresh_from_db()
    reason = "The receiver answered 410 Gone."
    assert (endpoint.status, endpoint.disabled_reason) == ("disabled", reason)
    assert other.status == "enabled"
    assert {(row.state, row.last_error) for row in rows.filter(endpoint=endpoint)} == {
        ("dead", f"The endpoint was disabled: {reason}")
    }
    assert {row.state for row in rows.filter(endpoint=other)} == {"pending"}
    entry = AuditEntry.objects.for_workspace(workspace).get(action="webhook_endpoint.disabled")
    assert (entry.actor, entry.subject, entry.reason) == ("system", endpoint.public_id, reason)
    assert deliveries.queue_deliveries(heard=[(events.emit("payout.failed", at=AT), AT)]) == 1


def test_five_days_without_success_disable_the_endpoint(workspace: Workspace, receiver: Receiver) -> None:
    endpoint, _ = endpoint_at(workspace, receiver.url())
    happened()
    for since, status in ((timedelta(days=4, hours=23), "enabled"), (timedelta(days=5), "disabled")):
        WebhookEndpoint.objects.for_workspace(workspace).update(failing_since=clock.now() - since)
        due_now(workspace)
        receiver.script = [Reply(500)]
        send_webhooks()
        endpoint.refresh_from_db()
        assert endpoint.status == status

    assert only(workspace).state == "dead"
    enabled = webhooks.enable_endpoint(endpoint=endpoint, actor=SYSTEM)
    assert (enabled.status, enabled.disabled_reason, enabled.failing_since) == ("enabled", "", None)


def test_a_delivery_queued_while_the_endpoint_was_disabled_is_not_sent(
    workspace: Workspace, receiver: Receiver
) -> None:
    endpoint, _ = endpoint_at(workspace, receiver.url())
    happened()
    WebhookEndpoint.objects.for_workspace(workspace).update(status="disabled", disabled_reason="Off.")

    assert send_webhooks() == 0
    assert receiver.received == []
    assert (only(workspace).state, only(workspace).last_error) == ("dead", "The endpoint was disabled: Off.")
    endpoint.refresh_from_db()
    with pytest.raises(Conflict):
        deliveries.retry_delivery(delivery=only(workspace), at=AT)
    with pytest.raises(Conflict):
        deliveries.send_test_event(endpoint=endpoint, at=AT)


def test_a_redirect_is_not_followed(workspace: Workspace, receiver: Receiver) -> None:
    endpoint_at(workspace, receiver.url())
    happened()
    receiver.script = [Reply(302, headers={"Location": receiver.url("/elsewhere")})]
    send_webhooks()

    assert [path for path, _, _ in receiver.received] == ["/hook"]
    assert only(workspace).last_error == "The receiver answered 302; redirects are not followed."


def test_an_address_that_has_become_private_is_not_called(
    workspace: Workspace, receiver: Receiver, settings: Any
) -> None:
    endpoint_at(workspace, receiver.url())
    happened()
    settings.OUTBOUND_ALLOW_NETWORKS = []
    send_webhooks()

    assert receiver.received == []
    attempt = WebhookAttempt.objects.for_workspace(workspace).get()
    assert (attempt.status, attempt.error) == (
        None,
        "The URL leads to an address that is not on the public internet.",
    )
    assert only(workspace).state == "pending"


def test_nobody_listening_is_a_failure_like_others(workspace: Workspace, settings: Any) -> None:
    with receiving() as server:
        settings.OUTBOUND_ALLOW_NETWORKS = ["127.0.0.0/8"]
        settings.OUTBOUND_ALLOW_PORTS = [server.server_port]
        endpoint_at(workspace, server.url())
    happened()
    send_webhooks()

    assert only(workspace).last_error == "The server could not be reached."


def test_a_slow_receiver_meets_the_deadline_and_holds_up_nobody(
    workspace: Workspace, other_workspace: Workspace, receiver: Receiver, settings: Any
) -> None:
    release = threading.Event()
    with receiving() as slow:
        settings.OUTBOUND_ALLOW_PORTS = [receiver.server_port, slow.server_port]
        slow.script = [Reply(before=lambda: _ignore(release.wait(20))) for _ in range(6)]
        endpoint_at(workspace, slow.url())
        for _ in range(6):
            happened()
        with tenant(other_workspace):
            endpoint_at(other_workspace, receiver.url())
            events_of_theirs = [happened() for _ in range(5)]

        sending.send_due(deadline_seconds=2.0)
        # The slow one has answered nobody by now.
        assert sorted(receiver.ids) == sorted(event.public_id for event in events_of_theirs)
        release.set()

    rows = WebhookDelivery.objects.for_workspace(workspace)
    # On a busy machine the deadline may pass before each of them was tried.
    assert {row.last_error for row in rows} - {""} == {"The server did not answer in time."}
    attempts = WebhookAttempt.objects.for_workspace(workspace)
    assert all(attempt.elapsed_ms >= 2000 for attempt in attempts)


def test_while_a_secret_is_rotated_both_verify(workspace: Workspace, receiver: Receiver) -> None:
    endpoint, old = endpoint_at(workspace, receiver.url())
    new = webhooks.rotate_secret(endpoint=endpoint, actor=SYSTEM, at=clock.now())
    happened()
    send_webhooks()
    WebhookEndpoint.objects.for_workspace(workspace).update(previous_secret_until=clock.now())
    happened()
    send_webhooks()

    (_, during, body), (_, after, later_body) = receiver.received
    assert Webhook(old).verify(body, during) == Webhook(new).verify(body, during)
    assert len(during["webhook-signature"].split(" ")) == 2
    Webhook(new).verify(later_body, after)
    assert len(after["webhook-signature"].split(" ")) == 1


def test_a_test_event_reaches_only_its_endpoint_and_stands_in_the_log(
    workspace: Workspace, receiver: Receiver
) -> None:
    endpoint, secret = endpoint_at(workspace, receiver.url("/one"), "payout.failed")
    endpoint_at(workspace, receiver.url("/two"))
    delivery = deliveries.send_test_event(endpoint=endpoint, at=AT)
    assert send_webhooks() == 1

    ((path, headers, body),) = receiver.received
    assert path == "/one"
    assert Webhook(secret).verify(body, headers) == {
        "type": "webhook.test",
        "timestamp": "2026-03-02T12:00:00Z",
        "data": {"endpoint": endpoint.public_id},
    }
    assert EventDelivery.objects.for_workspace(workspace).filter(event=delivery.event).count() == 0
    assert [event.kind for event in queries.event_log(workspace)] == ["webhook.test"]


def test_a_delivery_that_cannot_be_built_does_not_stop_the_others(
    workspace: Workspace, receiver: Receiver
) -> None:
    broken, _ = endpoint_at(workspace, receiver.url("/broken"))
    endpoint_at(workspace, receiver.url("/fine"))
    WebhookEndpoint.objects.for_workspace(workspace).filter(pk=broken.pk).update(sealed_secret="torn")
    happened()

    assert send_webhooks() == 1
    assert [path for path, _, _ in receiver.received] == ["/fine"]
    row = WebhookDelivery.objects.for_workspace(workspace).get(endpoint=broken)
    assert (row.state, row.attempts) == ("pending", 1)
    assert row.last_error.startswith("InvalidToken")
    assert row.due_at > clock.now()


# Claiming


def test_no_endpoint_gets_more_than_its_share_of_a_claim(
    workspace: Workspace, other_workspace: Workspace, receiver: Receiver
) -> None:
    flooded, _ = endpoint_at(workspace, receiver.url("/a"))
    for _ in range(10):
        happened()
    with tenant(other_workspace):
        quiet, _ = endpoint_at(other_workspace, receiver.url("/b"))
        happened()
    now = clock.now()

    first = sending.claim_fairly(limit=8, at=now)
    assert sorted(claimed.workspace_id for claimed in first) == [workspace.pk] * 2 + [other_workspace.pk]
    assert sending.claim_fairly(limit=8, at=now) == []
    assert [claimed.attempts for claimed in first] == [1, 1, 1]

    again = sending.claim_fairly(limit=8, at=now + sending.LEASE + timedelta(seconds=1))
    assert {claimed.pk for claimed in again} == {claimed.pk for claimed in first}
    assert [claimed.attempts for claimed in again] == [2, 2, 2]
    assert flooded.pk != quiet.pk


def test_a_claim_takes_no_more_than_it_may_and_nothing_before_its_time(
    workspace: Workspace, receiver: Receiver
) -> None:
    for number in range(4):
        endpoint_at(workspace, receiver.url(f"/{number}"))
    happened()
    now = clock.now()

    assert sending.claim_fairly(limit=3, at=now - DAY) == []
    assert len(sending.claim_fairly(limit=3, at=now)) == 3
    assert len(sending.claim_fairly(limit=3, at=now)) == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_each_message_once_and_hold_no_transaction_meanwhile(
    owner: User, receiver: Receiver
) -> None:
    workspace = make_workspace(owner)
    open_transactions: list[int] = []

    def look() -> None:
        with database.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND state LIKE 'idle in transaction%' AND pid <> pg_backend_pid()"
            )
            open_transactions.append(cursor.fetchone()[0])
        database.close()

    with tenant(workspace):
        for path in ("/a", "/b", "/c"):
            endpoint_at(workspace, receiver.url(path))
        written = [happened() for _ in range(4)]
    # The first message is looked at while nobody else works, the others while two workers do.
    receiver.script = [Reply(before=look)]
    with tenant(workspace):
        WebhookDelivery.objects.for_workspace(workspace).exclude(
            pk=WebhookDelivery.objects.for_workspace(workspace).order_by("pk")[0].pk
        ).update(due_at=clock.now() + DAY)
    assert send_webhooks() == 1
    assert open_transactions == [0]

    with tenant(workspace):
        due_now(workspace)
    barrier = threading.Barrier(2)
    counts: list[int] = []

    def work() -> None:
        barrier.wait(10)
        counts.append(send_webhooks())
        database.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    # A worker that found every row taken stops; what its rival had not claimed by then is the next sweep's.
    counts.append(send_webhooks())

    assert sum(counts) == 11
    sent = [(path, headers["webhook-id"]) for path, headers, _ in receiver.received]
    assert sorted(sent) == sorted((path, event.public_id) for path in ("/a", "/b", "/c") for event in written)
    with tenant(workspace):
        rows = WebhookDelivery.objects.for_workspace(workspace)
        assert {(row.state, row.attempts) for row in rows} == {("done", 1)}


def test_times_in_bodies_are_utc_whatever_the_events_zone(workspace: Workspace, receiver: Receiver) -> None:
    endpoint_at(workspace, receiver.url())
    event = events.emit("payout.failed", at=datetime.fromisoformat("2026-03-02T14:00:00.5+02:00"))
    queue_webhooks(event)

    assert json.loads(only(workspace).body)["timestamp"] == "2026-03-02T12:00:00.500000Z"


def test_a_suspended_workspaces_webhooks_wait_untouched(workspace: Workspace, receiver: Receiver) -> None:
    endpoint_at(workspace, receiver.url("/all"))
    happened()
    Workspace.objects.for_workspace(workspace).update(status="suspended")
    assert send_webhooks() == 0
    assert (only(workspace).state, only(workspace).attempts) == ("pending", 0)
    Workspace.objects.for_workspace(workspace).update(status="active")
    assert send_webhooks() == 1
    assert [path for path, _, _ in receiver.received] == ["/all"]
