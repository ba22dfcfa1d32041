"""Console pages where staff say what no click tells: one person's two accounts, and who brought whom."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import ConsoleRequest, console_view
from core.errors import DomainError
from programs import queries as program_queries
from tracking import click_queries, people_forms, services


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("manage_participants")
def customer_merge(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Declare that another customer is the same person."""
    customer = get_object_or_404(program_queries.customers_of(request.workspace), public_id=public_id)
    form = people_forms.MergeForm(request.POST or None, workspace=request.workspace)
    if request.method == "POST" and form.is_valid():
        try:
            services.merge_customers(
                kept=customer, duplicate=form.cleaned_data["duplicate"], actor=request.actor, at=request.at
            )
        except DomainError as error:
            form.add_error("duplicate", error.message)
        else:
            messages.success(request, "They are one person now; what both did has been decided anew.")
            return redirect("customer_detail", request.workspace.slug, public_id)
    return render(
        request,
        "tracking/customer_merge.html",
        {"customer": customer, "form": form},
        status=400 if form.errors else 200,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("manage_participants")
def customer_referrer(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Say who brought a customer."""
    customer = get_object_or_404(program_queries.customers_of(request.workspace), public_id=public_id)
    initial = {"since": request.at.replace(second=0, microsecond=0)}
    form = people_forms.ReferrerForm(request.POST or None, workspace=request.workspace, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            services.assign_referrer(
                customer=customer,
                participant=form.cleaned_data["participant"],
                since=form.cleaned_data["since"],
                reason=form.cleaned_data["reason"],
                actor=request.actor,
                at=request.at,
            )
        except DomainError as error:
            form.add_error(error.param if error.param in form.fields else None, error.message)
        else:
            messages.success(request, "Assigned; what happened since then has been decided anew.")
            return redirect("customer_detail", request.workspace.slug, public_id)
    return render(
        request,
        "tracking/customer_referrer.html",
        {"customer": customer, "form": form},
        status=400 if form.errors else 200,
    )


@require_safe
@console_view("view")
def click_detail(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """One click: whether it counts and why, and what came of it."""
    click = click_queries.click_named(request.workspace, public_id)
    if click is None:
        raise Http404("No such click.")
    explained = click_queries.click_explanation(click)
    return render(
        request,
        "tracking/click_detail.html",
        {
            "click": click,
            "explained": explained,
            "first": click_queries.first_of(click),
            "led_to": click_queries.conversions_after(click),
        },
    )
