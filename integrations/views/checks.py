"""Pages of the checks on which rewards wait: who was asked, what was answered, and asking again."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access import ConsoleRequest, console_view
from accounts.permissions import allows
from core import clock, lists
from integrations import forms, queries
from integrations.services.validation import rotate_validation_key
from integrations.tables import CheckActionTable, CheckTable
from tracking import services as tracking_services
from tracking.models import ConversionCheck


@require_safe
@console_view("view")
def check_list(request: ConsoleRequest) -> HttpResponseBase:
    """Every check by state, kind and day, with what was answered."""
    reviews = allows(request.member.role, "review_rewards")
    return lists.answer(
        request,
        "integrations/check_list.html",
        table=CheckActionTable if reviews else CheckTable,
        rows=queries.checks(request.workspace),
        filters=forms.CheckFilterForm(request.GET, workspace=request.workspace),
        empty=lists.Empty(
            icon="shield-check",
            title="No checks yet",
            text="A program can wait for a friend's e-mail address, the shop or your own system.",
            action_url=reverse("program_list", args=[request.workspace.slug]),
            action_label="Look at the programs",
        ),
        context={"validation_key": queries.validation_key_of(request.workspace), "now": clock.now()},
    )


@require_safe
@console_view("view")
def check_detail(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """One check: what was asked about, and each try with what was answered."""
    check = get_object_or_404(queries.checks(request.workspace), public_id=public_id)
    context = {
        "check": check,
        "tries": queries.tries_of(check),
        "may_ask": allows(request.member.role, "review_rewards")
        and check.status != ConversionCheck.Status.PASSED,
    }
    return render(request, "integrations/check_detail.html", context)


@require_POST
@console_view("review_rewards")
def check_retry(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Ask again, from the beginning."""
    check = get_object_or_404(queries.checks(request.workspace), public_id=public_id)
    tracking_services.ask_again(check=check, actor=request.actor, at=request.at)
    messages.success(request, "It is asked again; reload the page to see the answer.")
    return redirect("check_detail", request.workspace.slug, public_id)


@never_cache
@require_POST
@console_view("manage_integrations")
def check_secret(request: ConsoleRequest) -> HttpResponse:
    """Make a new secret for the questions to the workspace's own system and show it, once."""
    secret = rotate_validation_key(workspace=request.workspace, actor=request.actor, at=clock.now())
    return render(request, "integrations/check_secret.html", {"secret": secret})
