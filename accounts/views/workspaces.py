"""The start page, new workspaces, and a sandbox's clock."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_safe

from accounts import queries, services
from accounts.access import ConsoleRequest, console_view
from accounts.forms import ClockForm, WorkspaceForm
from accounts.navigation import entrance
from core import clock
from core.errors import Conflict, DomainError
from core.forms import add_domain_error


@require_safe
def home(request: Any) -> HttpResponse:
    """Present the product, or send a signed-in person to the one live workspace or the list of them."""
    if not request.user.is_authenticated:
        return render(request, "accounts/welcome.html")
    members = queries.memberships_of(request.user)
    live = [member for member in members if not member.workspace.is_sandbox]
    if not members:
        return redirect("workspace_new")
    if len(live) == 1:
        return redirect(entrance(live[0]))
    places = [(member, entrance(member)) for member in members]
    return render(request, "accounts/workspaces.html", {"places": places})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def workspace_new(request: Any) -> HttpResponse:
    """Create a workspace and enter it."""
    form = WorkspaceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            workspace = services.create_workspace(owner=request.user, **form.cleaned_data, at=clock.now())
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, f"{workspace.name} is ready, with a sandbox beside it.")
            member = queries.membership(request.user, workspace.slug)
            assert member is not None
            return redirect(entrance(member))
    return render(request, "accounts/workspace_new.html", {"form": form}, status=_status(form))


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("manage_settings")
def sandbox_clock(request: ConsoleRequest) -> HttpResponse:
    """Move a sandbox's clock forward by whole days."""
    workspace = request.workspace
    if not workspace.is_sandbox:
        raise Conflict("Only a sandbox has a clock that can be moved.", code="not_a_sandbox")
    form = ClockForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        days = form.cleaned_data["days"]
        try:
            services.move_sandbox_clock(
                workspace=workspace, forward=timedelta(days=days), actor=request.actor
            )
        except DomainError as error:
            form.add_error("days", error.message)
        else:
            plural = "" if days == 1 else "s"
            messages.success(request, f"The clock moved {days} day{plural} forward; what is due follows.")
            return redirect(_next(request) or reverse("settings", args=[workspace.slug]))
    return render(request, "accounts/sandbox_clock.html", {"form": form}, status=_status(form))


def _next(request: HttpRequest) -> str:
    address = request.POST.get("next", "")
    return address if url_has_allowed_host_and_scheme(address, allowed_hosts=None) else ""


def _status(form: Any) -> int:
    return 400 if form.errors else 200
