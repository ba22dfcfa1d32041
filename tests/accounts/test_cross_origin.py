"""Pages of other sites that call the API: the browser's question before, the key's sites, secret keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts import services
from accounts.cross_origin import lists_origin
from accounts.models import User, Workspace
from core import clock
from core.errors import Invalid
from core.tenancy import tenant
from tests import factories
from tests.accounts.people import acting
from tracking.models import Click, Conversion

SHOP = "https://shop.example"
Answer = Any
Send = Callable[..., Answer]


@pytest.mark.parametrize(
    ("allowed", "origin", "expected"),
    [
        ([SHOP], "https://shop.example", True),
        ([SHOP], "https://shop.example:443", True),
        (["https://shop.example:443"], "https://shop.example", True),
        ([SHOP], "http://shop.example", False),
        ([SHOP], "https://shop.example:8443", False),
        ([SHOP], "https://www.shop.example", False),
        ([SHOP], "https://shop.example.evil.example", False),
        ([SHOP], "https://evilshop.example", False),
        (["https://*.shop.example"], "https://www.shop.example", True),
        (["https://*.shop.example"], "https://a.b.shop.example", True),
        (["https://*.shop.example"], "https://shop.example", False),
        (["https://*.shop.example"], "https://evilshop.example", False),
        (["https://other.example", SHOP], "https://shop.example", True),
        ([SHOP], "null", False),
        ([SHOP], "", False),
        ([SHOP], "https://shop.example:99999", False),
        ([SHOP], "https://[", False),
        ([SHOP], "https://shop.example/path", False),
        ([], "https://shop.example", False),
    ],
)
def test_which_origins_a_list_covers(allowed: list[str], origin: str, expected: bool) -> None:
    assert lists_origin(allowed, origin) is expected


@pytest.fixture
def send(workspace: Workspace, owner: User) -> Send:
    """Send a lead from a page with a key made for the call."""
    factories.LinkFactory.create(workspace=workspace, code="ana-k3f")

    def send(
        kind: str = "pk",
        *,
        origin: str | None = SHOP,
        origins: tuple[str, ...] = (),
        scopes: tuple[str, ...] = ("track",),
        call: str = "lead",
        **body: Any,
    ) -> Answer:
        _, token = services.create_api_key(
            workspace=workspace,
            kind=kind,
            name="Pages",
            scopes=scopes,
            origins=origins,
            actor=acting(owner),
            at=clock.now(),
        )
        headers = {"Authorization": f"Bearer {token}", **({"Origin": origin} if origin else {})}
        return Client().post(
            f"/api/v1/track/{call}",
            {"customerExternalId": "c-1", **body} if call != "click" else body,
            content_type="application/json",
            headers=headers,
        )

    return send


@pytest.mark.parametrize("call", ["click", "lead", "sale"])
def test_a_browser_may_ask_before_it_sends(db: None, call: str) -> None:
    asked = Client().options(
        f"/api/v1/track/{call}",
        headers={
            "Origin": SHOP,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        },
    )
    assert (asked.status_code, asked.content) == (204, b"")
    assert asked.headers["Access-Control-Allow-Origin"] == "*"
    assert asked.headers["Access-Control-Allow-Methods"] == "POST"
    assert asked.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type, Idempotency-Key"
    assert asked.headers["Access-Control-Max-Age"] == "86400"
    assert "Access-Control-Allow-Credentials" not in asked.headers


@pytest.mark.parametrize("call", ["track/refund", "conversions", "links", "portal-tokens"])
def test_what_only_servers_call_is_closed_to_pages(db: None, call: str) -> None:
    asked = Client().options(f"/api/v1/{call}", headers={"Origin": SHOP})
    assert asked.status_code in (401, 405)
    assert not [name for name in asked.headers if name.startswith("Access-Control")]


def test_a_page_reads_the_answer_and_an_error_alike(send: Send) -> None:
    made = send()
    assert (made.status_code, made.headers["Access-Control-Allow-Origin"]) == (201, "*")
    refused = send(customerEmail="no address")
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "customerEmail")
    assert refused.headers["Access-Control-Allow-Origin"] == "*"
    assert "X-Request-Id" in refused.headers["Access-Control-Expose-Headers"]


def test_a_key_works_on_the_sites_it_lists_only(send: Send) -> None:
    sites = ("shop.example", "*.shop.example")
    assert send(origins=sites).status_code == 201
    assert send(origins=sites, origin="https://www.shop.example").status_code == 200
    for origin in ("https://evil.example", "null", None):
        refused = send(origins=sites, origin=origin)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "origin_not_allowed")
        assert refused.headers["Access-Control-Allow-Origin"] == "*"
    assert send(origin="https://anybody.example").status_code == 200


def test_a_secret_key_in_a_page_is_refused_with_what_to_do(send: Send) -> None:
    refused = send("sk")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "secret_key_in_browser")
    assert "pk_" in refused.json()["error"]["message"]
    assert refused.headers["Access-Control-Allow-Origin"] == "*"
    # A server sends no origin, and the page that shows the API is ours.
    assert send("sk", origin=None).status_code == 201
    assert send("sk", origin="http://testserver").status_code == 200


def test_a_page_reports_sales_only_with_a_key_made_for_it(send: Send, workspace: Workspace) -> None:
    sale = {"amount": 1000, "currency": "EUR", "invoiceId": "i-1"}
    refused = send(call="sale", **sale)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "missing_scope")
    sale_key = ("track:browser_sale",)
    made = send(call="sale", scopes=sale_key, **sale)
    assert made.status_code == 201
    stored = Conversion.objects.for_workspace(workspace).get(source_key="i-1")
    assert stored.metadata == {"reported_by": "page"}
    nameless = send(call="sale", scopes=sale_key, amount=1000, currency="EUR")
    assert (nameless.status_code, nameless.json()["error"]["param"]) == (400, "invoiceId")


def test_a_publishable_key_can_be_copied_again_and_a_secret_one_cannot(
    workspace: Workspace, owner: User
) -> None:
    for kind in ("pk", "sk"):
        key, token = services.create_api_key(
            workspace=workspace, kind=kind, name="K", scopes=["track"], actor=acting(owner), at=clock.now()
        )
        assert key.public_token == (token if kind == "pk" else "")


@pytest.mark.parametrize(
    ("kind", "origins"), [("sk", ["shop.example"]), ("pk", ["http://shop.example"]), ("pk", ["a b"])]
)
def test_bad_sites_of_a_key_name_the_field(
    workspace: Workspace, owner: User, kind: str, origins: list[str]
) -> None:
    with tenant(workspace), pytest.raises(Invalid) as refused:
        services.create_api_key(
            workspace=workspace,
            kind=kind,
            name="K",
            scopes=["track"],
            origins=origins,
            actor=acting(owner),
            at=clock.now(),
        )
    assert refused.value.param == "origins"


def test_a_page_that_knows_an_earlier_click_reports_the_same_visitor(
    send: Send, workspace: Workspace
) -> None:
    first = send(call="click", key="ana-k3f").json()
    again = send(call="click", key="ana-k3f", clickId=first["click_id"]).json()
    assert again["visitor_id"] == first["visitor_id"]
    gone = send(call="click", key="ana-k3f", clickId="clk_01hzzzzzzzzzzzzzzzzzzzzzzz").json()
    assert gone["visitor_id"] != first["visitor_id"]
    assert Click.objects.for_workspace(workspace).count() == 3
