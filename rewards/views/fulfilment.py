"""The console's pages on what is handed over: what waits, what failed, what a person has to do."""

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
from rewards import forms_giving as forms
from rewards import queries, services
from rewards import tables_giving as tables
from rewards.models import Fulfilment
from rewards.queries import giving


@require_safe
@console_view("view")
def fulfilment_list(request: ConsoleRequest) -> HttpResponseBase:
    """Everything that is handed over, and what is in the way of it."""
    slug = request.workspace.slug
    return lists.answer(
        request,
        "rewards/fulfilment_list.html",
        table=tables.FulfilmentTable,
        rows=giving.fulfilments(request.workspace),
        filters=forms.FulfilmentFilterForm(request.GET, workspace=request.workspace),
        empty=lists.Empty(
            icon="package",
            title="Nothing to hand over yet",
            text="When a code, product, gift card or anything else but cash is approved, it stands here "
            "until its owner has it.",
            action_url=reverse("reward_list", args=[slug]),
            action_label="Look at the rewards",
        ),
        bulk=lists.Bulk(
            url=reverse("fulfilment_bulk", args=[slug]),
            template="rewards/_fulfilment_bulk.html",
            field="fulfilment",
        )
        if "review_rewards" in request.may
        else None,
    )


@require_POST
@console_view("review_rewards")
def fulfilment_bulk(request: ConsoleRequest) -> HttpResponse:
    """Try the chosen ones again, or record that somebody handed them over; says for each why not."""
    back = f"{reverse('fulfilment_list', args=[request.workspace.slug])}?{request.POST.get('filters', '')}"
    chosen = giving.fulfilments(request.workspace).filter(public_id__in=request.POST.getlist("fulfilment"))
    rows = list(chosen.order_by("pk"))
    if not rows:
        messages.error(request, "Choose at least one row.")
        return redirect(back)
    by_hand = request.POST.get("action") == "complete"
    reference = request.POST.get("reference", "")
    done = 0
    for row in rows:
        try:
            if by_hand:
                services.complete_fulfilment(
                    fulfilment=row, reference=reference, actor=request.actor, at=request.at
                )
            else:
                services.retry_fulfilment(fulfilment=row, actor=request.actor, at=request.at)
        except DomainError as error:
            messages.error(request, f"{row.get_kind_display()} for {row.customer}: {error.message}")
        else:
            done += 1
    if done:
        messages.success(request, f"{done} {'done by hand' if by_hand else 'tried again'}.")
    return redirect(back)


@require_safe
@console_view("view")
def fulfilment_detail(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """One thing that is handed over."""
    return _page(request, _found(request, public_id), forms.CompleteForm())


@require_POST
@console_view("review_rewards")
def fulfilment_complete(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Record that somebody handed it over."""
    row = _found(request, public_id)
    form = forms.CompleteForm(request.POST)
    if form.is_valid():
        said = form.cleaned_data
        try:
            services.complete_fulfilment(
                fulfilment=row,
                reference=said["reference"],
                details={"link": said["link"], "note": said["note"]},
                actor=request.actor,
                at=request.at,
            )
        except DomainError as error:
            add_domain_error(form, error)
        else:
            settled = row.status == Fulfilment.Status.KEPT
            told = "It is settled." if settled else "It is recorded as handed over."
            messages.success(request, told)
            return redirect("fulfilment_detail", request.workspace.slug, public_id)
    return _page(request, row, form, status=400)


@require_POST
@console_view("review_rewards")
def fulfilment_retry(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Ask the connection again."""
    row = _found(request, public_id)
    try:
        services.retry_fulfilment(fulfilment=row, actor=request.actor, at=request.at)
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "It is being tried again.")
    return redirect("fulfilment_detail", request.workspace.slug, public_id)


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("manage_integrations")
def fulfilment_settings(request: ConsoleRequest) -> HttpResponse:
    """Say which connection hands rewards over, or that a person does."""
    form = forms.DeliveryForm(
        request.POST or None,
        able=giving.deliverers_of(request.workspace),
        chosen=giving.chosen_deliverers(request.workspace),
    )
    if request.method == "POST" and form.is_valid():
        try:
            services.set_deliverers(
                workspace=request.workspace, deliverers=form.deliverers, actor=request.actor
            )
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, "It is saved.")
            return redirect("fulfilment_list", request.workspace.slug)
    context = {"form": form}
    return render(request, "rewards/fulfilment_settings.html", context, status=400 if form.errors else 200)


def _found(request: ConsoleRequest, public_id: str) -> Fulfilment:
    found: Fulfilment = get_object_or_404(giving.fulfilments(request.workspace), public_id=public_id)
    return found


def _page(
    request: ConsoleRequest, row: Fulfilment, form: forms.CompleteForm, status: int = 200
) -> HttpResponse:
    context = {
        "fulfilment": row,
        "form": form,
        "open": row.status in (*giving.NEEDS_SOMEBODY, Fulfilment.Status.WAITING),
        "retriable": row.status in giving.NEEDS_SOMEBODY,
        "transfers": queries.transfers_of(row.reward) if row.reward else [],
    }
    return render(request, "rewards/fulfilment_detail.html", context, status=status)
