"""The console's pages on the catalogue, and on what was spent."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import ConsoleRequest, console_view
from core import lists
from core.errors import DomainError
from core.forms import add_domain_error
from core.money import format_major
from rewards import forms_giving as forms
from rewards import services
from rewards import tables_giving as tables
from rewards.models import CatalogueItem, Redemption
from rewards.queries import giving


@require_safe
@console_view("view")
def catalogue_list(request: ConsoleRequest) -> HttpResponseBase:
    """What points can be spent on."""
    may = "manage_programs" in request.may
    return lists.answer(
        request,
        "rewards/catalogue_list.html",
        table=tables.CatalogueTable,
        rows=giving.catalogue(request.workspace),
        filters=forms.CatalogueFilterForm(request.GET, workspace=request.workspace),
        empty=lists.Empty(
            icon="gift",
            title="Nothing in the catalogue yet",
            text="Add what participants can spend their points on: store credit, a code, a product.",
            action_url=reverse("catalogue_new", args=[request.workspace.slug]) if may else "",
            action_label="Add an item",
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("manage_programs")
def catalogue_new(request: ConsoleRequest) -> HttpResponse:
    """Put something in the catalogue."""
    form = forms.ItemForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.create_item(
                workspace=request.workspace, facts=form.facts, actor=request.actor, at=request.at
            )
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, f"{form.cleaned_data['name']} is in the catalogue.")
            return redirect("catalogue_list", request.workspace.slug)
    return render(request, "rewards/catalogue_form.html", {"form": form}, status=400 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("manage_programs")
def catalogue_edit(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Change an item."""
    item = get_object_or_404(giving.catalogue(request.workspace), public_id=public_id)
    form = forms.ItemForm(request.POST or None, initial=_said(item))
    if request.method == "POST" and form.is_valid():
        try:
            services.change_item(item=item, facts=form.facts, actor=request.actor, at=request.at)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, "The item is changed.")
            return redirect("catalogue_list", request.workspace.slug)
    context = {"form": form, "item": item}
    return render(request, "rewards/catalogue_form.html", context, status=400 if form.errors else 200)


@require_POST
@console_view("manage_programs")
def catalogue_archive(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Take an item out of the catalogue, or put it back in."""
    item = get_object_or_404(giving.catalogue(request.workspace), public_id=public_id)
    archived = item.status == CatalogueItem.Status.ACTIVE
    services.archive_item(item=item, archived=archived, actor=request.actor, at=request.at)
    messages.success(request, f"{item.name} is {'not offered any more' if archived else 'offered again'}.")
    return redirect("catalogue_list", request.workspace.slug)


@require_safe
@console_view("view")
def redemption_list(request: ConsoleRequest) -> HttpResponseBase:
    """What was spent, by whom and on what."""
    return lists.answer(
        request,
        "rewards/redemption_list.html",
        table=tables.RedemptionTable,
        rows=giving.redemptions(request.workspace),
        filters=forms.RedemptionFilterForm(request.GET, workspace=request.workspace),
        empty=lists.Empty(
            icon="coins",
            title="Nobody has spent anything yet",
            text="Points spent on the catalogue and store credit spent on orders stand here.",
            action_url=reverse("catalogue_list", args=[request.workspace.slug]),
            action_label="Look at the catalogue",
        ),
    )


@require_safe
@console_view("view")
def redemption_detail(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """What somebody spent, and which rewards it came out of."""
    return _page(request, _found(request, public_id), forms.CancelRedemptionForm())


@require_POST
@console_view("review_rewards")
def redemption_cancel(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Give back what was spent."""
    row = _found(request, public_id)
    form = forms.CancelRedemptionForm(request.POST)
    if form.is_valid():
        try:
            services.cancel_redemption(
                redemption=row, note=form.cleaned_data["note"], actor=request.actor, at=request.at
            )
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, "What was spent is given back.")
            return redirect("redemption_detail", request.workspace.slug, public_id)
    return _page(request, row, form, status=400)


def _found(request: ConsoleRequest, public_id: str) -> Redemption:
    found: Redemption = get_object_or_404(giving.redemptions(request.workspace), public_id=public_id)
    found.workspace = request.workspace
    return found


def _page(
    request: ConsoleRequest, row: Redemption, form: forms.CancelRedemptionForm, status: int = 200
) -> HttpResponse:
    context = {
        "redemption": row,
        "parts": giving.parts_of(row),
        "fulfilment": giving.fulfilments(request.workspace).filter(redemption=row).first(),
        "form": form,
        "stands": row.status == Redemption.Status.DONE,
    }
    return render(request, "rewards/redemption_detail.html", context, status=status)


def _said(item: CatalogueItem) -> dict[str, object]:
    bps = item.details.get("percent_bps")
    return {
        "name": item.name,
        "kind": item.kind,
        "points": item.points,
        "value_minor": format_major(item.value_minor, item.currency) if item.currency else "",
        "currency": item.currency,
        "percent_bps": bps / 100 if bps else None,
        "sku": item.details.get("sku", ""),
        "stock": item.stock,
    }
