"""Changes to members and invitations."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from accounts import queries, services
from accounts.models import Invitation, Member, Role, User, Workspace
from accounts.services import SYSTEM
from core.errors import Conflict, Forbidden, Invalid
from core.tenancy import tenant
from tests.accounts.people import acting, audited, everything, joined, owner_of
from tests.conftest import AT, make_workspace
from tests.factories import UserFactory

OLGA = "olga@acme.example"

DAY = timedelta(days=1)


def invite(workspace: Workspace, owner: User, email: str = "bob@new.example", role: str = "finance") -> Any:
    return services.invite_member(workspace=workspace, email=email, role=role, actor=acting(owner), at=AT)


def test_an_invitation_stores_only_a_hash_of_its_secret(workspace: Workspace, owner: User) -> None:
    invitation, secret = invite(workspace, owner, email=" Bob@New.example ")
    assert (invitation.email, invitation.role, invitation.expires_at) == (
        "bob@new.example",
        "finance",
        AT + 7 * DAY,
    )
    assert len(secret) == 43
    assert secret not in str(everything(workspace))
    found = queries.invitation_for(secret)
    assert found is not None
    assert found.pk == invitation.pk
    assert audited(workspace)[1:] == [
        ("member.invited", OLGA, None, {"email": "bob@new.example", "role": "finance"})
    ]


def test_inviting_again_closes_the_first_invitation(workspace: Workspace, owner: User) -> None:
    first, _ = invite(workspace, owner)
    second, _ = invite(workspace, owner, role="analyst")
    rows = Invitation.objects.for_workspace(workspace).order_by("pk")
    assert list(rows.values_list("pk", "revoked_at", "role")) == [
        (first.pk, AT, "finance"),
        (second.pk, None, "analyst"),
    ]


@pytest.mark.django_db(transaction=True)
def test_inviting_an_address_twice_at_once_leaves_one_open_invitation() -> None:
    owner = UserFactory.create(email=OLGA)
    workspace = make_workspace(owner)
    start = threading.Barrier(2)
    errors: list[Exception] = []

    def send() -> None:
        try:
            start.wait(timeout=10)
            with tenant(workspace):
                invite(workspace, owner)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert errors == []
    with tenant(workspace):
        rows = Invitation.objects.for_workspace(workspace).order_by("pk")
        assert list(rows.values_list("revoked_at", flat=True)) == [AT, None]


def test_who_cannot_be_invited(workspace: Workspace, owner: User) -> None:
    with pytest.raises(Invalid) as refused:
        invite(workspace, owner, role="emperor")
    assert refused.value.param == "role"
    with pytest.raises(Conflict) as taken:
        invite(workspace, owner, email=OLGA.upper())
    assert (taken.value.code, taken.value.param) == ("already_member", "email")
    with pytest.raises(Forbidden):
        services.invite_member(workspace=workspace, email="x@y.example", role="owner", actor=SYSTEM, at=AT)
    assert Invitation.objects.for_workspace(workspace).count() == 0


def test_accepting_joins_the_workspace_and_its_sandbox_once(owner: User) -> None:
    workspace = make_workspace(owner)
    bob = UserFactory.create(email="bob@new.example")
    with tenant(workspace):
        invitation, _ = invite(workspace, owner)
    member = services.accept_invitation(invitation=invitation, user=bob, at=AT + DAY)
    assert (member.role, member.joined_at, member.user) == ("finance", AT + DAY, bob)
    assert [(m.workspace.slug, m.role) for m in queries.memberships_of(bob)] == [
        ("acme", "finance"),
        ("acme-sandbox", "finance"),
    ]
    assert audited(workspace)[2:] == [("member.joined", "bob@new.example", None, {"role": "finance"})]
    before = everything(workspace)
    with pytest.raises(Conflict) as refused:
        services.accept_invitation(invitation=invitation, user=bob, at=AT + DAY)
    assert refused.value.code == "invitation_closed"
    assert everything(workspace) == before


def test_an_invitation_is_for_its_address_and_for_seven_days(owner: User) -> None:
    workspace = make_workspace(owner)
    bob = UserFactory.create(email="bob@new.example")
    with tenant(workspace):
        invitation, _ = invite(workspace, owner)
    before = everything(workspace)
    with pytest.raises(Forbidden):
        services.accept_invitation(invitation=invitation, user=UserFactory.create(), at=AT)
    with pytest.raises(Conflict):
        services.accept_invitation(invitation=invitation, user=bob, at=AT + 7 * DAY)
    assert everything(workspace) == before


def test_an_invitation_can_be_taken_back_until_it_is_accepted(owner: User) -> None:
    workspace = make_workspace(owner)
    bob = UserFactory.create(email="bob@new.example")
    with tenant(workspace):
        first, _ = invite(workspace, owner)
        services.revoke_invitation(invitation=first, actor=acting(owner), at=AT)
        services.revoke_invitation(invitation=first, actor=acting(owner), at=AT + DAY)
    with pytest.raises(Conflict):
        services.accept_invitation(invitation=first, user=bob, at=AT)
    data = {"email": "bob@new.example", "role": "finance"}
    assert audited(workspace)[2:] == [("member.invitation_revoked", OLGA, data, None)]
    with tenant(workspace):
        second, _ = invite(workspace, owner)
    services.accept_invitation(invitation=second, user=bob, at=AT)
    with tenant(workspace), pytest.raises(Conflict):
        services.revoke_invitation(invitation=second, actor=acting(owner), at=AT)


def test_a_role_is_changed_and_the_last_owner_keeps_theirs(owner: User) -> None:
    workspace = make_workspace(owner)
    anna = joined(workspace, Role.ANALYST)
    first = owner_of(workspace)
    with tenant(workspace):
        with pytest.raises(Conflict) as refused:
            services.change_role(member=first, role=Role.ADMIN, actor=acting(owner))
        assert refused.value.code == "last_owner"
        with pytest.raises(Invalid):
            services.change_role(member=anna, role="king", actor=acting(owner))
        services.change_role(member=anna, role=Role.OWNER, actor=acting(owner))
        services.change_role(member=first, role=Role.ADMIN, actor=acting(owner))
        assert list(queries.team(workspace).values_list("user__email", "role")) == [
            (OLGA, "admin"),
            ("analyst@acme.example", "owner"),
        ]
    assert audited(workspace)[1:] == [
        ("member.role_changed", OLGA, {"role": "analyst"}, {"role": "owner"}),
        ("member.role_changed", OLGA, {"role": "owner"}, {"role": "admin"}),
    ]


def test_a_removed_member_is_out_and_can_be_invited_again(owner: User) -> None:
    workspace = make_workspace(owner)
    anna = joined(workspace, Role.ANALYST)
    with tenant(workspace):
        with pytest.raises(Conflict):
            services.remove_member(member=owner_of(workspace), actor=acting(owner), at=AT)
        services.remove_member(member=anna, actor=acting(owner), at=AT + DAY)
        assert list(queries.team(workspace)) == [owner_of(workspace)]
        invitation, _ = invite(workspace, owner, email=anna.user.email, role="support")
    assert queries.memberships_of(anna.user) == []
    again = services.accept_invitation(invitation=invitation, user=anna.user, at=AT + DAY)
    assert (again.pk, again.role, again.left_at) == (anna.pk, "support", None)
    assert audited(workspace)[1] == ("member.removed", OLGA, {"role": "analyst"}, None)


@pytest.mark.django_db(transaction=True)
def test_two_owners_removing_each_other_at_once_leave_one() -> None:
    workspace = make_workspace(UserFactory.create(email=OLGA))
    joined(workspace, Role.OWNER, email="otto@acme.example")
    with tenant(workspace):
        members = list(queries.team(workspace))
    start = threading.Barrier(2)
    outcomes: list[str] = []

    def remove(member: Member) -> None:
        try:
            start.wait(timeout=10)
            with tenant(workspace):
                services.remove_member(member=member, actor=SYSTEM, at=AT)
            outcomes.append("removed")
        except Conflict as error:
            outcomes.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=remove, args=(member,)) for member in members]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(outcomes) == ["last_owner", "removed"]
    with tenant(workspace):
        assert queries.team(workspace).count() == 1


def test_only_an_owner_makes_changes_or_removes_owners(
    workspace: Workspace, owner: User, at: datetime
) -> None:
    admin = Member.objects.create(
        workspace=workspace, user=UserFactory.create(email="adam@acme.example"), role="admin"
    )
    actor = services.Actor(kind="user", label="adam@acme.example", user=admin.user)
    olga = Member.objects.for_workspace(workspace).get(user=owner)
    for act in (
        lambda: services.change_role(member=admin, role="owner", actor=actor),
        lambda: services.change_role(member=olga, role="admin", actor=actor),
        lambda: services.remove_member(member=olga, actor=actor, at=at),
        lambda: services.invite_member(
            workspace=workspace, email="eve@acme.example", role="owner", actor=actor, at=at
        ),
    ):
        with pytest.raises(Forbidden) as refused:
            act()
        assert refused.value.code == "owner_only"
    roles = Member.objects.for_workspace(workspace).filter(left_at__isnull=True).order_by("pk")
    assert [member.role for member in roles] == ["owner", "admin"]


def test_the_sandbox_follows_changes_of_the_team(workspace: Workspace, owner: User, at: datetime) -> None:
    user = UserFactory.create(email="fay@acme.example")
    olga = acting(owner)
    invitation, _ = services.invite_member(
        workspace=workspace, email=user.email, role="admin", actor=olga, at=at
    )
    member = services.accept_invitation(invitation=invitation, user=user, at=at)
    services.change_role(member=member, role="analyst", actor=olga)
    assert [(m.workspace.is_sandbox, m.role) for m in queries.memberships_of(user)] == [
        (False, "analyst"),
        (True, "analyst"),
    ]
    services.remove_member(member=member, actor=olga, at=at)
    assert queries.memberships_of(user) == []
