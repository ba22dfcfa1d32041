"""How console pages are entered: signed in, a member, permitted, inside the tenant's transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponseBase

from accounts import queries
from accounts.models import Member, User, Workspace
from accounts.permissions import ROLE_PERMISSIONS, Permission, allows
from accounts.services import Actor
from core import clock
from core.errors import Forbidden
from core.tenancy import tenant

View = Callable[..., HttpResponseBase]


class ConsoleRequest(HttpRequest):
    """A request inside a workspace; `at` is the workspace's own time (a sandbox's clock may be ahead)."""

    user: User
    workspace: Workspace
    member: Member
    may: frozenset[str]
    actor: Actor
    at: datetime


def console_view(
    permission: Permission, *, post: Permission | None = None, suspended: bool = False
) -> Callable[[View], View]:
    """Guard a page under `/w/<slug>/`: `permission` to see it, `post` (default the same) to change anything.

    Somebody who is no member gets 404, as for a workspace that does not exist; a member without the
    permission gets 403, and so does everybody who would change something in a suspended workspace, unless the
    page works in `suspended` ones too. It runs in one transaction that sees only that workspace.
    """

    def decorate(view: View) -> View:
        @login_required
        @wraps(view)
        def guarded(request: Any, slug: str, *args: Any, **kwargs: Any) -> HttpResponseBase:
            member = queries.membership(request.user, slug)
            if member is None:
                raise Http404("No such workspace.")
            looking = request.method in ("GET", "HEAD")
            if not allows(member.role, permission if looking else (post or permission)):
                raise Forbidden(f"Your role ({member.get_role_display()}) may not do this.")
            if not looking and not suspended and member.workspace.status != Workspace.Status.ACTIVE:
                raise Forbidden(
                    "This workspace is suspended: nothing can be changed.", code="workspace_suspended"
                )
            request.workspace = member.workspace
            request.member = member
            request.may = ROLE_PERMISSIONS.get(member.role, frozenset())
            request.actor = Actor(
                kind="user",
                label=request.user.email,
                user=request.user,
                address=request.META.get("REMOTE_ADDR", ""),
            )
            request.at = member.workspace.local_time(clock.now())
            with tenant(member.workspace):
                return view(request, *args, **kwargs)

        guarded.console_permission = permission  # type: ignore[attr-defined]
        return guarded

    return decorate
