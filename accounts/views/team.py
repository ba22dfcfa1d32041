"""Members, their roles, and invitations from both ends."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import queries, services
from accounts.access import ConsoleRequest, console_view
from accounts.forms import InvitationForm, RoleForm
from accounts.invitations import mail_invitation
from accounts.models import Invitation, Role
from accounts.navigation import entrance
from core import clock
from core.errors import DomainError, NotFound
from core.forms import add_domain_error

logger = logging.getLogger(__name__)


@require_safe
@console_view("view")
def team(request: ConsoleRequest) -> HttpResponse:
    """List the members and the open invitations."""
    context = {
        "members": queries.team(request.workspace),
        "invitations": queries.open_invitations(request.workspace, at=clock.now()),
        "roles": Role.choices,
    }
    return render(request, "accounts/team.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("manage_team")
def team_invite(request: ConsoleRequest) -> HttpResponse:
    """Invite an address and mail it the link."""
    form = InvitationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            invitation, secret = services.invite_member(
                workspace=request.workspace, **form.cleaned_data, actor=request.actor, at=clock.now()
            )
        except DomainError as error:
            add_domain_error(form, error)
        else:
            # The link must open something by the time it arrives.
            transaction.on_commit(partial(_mail, request, invitation, secret))
            return redirect("team", request.workspace.slug)
    return render(request, "accounts/team_invite.html", {"form": form}, status=400 if form.errors else 200)


def _mail(request: HttpRequest, invitation: Invitation, secret: str) -> None:
    try:
        mail_invitation(invitation=invitation, secret=secret)
    except OSError:
        logger.exception("invitation %s could not be mailed", invitation.public_id)
        messages.error(request, f"The mail to {invitation.email} could not be sent. Invite them again later.")
    else:
        messages.success(request, f"Invitation sent to {invitation.email}.")


@require_POST
@console_view("manage_team")
def member_role(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Give a member another role."""
    member = get_object_or_404(queries.team(request.workspace), public_id=public_id)
    form = RoleForm(request.POST)
    if form.is_valid():
        role = form.cleaned_data["role"]
        change = partial(services.change_role, member=member, role=role, actor=request.actor)
        _act(request, change, f"{member.user} has the role {Role(role).label} now.")
    else:
        messages.error(request, f"Role: {form.errors['role'][0]}")
    return redirect("team", request.workspace.slug)


@require_POST
@console_view("manage_team")
def member_remove(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """End a membership."""
    member = get_object_or_404(queries.team(request.workspace), public_id=public_id)
    remove = partial(services.remove_member, member=member, actor=request.actor, at=clock.now())
    removed = _act(request, remove, f"{member.user} is no longer in {request.workspace.name}.")
    if removed and member.pk == request.member.pk:
        return redirect("home")
    return redirect("team", request.workspace.slug)


@require_POST
@console_view("manage_team")
def invitation_revoke(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Take an invitation back."""
    invitations = Invitation.objects.for_workspace(request.workspace)
    invitation = get_object_or_404(invitations, public_id=public_id)
    revoke = partial(services.revoke_invitation, invitation=invitation, actor=request.actor, at=clock.now())
    _act(request, revoke, f"The invitation of {invitation.email} is taken back.")
    return redirect("team", request.workspace.slug)


def _act(request: Any, change: Callable[[], object], done: str) -> bool:
    try:
        change()
    except DomainError as error:
        messages.error(request, error.message)
        return False
    messages.success(request, done)
    return True


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation_accept(request: Any, secret: str) -> HttpResponse:
    """Show an invitation to whoever has its link; the invited person joins by sending the form."""
    invitation = queries.invitation_for(secret)
    if invitation is None:
        raise NotFound(
            "This invitation link is unknown. Copy it whole from the e-mail, or ask for a new one."
        )
    at = clock.now()
    context: dict[str, Any] = {"invitation": invitation, "closed": not invitation.is_open(at)}
    if not request.user.is_authenticated:
        # Signing up and signing in lead back here; see accounts.adapter.
        request.session["after_login"] = request.path
        request.session["invited_email"] = invitation.email
        return render(request, "accounts/invitation.html", context)
    request.session.pop("after_login", None)
    request.session.pop("invited_email", None)
    context["wrong_person"] = request.user.email != invitation.email
    if request.method != "POST":
        return render(request, "accounts/invitation.html", context)
    member = services.accept_invitation(invitation=invitation, user=request.user, at=at)
    messages.success(request, f"Welcome to {invitation.workspace.name}.")
    joined = queries.membership(request.user, invitation.workspace.slug) or member
    return redirect(entrance(joined))
