"""The console's page on the workspace's rules about money."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import ConsoleRequest, console_view
from accounts.permissions import allows
from core.errors import DomainError
from core.forms import add_domain_error
from programs.queries import programs_of
from rewards import queries, services
from rewards.models import TaxDetails
from rewards.money_forms import MoneySettingsForm


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("view", post="prepare_payouts")
def money_settings(request: ConsoleRequest) -> HttpResponse:
    """Show the rules about money, each once, and change those that belong to the workspace as a whole."""
    form = MoneySettingsForm(
        request.POST if request.method == "POST" else None,
        own=queries.money_settings(request.workspace),
        locked=not allows(request.member.role, "prepare_payouts"),
    )
    if request.method == "POST" and form.is_valid():
        try:
            services.update_money_settings(workspace=request.workspace, **form.settings, actor=request.actor)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, "The money settings are saved.")
            return redirect("money_settings", request.workspace.slug)
    workspace = request.workspace
    waiting = TaxDetails.Status.SUBMITTED
    context = {
        "form": form,
        "newest_rate": queries.newest_reference(),
        "entered_count": queries.entered_rates(workspace).count(),
        "waiting_orders": queries.currencies_waiting(workspace),
        "asking": programs_of(workspace).filter(pk__in=queries.programs_asking(workspace)),
        "to_verify": queries.tax_details(workspace).filter(status=waiting).count(),
    }
    return render(request, "rewards/money_settings.html", context, status=400 if form.errors else 200)


@require_safe
@console_view("view")
def payout_settings(request: ConsoleRequest) -> HttpResponse:
    """Lead on from where the rules about payouts used to be."""
    return redirect(f"{reverse('money_settings', args=[request.workspace.slug])}#cutoff")
