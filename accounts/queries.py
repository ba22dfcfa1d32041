"""Reads about workspaces, members and keys."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Case, Q, QuerySet, Value, When

from accounts import secrets
from accounts.models import ApiKey, AuditEntry, BrandLogo, Domain, Invitation, Member, User, Workspace
from core.tenancy import door, tenant


def memberships_of(user: User) -> list[Member]:
    """Return a person's places with the workspace loaded, by its name, live before sandbox."""
    with door("memberships"):
        members = list(
            Member.objects.through_door("memberships")
            .filter(user_id=user.pk, left_at__isnull=True)
            .select_related("workspace")
        )
    return sorted(members, key=lambda m: (m.workspace.name.lower(), m.workspace.is_sandbox))


def membership(user: User, slug: str) -> Member | None:
    """Return a person's place in the workspace with this slug, user and workspace loaded, or None."""
    with door("memberships"):
        return (
            Member.objects.through_door("memberships")
            .filter(user_id=user.pk, left_at__isnull=True, workspace__slug=slug)
            .select_related("workspace", "user")
            .first()
        )


def api_key_for(token: str, *, at: datetime) -> ApiKey | None:
    """Return the live key that a presented token opens, workspace loaded, or None."""
    prefix = token[:12]
    with door("resolve_api_key"):
        for key in (
            ApiKey.objects.through_door("resolve_api_key").filter(prefix=prefix).select_related("workspace")
        ):
            expired = key.expires_at is not None and key.expires_at <= at
            if secrets.same(key.secret_hash, token) and key.revoked_at is None and not expired:
                return key
    return None


def invitation_for(secret: str) -> Invitation | None:
    """Return the invitation that a mailed secret opens, workspace loaded, whatever its state, or None."""
    with door("invitations"):
        return (
            Invitation.objects.through_door("invitations")
            .filter(secret_hash=secrets.keyed_hash(secret))
            .select_related("workspace")
            .first()
        )


def active_workspace_ids() -> list[int]:
    """Return the primary keys of all active workspaces, for jobs that visit each in its own transaction."""
    with door("workspaces"):
        return list(
            Workspace.objects.through_door("workspaces")
            .filter(status=Workspace.Status.ACTIVE)
            .order_by("pk")
            .values_list("pk", flat=True)
        )


def suspended_workspace_ids() -> list[int]:
    """Return the primary keys of the workspaces whose work waits."""
    with door("workspaces"):
        return list(
            Workspace.objects.through_door("workspaces")
            .filter(status=Workspace.Status.SUSPENDED)
            .order_by("pk")
            .values_list("pk", flat=True)
        )


def all_workspaces() -> list[Workspace]:
    """Return every workspace, whatever its status, for commands that visit each in its own transaction."""
    with door("workspaces"):
        return list(Workspace.objects.through_door("workspaces").order_by("pk"))


def workspace_with_slug(slug: str) -> Workspace | None:
    """Return the workspace with this slug, for commands; None for no workspace."""
    with door("workspaces"):
        return Workspace.objects.through_door("workspaces").filter(slug=slug).first()


def team(workspace: Workspace) -> QuerySet[Member]:
    """Return the current members with their users, longest standing first."""
    return (
        Member.objects.for_workspace(workspace)
        .filter(left_at__isnull=True)
        .select_related("user")
        .order_by("pk")
    )


def open_invitations(workspace: Workspace, *, at: datetime) -> QuerySet[Invitation]:
    """Return the invitations that can still be accepted, newest first."""
    return (
        Invitation.objects.for_workspace(workspace)
        .filter(accepted_at__isnull=True, revoked_at__isnull=True, expires_at__gt=at)
        .order_by("-pk")
    )


def api_keys(workspace: Workspace) -> QuerySet[ApiKey]:
    """Return all keys with their `state`, active or revoked, newest first."""
    state = Case(When(revoked_at__isnull=True, then=Value("active")), default=Value("revoked"))
    return ApiKey.objects.for_workspace(workspace).annotate(state=state).order_by("-pk")


def audit_entries(workspace: Workspace) -> QuerySet[AuditEntry]:
    """Return the audit log, newest first."""
    return AuditEntry.objects.for_workspace(workspace).order_by("-pk")


def last_suspension(workspace: Workspace) -> AuditEntry | None:
    """Return the entry of the last time the workspace was suspended, or None."""
    entries = AuditEntry.objects.for_workspace(workspace).filter(action="workspace.suspended")
    return entries.order_by("-pk").first()


def audit_actions(workspace: Workspace) -> list[str]:
    """Return the actions that occur in the audit log, by name."""
    return list(
        AuditEntry.objects.for_workspace(workspace)
        .order_by("action")
        .values_list("action", flat=True)
        .distinct()
    )


def sandbox_id_of(workspace: Workspace) -> int | None:
    """Return the primary key of a live workspace's sandbox; None for a sandbox."""
    with door("memberships"):
        return (
            Workspace.objects.through_door("memberships")
            .filter(sandbox_of_id=workspace.pk)
            .values_list("pk", flat=True)
            .first()
        )


def domains(workspace: Workspace) -> QuerySet[Domain]:
    """Return the workspace's own domains with it loaded, oldest first."""
    return Domain.objects.for_workspace(workspace).select_related("workspace").order_by("pk")


def domain(workspace_id: int, pk: int) -> Domain | None:
    """Return one domain with its workspace loaded, or None; for scheduled jobs."""
    return Domain.objects.for_workspace(workspace_id).filter(pk=pk).select_related("workspace").first()


def host_owner(host: str) -> int | None:
    """Return the primary key of the workspace whose verified domain this is, or None.

    `host` is what a request names: in any letters, with or without a port or a dot at the end.
    """
    name = host.partition(":")[0].rstrip(".").lower()
    if not name or len(name) > 253 or not name.isascii() or not name.isprintable():
        return None
    with door("resolve_domain"):
        return (
            Domain.objects.through_door("resolve_domain")
            .filter(host=name, verified_at__isnull=False)
            .values_list("workspace_id", flat=True)
            .first()
        )


def domains_to_check(*, at: datetime, pending_for: timedelta) -> list[tuple[int, int]]:
    """Return workspace and primary key of the domains whose record is to be looked up again.

    All verified ones, and those added within `pending_for` that are not.
    """
    with door("resolve_domain"):
        return list(
            Domain.objects.through_door("resolve_domain")
            .filter(Q(verified_at__isnull=False) | Q(created_at__gt=at - pending_for))
            .order_by("pk")
            .values_list("workspace_id", "pk")
        )


def brand_logo(workspace: Workspace) -> BrandLogo | None:
    """Return the workspace's logo, or None."""
    return BrandLogo.objects.for_workspace(workspace).first()


def published_logo(workspace_id: str, digest: str) -> bytes | None:
    """Return the logo behind its public address as a PNG: a workspace's public id, and the logo's digest."""
    with door("resolve_portal"):
        workspace = Workspace.objects.through_door("resolve_portal").filter(public_id=workspace_id).first()
    if workspace is None:
        return None
    with tenant(workspace):
        logo = brand_logo(workspace)
    return bytes(logo.content) if logo is not None and logo.digest == digest else None
