"""The account and workspace pages: who gets in, what changes, and what does not."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts import queries, services
from accounts.models import ApiKey, Role, User, Workspace
from accounts.navigation import entrance
from core.tenancy import tenant
from tests.accounts.people import (
    acting,
    address,
    audited,
    everything,
    joined,
    owner_of,
    signed_in,
    told,
)
from tests.conftest import AT, make_workspace
from tests.factories import UserFactory
from tests.lists import assert_same_queries

OLGA = "olga@acme.example"

BOB = "bob@new.example"


PAGES = [
    ("settings", "view"),
    ("team", "view"),
    ("team_invite", "manage_team"),
    ("api_key_list", "manage_developers"),
    ("api_key_new", "manage_developers"),
    ("snippet", "manage_developers"),
    ("audit_log", "view_audit"),
]


@pytest.mark.parametrize(("name", "permission"), PAGES)
def test_who_sees_a_page(acme: Workspace, owner: User, name: str, permission: str) -> None:
    page = address(name)
    reader = signed_in(joined(acme, Role.READ_ONLY).user)
    before = everything(acme)
    anonymous = Client().get(page)
    assert (anonymous.status_code, anonymous["Location"]) == (302, f"/accounts/login/?next={page}")
    assert signed_in(UserFactory.create()).get(page).status_code == 404
    assert reader.get(page).status_code == (200 if permission == "view" else 403)
    shown = signed_in(owner).get(page)
    assert shown.status_code == 200
    assert "<h1" in shown.content.decode()
    assert everything(acme) == before


POSTS: list[tuple[str, str, dict[str, Any]]] = [
    ("settings", "", {"name": "Hacked", "time_zone": "UTC"}),
    ("team_invite", "", {"email": BOB, "role": "owner"}),
    ("member_role", "member", {"role": "owner"}),
    ("member_remove", "member", {}),
    ("invitation_revoke", "invitation", {}),
    ("api_key_new", "", {"name": "Mine", "kind": "sk", "scopes": ["read"]}),
    ("api_key_revoke", "key", {}),
    ("api_key_bulk", "", {"chosen": ["key_x"]}),
    ("settings_brand", "", {"color": "#0f766e"}),
    ("settings_embed", "", {"domains": "shop.example.com"}),
    ("settings_danger", "", {"reason": "x", "name": "Acme"}),
    ("workspace_resume", "", {"reason": "x"}),
    ("sandbox_clock", "", {"days": 1}),
]


@pytest.mark.parametrize(("name", "subject", "data"), POSTS)
def test_who_cannot_change_a_thing(
    acme: Workspace, owner: User, name: str, subject: str, data: dict[str, Any]
) -> None:
    subjects = {"member": joined(acme, Role.SUPPORT).public_id}
    reader = joined(acme, Role.READ_ONLY)
    with tenant(acme):
        subjects["invitation"] = services.invite_member(
            workspace=acme, email="carl@new.example", role="admin", actor=acting(owner), at=AT
        )[0].public_id
        subjects["key"] = make_key(acme, owner)[0].public_id
    page = address(name, *([subjects[subject]] if subject else []))
    before = everything(acme)
    assert Client().post(page, data).status_code == 302
    assert signed_in(UserFactory.create()).post(page, data).status_code == 404
    assert signed_in(reader.user).post(page, data).status_code == 403
    assert everything(acme) == before
    if subject:
        assert signed_in(owner).get(page).status_code == 405
        stranger = make_workspace(UserFactory.create(email="stefan@other.example"), name="Other")
        foreign = reverse(name, args=[stranger.slug, subjects[subject]])
        assert signed_in(owner_of(stranger).user).post(foreign, data).status_code == 404
        assert everything(acme) == before


def make_key(workspace: Workspace, owner: User) -> tuple[ApiKey, str]:
    return services.create_api_key(
        workspace=workspace, kind="sk", name="Shop", scopes=["read"], actor=acting(owner), at=AT
    )


def test_home_presents_the_product_to_strangers(db: None) -> None:
    page = Client().get("/")
    assert page.status_code == 200
    assert reverse("account_signup") in page.content.decode()


def test_home_leads_to_the_only_workspace_or_the_list_or_a_new_one(acme: Workspace, owner: User) -> None:
    client = signed_in(owner)
    assert client.get("/")["Location"] == entrance(owner_of(acme))
    make_workspace(owner, name="Beta")
    listed = client.get("/").content.decode()
    assert [
        name for name in ("Acme", "Acme (sandbox)", "Beta", "Beta (sandbox)") if f">{name}<" in listed
    ] == [
        "Acme",
        "Acme (sandbox)",
        "Beta",
        "Beta (sandbox)",
    ]
    assert signed_in(UserFactory.create()).get("/")["Location"] == reverse("workspace_new")


def test_a_workspace_is_created_from_its_form(db: None) -> None:
    user = UserFactory.create(email=OLGA)
    client = signed_in(user)
    page = reverse("workspace_new")
    assert client.get(page).status_code == 200
    refused = client.post(page, {"name": "", "currency": "EUR", "time_zone": "UTC"})
    assert refused.status_code == 400
    assert list(refused.context["form"].errors) == ["name"]
    assert queries.memberships_of(user) == []
    made = client.post(page, {"name": "Acme", "currency": "JPY", "time_zone": "Asia/Tokyo"})
    live, sandbox = (member.workspace for member in queries.memberships_of(user))
    assert made["Location"] == entrance(queries.memberships_of(user)[0])
    assert (live.slug, live.currency, live.time_zone, sandbox.sandbox_of_id) == (
        "acme",
        "JPY",
        "Asia/Tokyo",
        live.pk,
    )
    assert told(made) == ["Acme is ready, with a sandbox beside it."]
    # A name of spaces passes no form; the service's own refusals land on the field as well.
    assert client.post(page, {"name": " ", "currency": "EUR", "time_zone": "UTC"}).status_code == 400


def test_settings_are_saved_and_bad_ones_come_back(acme: Workspace, owner: User) -> None:
    client = signed_in(owner)
    data = {"name": "Acme GmbH", "time_zone": "Europe/Vienna", "email_from_name": "Ada"}
    before = everything(acme)
    bad = client.post(address("settings"), {**data, "time_zone": "Nowhere"})
    assert (bad.status_code, list(bad.context["form"].errors)) == (400, ["time_zone"])
    header = client.post(address("settings"), {**data, "email_from_name": "Ada\x01"})
    assert (header.status_code, list(header.context["form"].errors)) == (400, ["email_from_name"])
    assert everything(acme) == before
    assert client.post(address("settings"), data)["Location"] == address("settings")
    assert audited(acme)[1:] == [
        (
            "workspace.updated",
            OLGA,
            {"name": "Acme", "time_zone": "UTC", "email_from_name": ""},
            data,
        )
    ]


def test_a_reader_sees_settings_that_cannot_be_sent(acme: Workspace) -> None:
    page = signed_in(joined(acme, Role.READ_ONLY).user).get(address("settings")).content.decode()
    assert "Save settings" not in page
    assert page.count("disabled") == 3


def test_a_key_is_shown_once_opens_until_revoked_and_never_after(acme: Workspace, owner: User) -> None:
    client = signed_in(owner)
    made = client.post(
        address("api_key_new"), {"name": "Checkout", "kind": "sk", "scopes": ["track", "read"]}
    )
    page = made.content.decode()
    found = re.search(r'value="(sk_[\w-]{43})"', page)
    assert found is not None
    token = found[1]
    assert (made.status_code, page.count(token)) == (200, 1)
    assert "no-store" in made["Cache-Control"]
    assert token not in str(dict(client.session))
    with tenant(acme):
        key = ApiKey.objects.for_workspace(acme).get()
    listed = client.get(address("api_key_list")).content.decode()
    assert key.prefix in listed
    assert token not in listed
    assert token not in str(everything(acme))
    opened = queries.api_key_for(token, at=AT)
    assert opened is not None
    assert (opened.name, opened.scopes) == ("Checkout", ["track", "read"])

    done = client.post(address("api_key_revoke", key.public_id))
    assert told(done) == ["The key Checkout opens nothing any more."]
    assert queries.api_key_for(token, at=AT) is None
    after = client.get(address("api_key_list")).content.decode()
    assert "Revoked" in after
    assert address("api_key_revoke", key.public_id) not in after
    assert audited(acme)[1:] == [
        ("api_key.created", OLGA, None, {"kind": "sk", "name": "Checkout", "scopes": ["track", "read"]}),
        ("api_key.revoked", OLGA, None, None),
    ]


def test_a_bad_key_names_the_field_and_is_not_made(acme: Workspace, owner: User) -> None:
    refused = signed_in(owner).post(address("api_key_new"), {"name": "Checkout", "kind": "sk"})
    assert (refused.status_code, list(refused.context["form"].errors)) == (400, ["scopes"])
    with tenant(acme):
        assert ApiKey.objects.for_workspace(acme).count() == 0


def test_the_audit_log_is_paged_and_filtered(acme: Workspace, owner: User) -> None:
    with tenant(acme):
        for number in range(51):
            services.record_audit(
                workspace=acme,
                actor=services.SYSTEM,
                action="test.counted",
                subject=f"thing-{number:02d}",
                before={"number": number},
                after={"number": number + 1},
            )
    client = signed_in(owner)
    newest = client.get(address("audit_log"))
    assert [entry.subject for entry in newest.context["page"]][:1] == ["thing-50"]
    assert "1–50 of 52" in newest.content.decode()
    last = client.get(address("audit_log"), {"page": "2", "action": "test.counted"})
    assert [entry.subject for entry in last.context["page"]] == ["thing-00"]
    assert "?page=1&amp;action=test.counted" in last.content.decode()
    mine = client.get(address("audit_log"), {"q": "olga"})
    assert [entry.action for entry in mine.context["page"]] == ["workspace.created"]
    none = client.get(address("audit_log"), {"q": "nobody"})
    assert "Nothing matches these filters" in none.content.decode()
    unknown = client.get(address("audit_log"), {"action": "test.unknown"})
    assert (unknown.status_code, unknown.context["page"].paginator.count) == (200, 52)
    saved = client.get(address("audit_log"), {"action": "test.counted", "export": "csv"})
    lines = saved.getvalue().decode("utf-8-sig").splitlines()
    assert lines[0] == "Id,When,Who,Did what,To,Change,Kind of actor"
    assert len(lines) == 52
    assert lines[1].endswith(",system,test.counted,thing-50,number: 50 > 51,system")


def test_the_audit_log_asks_as_often_whatever_its_length(acme: Workspace, owner: User) -> None:
    def grow(count: int) -> None:
        with tenant(acme):
            for _ in range(count):
                services.record_audit(
                    workspace=acme, actor=services.SYSTEM, action="workspace.created", subject="x"
                )

    assert_same_queries(signed_in(owner), address("audit_log"), grow)


def test_the_list_of_keys_asks_as_often_whatever_its_length(acme: Workspace, owner: User) -> None:
    def grow(count: int) -> None:
        with tenant(acme):
            for _ in range(count):
                make_key(acme, owner)

    assert_same_queries(signed_in(owner), address("api_key_list"), grow)


def test_keys_are_found_by_state_and_revoked_together(acme: Workspace, owner: User) -> None:
    with tenant(acme):
        one, two, three = (make_key(acme, owner)[0] for _ in range(3))
        services.revoke_api_key(key=three, actor=acting(owner), at=AT)
    client = signed_in(owner)

    done = client.post(address("api_key_bulk"), {"chosen": [one.public_id, two.public_id, three.public_id]})

    assert told(done) == ["2 keys revoked."]
    assert done["Location"] == address("api_key_list")
    revoked = client.get(address("api_key_list"), {"state": "revoked"})
    assert revoked.context["page"].paginator.count == 3
    live = client.get(address("api_key_list"), {"state": "live"})
    assert "Nothing matches these filters" in live.content.decode()
    assert [entry[0] for entry in audited(acme)].count("api_key.revoked") == 3


def test_a_sandbox_shows_its_time_and_moves_it(acme: Workspace, sandbox: Workspace, owner: User) -> None:
    client = signed_in(owner)
    live_page = client.get(address("settings")).content.decode()
    assert "Move the clock" not in live_page
    assert reverse("sandbox_clock", args=[sandbox.slug]) not in live_page
    settings_page = reverse("settings", args=[sandbox.slug])
    assert "Move the clock" in client.get(settings_page).content.decode()
    clock_page = reverse("sandbox_clock", args=[sandbox.slug])
    assert client.get(clock_page).status_code == 200
    moved = client.post(clock_page, {"days": 30, "next": settings_page})
    assert moved["Location"] == settings_page
    assert told(moved) == ["The clock moved 30 days forward; what is due follows."]
    elsewhere = client.post(clock_page, {"days": 1, "next": "https://evil.example/"})
    assert elsewhere["Location"] == settings_page
    assert audited(sandbox)[1:] == [
        ("sandbox.clock_moved", OLGA, {"offset_seconds": 0}, {"offset_seconds": 2_592_000}),
        ("sandbox.clock_moved", OLGA, {"offset_seconds": 2_592_000}, {"offset_seconds": 2_678_400}),
    ]


@pytest.mark.parametrize("days", ["0", "3651", "-1", "1.5", "", "soon"])
def test_a_bad_move_names_the_field_and_moves_nothing(
    acme: Workspace, sandbox: Workspace, owner: User, days: str
) -> None:
    refused = signed_in(owner).post(reverse("sandbox_clock", args=[sandbox.slug]), {"days": days})
    assert (refused.status_code, list(refused.context["form"].errors)) == (400, ["days"])
    assert audited(sandbox)[1:] == []


def test_the_clock_refuses_a_reader_and_the_end_of_its_range(sandbox: Workspace, owner: User) -> None:
    clock_page = reverse("sandbox_clock", args=[sandbox.slug])
    reader = signed_in(joined(sandbox, Role.READ_ONLY).user)
    assert reader.post(clock_page, {"days": 1}).status_code == 403
    with tenant(sandbox):
        Workspace.objects.for_workspace(sandbox).update(clock_offset=timedelta(days=36600))
    refused = signed_in(owner).post(clock_page, {"days": 1})
    assert (refused.status_code, list(refused.context["form"].errors)) == (400, ["days"])


def test_a_live_workspace_has_no_clock(acme: Workspace, owner: User) -> None:
    refused = signed_in(owner).post(address("sandbox_clock"), {"days": 1})
    assert refused.status_code == 409
    assert "Only a sandbox has a clock that can be moved." in refused.content.decode()


def test_the_frame_leads_to_the_twin_and_back(acme: Workspace, sandbox: Workspace, owner: User) -> None:
    client = signed_in(owner)
    live, twin = queries.memberships_of(owner)
    assert f'href="{entrance(twin)}"' in client.get(address("team")).content.decode()
    sandbox_page = client.get(reverse("team", args=[sandbox.slug])).content.decode()
    assert f'href="{entrance(live)}"' in sandbox_page
    assert "Leave the sandbox" in sandbox_page


def test_a_suspended_workspace_can_be_looked_at_and_not_changed(acme: Workspace, owner: User) -> None:
    console = signed_in(owner)
    assert "This workspace is suspended." not in console.get(address("settings")).content.decode()
    services.suspend_workspace(workspace=acme, reason="Unpaid", actor=services.SYSTEM)
    before = everything(acme)
    shown = console.get(address("settings"))
    assert (shown.status_code, "This workspace is suspended." in shown.content.decode()) == (200, True)
    refused = console.post(address("api_key_new"), {"name": "x", "kind": "pk"})
    assert refused.status_code == 403
    assert "nothing can be changed" in refused.content.decode()
    assert everything(acme) == before
