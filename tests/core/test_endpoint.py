"""The base of every API endpoint, through a small one: keys, scopes, one transaction, idempotent POSTs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import SimpleRateThrottle

from accounts import services as account_services
from accounts.authentication import actor_of
from accounts.endpoint import WorkspaceEndpoint
from accounts.models import ApiKey, IdempotencyKey, User, Workspace
from accounts.services import Actor
from core import clock
from core.errors import Conflict
from core.tenancy import current_workspace_id, tenant
from programs.models import Customer
from tests.conftest import AT, make_workspace
from tests.factories import CustomerFactory, UserFactory

deadlock = Barrier(2)
seen: list[Any] = []
entered, proceed = Event(), Event()


def body_of(request: Request) -> dict[str, Any]:
    """Return the JSON object that came in."""
    assert isinstance(request.data, dict)
    return request.data


class Things(WorkspaceEndpoint):
    """Lists customers and makes them."""

    def get(self, request: Request) -> Response:
        """Return the names of one page."""
        rows = self.paginate_queryset(Customer.objects.for_workspace(self.workspace))
        return self.get_paginated_response([row.name for row in rows or []])

    def post(self, request: Request) -> Response:
        """Make one customer; `refuse` and `fail` come after the row was written."""
        row = CustomerFactory.create(workspace=self.workspace, name=body_of(request)["name"])
        seen.append((self.at, actor_of(request).label, current_workspace_id()))
        if body_of(request).get("refuse"):
            raise Conflict("Refused after writing.")
        if body_of(request).get("fail"):
            raise KeyError("failed after writing")
        return Response({"name": row.name, "at": clock.now(), "amount": row.pk}, status=201)


class Slow(WorkspaceEndpoint):
    """Makes a customer and waits, so that a second request meets the first."""

    def post(self, request: Request) -> Response:
        """Write, tell the test, and finish when it says so."""
        CustomerFactory.create(workspace=self.workspace, name="slow")
        entered.set()
        proceed.wait(timeout=20)
        return Response({"made": True}, status=201)


class Swap(WorkspaceEndpoint):
    """Renames two customers in the order given: two requests in opposite orders deadlock once."""

    def post(self, request: Request) -> Response:
        """Lock the first, wait for the other request to lock its own first, then take the second."""
        for place, name in enumerate(body_of(request)["order"]):
            rows = Customer.objects.for_workspace(self.workspace)
            row = rows.select_for_update().get(name=name)
            rows.filter(pk=row.pk).update(country=body_of(request)["country"])
            if place == 0 and not deadlock.broken and body_of(request)["country"] not in seen:
                seen.append(body_of(request)["country"])
                deadlock.wait(timeout=20)
        return Response({"done": body_of(request)["country"]})


class ReadOnly(WorkspaceEndpoint):
    """Has a GET and nothing else."""

    def get(self, request: Request) -> Response:
        """Answer."""
        return Response({"ok": True})


urlpatterns = [
    path("api/v1/things", Things.as_view()),
    path("api/v1/slow", Slow.as_view()),
    path("api/v1/swap", Swap.as_view()),
    path("api/v1/fixed", ReadOnly.as_view()),
]
pytestmark = pytest.mark.urls(__name__)


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    seen.clear()
    entered.clear()
    proceed.clear()
    deadlock.reset()
    yield
    deadlock.reset()


def new_key(workspace: Workspace, *scopes: str, kind: str = "sk") -> str:
    """Create a key in the workspace; returns its token."""
    with tenant(workspace):
        _, token = account_services.create_api_key(
            workspace=workspace,
            kind=kind,
            name="Test key",
            scopes=scopes or ("read", "write"),
            actor=Actor(kind="user", label="olga@acme.example"),
            at=AT,
        )
    return token


@pytest.fixture
def place(owner: User) -> Workspace:
    """A workspace; the test itself is no tenant, as a request's surroundings are not."""
    return make_workspace(owner)


@pytest.fixture
def token(place: Workspace) -> str:
    """A secret key that reads and writes."""
    return new_key(place)


def post(token: str, body: Any, *, key: str | None = None, address: str = "/api/v1/things") -> Any:
    """Send JSON with a key and perhaps an Idempotency-Key."""
    headers = {"Authorization": f"Bearer {token}"}
    if key is not None:
        headers["Idempotency-Key"] = key
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Client().post(address, data=data, content_type="application/json", headers=headers)


