"""`/api/v1/webhook-endpoints`, `/deliveries` and `/events`."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import IdempotencyKey, Workspace
from accounts.services import SYSTEM, create_api_key
from core import clock, events
from core.models import Event
from core.tenancy import tenant
from integrations import queries
from integrations.handlers import queue_webhooks
from integrations.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from integrations.services import webhooks
from tests.conftest import AT

ENDPOINTS = "/api/v1/webhook-endpoints"


class Caller:
    """Calls the API with a secret key."""

    def __init__(self, workspace: Workspace, *scopes: str) -> None:
        _, self._token = create_api_key(
            workspace=workspace, kind="sk", name="Test", scopes=scopes, actor=SYSTEM, at=AT
        )

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        return Client().generic(
            method,
            path,
            data=json.dumps(body) if body is not None else "",
            content_type="application/json",
            headers={"Authorization": f"Bearer {self._token}", **headers},
        )


@pytest.fixture
def api(workspace: Workspace) -> Caller:
    return Caller(workspace, "read", "write")


def endpoint(workspace: Workspace, url: str = "https://example.com/hook") -> WebhookEndpoint:
    made, _ = webhooks.create_endpoint(workspace=workspace, url=url, kinds=(), actor=SYSTEM, at=AT)
    return made


def test_an_endpoint_is_made_read_listed_and_disabled(workspace: Workspace, api: Caller) -> None:
    body = {"url": "https://example.com/hook", "kinds": ["reward.created"]}
    made = api.call("POST", ENDPOINTS, body)

    row = WebhookEndpoint.objects.for_workspace(workspace).get()
    (secret,) = queries.signing_secrets(row, at=AT)
    shown = {
        "id": row.public_id,
        "url": "https://example.com/hook",
        "kinds": ["reward.created"],
        "status": "enabled",
        "disabled_reason": "",
        "failing_since": None,
        "created_at": row.created_at.isoformat().replace("+00:00", "Z"),
    }
    assert (made.status_code, made.json()) == (201, {**shown, "secret": secret})
    assert api.call("GET", f"{ENDPOINTS}/{row.public_id}").json() == shown
    assert api.call("GET", ENDPOINTS).json() == {"data": [shown], "has_more": False}

    gone = api.call("DELETE", f"{ENDPOINTS}/{row.public_id}")
    disabled = {**shown, "status": "disabled", "disabled_reason": "Disabled through the API."}
    assert (gone.status_code, gone.json()) == (200, disabled)
    assert api.call("GET", f"{ENDPOINTS}?status=enabled").json()["data"] == []
    assert api.call("GET", f"{ENDPOINTS}?status=disabled").json()["data"] == [disabled]


def test_a_repeated_call_makes_one_endpoint_and_its_secret_is_stored_nowhere(
    workspace: Workspace, api: Caller
) -> None:
    body = {"url": "https://example.com/hook"}
    first = api.call("POST", ENDPOINTS, body, **{"Idempotency-Key": "k1"})
    again = api.call("POST", ENDPOINTS, body, **{"Idempotency-Key": "k1"})

    assert first.json()["secret"].startswith("whsec_")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == {**first.json(), "secret": None}
    assert WebhookEndpoint.objects.for_workspace(workspace).count() == 1
    stored = IdempotencyKey.objects.for_workspace(workspace).get()
    assert "whsec_" not in json.dumps(stored.body)


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({}, "url", "invalid"),
        ({"url": "https://127.0.0.1/"}, "url", "address"),
        ({"url": "ftp://example.com/"}, "url", "scheme"),
        ({"url": "https://example.com/", "kinds": ["nonsense"]}, "kinds", "unknown_kind"),
        ({"url": "https://example.com/", "kinds": "reward.created"}, "kinds", "invalid"),
        ({"url": "https://example.com/", "secret": "mine"}, "secret", "invalid"),
    ],
)
def test_a_bad_endpoint_names_the_field(
    workspace: Workspace, api: Caller, body: dict[str, Any], param: str, code: str
) -> None:
    answer = api.call("POST", ENDPOINTS, body)

    assert answer.status_code == 400
    assert (answer.json()["error"]["param"], answer.json()["error"]["code"]) == (param, code)
    assert WebhookEndpoint.objects.for_workspace(workspace).count() == 0


def test_deliveries_are_listed_with_every_attempt_and_tried_again(workspace: Workspace, api: Caller) -> None:
    made = endpoint(workspace)
    other = endpoint(workspace, "https://example.com/other")
    event = events.emit("reward.created", at=AT, reward="rwd_1")
    queue_webhooks(event)
    row = WebhookDelivery.objects.for_workspace(workspace).get(endpoint=made)
    WebhookAttempt.objects.create(
        workspace=workspace,
        delivery=row,
        status=500,
        response="no",
        error="The receiver answered 500.",
        elapsed_ms=12,
        at=AT,
    )
    WebhookDelivery.objects.for_workspace(workspace).filter(pk=row.pk).update(
        state="dead", attempts=10, last_error="Given up.", created_at=AT
    )

    shown = {
        "id": row.public_id,
        "endpoint": made.public_id,
        "event": event.public_id,
        "kind": "reward.created",
        "state": "dead",
        "attempts": 10,
        "next_attempt_at": None,
        "delivered_at": None,
        "last_error": "Given up.",
        "created_at": "2026-03-02T12:00:00Z",
        "tries": [
            {
                "at": "2026-03-02T12:00:00Z",
                "status": 500,
                "response": "no",
                "error": "The receiver answered 500.",
                "elapsed_ms": 12,
            }
        ],
    }
    listed = f"{ENDPOINTS}/{made.public_id}/deliveries"
    assert api.call("GET", listed).json() == {"data": [shown], "has_more": False}
    assert api.call("GET", f"{listed}?state=done").json()["data"] == []
    assert api.call("GET", f"{listed}?state=dead&kind=reward.created").json()["data"] == [shown]
    assert api.call("GET", f"{listed}?kind=payout.failed").json()["data"] == []

    again = api.call("POST", f"/api/v1/deliveries/{row.public_id}/retry")
    assert again.status_code == 202
    assert (again.json()["state"], again.json()["attempts"]) == ("pending", 0)
    assert again.json()["next_attempt_at"] is not None

    api.call("DELETE", f"{ENDPOINTS}/{other.public_id}")
    refused = WebhookDelivery.objects.for_workspace(workspace).get(endpoint=other)
    answer = api.call("POST", f"/api/v1/deliveries/{refused.public_id}/retry")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "endpoint_disabled")


def test_events_are_a_log_to_replay_oldest_first(workspace: Workspace, api: Caller) -> None:
    written = [events.emit("reward.created", at=AT, number=number) for number in range(5)]
    Event.objects.for_workspace(workspace).update(created_at=clock.now() - timedelta(seconds=10))
    late = events.emit("payout.failed", at=AT)
    ids = [event.public_id for event in written]

    everything = api.call("GET", "/api/v1/events").json()
    assert everything == {
        "data": [
            {
                "id": event.public_id,
                "type": "reward.created",
                "timestamp": "2026-03-02T12:00:00Z",
                "data": {"number": number},
            }
            for number, event in enumerate(written)
        ],
        "has_more": False,
    }
    first = api.call("GET", "/api/v1/events?limit=2").json()
    assert ([row["id"] for row in first["data"]], first["has_more"]) == (ids[:2], True)
    rest = api.call("GET", f"/api/v1/events?limit=3&after={ids[1]}").json()
    assert ([row["id"] for row in rest["data"]], rest["has_more"]) == (ids[2:], False)
    assert api.call("GET", f"/api/v1/events?after={ids[-1]}").json() == {"data": [], "has_more": False}

    Event.objects.for_workspace(workspace).filter(pk=late.pk).update(created_at=AT)
    shown = api.call("GET", f"/api/v1/events?after={ids[-1]}").json()["data"]
    assert [row["id"] for row in shown] == [late.public_id]
    shown = api.call("GET", "/api/v1/events?type=x&kind=payout.failed").json()["data"]
    assert [row["id"] for row in shown] == [late.public_id]


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("after=evt_01arz3ndektsv4rrffq69g5fav", "after"),
        ("after=nonsense", "after"),
        ("limit=0", "limit"),
        ("limit=x", "limit"),
    ],
)
def test_a_wrong_place_in_the_log_is_named(workspace: Workspace, api: Caller, query: str, param: str) -> None:
    answer = api.call("GET", f"/api/v1/events?{query}")

    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_foreign_things_are_not_found_and_stay_as_they_are(
    workspace: Workspace, other_workspace: Workspace, api: Caller
) -> None:
    with tenant(other_workspace):
        theirs = endpoint(other_workspace)
        event = events.emit("reward.created", at=AT)
        queue_webhooks(event)
        delivery = WebhookDelivery.objects.for_workspace(other_workspace).get()
        Event.objects.for_workspace(other_workspace).update(created_at=AT)

    for method, path in (
        ("GET", f"{ENDPOINTS}/{theirs.public_id}"),
        ("DELETE", f"{ENDPOINTS}/{theirs.public_id}"),
        ("GET", f"{ENDPOINTS}/{theirs.public_id}/deliveries"),
        ("POST", f"/api/v1/deliveries/{delivery.public_id}/retry"),
    ):
        assert api.call(method, path).status_code == 404, path
    assert api.call("GET", f"/api/v1/events?after={event.public_id}").status_code == 400
    assert api.call("GET", "/api/v1/events").json()["data"] == []
    with tenant(other_workspace):
        theirs.refresh_from_db()
        assert theirs.status == "enabled"


def test_each_call_needs_its_scope(workspace: Workspace) -> None:
    made = endpoint(workspace)
    reader, writer = Caller(workspace, "read"), Caller(workspace, "write")

    assert reader.call("POST", ENDPOINTS, {"url": "https://example.com/"}).status_code == 403
    assert reader.call("DELETE", f"{ENDPOINTS}/{made.public_id}").status_code == 403
    for path in (ENDPOINTS, f"{ENDPOINTS}/{made.public_id}", "/api/v1/events"):
        assert writer.call("GET", path).status_code == 403
        assert Client().get(path).status_code == 401
    made.refresh_from_db()
    assert made.status == "enabled"
