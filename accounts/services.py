"""Changes to workspaces, members, invitations and keys, each with its audit entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import available_timezones

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from accounts import secrets
from accounts.models import ApiKey, AuditEntry, Invitation, Member, Role, User, Workspace
from accounts.permissions import PUBLISHABLE_SCOPES, SECRET_SCOPES
from accounts.queries import sandbox_id_of
from core import clock, money
from core.errors import Conflict, Forbidden, Invalid
from core.events import emit
from core.ids import new_public_id
from core.tenancy import tenant

INVITATION_LIFETIME = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: `kind` is user, api_key, participant or system; `label` is an address, a key or a job's name."""

    kind: str
    label: str
    user: User | None = None
    address: str = ""


SYSTEM = Actor(kind="system", label="system")


def record_audit(
    *,
    workspace: Workspace,
    actor: Actor,
    action: str,
    subject: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str = "",
) -> AuditEntry:
    """Write one audit entry in the caller's transaction."""
    return AuditEntry.objects.create(
        workspace=workspace,
        actor_kind=actor.kind,
        actor=actor.label,
        action=action,
        subject=subject,
        before=dict(before) if before is not None else None,
        after=dict(after) if after is not None else None,
        reason=reason,
        address=actor.address,
        at=clock.now(),
    )


@transaction.atomic
def create_workspace(
    *, owner: User, name: str, currency: str, time_zone: str = "UTC", at: datetime
) -> Workspace:
    """Create a workspace with its sandbox, the creator as owner of both; returns the live one.

    The slug comes from the name, with a number behind it when that is taken. Raises Invalid naming `name`,
    `currency` or `time_zone`.
    """
    name = name.strip()
    if not 1 <= len(name) <= 120:
        raise Invalid("Give the workspace a name of at most 120 characters.", param="name")
    if not money.is_currency(currency):
        raise Invalid(f"{currency!r} is not an ISO 4217 currency code.", param="currency")
    if time_zone not in available_timezones():
        raise Invalid(f"{time_zone!r} is not a time zone of the IANA database.", param="time_zone")
    live = _insert_workspace(name=name, currency=currency, time_zone=time_zone, sandbox_of=None, at=at)
    sandbox = _insert_workspace(
        name=f"{name} (sandbox)", currency=currency, time_zone=time_zone, sandbox_of=live, at=at
    )
    actor = Actor(kind="user", label=owner.email, user=owner)
    for workspace in (live, sandbox):
        with tenant(workspace):
            Member.objects.create(workspace=workspace, user=owner, role=Role.OWNER, joined_at=at)
            record_audit(
                workspace=workspace,
                actor=actor,
                action="workspace.created",
                subject=workspace.public_id,
                after={"name": workspace.name, "currency": currency, "time_zone": time_zone},
            )
    return live


def _insert_workspace(
    *, name: str, currency: str, time_zone: str, sandbox_of: Workspace | None, at: datetime
) -> Workspace:
    base = slugify(name)[:50] or "workspace"
    for attempt in range(1, 50):
        workspace = Workspace(
            pk=_next_workspace_id(),
            name=name,
            slug=base if attempt == 1 else f"{base}-{attempt}",
            currency=currency,
            time_zone=time_zone,
            sandbox_of=sandbox_of,
            created_at=at,
        )
        try:
            with tenant(int(workspace.pk)):
                workspace.save(force_insert=True)
        except IntegrityError:
            continue
        return workspace
    workspace.slug = f"{base}-{new_public_id('wsp')[-8:]}"
    with tenant(int(workspace.pk)):
        workspace.save(force_insert=True)
    return workspace


def _next_workspace_id() -> int:
    # The row's own id decides whether its policy lets it in, so it has to be known before the insert.
    with transaction.get_connection().cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('accounts_workspace', 'id'))")
        return int(cursor.fetchone()[0])


@transaction.atomic
def move_sandbox_clock(*, workspace: Workspace, forward: timedelta, actor: Actor) -> Workspace:
    """Move a sandbox's clock forward; live workspaces and moves backward raise Conflict or Invalid (`forward`).

    What falls due by the move is done by the scheduled jobs, within seconds.
    """
    if not workspace.is_sandbox:
        raise Conflict("Only a sandbox has a clock that can be moved.", code="not_a_sandbox")
    if forward <= timedelta():
        raise Invalid("The clock only moves forward.", param="forward")
    if forward > timedelta(days=3660):
        raise Invalid("Move the clock by at most ten years at a time.", param="forward")
    row = Workspace.objects.for_workspace(workspace).select_for_update().get()
    before = row.clock_offset
    if before + forward > timedelta(days=36600):
        raise Invalid("The sandbox clock is a hundred years ahead already.", param="forward")
    row.clock_offset = before + forward
    Workspace.objects.for_workspace(row).update(clock_offset=row.clock_offset)
    record_audit(
        workspace=row,
        actor=actor,
        action="sandbox.clock_moved",
        subject=row.public_id,
        before={"offset_seconds": int(before.total_seconds())},
        after={"offset_seconds": int(row.clock_offset.total_seconds())},
    )
    emit("sandbox.clock_moved", at=row.local_time(clock.now()), workspace=row.public_id)
    return row


