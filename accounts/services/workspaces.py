"""Making and changing workspaces, stopping them, and moving a sandbox's clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import available_timezones

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from accounts.models import Member, Role, User, Workspace
from accounts.queries import sandbox_id_of
from accounts.services.audit import Actor, record_audit
from core import clock, money
from core.errors import Conflict, Invalid
from core.events import emit
from core.ids import new_public_id
from core.notices import tell_of_change
from core.tenancy import tenant
from core.text import clean_line


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
    """Move a sandbox's clock forward. Raises Conflict for a live workspace, Invalid (`forward`) for no move.

    What falls due by the move is done by the scheduled jobs, within seconds.
    """
    if not workspace.is_sandbox:
        raise Conflict("Only a sandbox has a clock that can be moved.", code="not_a_sandbox")
    if forward <= timedelta():
        raise Invalid("The clock only moves forward.", param="forward")
    if forward > timedelta(days=3660):
        raise Invalid("Move the clock by at most ten years at a time.", param="forward")
    row = Workspace.objects.for_workspace(workspace).select_for_update(no_key=True).get()
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
def suspend_workspace(*, workspace: Workspace, reason: str, actor: Actor) -> Workspace:
    """Stop a live workspace and its sandbox: no rewards, mails or webhooks, and the console only shows.

    Its API keys are refused, its shops' webhooks are stored, and what is owed waits as it is. Repeating it
    changes nothing. Raises Invalid naming `reason`, and Conflict (`is_a_sandbox`).
    """
    return _switch(workspace, Workspace.Status.SUSPENDED, "workspace.suspended", reason, actor)


@transaction.atomic
def resume_workspace(*, workspace: Workspace, reason: str, actor: Actor) -> Workspace:
    """Let a suspended workspace and its sandbox go on; the queues take up what waited by themselves.

    Repeating it changes nothing. Raises Invalid naming `reason`, and Conflict (`is_a_sandbox`).
    """
    return _switch(workspace, Workspace.Status.ACTIVE, "workspace.resumed", reason, actor)


def _switch(live: Workspace, status: str, action: str, reason: str, actor: Actor) -> Workspace:
    reason = clean_line(reason, param="reason", longest=500, required=True)
    if live.is_sandbox:
        raise Conflict("A sandbox stands and falls with its live workspace.", code="is_a_sandbox")
    sandbox_id = sandbox_id_of(live)
    for workspace_id in filter(None, (live.pk, sandbox_id)):
        with tenant(int(workspace_id)):
            rows = Workspace.objects.for_workspace(int(workspace_id))
            row = rows.select_for_update(no_key=True).get()
            if row.status == status:
                continue
            rows.update(status=status)
            tell_of_change(row.pk)
            record_audit(
                workspace=row,
                actor=actor,
                action=action,
                subject=row.public_id,
                before={"status": row.status},
                after={"status": status},
                reason=reason,
            )
    live.status = status
    return live
