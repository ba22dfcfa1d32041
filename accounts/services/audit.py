"""Who acts, and the entries that keep it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from accounts.models import AuditEntry, User, Workspace
from core import clock
from core.transactions import keep


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: `kind` is user, api_key, participant or system; `label` names them."""

    kind: str
    label: str
    user: User | None = None
    address: str = ""


SYSTEM = Actor(kind="system", label="system")


def record_audit(
    *,
    workspace: Workspace | int,
    actor: Actor,
    action: str,
    subject: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str = "",
) -> AuditEntry:
    """Write one audit entry in the caller's transaction; `workspace` may be its key."""
    entry = AuditEntry(
        workspace_id=workspace if isinstance(workspace, int) else workspace.pk,
        actor_kind=actor.kind,
        actor=actor.label[:120],
        action=action,
        subject=subject,
        before=dict(before) if before is not None else None,
        after=dict(after) if after is not None else None,
        reason=reason,
        address=actor.address,
        at=clock.now(),
    )
    keep(entry)
    return entry
