"""Members, their roles, and invitations."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from accounts import secrets
from accounts.models import Invitation, Member, Role, User, Workspace
from accounts.queries import sandbox_id_of
from accounts.services.audit import Actor, record_audit
from core.errors import Conflict, Forbidden, Invalid
from core.tenancy import tenant

INVITATION_LIFETIME = timedelta(days=7)


@transaction.atomic
def invite_member(
    *, workspace: Workspace, email: str, role: str, actor: Actor, at: datetime
) -> tuple[Invitation, str]:
    """Invite an address; returns the invitation and the secret to mail, which is stored as a hash only.

    Repeating it for an address replaces the open invitation. Only an owner invites owners. Raises Invalid
    (`email`, `role`), or Conflict when the person is a member already.
    """
    email = email.strip().lower()
    if role not in Role.values:
        raise Invalid(f"{role!r} is not a role.", param="role")
    if Member.objects.for_workspace(workspace).filter(user__email=email, left_at__isnull=True).exists():
        raise Conflict(f"{email} is a member already.", code="already_member", param="email")
    if actor.user is None:
        raise Forbidden("Only a member can invite people.")
    if role == Role.OWNER:
        _require_owner(workspace, actor)
    # Two at once take turns, so that the second finds the first one's invitation and replaces it.
    Workspace.objects.for_workspace(workspace).select_for_update(no_key=True).get()
    Invitation.objects.for_workspace(workspace).filter(
        email=email, accepted_at__isnull=True, revoked_at__isnull=True
    ).update(revoked_at=at)
    secret = secrets.new_secret()
    invitation = Invitation.objects.create(
        workspace=workspace,
        email=email,
        role=role,
        secret_hash=secrets.keyed_hash(secret),
        invited_by=actor.user,
        created_at=at,
        expires_at=at + INVITATION_LIFETIME,
    )
    record_audit(
        workspace=workspace,
        actor=actor,
        action="member.invited",
        subject=invitation.public_id,
        after={"email": email, "role": role},
    )
    return invitation, secret


@transaction.atomic
def revoke_invitation(*, invitation: Invitation, actor: Actor, at: datetime) -> None:
    """Take an invitation back; repeating it changes nothing. Raises Conflict when it was accepted."""
    row = (
        Invitation.objects.for_workspace(invitation.workspace_id)
        .select_for_update(no_key=True)
        .get(pk=invitation.pk)
    )
    if row.accepted_at is not None:
        raise Conflict("This invitation was accepted already.", code="invitation_closed")
    if row.revoked_at is not None:
        return
    row.revoked_at = at
    row.save(update_fields=["revoked_at"])
    record_audit(
        workspace=row.workspace,
        actor=actor,
        action="member.invitation_revoked",
        subject=row.public_id,
        before={"email": row.email, "role": row.role},
    )


@transaction.atomic
def accept_invitation(*, invitation: Invitation, user: User, at: datetime) -> Member:
    """Make the invited person a member of the workspace and of its sandbox with the invited role.

    Raises Conflict when it was used, taken back or has expired, Forbidden when another address was invited.
    """
    workspace = invitation.workspace
    with tenant(workspace):
        row = Invitation.objects.for_workspace(workspace).select_for_update(no_key=True).get(pk=invitation.pk)
        if row.accepted_at or row.revoked_at or row.expires_at <= at:
            raise Conflict("This invitation is no longer open.", code="invitation_closed")
        if row.email != user.email:
            raise Forbidden(f"This invitation was sent to {row.email}; sign in with that address.")
        Invitation.objects.for_workspace(workspace).filter(pk=row.pk).update(accepted_at=at)
        member = _join(workspace=workspace, user=user, role=row.role, at=at)
        record_audit(
            workspace=workspace,
            actor=Actor(kind="user", label=user.email, user=user),
            action="member.joined",
            subject=member.public_id,
            after={"role": row.role},
        )
    sandbox_id = sandbox_id_of(workspace)
    if sandbox_id is not None:
        with tenant(sandbox_id):
            sandbox = Workspace.objects.for_workspace(sandbox_id).get()
            _join(workspace=sandbox, user=user, role=row.role, at=at)
    return member


def _join(*, workspace: Workspace, user: User, role: str, at: datetime) -> Member:
    member, _ = Member.objects.for_workspace(workspace).update_or_create(
        workspace=workspace, user=user, defaults={"role": role, "joined_at": at, "left_at": None}
    )
    return member


@transaction.atomic
def change_role(*, member: Member, role: str, actor: Actor) -> Member:
    """Give a member another role, in the sandbox too. The last owner cannot stop being one (Conflict).

    Only an owner makes owners or changes one (Forbidden, `owner_only`).
    """
    if role not in Role.values:
        raise Invalid(f"{role!r} is not a role.", param="role")
    if Role.OWNER in (member.role, role):
        _require_owner(member.workspace, actor)
    if member.role == Role.OWNER and role != Role.OWNER:
        _require_another_owner(member)
    before = member.role
    member.role = role
    member.save(update_fields=["role"])
    _mirror(member, role=role)
    record_audit(
        workspace=member.workspace,
        actor=actor,
        action="member.role_changed",
        subject=member.public_id,
        before={"role": before},
        after={"role": role},
    )
    return member


@transaction.atomic
def remove_member(*, member: Member, actor: Actor, at: datetime) -> None:
    """End a membership, in the sandbox too; the history stays. The last owner cannot be removed (Conflict).

    Only an owner removes an owner (Forbidden, `owner_only`).
    """
    if member.role == Role.OWNER:
        _require_owner(member.workspace, actor)
        _require_another_owner(member)
    member.left_at = at
    member.save(update_fields=["left_at"])
    _mirror(member, left_at=at)
    record_audit(
        workspace=member.workspace,
        actor=actor,
        action="member.removed",
        subject=member.public_id,
        before={"role": member.role},
    )


def _require_another_owner(member: Member) -> None:
    owners = (
        Member.objects.for_workspace(member.workspace_id)
        .select_for_update(no_key=True)
        .filter(role=Role.OWNER, left_at__isnull=True)
    )
    if not [owner for owner in owners if owner.pk != member.pk]:
        raise Conflict("A workspace keeps at least one owner.", code="last_owner")


def _require_owner(workspace: Workspace, actor: Actor) -> None:
    if actor.kind == "system":
        return
    owners = Member.objects.for_workspace(workspace).filter(role=Role.OWNER, left_at__isnull=True)
    if actor.user is None or not owners.filter(user=actor.user).exists():
        raise Forbidden("Only an owner can make, change or remove owners.", code="owner_only")


def _mirror(member: Member, **changes: Any) -> None:
    """Change the same person's place in the sandbox alike, so that nobody keeps a back door there."""
    sandbox_id = sandbox_id_of(member.workspace)
    if sandbox_id is None:
        return
    with tenant(sandbox_id):
        Member.objects.for_workspace(sandbox_id).filter(user_id=member.user_id, left_at__isnull=True).update(
            **changes
        )
