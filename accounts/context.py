"""What every page template may use."""

from functools import partial
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from accounts import queries
from accounts.branding import brand_css_url
from accounts.permissions import ROLE_PERMISSIONS


def console(request: HttpRequest) -> dict[str, Any]:
    """Return the workspace, the member, what the member may do, and the person's workspaces.

    `shows_mail` says whether the pages that show development's mail are open.
    """
    shared = {"shows_mail": settings.DEBUG}
    workspace = getattr(request, "workspace", None)
    member = getattr(request, "member", None)
    if workspace is None or member is None:
        return shared
    return {
        **shared,
        "workspace": workspace,
        "member": member,
        "may": dict.fromkeys(ROLE_PERMISSIONS.get(member.role, ()), True),
        # A callable: pages that do not list the workspaces do not read them.
        "memberships": partial(queries.memberships_of, request.user),  # type: ignore[arg-type]
        "brand_css_url": brand_css_url(workspace),
        "now_at": getattr(request, "at", None),
    }
