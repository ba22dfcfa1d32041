"""Reads about workspaces, members and keys."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts import queries, services
from accounts.forms import AuditFilterForm
from accounts.models import ApiKey, Role, User, Workspace
from accounts.services import SYSTEM
from core.tenancy import tenant
from tests.accounts.people import acting, joined
from tests.conftest import AT, make_workspace
from tests.factories import UserFactory

DAY = timedelta(days=1)


def test_a_person_sees_their_own_places_live_before_sandbox(owner: User, other_workspace: Workspace) -> None:
    make_workspace(owner, name="Beta")
    joined(other_workspace, Role.ANALYST)
    places = [(m.workspace.slug, m.role, m.workspace.is_sandbox) for m in queries.memberships_of(owner)]
    assert places == [
        ("acme", "owner", False),
        ("acme-sandbox", "owner", True),
        ("beta", "owner", False),
        ("beta-sandbox", "owner", True),
    ]


def test_reading_places_takes_as_many_queries_with_four_as_with_two(
    owner: User, django_assert_num_queries: Any
) -> None:
    make_workspace(owner)
    # The savepoint of the door, its setting, the read, the setting back, the savepoint's end.
    with django_assert_num_queries(5):
        queries.memberships_of(owner)
    make_workspace(owner, name="Beta")
    with django_assert_num_queries(5):
        queries.memberships_of(owner)


def test_a_membership_is_found_by_slug_for_its_person_only(owner: User) -> None:
    make_workspace(owner)
    found = queries.membership(owner, "acme")
    assert found is not None
    assert (found.user, found.workspace.slug) == (owner, "acme")
    assert queries.membership(owner, "nowhere") is None
    assert queries.membership(UserFactory.create(), "acme") is None


def test_who_left_has_no_place(owner: User) -> None:
    workspace = make_workspace(owner)
    anna = joined(workspace, Role.ADMIN)
    with tenant(workspace):
        services.remove_member(member=anna, actor=SYSTEM, at=AT)
    assert queries.membership(anna.user, "acme") is None
    assert queries.memberships_of(anna.user) == []


def make_key(workspace: Workspace) -> tuple[ApiKey, str]:
    with tenant(workspace):
        return services.create_api_key(
            workspace=workspace, kind="sk", name="Shop", scopes=["read"], actor=SYSTEM, at=AT
        )


def test_a_token_opens_its_key_until_it_is_revoked(owner: User) -> None:
    workspace = make_workspace(owner)
    key, token = make_key(workspace)
    found = queries.api_key_for(token, at=AT)
    assert found is not None
    assert (found.pk, found.workspace) == (key.pk, workspace)
    assert queries.api_key_for(token[:-1], at=AT) is None
    assert queries.api_key_for(token[:12] + "x" * 34, at=AT) is None
    with tenant(workspace):
        services.revoke_api_key(key=key, actor=SYSTEM, at=AT)
    assert queries.api_key_for(token, at=AT) is None


def test_a_token_opens_nothing_from_its_expiry_on(owner: User) -> None:
    workspace = make_workspace(owner)
    key, token = make_key(workspace)
    with tenant(workspace):
        ApiKey.objects.for_workspace(workspace).filter(pk=key.pk).update(expires_at=AT + DAY)
    assert queries.api_key_for(token, at=AT) is not None
    assert queries.api_key_for(token, at=AT + DAY) is None


def test_keys_that_share_a_prefix_are_told_apart(owner: User, other_workspace: Workspace) -> None:
    mine, token = make_key(make_workspace(owner, name="Mine"))
    theirs, _ = make_key(other_workspace)
    with tenant(other_workspace):
        ApiKey.objects.for_workspace(other_workspace).filter(pk=theirs.pk).update(prefix=mine.prefix)
    found = queries.api_key_for(token, at=AT)
    assert found is not None
    assert found.pk == mine.pk


def test_an_invitation_is_found_by_its_secret_whatever_its_state(owner: User) -> None:
    workspace = make_workspace(owner)
    with tenant(workspace):
        invitation, secret = services.invite_member(
            workspace=workspace, email="bob@new.example", role="admin", actor=acting(owner), at=AT
        )
        services.revoke_invitation(invitation=invitation, actor=SYSTEM, at=AT)
    found = queries.invitation_for(secret)
    assert found is not None
    assert (found.pk, found.workspace) == (invitation.pk, workspace)
    assert queries.invitation_for(secret[:-1]) is None


def test_open_invitations_leave_out_the_closed_and_the_expired(workspace: Workspace, owner: User) -> None:
    def invite(email: str) -> Any:
        return services.invite_member(
            workspace=workspace, email=email, role="admin", actor=acting(owner), at=AT
        )[0]

    first, second, gone = (invite(f"{name}@new.example") for name in ("a", "b", "c"))
    services.revoke_invitation(invitation=gone, actor=SYSTEM, at=AT)
    assert list(queries.open_invitations(workspace, at=AT)) == [second, first]
    assert list(queries.open_invitations(workspace, at=AT + 7 * DAY)) == []


def test_jobs_visit_active_workspaces_only(owner: User) -> None:
    live = make_workspace(owner)
    sandbox_id = queries.sandbox_id_of(live)
    assert sandbox_id is not None
    assert queries.active_workspace_ids() == [live.pk, sandbox_id]
    with tenant(live):
        Workspace.objects.for_workspace(live).update(status=Workspace.Status.SUSPENDED)
    assert queries.active_workspace_ids() == [sandbox_id]


def test_a_sandbox_has_no_sandbox(owner: User) -> None:
    sandbox_id = queries.sandbox_id_of(make_workspace(owner))
    assert sandbox_id is not None
    with tenant(sandbox_id):
        assert queries.sandbox_id_of(Workspace.objects.for_workspace(sandbox_id).get()) is None


@pytest.mark.parametrize(
    ("actor", "action", "expected"),
    [
        ("", "", ["api_key.revoked", "member.invited", "workspace.created"]),
        ("OLGA", "", ["member.invited", "workspace.created"]),
        ("", "member.invited", ["member.invited"]),
        ("system", "member.invited", []),
    ],
)
def test_the_audit_log_is_filtered_newest_first(
    workspace: Workspace,
    other_workspace: Workspace,
    owner: User,
    actor: str,
    action: str,
    expected: list[str],
) -> None:
    services.invite_member(workspace=workspace, email="b@c.example", role="admin", actor=acting(owner), at=AT)
    services.record_audit(workspace=workspace, actor=SYSTEM, action="api_key.revoked", subject="key_x")
    with tenant(other_workspace):
        services.record_audit(
            workspace=other_workspace, actor=SYSTEM, action="api_key.revoked", subject="key_y"
        )
    filters = AuditFilterForm(
        {"q": actor, "action": action}, workspace=workspace, actions=queries.audit_actions(workspace)
    )
    found = filters.narrow(queries.audit_entries(workspace))
    assert [entry.action for entry in found] == expected
    assert queries.audit_actions(workspace) == ["api_key.revoked", "member.invited", "workspace.created"]


def test_keys_are_listed_newest_first_with_the_revoked(workspace: Workspace) -> None:
    first, second = make_key(workspace)[0], make_key(workspace)[0]
    services.revoke_api_key(key=second, actor=SYSTEM, at=AT)
    assert list(queries.api_keys(workspace)) == [second, first]