def names(workspace: Workspace) -> list[str]:
    """Return the customers' names, oldest first."""
    with tenant(workspace):
        rows = Customer.objects.for_workspace(workspace).order_by("pk")
        return list(rows.values_list("name", flat=True))


def stored_keys(workspace: Workspace) -> list[tuple[str, int | None]]:
    """Return the stored idempotency keys with the status of their answers."""
    with tenant(workspace):
        return list(IdempotencyKey.objects.for_workspace(workspace).values_list("key", "status"))


def test_a_request_runs_in_its_workspace_at_its_time(place: Workspace, token: str) -> None:
    with tenant(place):
        sandbox = Workspace.objects.for_workspace(place.pk + 1).first()
    assert sandbox is None
    assert post(token, {"name": "Ana"}).status_code == 201
    at, label, workspace_id = seen[0]
    assert abs(at - clock.now()) < timedelta(seconds=20)
    assert label == f"Test key ({token[:12]}…)"
    assert workspace_id == place.pk
    assert current_workspace_id() is None


def test_a_sandbox_lives_at_its_own_time(place: Workspace) -> None:
    with tenant(place.pk + 1):
        rows = Workspace.objects.for_workspace(place.pk + 1)
        rows.update(clock_offset=timedelta(days=30))
        sandbox = rows.get()
    post(new_key(sandbox), {"name": "Ana"})
    assert abs(seen[0][0] - clock.now() - timedelta(days=30)) < timedelta(seconds=20)


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (None, "no_api_key"),
        ("Basic abc", "bad_authorization"),
        ("Bearer", "bad_authorization"),
        ("Bearer xx_123", "bad_authorization"),
        ("Bearer sk_" + "a" * 43, "bad_api_key"),
        ("Bearer sk_", "bad_api_key"),
        ("Bearer sk_\x00", "bad_authorization"),
        ("Bearer sk_é", "bad_authorization"),
    ],
)
def test_without_a_live_key_nobody_comes_in(
    place: Workspace, token: str, authorization: str | None, code: str
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    for send in (Client().get, Client().post, Client().put):
        response = send("/api/v1/things", headers=headers)
        assert (response.status_code, response.json()["error"]["code"]) == (401, code)
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="api"'
    assert names(place) == []


@pytest.mark.parametrize("end", ["revoked_at", "expires_at"])
def test_a_key_that_ended_is_unknown(place: Workspace, token: str, end: str) -> None:
    with tenant(place):
        ApiKey.objects.for_workspace(place).update(**{end: clock.now() - timedelta(seconds=1)})
    assert post(token, {"name": "Ana"}).json()["error"]["code"] == "bad_api_key"
    assert names(place) == []


def test_half_a_key_opens_nothing(place: Workspace, token: str) -> None:
    assert post(token[:12], {"name": "Ana"}).status_code == 401
    assert post(token[:-1] + ("a" if token[-1] != "a" else "b"), {"name": "Ana"}).status_code == 401
    assert names(place) == []


def test_a_suspended_workspace_is_told_so(place: Workspace, token: str) -> None:
    with tenant(place):
        Workspace.objects.for_workspace(place).update(status="suspended")
    response = post(token, {"name": "Ana"})
    assert (response.status_code, response.json()["error"]["code"]) == (403, "workspace_suspended")


def test_a_key_needs_the_scope_of_the_method(place: Workspace) -> None:
    reader = new_key(place, "read")
    response = post(reader, {"name": "Ana"})
    assert response.status_code == 403
    error = response.json()["error"]
    assert (error["code"], error["details"]) == ("missing_scope", {"scopes": ["write"]})
    assert names(place) == []
    headers = {"Authorization": f"Bearer {reader}"}
    assert Client().get("/api/v1/things", headers=headers).status_code == 200
    assert Client().head("/api/v1/things", headers=headers).status_code == 200
    browser = new_key(place, kind="pk")
    assert post(browser, {"name": "Ana"}).json()["error"]["code"] == "missing_scope"


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "trace"])
def test_a_method_the_address_does_not_have(place: Workspace, token: str, method: str) -> None:
    response = Client().generic(
        method.upper(), "/api/v1/things", headers={"Authorization": f"Bearer {token}"}
    )
    assert (response.status_code, json.loads(response.content)["error"]["code"]) == (
        405,
        "method_not_allowed",
    )
    assert "POST" in response.headers["Allow"]


