"""Own domains in the console, over the API, for the proxy, and as hosts that serve public pages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts import proofs, queries, services
from accounts.models import Role, User, Workspace
from accounts.services import SYSTEM, Actor
from core import clock
from core.tenancy import tenant
from tests.accounts.name_server import NameServer, name_server
from tests.accounts.people import joined, signed_in, told
from tests.conftest import AT
from tests.factories import LinkFactory

pytestmark = pytest.mark.django_db
HER = Actor(kind="user", label="olga@acme.example")
HOST = "go.shop.example"


@pytest.fixture
def names(settings: Any) -> Iterator[NameServer]:
    """A name server that knows nothing yet."""
    with name_server(settings) as server:
        yield server


def publish(names: NameServer, workspace: Workspace, host: str = HOST) -> None:
    """Let the DNS hold the record of a domain."""
    domain = queries.domains(workspace).get(host=host)
    names.records[f"_referral.{host}"] = f"referral-verification={domain.token}"


def test_a_domain_is_added_verified_and_removed_on_its_page(
    workspace: Workspace, owner: User, names: NameServer
) -> None:
    browser = signed_in(owner)
    page = reverse("settings_domains", args=["acme"])
    assert "No domain yet" in browser.get(page).content.decode()
    refused = browser.post(page, {"host": "https://go.shop.example/x"})
    assert refused.status_code == 400
    assert "is not a host name" in refused.content.decode()
    assert browser.post(page, {"host": HOST})["Location"] == page
    domain = queries.domains(workspace).get()
    shown = browser.get(page).content.decode()
    for text in (
        "_referral.go.shop.example",
        f"referral-verification={domain.token}",
        "Waits for its record",
    ):
        assert text in shown
    verify = reverse("domain_verify", args=["acme", domain.public_id])
    assert told(browser.post(verify)) == ["There is no TXT record at _referral.go.shop.example yet."]
    publish(names, workspace)
    assert told(browser.post(verify))[-1] == "go.shop.example is verified."
    assert "Shared links" in browser.get(page).content.decode()
    browser.post(reverse("domain_platform", args=["acme"]))
    assert Workspace.objects.for_workspace(workspace).get().link_host == ""
    browser.post(reverse("domain_primary", args=["acme", domain.public_id]))
    assert Workspace.objects.for_workspace(workspace).get().link_host == HOST
    browser.post(reverse("domain_remove", args=["acme", domain.public_id]))
    assert not queries.domains(workspace).exists()


def test_a_reader_sees_domains_and_changes_none(workspace: Workspace) -> None:
    domain = services.add_domain(workspace=workspace, host=HOST, actor=HER, at=AT)
    reader = signed_in(joined(workspace, Role.READ_ONLY).user)
    page = reverse("settings_domains", args=["acme"])
    assert reader.get(page).status_code == 200
    assert reader.post(page, {"host": "x.shop.example"}).status_code == 403
    for name in ("domain_verify", "domain_primary", "domain_remove"):
        assert reader.post(reverse(name, args=["acme", domain.public_id])).status_code == 403
    assert [each.host for each in queries.domains(workspace)] == [HOST]


def test_the_api_does_what_the_page_does(workspace: Workspace, client: Client, names: NameServer) -> None:
    _, token = services.create_api_key(
        workspace=workspace, kind="sk", name="test", scopes=["read", "write"], actor=SYSTEM, at=clock.now()
    )

    def call(method: str, path: str, body: Any = None) -> Any:
        return getattr(client, method)(
            f"/api/v1/domains{path}",
            json.dumps(body or {}) if method in ("post", "patch") else None,
            content_type="application/json",
            headers={"Authorization": f"Bearer {token}"},
        )

    refused = call("post", "", {"host": "localhost"})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "host")
    made = call("post", "", {"host": "GO.shop.example"})
    assert made.status_code == 201
    domain = made.json()
    assert (domain["host"], domain["status"], domain["is_primary"]) == (HOST, "pending", False)
    assert domain["record"]["name"] == "_referral.go.shop.example"
    assert call("post", "", {"host": HOST}).json()["error"]["code"] == "domain_exists"
    path = f"/{domain['id']}"
    assert call("post", f"{path}/verify").json()["problem"].startswith("There is no TXT record")
    assert call("patch", path, {"is_primary": True}).json()["error"]["code"] == "domain_not_verified"
    names.records[domain["record"]["name"]] = domain["record"]["value"]
    done = call("post", f"{path}/verify").json()
    assert (done["status"], done["is_primary"], done["problem"]) == ("verified", True, "")
    assert call("patch", path, {"is_primary": False}).json()["is_primary"] is False
    assert call("patch", path, {"is_primary": True}).json()["is_primary"] is True
    assert call("patch", path, {"host": "x.example"}).json()["error"]["param"] == "host"
    assert [each["id"] for each in call("get", "").json()["data"]] == [domain["id"]]
    assert call("delete", path).status_code == 204
    assert call("get", path).status_code == 404


def verified(workspace: Workspace, names: NameServer) -> None:
    """Prove the domain."""
    domain = services.add_domain(workspace=workspace, host=HOST, actor=HER, at=AT)
    publish(names, workspace)
    services.record_check(domain=domain, proof=proofs.look_up(HOST, domain.token), actor=HER, at=AT)


def test_the_proxy_is_told_which_names_deserve_a_certificate(
    workspace: Workspace, client: Client, names: NameServer
) -> None:
    services.add_domain(workspace=workspace, host="other.shop.example", actor=HER, at=AT)
    verified(workspace, names)
    asked = {
        name: client.get("/domains/ask", {"domain": name}).status_code
        for name in (HOST, "GO.shop.example", "other.shop.example", "evil.example", "")
    }
    assert asked == {
        HOST: 200,
        "GO.shop.example": 200,
        "other.shop.example": 404,
        "evil.example": 404,
        "": 404,
    }


def test_an_own_domain_serves_its_workspaces_public_pages_only(
    workspace: Workspace, other_workspace: Workspace, client: Client, names: NameServer
) -> None:
    verified(workspace, names)
    mine = LinkFactory.create(workspace=workspace, code="Anna")
    with tenant(other_workspace):
        theirs = LinkFactory.create(workspace=other_workspace, code="stefan")

    def answer(path: str, host: str = HOST) -> Any:
        return client.get(path, headers={"host": host, "user-agent": "Mozilla/5.0 Firefox/140.0"})

    for path in ("/Anna", "/anna", "/r/anna"):
        sent = answer(path)
        assert sent.status_code == 302, path
        assert sent["Location"].startswith("https://shop.example/welcome")
    assert answer("/join/anna/").status_code == 200
    assert answer(f"/portal/{mine.participant.program.public_id}/").status_code == 200
    for path in (
        *("/", "/nobody", "/stefan", "/r/stefan", "/join/stefan/", "/join/stefan/card.png"),
        f"/portal/{theirs.participant.program.public_id}/",
        f"/terms/{theirs.participant.program.public_id}/",
        *("/w/acme/", "/accounts/login/", "/api/docs/", "/api/v1/links", "/domains/ask", "/workspaces/new/"),
    ):
        assert answer(path).status_code == 404, path
    for host in ("evil.example", "go.shop.example.evil.example", "go.shop.example@evil.example", "a b"):
        assert answer("/anna", host).status_code == 400, host
    assert answer("/anna", f"{HOST}:8443").status_code == 302
    # At the platform's own address a bare code is no page.
    assert answer("/anna", "testserver").status_code == 404
