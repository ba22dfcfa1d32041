"""The console's page on exchange rates: the bank's, the workspace's own, and what waits for one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import ConsoleRequest, console_view
from core import lists
from core.errors import DomainError
from core.forms import add_domain_error
from rewards import queries, rate_forms, services
from rewards.rate_tables import EnteredRateTable


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("view", post="prepare_payouts")
def rate_list(request: ConsoleRequest) -> HttpResponseBase:
    """The rates that count here, and a form for another one."""
    today = request.at.astimezone(rate_forms.zone_of(request.workspace)).date()
    if request.method != "POST":
        return _page(request, rate_forms.RateForm(initial={"on": today}))
    form = rate_forms.RateForm(request.POST)
    if form.is_valid():
        try:
            row = services.enter_rate(
                workspace=request.workspace, **form.cleaned_data, actor=request.actor, at=request.at
            )
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, f"{row} Rewards that waited for it are reckoned now.")
            return redirect("rate_list", request.workspace.slug)
    return _page(request, form, status=400)


@require_POST
@console_view("prepare_payouts")
def rate_upload(request: ConsoleRequest) -> HttpResponseBase:
    """Take in a file of rates in the European Central Bank's form as the workspace's own."""
    form = rate_forms.RateFileForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            found = services.enter_reference_file(
                workspace=request.workspace,
                content=form.cleaned_data["file"].read(),
                actor=request.actor,
                at=request.at,
            )
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(
                request, f"{found.new} new, {found.changed} changed, {found.known} known already."
            )
            return _back(request)
    return _page(request, rate_forms.RateForm(), status=400, file_form=form)


def _back(request: ConsoleRequest) -> HttpResponse:
    return redirect("rate_list", request.workspace.slug)


def _page(
    request: ConsoleRequest, form: rate_forms.RateForm, *, status: int = 200, **more: Any
) -> HttpResponseBase:
    references = list(queries.latest_references())
    context = {
        "form": form,
        "file_form": rate_forms.RateFileForm(),
        "references": references,
        "newest": max((each.on for each in references), default=None),
        "waiting": queries.currencies_waiting(request.workspace),
        "unreported": queries.unreported_currencies(request.workspace),
        **more,
    }
    return lists.answer(
        request,
        "rewards/rate_list.html",
        table=EnteredRateTable,
        rows=queries.entered_rates(request.workspace),
        filters=rate_forms.RateFilterForm(request.GET, workspace=request.workspace),
        empty=lists.Empty(
            icon="arrows-exchange",
            title="No rates of your own",
            text="The European Central Bank's count. Enter one where it has none, or where yours is another.",
        ),
        context=context,
        status=status,
    )
