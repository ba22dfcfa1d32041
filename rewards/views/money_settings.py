"""The console's page on the rules about money that are not about payouts."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.access import ConsoleRequest, console_view
from core.errors import DomainError
from core.forms import add_domain_error
from rewards import queries, services
from rewards.adjustment_forms import MoneySettingsForm


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("view", post="prepare_payouts")
def money_settings(request: ConsoleRequest) -> HttpResponse:
    """Show and change the limit of adjustments and the own system's address."""
    own = queries.money_settings(request.workspace)
    initial = {"adjustment_limit_minor": own.adjustment_limit_minor, "give_url": own.give_url}
    form = MoneySettingsForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            services.update_money_rules(workspace=request.workspace, **form.cleaned_data, actor=request.actor)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, "The money settings are saved.")
            return redirect("money_settings", request.workspace.slug)
    context = {"form": form, "own": own}
    return render(request, "rewards/money_settings.html", context, status=400 if form.errors else 200)
