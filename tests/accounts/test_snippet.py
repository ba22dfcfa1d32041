"""The page with the tag for a site's own pages, and the form that makes keys for them."""

from __future__ import annotations

import gzip
from html import escape
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from accounts import services
from accounts.models import ApiKey, User, Workspace
from accounts.snippet import snippet_tag
from core import clock
from core.tenancy import tenant
from tests.accounts.people import acting, signed_in


@pytest.fixture
def console(workspace: Workspace, owner: User) -> Client:
    return signed_in(owner)


def post(console: Client, workspace: Workspace, **fields: Any) -> Any:
    return console.post(reverse("api_key_new", args=[workspace.slug]), {"name": "Pages", **fields})


def test_the_tag_names_the_lasting_address_and_the_key(workspace: Workspace, owner: User) -> None:
    key, token = services.create_api_key(
        workspace=workspace, kind="pk", name="P", scopes=[], actor=acting(owner), at=clock.now()
    )
    address = f"{settings.BASE_URL}/static/sdk/referral.js"
    assert snippet_tag(key) == f'<script src="{address}" data-key="{token}" defer></script>'
    assert 'data-key="pk_…"' in snippet_tag()


def test_a_key_for_pages_is_made_with_its_sites_and_shown_as_a_tag(
    console: Client, workspace: Workspace
) -> None:
    page = post(
        console, workspace, kind="pk", origins="shop.example\r\n\r\n*.shop.example", page_sales="on"
    ).content.decode()
    with tenant(workspace):
        key = ApiKey.objects.for_workspace(workspace).get()
    assert key.origins == ["https://shop.example", "https://*.shop.example"]
    assert key.scopes == ["track:browser", "track:browser_sale"]
    assert escape(snippet_tag(key)) in page
    assert "cannot be shown again" not in page
    again = console.get(reverse("snippet", args=[workspace.slug])).content.decode()
    assert escape(snippet_tag(key)) in again
    assert "https://shop.example" in again


def test_a_page_key_reports_no_sales_unless_its_maker_says_so(console: Client, workspace: Workspace) -> None:
    post(console, workspace, kind="pk", scopes=["payouts", "track"])
    with tenant(workspace):
        assert ApiKey.objects.for_workspace(workspace).get().scopes == ["track:browser"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"kind": "pk", "origins": "http://shop.example"}, "origins"),
        ({"kind": "sk", "scopes": ["track"], "origins": "shop.example"}, "origins"),
        ({"kind": "sk", "scopes": ["track"], "page_sales": "on"}, "page_sales"),
    ],
)
def test_what_does_not_fit_the_kind_is_said_at_its_field(
    console: Client, workspace: Workspace, fields: dict[str, Any], field: str
) -> None:
    refused = post(console, workspace, **fields)
    assert refused.status_code == 400
    assert list(refused.context["form"].errors) == [field]
    with tenant(workspace):
        assert ApiKey.objects.for_workspace(workspace).count() == 0


def test_a_revoked_key_and_a_secret_one_are_on_no_tag(
    console: Client, workspace: Workspace, owner: User
) -> None:
    with tenant(workspace):
        for kind in ("pk", "sk"):
            key, _ = services.create_api_key(
                workspace=workspace,
                kind=kind,
                name=kind,
                scopes=["track"],
                actor=acting(owner),
                at=clock.now(),
            )
            if kind == "pk":
                services.revoke_api_key(key=key, actor=acting(owner), at=clock.now())
    page = console.get(reverse("snippet", args=[workspace.slug])).content.decode()
    assert "data-key" not in page
    assert "needs a publishable key" in page


def test_the_snippet_stays_small() -> None:
    built = Path(settings.BASE_DIR) / "static" / "sdk" / "referral.js"
    assert len(gzip.compress(built.read_bytes(), 9)) <= 3 * 1024