@transaction.atomic
def update_workspace(
    *, workspace: Workspace, name: str, time_zone: str, email_from_name: str, actor: Actor
) -> Workspace:
    """Change a workspace's name, time zone and sender name. Raises Invalid naming the field."""
    if not 1 <= len(name.strip()) <= 120:
        raise Invalid("Give the workspace a name of at most 120 characters.", param="name")
    if time_zone not in available_timezones():
        raise Invalid(f"{time_zone!r} is not a time zone of the IANA database.", param="time_zone")
    if any(ord(c) < 32 for c in email_from_name) or len(email_from_name) > 120:
        raise Invalid("The sender name is plain text of at most 120 characters.", param="email_from_name")
    before = {k: getattr(workspace, k) for k in ("name", "time_zone", "email_from_name")}
    after = {"name": name.strip(), "time_zone": time_zone, "email_from_name": email_from_name.strip()}
    Workspace.objects.for_workspace(workspace).update(**after)
    for field, value in after.items():
        setattr(workspace, field, value)
    record_audit(
        workspace=workspace,
        actor=actor,
        action="workspace.updated",
        subject=workspace.public_id,
        before=before,
        after=after,
    )
    return workspace


@transaction.atomic
def invite_member(
    *, workspace: Workspace, email: str, role: str, actor: Actor, at: datetime
) -> tuple[Invitation, str]:
    """Invite an address; returns the invitation and the secret to mail, which is stored as a hash only.

    Repeating it for an address replaces the open invitation. Raises Invalid (`email`, `role`) or Conflict when
    the person is a member already.
    """
    email = email.strip().lower()
    if role not in Role.values:
        raise Invalid(f"{role!r} is not a role.", param="role")
    if Member.objects.for_workspace(workspace).filter(user__email=email, left_at__isnull=True).exists():
        raise Conflict(f"{email} is a member already.", code="already_member", param="email")
    if actor.user is None:
        raise Forbidden("Only a member can invite people.")
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
    row = Invitation.objects.for_workspace(invitation.workspace_id).select_for_update().get(pk=invitation.pk)
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
        row = Invitation.objects.for_workspace(workspace).select_for_update().get(pk=invitation.pk)
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
    """Give a member another role. The last owner cannot stop being one (Conflict)."""
    if role not in Role.values:
        raise Invalid(f"{role!r} is not a role.", param="role")
    if member.role == Role.OWNER and role != Role.OWNER:
        _require_another_owner(member)
    before = member.role
    member.role = role
    member.save(update_fields=["role"])
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
    """End a membership; the history stays. The last owner cannot be removed (Conflict)."""
    if member.role == Role.OWNER:
        _require_another_owner(member)
    member.left_at = at
    member.save(update_fields=["left_at"])
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
        .select_for_update()
        .filter(role=Role.OWNER, left_at__isnull=True)
    )
    if not [owner for owner in owners if owner.pk != member.pk]:
        raise Conflict("A workspace keeps at least one owner.", code="last_owner")


@transaction.atomic
def create_api_key(
    *, workspace: Workspace, kind: str, name: str, scopes: Sequence[str], actor: Actor, at: datetime
) -> tuple[ApiKey, str]:
    """Create a key; returns the row and the token, which is never stored and cannot be shown again.

    A publishable key gets its fixed scope. Raises Invalid naming `kind`, `name` or `scopes`.
    """
    if kind not in ApiKey.Kind.values:
        raise Invalid("A key is publishable (pk) or secret (sk).", param="kind")
    if not 1 <= len(name.strip()) <= 80:
        raise Invalid("Give the key a name of at most 80 characters.", param="name")
    allowed = list(PUBLISHABLE_SCOPES) if kind == ApiKey.Kind.PUBLISHABLE else list(scopes)
    unknown = set(allowed) - set(SECRET_SCOPES) - set(PUBLISHABLE_SCOPES)
    if unknown or not allowed:
        raise Invalid(f"Choose scopes out of {', '.join(SECRET_SCOPES)}.", param="scopes")
    token = f"{kind}_{secrets.new_secret()}"
    key = ApiKey.objects.create(
        workspace=workspace,
        kind=kind,
        name=name.strip(),
        prefix=token[:12],
        secret_hash=secrets.keyed_hash(token),
        scopes=allowed,
        created_by=actor.user,
        created_at=at,
    )
    record_audit(
        workspace=workspace,
        actor=actor,
        action="api_key.created",
        subject=key.public_id,
        after={"kind": kind, "name": key.name, "scopes": allowed},
    )
    return key, token


@transaction.atomic
def revoke_api_key(*, key: ApiKey, actor: Actor, at: datetime) -> ApiKey:
    """End a key at once; repeating it changes nothing."""
    if key.revoked_at is None:
        key.revoked_at = at
        key.save(update_fields=["revoked_at"])
        record_audit(workspace=key.workspace, actor=actor, action="api_key.revoked", subject=key.public_id)
    return key


@transaction.atomic
def touch_api_key(*, key: ApiKey, at: datetime) -> None:
    """Note that a key was used, to the minute, so that a busy key does not write on each call."""
    if key.last_used_at is None or at - key.last_used_at > timedelta(minutes=1):
        ApiKey.objects.for_workspace(key.workspace_id).filter(pk=key.pk).update(last_used_at=at)
