"""What every page template may use."""

from typing import Any

from django.http import HttpRequest

from accounts import queries
from accounts.permissions import ROLE_PERMISSIONS


def console(request: HttpRequest) -> dict[str, Any]:
    """Return the workspace, the member, what the member may do, and the person's other workspaces."""
    workspace = getattr(request, "workspace", None)
    member = getattr(request, "member", None)
    if workspace is None or member is None:
        return {}
    return {
        "workspace": workspace,
        "member": member,
        "may": dict.fromkeys(ROLE_PERMISSIONS.get(member.role, ()), True),
        "memberships": queries.memberships_of(request.user),  # type: ignore[arg-type]
        "now_at": getattr(request, "at", None),
    }
