"""The portal inside another page: a signed token, no cookie, and frames on the workspace's own sites only."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core import signing
from django.test import Client

from accounts import services as account_services
from accounts.models import Workspace
from accounts.services import Actor
from core import clock
from core.tenancy import tenant
from engagement import services
from engagement.queries.embedding import SALT, read_token
from programs.models import Link, Participant
from tests.engagement import rows
from tests.engagement.test_portal import participant

SHOP = Actor(kind="user", label="olga@acme.example")


@pytest.fixture
def ana(workspace: Workspace) -> Participant:
    return participant(workspace, "Ana")


@pytest.fixture
def token(ana: Participant) -> str:
    return services.sign_portal_token(participant=ana, now=clock.now()).token


@pytest.fixture
def key(workspace: Workspace) -> dict[str, str]:
    _, secret = account_services.create_api_key(
        workspace=workspace, kind="sk", name="shop", scopes=("portal",), actor=SHOP, at=clock.now()
    )
    return {"Authorization": f"Bearer {secret}"}


def ask(client: Client, key: dict[str, str], **body: Any) -> Any:
    return client.post("/api/v1/portal-tokens", body, content_type="application/json", headers=key)


def frames(answer: Any) -> list[str]:
    (found,) = re.findall(r"frame-ancestors ([^;]*)", answer["Content-Security-Policy"])
    return str(found).split()


def test_a_token_names_one_participant_for_an_hour(
    client: Client, key: dict[str, str], ana: Participant
) -> None:
    answer = ask(client, key, participant=ana.public_id)
    assert answer.status_code == 201
    made = answer.json()
    assert made["participant"] == ana.public_id
    assert made["url"] == f"http://127.0.0.1:8000/portal/embed/?token={made['token'].replace(':', '%3A')}"
    said = read_token(made["token"])
    assert said is not None
    assert (said.program, said.participant_id) == (ana.program, ana.public_id)
    left = said.expires_at - clock.now()
    assert timedelta(minutes=59) < left <= timedelta(hours=1)


def test_a_customer_is_named_by_the_shops_own_id(
    client: Client, key: dict[str, str], workspace: Workspace, ana: Participant
) -> None:
    own_id = ana.customer.external_id
    made = ask(client, key, customer_external_id=own_id, expires_in_seconds=60).json()
    assert made["participant"] == ana.public_id
    second = participant(workspace, "Second")
    second.customer = ana.customer
    second.save()
    both = ask(client, key, customer_external_id=own_id)
    assert (both.status_code, both.json()["error"]["code"]) == (409, "program_needed")
    one = ask(client, key, customer_external_id=own_id, program=second.program.public_id)
    assert one.json()["participant"] == second.public_id


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({}, 400, "participant"),
        ({"participant": "prt_00000000000000000000000000"}, 404, "participant"),
        ({"customer_external_id": "nobody"}, 404, "customer_external_id"),
        ({"participant": "x", "expires_in_seconds": 3601}, 400, "expires_in_seconds"),
        ({"participant": "x", "expires_in_seconds": 59}, 400, "expires_in_seconds"),
    ],
)
def test_bad_requests_name_the_field(
    client: Client, key: dict[str, str], body: dict[str, Any], status: int, param: str
) -> None:
    answer = ask(client, key, **body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)


def test_a_suspended_participant_gets_no_token(client: Client, key: dict[str, str], ana: Participant) -> None:
    Participant.objects.for_workspace(ana.workspace).update(status="suspended")
    answer = ask(client, key, participant=ana.public_id)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "participant_suspended")


def test_no_token_for_anothers_participant(
    client: Client, key: dict[str, str], other_workspace: Workspace
) -> None:
    with tenant(other_workspace):
        stranger = participant(other_workspace, "Stranger")
    assert ask(client, key, participant=stranger.public_id).status_code == 404


def test_a_repetition_under_a_key_stores_no_token(
    client: Client, key: dict[str, str], ana: Participant
) -> None:
    keyed = {**key, "Idempotency-Key": "once"}
    assert ask(client, keyed, participant=ana.public_id).status_code == 201
    assert ask(client, keyed, participant=ana.public_id)["Content-Type"] == "application/json"


def test_the_token_opens_the_portal_without_any_cookie(client: Client, token: str) -> None:
    answer = client.get("/portal/embed/", {"token": token})
    text = answer.content.decode()
    assert answer.status_code == 200
    assert 'value="http://127.0.0.1:8000/r/ana-code"' in text
    assert 'data-origins="https://shop.example"' in text
    assert "csrfmiddlewaretoken" not in text
    assert "Sign out" not in text
    assert not answer.cookies
    assert not client.cookies
    assert "X-Frame-Options" not in answer
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer["Cache-Control"]
    assert frames(answer) == ["https://shop.example"]


def test_the_workspaces_sites_may_frame_it(client: Client, workspace: Workspace, token: str) -> None:
    account_services.set_embed_domains(
        workspace=workspace, domains=["https://a.example", "b.example"], actor=SHOP
    )
    answer = client.get("/portal/embed/", {"token": token})
    assert frames(answer) == ["https://a.example", "https://b.example"]
    assert client.get("/portal/").headers["X-Frame-Options"] == "DENY"


def test_the_qr_code_comes_by_token(
    client: Client, workspace: Workspace, ana: Participant, token: str
) -> None:
    own = Link.objects.for_workspace(workspace).get(participant=ana)
    ida = participant(workspace, "Ida", ana.program)
    others = Link.objects.for_workspace(workspace).get(participant=ida)
    for ending in ("png", "svg"):
        assert client.get(f"/portal/embed/qr/{own.public_id}.{ending}", {"token": token}).status_code == 200
        assert client.get(f"/portal/embed/qr/{own.public_id}.{ending}").status_code == 403
        foreign = client.get(f"/portal/embed/qr/{others.public_id}.{ending}", {"token": token})
        assert foreign.status_code == 404


def test_an_expired_token_shows_nothing_and_says_so(client: Client, ana: Participant) -> None:
    made = services.sign_portal_token(participant=ana, now=clock.now() - timedelta(hours=1))
    answer = client.get("/portal/embed/", {"token": made.token})
    text = answer.content.decode()
    assert answer.status_code == 403
    assert 'data-embed="expired"' in text
    assert "ana-code" not in text
    assert frames(answer) == ["https://shop.example"]


def test_longer_than_an_hour_is_an_hour(ana: Participant) -> None:
    now = clock.now()
    made = services.sign_portal_token(participant=ana, lifetime=timedelta(days=9), now=now)
    assert made.expires_at <= now + timedelta(hours=1)


def test_tokens_that_are_not_ours_are_refused_everywhere(
    client: Client, ana: Participant, token: str
) -> None:
    said = signing.loads(token, salt=SALT)
    for bad in (
        "",
        "x",
        token[:-2],
        f"{token}x",
        "a" * 5000,
        signing.dumps(said),
        signing.dumps(said, salt="x"),
    ):
        answer = client.get("/portal/embed/", {"token": bad})
        assert answer.status_code == 403, bad
        assert frames(answer) == ["'none'"]
        assert not answer.cookies


def test_a_suspended_workspace_shows_nothing(client: Client, workspace: Workspace, token: str) -> None:
    Workspace.objects.for_workspace(workspace).update(status="suspended")
    assert client.get("/portal/embed/", {"token": token}).status_code == 403


def test_pages_of_a_list_keep_the_token(client: Client, ana: Participant, token: str) -> None:
    for _ in range(8):
        rows.referral(ana)
    text = unescape(client.get("/portal/embed/", {"token": token}).content.decode())
    assert f'href="?token={token}&friends=2#friends"' in text


def test_the_element_speaks_to_its_own_origin_only() -> None:
    source = (Path(settings.BASE_DIR) / "static" / "sdk" / "embed.js").read_text()
    assert "}, home.origin);" in source
    assert "event.origin !== home.origin" in source
    for way in ('"*"', "document.cookie", "localStorage", "sessionStorage", "eval(", "innerHTML"):
        assert way not in source
