"""The console's report on the books: each unit's sums, each check as it was last run, and running it now."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.access import ConsoleRequest, console_view
from rewards import queries, services

_PAGES = {
    "account": "account_detail",
    "adjustment": "adjustment_detail",
    "allowance": "",
    "payoutbatch": "batch_detail",
    "redemption": "redemption_detail",
    "reward": "reward_detail",
}


@require_safe
@console_view("view")
def books(request: ConsoleRequest) -> HttpResponseBase:
    """The books by unit, the checks and their differences; a check that runs shows how far it is."""
    report = queries.books_report(request.workspace)
    checks = [
        (check, [{**each, "address": _address(request, each)} for each in check.shown])
        for check in report.checks
    ]
    return render(request, "rewards/books.html", {"report": report, "checks": checks})


def _address(request: ConsoleRequest, difference: dict[str, Any]) -> str:
    """Return where the row that differs is shown."""
    slug, kind, public_id = request.workspace.slug, difference["kind"], difference["public_id"]
    if kind == "payout":
        return f"{reverse('batch_detail', args=[slug, difference['under']])}?q={public_id}"
    try:
        return reverse(_PAGES.get(kind, ""), args=[slug, public_id])
    except NoReverseMatch:
        return reverse("ledger", args=[slug])


@require_POST
@console_view("view", post="prepare_payouts")
def books_check(request: ConsoleRequest) -> HttpResponse:
    """Ask for a check of the books; the page then shows how far it is."""
    services.request_check(workspace=request.workspace, actor=request.actor, at=request.at)
    messages.success(request, "The check of the books is on its way.")
    return redirect("books", request.workspace.slug)