def test_the_last_use_is_noted_to_the_minute(place: Workspace, token: str) -> None:
    def last_used() -> Any:
        with tenant(place):
            return ApiKey.objects.for_workspace(place).get().last_used_at

    assert last_used() is None
    post(token, {"name": "Ana"})
    first = last_used()
    assert clock.now() - first < timedelta(seconds=20)
    post(token, {"name": "Ben"})
    assert last_used() == first


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"{", "application/json", 400, "malformed_json"),
        (b'{"name": "a", "name": "b"}', "application/json", 400, "malformed_json"),
        (b'{"name": NaN}', "application/json", 400, "malformed_json"),
        (b'{"name": "\\u0000"}', "application/json", 400, "malformed_json"),
        (b'{"name": "\\ud800"}', "application/json", 400, "malformed_json"),
        (b"[]", "application/json", 400, "malformed_json"),
        (b"name=Ana", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b"<a/>", "text/xml", 415, "unsupported_media_type"),
        (b'{"name": "' + b"x" * 1_000_000 + b'"}', "application/json", 413, "too_large"),
    ],
)
def test_a_bad_body_is_refused_and_does_nothing(
    place: Workspace, token: str, body: bytes, content_type: str, status: int, code: str
) -> None:
    response = Client().post(
        "/api/v1/things",
        data=body,
        content_type=content_type,
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "k"},
    )
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert response.json()["error"]["request_id"] == response.headers["X-Request-Id"]
    assert (names(place), stored_keys(place)) == ([], [])


def test_an_answer_the_caller_cannot_read_is_refused(place: Workspace, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/csv"}
    response = Client().get("/api/v1/things", headers=headers)
    assert (response.status_code, response.json()["error"]["code"]) == (406, "not_acceptable")


def test_json_with_a_character_set_is_json(place: Workspace, token: str) -> None:
    response = Client().post(
        "/api/v1/things",
        data='{"name": "Zoë"}'.encode(),
        content_type="application/json; charset=utf-8",
        headers={"Authorization": f"Bearer {token}"},
    )
    assert response.status_code == 201
    assert names(place) == ["Zoë"]


def test_lists_are_pages_of_the_workspaces_own_rows(place: Workspace, token: str) -> None:
    stranger = make_workspace(UserFactory.create(), name="Other")
    with tenant(stranger):
        CustomerFactory.create(workspace=stranger, name="Hidden")
    with tenant(place):
        for number in range(3):
            CustomerFactory.create(
                workspace=place, name=str(number), public_id=f"cus_01jqz0000{number}abcdefgh12345678"
            )
    headers = {"Authorization": f"Bearer {token}"}
    response = Client().get("/api/v1/things?limit=2", headers=headers)
    assert response.json() == {"data": ["2", "1"], "has_more": True}
    response = Client().get("/api/v1/things?limit=1000", headers=headers)
    assert (response.status_code, response.json()["error"]["param"]) == (400, "limit")


@pytest.mark.parametrize(("flag", "status"), [("refuse", 409), ("fail", 500)])
def test_an_error_undoes_what_was_written(place: Workspace, token: str, flag: str, status: int) -> None:
    client = Client(raise_request_exception=False)
    response = client.post(
        "/api/v1/things",
        data=json.dumps({"name": "Ana", flag: True}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "k"},
    )
    assert response.status_code == status
    assert (names(place), stored_keys(place)) == ([], [])
    # The key was not used up: the corrected request goes through under it.
    assert post(token, {"name": "Ana"}, key="k").status_code == 201
    assert names(place) == ["Ana"]


def test_a_repeated_post_gets_the_stored_answer(place: Workspace, token: str) -> None:
    first = post(token, {"name": "Ana"}, key="order 1 – ä")
    again = post(token, {"name": "Ana"}, key="order 1 – ä")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert names(place) == ["Ana"]
    assert len(stored_keys(place)) == 1


def test_another_body_or_address_under_the_key_is_refused(place: Workspace, token: str) -> None:
    post(token, {"name": "Ana"}, key="k")
    for response in (
        post(token, {"name": "Ben"}, key="k"),
        post(token, b'{"name":"Ana"}', key="k"),
        post(token, {"name": "Ana"}, key="k", address="/api/v1/slow"),
    ):
        assert response.status_code == 409
        error = response.json()["error"]
        assert (error["code"], error["param"]) == ("idempotency_key_reused", "Idempotency-Key")
    assert names(place) == ["Ana"]


def test_the_same_key_in_another_workspace_is_another_key(place: Workspace, token: str) -> None:
    stranger = make_workspace(UserFactory.create(), name="Other")
    post(token, {"name": "Ana"}, key="k")
    response = post(new_key(stranger), {"name": "Ben"}, key="k")
    assert (response.status_code, response.json()["name"]) == (201, "Ben")
    assert (names(place), names(stranger)) == (["Ana"], ["Ben"])


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "null\x00"])
def test_a_key_that_is_none_is_refused(place: Workspace, token: str, key: str) -> None:
    response = post(token, {"name": "Ana"}, key=key)
    assert (response.status_code, response.json()["error"]["param"]) == (400, "Idempotency-Key")
    assert names(place) == []


