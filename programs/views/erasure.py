"""One person's data: all of it in a file, and none of it any more."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import ConsoleRequest, console_view
from programs import forms, queries, services
from programs.export_queries import held_about
from programs.models import Customer


def _customer(request: ConsoleRequest, public_id: str) -> Customer:
    rows = queries.customers_of(request.workspace).select_related("workspace")
    found: Customer = get_object_or_404(rows, public_id=public_id)
    return found


@never_cache
@require_safe
@console_view("manage_settings")
def customer_export(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Download everything that is held about a person."""
    customer = _customer(request, public_id)
    answer = JsonResponse(held_about(customer), json_dumps_params={"indent": 2, "ensure_ascii": False})
    answer.headers["Content-Disposition"] = f'attachment; filename="{customer.public_id}.json"'
    return answer


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("manage_settings")
def customer_erase(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Say what erasing a person does, and do it once their id was written."""
    customer = _customer(request, public_id)
    form = forms.EraseForm(request.POST if request.method == "POST" else None, customer=customer)
    if request.method == "POST" and form.is_valid():
        services.erase_customer(customer=customer, actor=request.actor, at=request.at)
        return redirect("customer_erase", request.workspace.slug, public_id)
    context: dict[str, Any] = {"customer": customer, "form": form}
    return render(request, "programs/customer_erase.html", context, status=400 if form.errors else 200)
