"""Links with their QR codes, and promo codes: listed, looked at, changed, archived."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import queries as account_queries
from accounts.access import ConsoleRequest, console_view
from accounts.permissions import allows
from core import lists
from core.errors import DomainError, Invalid
from core.forms import add_domain_error
from programs import forms, qr, queries, services
from programs.models import Link
from programs.tables import LinkTable, PromoCodeTable

MOST_CHOSEN: Final = 500


def _link(request: ConsoleRequest, public_id: str) -> Link:
    found: Link = get_object_or_404(queries.links_of(request.workspace), public_id=public_id)
    return found


@require_safe
@console_view("view")
def link_list(request: ConsoleRequest) -> HttpResponseBase:
    """List the links of all participants."""
    return lists.answer(
        request,
        "programs/link_list.html",
        table=LinkTable,
        rows=queries.links_of(request.workspace),
        filters=forms.LinkFilterForm(
            request.GET,
            workspace=request.workspace,
            programs=queries.programs_of(request.workspace).order_by("name"),
        ),
        empty=lists.Empty(
            icon="share",
            title="No links yet",
            text="Everybody who takes part gets one, and may have more.",
        ),
    )


@require_safe
@console_view("view")
def link_detail(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Show a link: its address, its QR code, where it leads, and its clicks as they come."""
    link = _link(request, public_id)
    context = {
        "link": link,
        "expired": link.expires_at is not None and link.expires_at <= request.at,
        "logo": account_queries.brand_logo(request.workspace),
        "levels": list(qr.LEVELS),
    }
    return render(request, "programs/link_detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("manage_participants")
def link_edit(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Change where a link leads, its campaign, its UTM template and its end."""
    link = _link(request, public_id)
    initial = {
        "destination_url": link.destination_url,
        "campaign": link.campaign,
        "expires_at": link.expires_at,
        **{f"utm_{name}": text for name, text in link.utm.items()},
    }
    posted = request.POST if request.method == "POST" else None
    form = forms.LinkEditForm(posted, initial=initial, workspace=request.workspace)
    if request.method == "POST" and form.is_valid():
        try:
            services.update_link(link=link, **form.changes(), actor=request.actor, at=request.at)
        except DomainError as error:
            add_domain_error(form, _as_field(error))
        else:
            messages.success(request, "Saved.")
            return redirect("link_detail", request.workspace.slug, public_id)
    context = {"form": form, "link": link}
    return render(request, "programs/link_form.html", context, status=400 if form.errors else 200)


def _as_field(error: DomainError) -> DomainError:
    """Name the form's own field for a part of the template."""
    if error.param:
        error.param = error.param.replace("utm.", "utm_").replace("expires_at", "expires_on")
    return error


@require_POST
@console_view("manage_participants")
def link_archive(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Retire a link."""
    link = _link(request, public_id)
    services.archive_link(link=link, actor=request.actor, at=request.at)
    messages.success(request, f"The link {link.code} leads nowhere any more.")
    return redirect("link_detail", request.workspace.slug, public_id)


@require_POST
@console_view("manage_participants")
def link_restore(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Bring an archived link back."""
    link = _link(request, public_id)
    try:
        services.update_link(link=link, status="active", actor=request.actor, at=request.at)
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"The link {link.code} leads friends on again.")
    return redirect("link_detail", request.workspace.slug, public_id)


@require_safe
@console_view("view")
def link_qr(request: ConsoleRequest, public_id: str, drawn_as: str = "svg") -> HttpResponse:
    """Draw a link's QR code as the query asks; `?download=1` makes a file of it."""
    link = _link(request, public_id)
    form = forms.QrForm(request.GET)
    if not form.is_valid():
        name, faults = next(iter(form.errors.items()))
        raise Invalid(str(faults[0]), param=name)
    asked: dict[str, Any] = form.cleaned_data
    stored = account_queries.brand_logo(request.workspace) if asked["logo"] else None
    look = qr.look_of(
        color=asked["color"] or "#000000",
        background=asked["background"] or "#ffffff",
        level=asked["level"] or "M",
        logo=bytes(stored.content) if stored else b"",
    )
    draw = {"png": qr.qr_png, "svg": qr.qr_svg}[drawn_as]
    kind = {"png": "image/png", "svg": "image/svg+xml"}[drawn_as]
    drawn = draw(link.referral_url, size=asked["size"] or 512, look=look)
    response = HttpResponse(drawn, content_type=kind)
    placed = "attachment" if request.GET.get("download") else "inline"
    response.headers["Content-Disposition"] = f'{placed}; filename="{link.code}.{drawn_as}"'
    response.headers["Cache-Control"] = "private, no-cache"
    return response


@require_safe
@console_view("view")
def promo_code_list(request: ConsoleRequest) -> HttpResponseBase:
    """List the promo codes of all participants."""
    slug = request.workspace.slug
    manages = allows(request.member.role, "manage_participants")
    return lists.answer(
        request,
        "programs/promo_code_list.html",
        table=PromoCodeTable,
        rows=queries.promo_codes_of(request.workspace),
        filters=forms.PromoCodeFilterForm(
            request.GET,
            workspace=request.workspace,
            programs=queries.programs_of(request.workspace).order_by("name"),
        ),
        empty=lists.Empty(
            icon="tag",
            title="No promo codes yet",
            text="A promo code credits its participant when a friend types it at the checkout.",
            action_url=reverse("participant_list", args=[slug]) if manages else "",
            action_label="Choose a participant",
        ),
        bulk=lists.Bulk(
            url=reverse("promo_code_bulk", args=[slug]), template="programs/_promo_code_bulk.html"
        )
        if manages
        else None,
    )


@require_POST
@console_view("manage_participants")
def promo_code_bulk(request: ConsoleRequest) -> HttpResponse:
    """Archive the chosen codes, or bring them back; all of them or none."""
    slug = request.workspace.slug
    back = f"{reverse('promo_code_list', args=[slug])}?{request.POST.get('filters', '')}"
    chosen = request.POST.getlist("chosen")[:MOST_CHOSEN]
    promos = queries.promo_codes_of(request.workspace).filter(public_id__in=chosen)
    try:
        changed = services.set_promo_code_statuses(
            promos=list(promos), status=request.POST.get("action", ""), actor=request.actor
        )
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"{changed} promo code{'' if changed == 1 else 's'} changed.")
    return redirect(back)
