"""Changes to workspaces, sandboxes, keys and the audit log."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts import queries, services
from accounts.models import ApiKey, User, Workspace
from accounts.services import SYSTEM, Actor
from core.errors import Conflict, Invalid
from core.models import Event
from core.tenancy import tenant
from tests.accounts.people import acting, audited, everything
from tests.conftest import AT, make_workspace
from tests.factories import UserFactory

OLGA = "olga@acme.example"

DAY = timedelta(days=1)


def sandbox_of(workspace: Workspace) -> Workspace:
    sandbox_id = queries.sandbox_id_of(workspace)
    assert sandbox_id is not None
    with tenant(sandbox_id):
        return Workspace.objects.for_workspace(sandbox_id).get()


def test_a_new_workspace_comes_with_a_sandbox_and_its_creator_owns_both(owner: User) -> None:
    live = services.create_workspace(
        owner=owner, name="  Café Zürich ", currency="CHF", time_zone="Europe/Zurich", at=AT
    )
    sandbox = sandbox_of(live)
    assert (live.name, live.slug, live.currency, live.time_zone, live.is_sandbox, live.created_at) == (
        "Café Zürich",
        "cafe-zurich",
        "CHF",
        "Europe/Zurich",
        False,
        AT,
    )
    assert (sandbox.name, sandbox.slug, sandbox.currency, sandbox.sandbox_of_id) == (
        "Café Zürich (sandbox)",
        "cafe-zurich-sandbox",
        "CHF",
        live.pk,
    )
    for workspace in (live, sandbox):
        with tenant(workspace):
            assert list(queries.team(workspace).values_list("user_id", "role", "joined_at")) == [
                (owner.pk, "owner", AT)
            ]
        after = {"name": workspace.name, "currency": "CHF", "time_zone": "Europe/Zurich"}
        assert audited(workspace) == [("workspace.created", OLGA, None, after)]


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"name": "   "}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"currency": "EURO"}, "currency"),
        ({"currency": "PTS"}, "currency"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
    ],
)
def test_a_bad_new_workspace_names_the_field_and_makes_nothing(
    owner: User, change: dict[str, str], param: str
) -> None:
    given: dict[str, Any] = {"name": "Acme", "currency": "EUR", "time_zone": "UTC", **change}
    with pytest.raises(Invalid) as refused:
        services.create_workspace(owner=owner, **given, at=AT)
    assert refused.value.param == param
    assert queries.memberships_of(owner) == []


def test_a_taken_slug_gets_a_number(owner: User) -> None:
    slugs = [make_workspace(owner, name=name).slug for name in ("Acme", "ACME!", "acme", "株式会社")]
    assert slugs == ["acme", "acme-2", "acme-3", "workspace"]


@pytest.mark.django_db(transaction=True)
def test_two_people_creating_the_same_name_at_once_get_two_slugs() -> None:
    people = [UserFactory.create() for _ in range(2)]
    start = threading.Barrier(2)
    slugs: list[str] = []
    errors: list[Exception] = []

    def create(owner: User) -> None:
        try:
            start.wait(timeout=10)
            slugs.append(make_workspace(owner).slug)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=create, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert errors == []
    assert sorted(slugs) == ["acme", "acme-2"]
    found = sorted(member.workspace.slug for person in people for member in queries.memberships_of(person))
    assert found == ["acme", "acme-2", "acme-sandbox", "acme-sandbox-2"]


def test_a_sandbox_clock_moves_forward_and_says_so(owner: User) -> None:
    sandbox = sandbox_of(make_workspace(owner))
    with tenant(sandbox):
        services.move_sandbox_clock(workspace=sandbox, forward=30 * DAY, actor=acting(owner))
        moved = services.move_sandbox_clock(workspace=sandbox, forward=DAY, actor=acting(owner))
        assert moved.clock_offset == 31 * DAY
        assert moved.local_time(AT) == AT + 31 * DAY
        events = Event.objects.for_workspace(sandbox).filter(kind="sandbox.clock_moved").order_by("pk")
        assert [event.data["workspace"] for event in events] == [sandbox.public_id] * 2
    assert audited(sandbox)[1:] == [
        ("sandbox.clock_moved", OLGA, {"offset_seconds": 0}, {"offset_seconds": 2_592_000}),
        ("sandbox.clock_moved", OLGA, {"offset_seconds": 2_592_000}, {"offset_seconds": 2_678_400}),
    ]


@pytest.mark.parametrize("forward", [timedelta(), -DAY, 3661 * DAY])
def test_a_clock_does_not_move_back_or_too_far(owner: User, forward: timedelta) -> None:
    sandbox = sandbox_of(make_workspace(owner))
    before = everything(sandbox)
    with tenant(sandbox), pytest.raises(Invalid) as refused:
        services.move_sandbox_clock(workspace=sandbox, forward=forward, actor=acting(owner))
    assert refused.value.param == "forward"
    assert everything(sandbox) == before


def test_a_clock_stops_a_hundred_years_ahead(owner: User) -> None:
    sandbox = sandbox_of(make_workspace(owner))
    with tenant(sandbox):
        for _ in range(10):
            services.move_sandbox_clock(workspace=sandbox, forward=3660 * DAY, actor=SYSTEM)
        with pytest.raises(Invalid) as refused:
            services.move_sandbox_clock(workspace=sandbox, forward=DAY, actor=SYSTEM)
        assert refused.value.param == "forward"
        assert Workspace.objects.for_workspace(sandbox).get().clock_offset == 36600 * DAY


def test_a_live_workspace_has_no_clock_to_move(workspace: Workspace) -> None:
    with pytest.raises(Conflict) as refused:
        services.move_sandbox_clock(workspace=workspace, forward=DAY, actor=SYSTEM)
    assert refused.value.code == "not_a_sandbox"


def test_settings_are_changed_and_audited(workspace: Workspace, owner: User) -> None:
    services.update_workspace(
        workspace=workspace,
        name=" Acme GmbH ",
        time_zone="Europe/Vienna",
        email_from_name="Ada of Acme ",
        actor=acting(owner),
    )
    row = Workspace.objects.for_workspace(workspace).get()
    after = {"name": "Acme GmbH", "time_zone": "Europe/Vienna", "email_from_name": "Ada of Acme"}
    before = {"name": "Acme", "time_zone": "UTC", "email_from_name": ""}
    assert {name: getattr(row, name) for name in after} == after
    assert row.slug == "acme"
    assert audited(workspace)[1:] == [("workspace.updated", OLGA, before, after)]


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"name": ""}, "name"),
        ({"time_zone": "Nowhere"}, "time_zone"),
        ({"email_from_name": "Ada\r\nBcc: all@example.com"}, "email_from_name"),
        ({"email_from_name": "x" * 121}, "email_from_name"),
    ],
)
def test_bad_settings_name_the_field(workspace: Workspace, change: dict[str, str], param: str) -> None:
    before = everything(workspace)
    given = {"name": "Acme", "time_zone": "UTC", "email_from_name": "", **change}
    with pytest.raises(Invalid) as refused:
        services.update_workspace(workspace=workspace, **given, actor=SYSTEM)
    assert refused.value.param == param
    assert everything(workspace) == before


def test_a_secret_key_is_stored_as_prefix_and_hash(workspace: Workspace, owner: User) -> None:
    key, token = services.create_api_key(
        workspace=workspace, kind="sk", name=" Shop ", scopes=["track"], actor=acting(owner), at=AT
    )
    assert token.startswith("sk_")
    assert len(token) == 46
    assert (key.name, key.prefix, key.scopes, key.created_by) == ("Shop", token[:12], ["track"], owner)
    assert token not in str(everything(workspace))
    assert audited(workspace)[1:] == [
        ("api_key.created", OLGA, None, {"kind": "sk", "name": "Shop", "scopes": ["track"]})
    ]


def test_a_publishable_key_has_one_scope_whatever_is_asked(workspace: Workspace) -> None:
    key, token = services.create_api_key(
        workspace=workspace, kind="pk", name="Page", scopes=["payouts"], actor=SYSTEM, at=AT
    )
    assert token.startswith("pk_")
    assert key.scopes == ["track:browser"]


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"kind": "xx"}, "kind"),
        ({"name": " "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["track", "root"]}, "scopes"),
    ],
)
def test_a_bad_key_names_the_field(workspace: Workspace, change: dict[str, Any], param: str) -> None:
    given: dict[str, Any] = {"kind": "sk", "name": "Shop", "scopes": ["track"], **change}
    with pytest.raises(Invalid) as refused:
        services.create_api_key(workspace=workspace, **given, actor=SYSTEM, at=AT)
    assert refused.value.param == param
    assert ApiKey.objects.for_workspace(workspace).count() == 0


def test_revoking_a_key_twice_is_revoking_it_once(workspace: Workspace) -> None:
    key, _ = services.create_api_key(
        workspace=workspace, kind="sk", name="Shop", scopes=["read"], actor=SYSTEM, at=AT
    )
    services.revoke_api_key(key=key, actor=SYSTEM, at=AT + DAY)
    services.revoke_api_key(key=key, actor=SYSTEM, at=AT + 2 * DAY)
    assert ApiKey.objects.for_workspace(workspace).get().revoked_at == AT + DAY
    assert [entry[0] for entry in audited(workspace)[1:]] == ["api_key.created", "api_key.revoked"]


def test_the_last_use_of_a_key_is_noted_to_the_minute(workspace: Workspace) -> None:
    key, _ = services.create_api_key(
        workspace=workspace, kind="sk", name="Shop", scopes=["read"], actor=SYSTEM, at=AT
    )
    noted = []
    for seconds in (0, 60, 61):
        services.touch_api_key(key=key, at=AT + timedelta(seconds=seconds))
        key.refresh_from_db()
        noted.append(key.last_used_at)
    assert noted == [AT, AT, AT + timedelta(seconds=61)]


def test_an_audit_entry_keeps_who_and_from_where(workspace: Workspace) -> None:
    entry = services.record_audit(
        workspace=workspace,
        actor=Actor(kind="api_key", label="Shop (sk_abc…)", address="192.0.2.7"),
        action="reward.denied",
        subject="rwd_x",
        reason="bought for themselves",
    )
    assert (entry.actor_kind, entry.actor, entry.address, entry.reason, entry.before, entry.after) == (
        "api_key",
        "Shop (sk_abc…)",
        "192.0.2.7",
        "bought for themselves",
        None,
        None,
    )


def test_suspending_stops_a_workspace_and_its_sandbox_until_it_is_resumed(workspace: Workspace) -> None:
    sandbox = sandbox_of(workspace)

    def standing() -> list[str]:
        found = []
        for each in (workspace, sandbox):
            with tenant(each):
                found.append(Workspace.objects.for_workspace(each).get().status)
        return found

    for _ in range(2):
        services.suspend_workspace(workspace=workspace, reason=" Unpaid invoice ", actor=SYSTEM)
    assert standing() == ["suspended", "suspended"]
    assert queries.suspended_workspace_ids() == [workspace.pk, sandbox.pk]
    for _ in range(2):
        services.resume_workspace(workspace=workspace, reason="Paid", actor=SYSTEM)
    assert standing() == ["active", "active"]
    assert queries.suspended_workspace_ids() == []
    for each in (workspace, sandbox):
        assert audited(each)[-2:] == [
            ("workspace.suspended", "system", {"status": "active"}, {"status": "suspended"}),
            ("workspace.resumed", "system", {"status": "suspended"}, {"status": "active"}),
        ]


def test_suspending_needs_a_reason_and_a_live_workspace(workspace: Workspace) -> None:
    sandbox = sandbox_of(workspace)
    with pytest.raises(Invalid) as unexplained:
        services.suspend_workspace(workspace=workspace, reason=" ", actor=SYSTEM)
    assert unexplained.value.param == "reason"
    with pytest.raises(Conflict) as refused:
        services.suspend_workspace(workspace=sandbox, reason="Unpaid", actor=SYSTEM)
    assert refused.value.code == "is_a_sandbox"
    assert queries.suspended_workspace_ids() == []


def test_the_commands_suspend_and_resume(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("suspend_workspace", workspace.slug, "--reason", "Unpaid")
    call_command("resume_workspace", workspace.slug, "--reason", "Paid")
    assert capsys.readouterr().out == "Acme is suspended.\nAcme is active.\n"
    with pytest.raises(CommandError, match="There is no workspace nowhere"):
        call_command("suspend_workspace", "nowhere", "--reason", "Unpaid")
    with pytest.raises(CommandError, match="required"):
        call_command("suspend_workspace", workspace.slug, "--reason", "")
