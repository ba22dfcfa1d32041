"""The page on the workspace's own system, which hears of the rewards that it has to give."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.access import ConsoleRequest, console_view
from accounts.permissions import allows
from core import clock
from core.errors import DomainError
from core.forms import add_domain_error
from integrations import queries
from integrations.forms import OwnSystemForm
from rewards import services as reward_services
from rewards.queries import giving


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("view", post="manage_integrations")
def own_system(request: ConsoleRequest) -> HttpResponse:
    """Show and change the address, and count what was handed over by it."""
    workspace = request.workspace
    form = OwnSystemForm(
        request.POST if request.method == "POST" else None,
        initial={"give_url": giving.give_url(workspace)},
        locked=not allows(request.member.role, "manage_integrations"),
    )
    if request.method == "POST" and form.is_valid():
        try:
            reward_services.set_give_url(
                workspace=workspace, url=form.cleaned_data["give_url"], actor=request.actor
            )
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, "The address is saved.")
            return redirect("own_system", workspace.slug)
    context = {
        "form": form,
        "counts": giving.own_system_counts(workspace),
        "key": queries.validation_key_of(workspace),
        "now": clock.now(),
    }
    return render(request, "integrations/own_system.html", context, status=400 if form.errors else 200)