def test_without_a_key_a_repetition_is_a_new_request(place: Workspace, token: str) -> None:
    post(token, {"name": "Ana"})
    post(token, {"name": "Ana"})
    assert (names(place), stored_keys(place)) == (["Ana", "Ana"], [])


def test_a_key_that_asks_too_often_is_told_when_to_return(
    place: Workspace, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", {"key": "2/min"})
    assert [post(token, {"name": "Ana"}).status_code for _ in range(3)] == [201, 201, 429]
    response = post(token, {"name": "Ana"})
    assert 1 <= int(response.headers["Retry-After"]) <= 60
    assert post(new_key(place), {"name": "Ana"}).status_code == 201
    assert len(names(place)) == 3


def in_threads(*calls: Any) -> list[Any]:
    """Run calls at once, each on a connection of its own; returns their answers in order."""

    def run(call: Any) -> Any:
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result(timeout=60) for future in [pool.submit(run, call) for call in calls]]


@pytest.mark.django_db(transaction=True)
def test_two_at_once_under_one_key_have_one_effect() -> None:
    place = make_workspace(UserFactory.create())
    token = new_key(place)

    def first() -> Any:
        return post(token, {}, key="k", address="/api/v1/slow")

    def second() -> Any:
        assert entered.wait(timeout=20)
        entered.clear()
        # Waits on the first one's row; the first goes on as soon as this one is on its way.
        return post(token, {}, key="k", address="/api/v1/slow")

    def release() -> None:
        # Not by `entered`: the second may have taken it before this thread saw it.
        waits_for_a_lock()
        proceed.set()

    one, two, _ = in_threads(first, second, release)
    assert (one.status_code, two.status_code) == (201, 201)
    assert one.json() == two.json() == {"made": True}
    assert [r.headers.get("Idempotent-Replayed") for r in (one, two)] == [None, "true"]
    assert names(place) == ["slow"]
    assert stored_keys(place) == [("k", 201)]


def waits_for_a_lock() -> None:
    """Return once some connection of this database waits for another's transaction."""
    deadline = clock.now() + timedelta(seconds=40)
    while clock.now() < deadline:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0]:
                return
    raise AssertionError("no request waited for the other")


@pytest.mark.django_db(transaction=True)
def test_a_deadlock_is_tried_again_and_both_requests_succeed() -> None:
    place = make_workspace(UserFactory.create())
    token = new_key(place)
    with tenant(place):
        CustomerFactory.create(workspace=place, name="a")
        CustomerFactory.create(workspace=place, name="b")
        # Both keys in hand, so that noting their last use is not what the two wait for.
        ApiKey.objects.for_workspace(place).update(last_used_at=clock.now())
    one, two = in_threads(
        lambda: post(token, {"order": ["a", "b"], "country": "DE"}, key="k1", address="/api/v1/swap"),
        lambda: post(token, {"order": ["b", "a"], "country": "FR"}, key="k2", address="/api/v1/swap"),
    )
    assert (one.status_code, two.status_code) == (200, 200)
    assert (one.json(), two.json()) == ({"done": "DE"}, {"done": "FR"})
    with tenant(place):
        countries = set(Customer.objects.for_workspace(place).values_list("country", flat=True))
    assert len(countries) == 1
    assert sorted(stored_keys(place)) == [("k1", 200), ("k2", 200)]
