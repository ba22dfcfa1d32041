"""The console's page on how payouts are made: when rewards count, whose account pays, what methods charge."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.access import ConsoleRequest, console_view
from core.errors import Invalid
from core.forms import add_domain_error
from rewards import forms, queries, services


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("view", post="prepare_payouts")
def payout_settings(request: ConsoleRequest) -> HttpResponse:
    """Show and change the workspace's rules about payouts."""
    form = forms.PayoutSettingsForm(
        request.POST if request.method == "POST" else None, own=queries.money_settings(request.workspace)
    )
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            services.update_payout_settings(
                workspace=request.workspace,
                cutoff_days=given["payout_cutoff_days"],
                debtor_name=given["debtor_name"],
                debtor_iban=given["debtor_iban"],
                debtor_bic=given["debtor_bic"],
                fees=form.fees,
                actor=request.actor,
            )
        except Invalid as error:
            add_domain_error(form, error)
        else:
            messages.success(request, "The payout settings are saved.")
            return redirect("payout_settings", request.workspace.slug)
    return render(request, "rewards/payout_settings.html", {"form": form}, status=400 if form.errors else 200)
