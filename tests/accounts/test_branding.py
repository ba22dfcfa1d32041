"""A workspace's accent colour, its style sheet, and the sites that may show its portal."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts import services
from accounts.branding import brand_css_url, sheet_url
from accounts.models import DEFAULT_BRAND_COLOR, Role, User, Workspace
from accounts.origins import parse_origin
from core.colour import BLACK, parse_colour
from core.errors import Invalid
from core.tenancy import tenant
from tests.accounts.people import acting, address, audited, joined, signed_in


def stored(workspace: Workspace) -> Workspace:
    with tenant(workspace):
        return Workspace.objects.for_workspace(workspace).get()


def test_a_colour_is_kept_in_small_letters_and_audited_once(acme: Workspace, owner: User) -> None:
    with tenant(acme):
        services.set_brand(workspace=acme, color="#C2410C", actor=acting(owner))
        services.set_brand(workspace=acme, color="#c2410c", actor=acting(owner))

    assert stored(acme).brand_color == "#c2410c"
    changes = [entry for entry in audited(acme) if entry[0] == "workspace.brand_changed"]
    assert changes == [
        (
            "workspace.brand_changed",
            owner.email,
            {"brand_color": DEFAULT_BRAND_COLOR},
            {"brand_color": "#c2410c"},
        )
    ]


@pytest.mark.parametrize(("color", "code"), [("red", "invalid_colour"), ("#ffff00", "colour_too_pale")])
def test_a_colour_nobody_could_see_is_refused(acme: Workspace, owner: User, color: str, code: str) -> None:
    with tenant(acme), pytest.raises(Invalid) as refused:
        services.set_brand(workspace=acme, color=color, actor=acting(owner))

    assert (refused.value.code, refused.value.param) == (code, "color")
    assert stored(acme).brand_color == DEFAULT_BRAND_COLOR


def test_the_default_colour_needs_no_sheet_and_another_one_has_its_own(acme: Workspace) -> None:
    assert brand_css_url(acme) == ""
    acme.brand_color = "#0f766e"
    assert re.fullmatch(r"/brand/0f766e-[0-9a-f]{12}\.css", brand_css_url(acme))


def test_a_sheet_is_public_lasting_and_sets_no_cookie(db: None) -> None:
    answer = Client().get(sheet_url(BLACK))

    assert answer["Content-Type"] == "text/css; charset=utf-8"
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "Cookie" not in answer.get("Vary", "")
    assert not answer.cookies
    light, dark, again = answer.content.decode().splitlines()
    assert light == (
        ':root,[data-theme="light"]{--color-primary:#000000;--color-primary-content:#ffffff;'
        "--color-accent:#000000;--link:#000000}"
    )
    assert dark.startswith("@media (prefers-color-scheme:dark){:root:not([data-theme]){--color-primary:#")
    assert again.startswith('[data-theme="dark"]{--color-primary:#')


def test_an_outdated_sheet_leads_to_the_one_that_lasts(db: None) -> None:
    answer = Client().get("/brand/000000-000000000000.css")

    assert (answer.status_code, answer["Location"]) == (302, sheet_url(BLACK))
    assert "Cache-Control" not in answer
    assert Client().get("/brand/red-000000000000.css").status_code == 404


def test_the_brand_page_saves_a_colour_and_every_page_wears_it(acme: Workspace, owner: User) -> None:
    client = signed_in(owner)

    saved = client.post(address("settings_brand"), {"color": "#0f766e"})

    assert saved["Location"] == address("settings_brand")
    page = client.get(address("team")).content.decode()
    assert f'<link rel="stylesheet" href="{sheet_url(parse_colour("#0f766e"))}">' in page


def test_a_pale_colour_comes_back_with_the_nearest_shade_that_works(acme: Workspace, owner: User) -> None:
    client = signed_in(owner)

    refused = client.post(address("settings_brand"), {"color": "#ffe600"})

    page = refused.content.decode()
    assert refused.status_code == 400
    assert "Use #9a8b00 instead" in page
    assert 'value="#ffe600"' in page
    tried = client.get(address("settings_brand"), {"color": "#9a8b00"}).content.decode()
    assert 'value="#9a8b00"' in tried
    assert stored(acme).brand_color == DEFAULT_BRAND_COLOR


@pytest.mark.parametrize(
    ("color", "shown"),
    [
        ("#0f766e", "White text on your colour reads well: contrast 5.5 to 1"),
        ("#d97706", "Black text on your colour reads well"),
        ("#ffe600", "Use #9a8b00 instead"),
        ("#ffe", "Write the colour as # and six digits"),
        ("", "Write the colour as # and six digits"),
    ],
)
def test_the_preview_says_how_a_colour_reads(acme: Workspace, owner: User, color: str, shown: str) -> None:
    answer = signed_in(owner).get(address("settings_brand_preview"), {"color": color})

    page = answer.content.decode()
    assert answer.status_code == 200
    assert shown in page
    assert "<html" not in page


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("shop.example.com", "https://shop.example.com"),
        ("HTTPS://Shop.Example.com/", "https://shop.example.com"),
        ("*.example.com", "https://*.example.com"),
        ("shop.example.com:8443", "https://shop.example.com:8443"),
        ("bücher.example", "https://xn--bcher-kva.example"),
        ("localhost:3000", "https://localhost:3000"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://127.0.0.1", "http://127.0.0.1"),
    ],
)
def test_a_host_name_becomes_an_origin(text: str, origin: str) -> None:
    assert parse_origin(text) == origin


@pytest.mark.parametrize(
    "text",
    [
        "",
        "shop",
        "*",
        "*.com",
        "*.localhost",
        "http://shop.example.com",
        "ftp://shop.example.com",
        "shop.example.com/page",
        "shop.example.com?x",
        "user@shop.example.com",
        "shop.example.com; script-src *",
        "'self'",
        "shop..example.com",
        "-shop.example.com",
        "192.168.0.1",
        "[::1]",
        "shop.example.com:0",
        "shop.example.com:99999",
        "shop.example.com\nother.example.com",
        "a" * 300 + ".example",
    ],
)
def test_what_is_no_host_name_is_refused_by_its_field(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_origin(text, param="domains")

    assert refused.value.param == "domains"


def test_sites_are_kept_once_each_and_shown(acme: Workspace, owner: User) -> None:
    client = signed_in(owner)

    saved = client.post(
        address("settings_embed"),
        {"domains": "shop.example.com\n\n https://shop.example.com \n*.acme.example"},
    )

    assert saved["Location"] == address("settings_embed")
    assert stored(acme).embed_domains == ["https://shop.example.com", "https://*.acme.example"]
    assert "<code>https://*.acme.example</code>" in client.get(address("settings_embed")).content.decode()
    assert ("workspace.embed_domains_changed", owner.email) in [entry[:2] for entry in audited(acme)]


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ("shop.example.com\nnonsense", "“nonsense” is not a host name"),
        ("\n".join(f"shop{n}.example" for n in range(21)), "at most 20 sites"),
    ],
)
def test_bad_sites_come_back_as_written(acme: Workspace, owner: User, sent: str, said: str) -> None:
    answer = signed_in(owner).post(address("settings_embed"), {"domains": sent})

    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert stored(acme).embed_domains == []


@pytest.mark.parametrize("name", ["settings_brand", "settings_embed", "settings_danger"])
def test_a_reader_looks_and_cannot_change(acme: Workspace, name: str) -> None:
    client = signed_in(joined(acme, Role.READ_ONLY).user)

    page = client.get(address(name))
    assert page.status_code == 200
    assert 'type="submit">Save' not in page.content.decode()
    assert client.post(address(name), {}).status_code == 403


def suspend(client: Client, **changes: str) -> Any:
    return client.post(address("settings_danger"), {"reason": "Moving", "name": "Acme", **changes})


def test_an_owner_suspends_a_workspace_by_its_name_and_lets_it_go_on(acme: Workspace, owner: User) -> None:
    client = signed_in(owner)

    wrong = suspend(client, name="Acme Ltd")
    assert wrong.status_code == 400
    assert stored(acme).status == "active"

    name = acme.name
    assert suspend(client, name=name)["Location"] == address("settings_danger")
    assert stored(acme).status == "suspended"
    assert "Moving" in client.get(address("settings_danger")).content.decode()
    assert client.post(address("settings_embed"), {"domains": ""}).status_code == 403

    client.post(address("workspace_resume"), {"reason": ""})
    assert stored(acme).status == "suspended"
    client.post(address("workspace_resume"), {"reason": "Moved"})
    assert stored(acme).status == "active"


def test_only_an_owner_suspends_and_a_member_cannot_undo_the_operator(acme: Workspace, owner: User) -> None:
    admin = signed_in(joined(acme, Role.ADMIN).user)
    assert suspend(admin, name=acme.name).status_code == 403
    assert stored(acme).status == "active"

    services.suspend_workspace(workspace=acme, reason="Spam", actor=services.SYSTEM)

    client = signed_in(owner)
    assert client.post(address("workspace_resume"), {"reason": "Please"}).status_code == 403
    assert admin.post(address("workspace_resume"), {"reason": "Please"}).status_code == 403
    assert stored(acme).status == "suspended"
    assert "The operator of this platform did it" in client.get(address("settings_danger")).content.decode()


def test_a_sandbox_is_not_suspended_by_itself(sandbox: Workspace, owner: User) -> None:
    client = signed_in(owner)
    page = reverse("settings_danger", args=[sandbox.slug])

    assert "stands and falls with its live workspace" in client.get(page).content.decode()
    answer = client.post(page, {"reason": "Moving", "name": sandbox.name})
    assert answer.status_code == 400
