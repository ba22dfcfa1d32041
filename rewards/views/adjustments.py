"""The console's pages on money given or taken by hand."""

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
from programs.queries import customers_of
from rewards import adjustment_forms as forms
from rewards import money_tables as tables
from rewards import queries, services
from rewards.models import Adjustment


@require_safe
@console_view("view")
def adjustment_list(request: ConsoleRequest) -> HttpResponseBase:
    """List what was given or taken by hand."""
    return lists.answer(
        request,
        "rewards/adjustment_list.html",
        table=tables.AdjustmentTable,
        rows=queries.adjustments(request.workspace),
        filters=forms.AdjustmentFilterForm(request.GET, workspace=request.workspace),
        empty=lists.Empty(
            icon="adjustments",
            title="No adjustments yet",
            text="Money is given or taken by hand on a customer's page, with a reason.",
            action_url=reverse("customer_list", args=[request.workspace.slug]),
            action_label="Find a customer",
        ),
        context={"limit_minor": queries.adjustment_limit(request.workspace)},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("prepare_payouts")
def adjustment_new(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Give money to a person or take some away; above the limit a second person decides."""
    customer = get_object_or_404(customers_of(request.workspace), public_id=public_id)
    form = forms.AdjustmentForm(
        request.POST if request.method == "POST" else None, currency=request.workspace.currency
    )
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            made = services.make_adjustment(
                customer=customer,
                place=given["place"],
                unit=given["unit"],
                amount_minor=given["amount_minor"],
                reason=given["reason"],
                key=given["key"],
                actor=request.actor,
                at=request.at,
            )
        except DomainError as error:
            if error.param == "amount_minor":
                error.param = "amount"
            add_domain_error(form, error)
        else:
            waits = made.status == Adjustment.Status.WAITING
            messages.success(request, "It waits for a second person." if waits else "The money is moved.")
            return redirect("adjustment_detail", request.workspace.slug, made.public_id)
    context = {
        "form": form,
        "customer": customer,
        "balances": queries.balances_of(customer).filter(kind__in=Adjustment.Place.values),
        "limit_minor": queries.adjustment_limit(request.workspace),
    }
    return render(request, "rewards/adjustment_new.html", context, status=400 if form.errors else 200)


@require_safe
@console_view("view")
def adjustment_detail(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Show one adjustment: why, who made it, who decided, and the transfer it became."""
    return _page(request, _adjustment(request, public_id))


@require_POST
@console_view("approve_payouts")
def adjustment_approve(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Apply what another person made."""
    adjustment = _adjustment(request, public_id)
    try:
        services.approve_adjustment(adjustment=adjustment, actor=request.actor, at=request.at)
    except DomainError as error:
        messages.error(request, error.message)
        return _page(request, _adjustment(request, public_id), status=error.status)
    messages.success(request, "The money is moved.")
    return redirect("adjustment_detail", request.workspace.slug, public_id)


@require_POST
@console_view("approve_payouts")
def adjustment_decline(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Refuse what another person made, with a reason."""
    form = forms.DeclineForm(request.POST)
    if form.is_valid():
        try:
            services.decline_adjustment(
                adjustment=_adjustment(request, public_id),
                reason=form.cleaned_data["reason"],
                actor=request.actor,
                at=request.at,
            )
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, "The adjustment is declined; nothing was moved.")
            return redirect("adjustment_detail", request.workspace.slug, public_id)
    return _page(request, _adjustment(request, public_id), status=400, form=form)


def _adjustment(request: ConsoleRequest, public_id: str) -> Adjustment:
    return get_object_or_404(queries.adjustments(request.workspace), public_id=public_id)


def _page(
    request: ConsoleRequest,
    adjustment: Adjustment,
    *,
    status: int = 200,
    form: forms.DeclineForm | None = None,
) -> HttpResponse:
    context = {
        "adjustment": adjustment,
        "transfers": list(queries.transfers_of_adjustment(adjustment)),
        "waiting": adjustment.status == Adjustment.Status.WAITING,
        "made_by_me": adjustment.created_by_id == request.user.pk,
        "decline_form": form or forms.DeclineForm(),
        "limit_minor": queries.adjustment_limit(request.workspace),
    }
    return render(request, "rewards/adjustment_detail.html", context, status=status)
