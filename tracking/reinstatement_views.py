"""The console's buttons that take back a refund or a rejection that was wrong."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from accounts.access import ConsoleRequest, console_view
from tracking import forms, queries, services
from tracking.views import story_of


@require_POST
@console_view("review_rewards")
def refund_reinstate(request: ConsoleRequest, public_id: str, refund_id: str) -> HttpResponse:
    """Declare that a refund was none."""
    conversion = get_object_or_404(queries.conversions(request.workspace), public_id=public_id)
    refund = queries.refund_of(conversion, refund_id)
    if refund is None:
        raise Http404("No such refund.")
    form = forms.ReinstateForm(request.POST)
    if not form.is_valid():
        context = {**story_of(request, public_id), "reinstate_form": form, "wrong_refund": refund_id}
        return render(request, "tracking/conversion_detail.html", context, status=400)
    services.reinstate_refund(
        refund=refund, reason=form.cleaned_data["reason"], actor=request.actor, at=request.at
    )
    messages.success(request, "The refund no longer counts; the rewards are being given back.")
    return redirect("conversion_detail", request.workspace.slug, public_id)


@require_POST
@console_view("review_rewards")
def conversion_reinstate(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Let a rejected conversion count again."""
    conversion = get_object_or_404(queries.conversions(request.workspace), public_id=public_id)
    form = forms.ReinstateForm(request.POST)
    if not form.is_valid():
        context = {**story_of(request, public_id), "reinstate_form": form}
        return render(request, "tracking/conversion_detail.html", context, status=400)
    services.reinstate_conversion(
        conversion=conversion, reason=form.cleaned_data["reason"], actor=request.actor, at=request.at
    )
    messages.success(request, "The conversion counts again; its rewards are being given back.")
    return redirect("conversion_detail", request.workspace.slug, public_id)
