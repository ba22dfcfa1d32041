"""The settings of a workspace, one page for each subject, and its style sheet."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import queries, services
from accounts.access import ConsoleRequest, console_view
from accounts.branding import PRESETS, brand_digest, brand_sheet, preview_of, sheet_url
from accounts.forms import BrandForm, EmbedForm, ResumeForm, SettingsForm, SuspendForm
from accounts.logos import MOST_BYTES
from accounts.models import Role
from accounts.permissions import allows
from core import clock
from core.colour import ColourTooPale, parse_colour
from core.errors import DomainError, Forbidden, Invalid
from core.forms import add_domain_error

LASTING = "public, max-age=31536000, immutable"


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("view", post="manage_settings")
def settings(request: ConsoleRequest) -> HttpResponse:
    """Show the workspace's name, time zone and sender, and change them."""
    workspace = request.workspace
    initial = {name: getattr(workspace, name) for name in SettingsForm.base_fields}
    form = SettingsForm(request.POST or None, initial=initial, locked=_locked(request))
    if request.method == "POST" and form.is_valid():
        try:
            services.update_workspace(workspace=workspace, **form.cleaned_data, actor=request.actor)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, "Settings saved.")
            return redirect("settings", workspace.slug)
    return _page(request, "general", form)


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("view", post="manage_settings")
def settings_brand(request: ConsoleRequest) -> HttpResponse:
    """Show the accent colour on sample pages and change it; `?color=` tries another one."""
    workspace = request.workspace
    tried = request.GET.get("color") or workspace.brand_color
    form = BrandForm(request.POST or None, initial={"color": tried}, locked=_locked(request))
    if request.method == "POST" and form.is_valid():
        tried = form.cleaned_data["color"]
        try:
            services.set_brand(workspace=workspace, color=tried, actor=request.actor)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, f"Your pages wear {workspace.brand_color} now.")
            return redirect("settings_brand", workspace.slug)
    logo = queries.brand_logo(workspace)
    return _page(request, "brand", form, **_preview(tried), presets=PRESETS, logo=logo)


@require_POST
@console_view("manage_settings")
def settings_logo(request: ConsoleRequest) -> HttpResponse:
    """Store the uploaded logo, or take it away."""
    workspace = request.workspace
    upload = request.FILES.get("logo")
    if "remove" in request.POST:
        services.remove_logo(workspace=workspace, actor=request.actor)
        messages.success(request, "The logo is removed.")
    elif upload is None:
        messages.error(request, "Logo: choose a file first.")
    else:
        try:
            # One byte more than may be tells the service that there is too much.
            services.set_logo(
                workspace=workspace,
                content=upload.read(MOST_BYTES + 1),
                actor=request.actor,
                at=clock.now(),
            )
        except Invalid as error:
            messages.error(request, f"Logo: {error.message}")
        else:
            messages.success(request, "The logo is stored.")
    return redirect("settings_brand", workspace.slug)


@require_safe
@console_view("view")
def settings_brand_preview(request: ConsoleRequest) -> HttpResponse:
    """Show the part of the brand page that changes while a colour is being chosen."""
    return render(request, "accounts/_brand_preview.html", _preview(request.GET.get("color", "")))


def _preview(text: str) -> dict[str, Any]:
    try:
        color = parse_colour(text)
    except Invalid as error:
        return {"problem": error.message}
    try:
        return {"preview": preview_of(color)}
    except ColourTooPale as error:
        return {"problem": error.message, "shade": str(error.shade), "preview": preview_of(error.shade)}


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("view", post="manage_settings")
def settings_embed(request: ConsoleRequest) -> HttpResponse:
    """Show and change which sites may show the portal in a frame."""
    workspace = request.workspace
    initial = {"domains": "\n".join(workspace.embed_domains)}
    form = EmbedForm(request.POST or None, initial=initial, locked=_locked(request))
    if request.method == "POST" and form.is_valid():
        try:
            services.set_embed_domains(workspace=workspace, **form.cleaned_data, actor=request.actor)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, "Saved. The portal opens on these sites and nowhere else.")
            return redirect("settings_embed", workspace.slug)
    return _page(request, "embed", form)


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("view", post="manage_settings")
def settings_danger(request: ConsoleRequest) -> HttpResponse:
    """Show what stops a workspace; an owner who writes its name suspends it."""
    workspace = request.workspace
    form = SuspendForm(request.POST or None, workspace=workspace)
    if request.method == "POST":
        _require_owner(request)
        if form.is_valid():
            try:
                services.suspend_workspace(
                    workspace=workspace, reason=form.cleaned_data["reason"], actor=request.actor
                )
            except DomainError as error:
                add_domain_error(form, error)
            else:
                messages.success(request, f"{workspace.name} is suspended; nothing goes out.")
                return redirect("settings_danger", workspace.slug)
    context = {
        "resume_form": ResumeForm(),
        "is_owner": request.member.role == Role.OWNER,
        "suspension": queries.last_suspension(workspace),
    }
    return _page(request, "danger", form, **context)


@require_POST
@console_view("manage_settings", suspended=True)
def workspace_resume(request: ConsoleRequest) -> HttpResponse:
    """Let a workspace go on that a member suspended."""
    _require_owner(request)
    workspace = request.workspace
    suspension = queries.last_suspension(workspace)
    if suspension is not None and suspension.actor_kind != "user":
        raise Forbidden("The operator of this platform suspended the workspace; ask there.")
    form = ResumeForm(request.POST)
    if form.is_valid():
        services.resume_workspace(
            workspace=workspace, reason=form.cleaned_data["reason"], actor=request.actor
        )
        messages.success(request, f"{workspace.name} goes on; what waited is taken up now.")
    else:
        messages.error(request, f"Reason: {form.errors['reason'][0]}")
    return redirect("settings_danger", workspace.slug)


@require_safe
def brand_sheet_view(request: HttpRequest, color: str, digest: str) -> HttpResponse:
    """Answer with the style sheet of an accent colour; an outdated address leads to the one that lasts."""
    try:
        chosen = parse_colour(f"#{color}")
    except Invalid:
        raise Http404("No such colour.") from None
    if digest != brand_digest(chosen):
        return redirect(sheet_url(chosen))
    answer = HttpResponse(brand_sheet(chosen), content_type="text/css; charset=utf-8")
    answer.headers["Cache-Control"] = LASTING
    return answer


@require_safe
def brand_logo_view(request: HttpRequest, public_id: str, digest: str) -> HttpResponse:
    """Answer with a workspace's logo; another logo has another address."""
    logo = queries.published_logo(public_id, digest)
    if logo is None:
        raise Http404("There is no such logo.")
    answer = HttpResponse(logo, content_type="image/png")
    answer.headers["Cache-Control"] = LASTING
    return answer


def _page(request: ConsoleRequest, part: str, form: Any, **more: Any) -> HttpResponse:
    context = {"form": form, "locked": _locked(request), "part": part, **more}
    return render(request, f"accounts/settings_{part}.html", context, status=400 if form.errors else 200)


def _locked(request: ConsoleRequest) -> bool:
    return not allows(request.member.role, "manage_settings")


def _require_owner(request: ConsoleRequest) -> None:
    if request.member.role != Role.OWNER:
        raise Forbidden("Only an owner can stop a workspace or let it go on.", code="owner_only")
