"""The console's pages on tax details, and on what each person was paid in a year."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.access import ConsoleRequest, console_view
from core import lists
from core.errors import DomainError
from core.forms import add_domain_error
from rewards import account_forms as forms
from rewards import money_tables as tables
from rewards import queries, services
from rewards.models import TaxDetails


@require_safe
@console_view("view")
def tax_list(request: ConsoleRequest) -> HttpResponseBase:
    """List everybody's tax details, those that wait for somebody to look first."""
    return lists.answer(
        request,
        "rewards/tax_list.html",
        table=tables.TaxTable,
        rows=queries.tax_details(request.workspace),
        filters=forms.TaxFilterForm(request.GET, workspace=request.workspace),
        empty=lists.Empty(
            icon="file-certificate",
            title="No tax details yet",
            text="Participants give them in their portal once a program asks for them.",
        ),
        context={"asking": bool(queries.programs_asking(request.workspace))},
    )


@require_safe
@console_view("view")
def tax_detail(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Show one person's tax details, and what they were paid year by year."""
    return _page(request, _details(request, public_id))


@require_POST
@console_view("prepare_payouts")
def tax_verify(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Say that the details are right."""
    details = _details(request, public_id)
    try:
        services.verify_tax_details(details=details, actor=request.actor, at=request.at)
    except DomainError as error:
        messages.error(request, error.message)
        return _page(request, _details(request, public_id), status=error.status)
    messages.success(request, "The tax details are verified; payouts need not wait for them.")
    return redirect("tax_detail", request.workspace.slug, public_id)


@require_POST
@console_view("prepare_payouts")
def tax_refuse(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Say why the details will not do."""
    form = forms.RefuseForm(request.POST)
    if form.is_valid():
        try:
            services.refuse_tax_details(
                details=_details(request, public_id),
                reason=form.cleaned_data["reason"],
                actor=request.actor,
                at=request.at,
            )
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, "Refused; the person reads why in their portal.")
            return redirect("tax_detail", request.workspace.slug, public_id)
    return _page(request, _details(request, public_id), status=400, form=form)


@require_safe
@console_view("view")
def tax_year(request: ConsoleRequest) -> HttpResponseBase:
    """Show what each person was paid in a year by the workspace's clocks, in each currency."""
    years = queries.years_paid(request.workspace, request.at)
    filters = forms.TaxYearFilterForm(request.GET, workspace=request.workspace, years=years)
    year = filters.chosen_year
    return lists.answer(
        request,
        "rewards/tax_year.html",
        table=tables.TaxYearTable,
        rows=queries.paid_in_year(request.workspace, year),
        filters=filters,
        empty=lists.Empty(
            icon="calendar-dollar",
            title=f"Nobody was paid in {year}",
            text="Payouts count in the year in which they reached their people.",
        ),
        context={"year": year, "totals": queries.year_totals(request.workspace, year)},
    )


@require_safe
@console_view("view")
def paid_payouts(request: ConsoleRequest) -> HttpResponseBase:
    """List the payouts that reached their people, in whatever batch they were."""
    return lists.answer(
        request,
        "rewards/paid_payouts.html",
        table=tables.PaidPayoutTable,
        rows=queries.paid_payouts(request.workspace),
        filters=forms.PaidPayoutFilterForm(request.GET, workspace=request.workspace),
        empty=lists.Empty(icon="wallet", title="Nothing was paid yet", text="Paid payouts stand here."),
    )


def _details(request: ConsoleRequest, public_id: str) -> TaxDetails:
    return get_object_or_404(queries.tax_details(request.workspace), public_id=public_id)


def _page(
    request: ConsoleRequest, details: TaxDetails, *, status: int = 200, form: forms.RefuseForm | None = None
) -> HttpResponse:
    years = queries.years_paid(request.workspace, request.at)
    paid = [
        row
        for year in years
        for row in queries.paid_in_year(request.workspace, year).filter(pk=details.customer_id)
    ]
    context = {
        "details": details,
        "paid": paid,
        "can_verify": details.status == TaxDetails.Status.SUBMITTED,
        "can_refuse": details.status != TaxDetails.Status.REFUSED,
        "refuse_form": form or forms.RefuseForm(),
    }
    return render(request, "rewards/tax_detail.html", context, status=status)
