"""The audit log."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts import queries
from accounts.access import ConsoleRequest, console_view
from accounts.forms import AuditFilterForm
from core.paging import page_of


@require_safe
@console_view("view_audit")
def audit_log(request: ConsoleRequest) -> HttpResponse:
    """List who did what, newest first, with the values before and after."""
    form = AuditFilterForm(request.GET, actions=queries.audit_actions(request.workspace))
    chosen = form.cleaned_data if form.is_valid() else {}
    entries = queries.audit_entries(
        request.workspace, actor=chosen.get("actor", "").strip(), action=chosen.get("action", "")
    )
    context = {"form": form, "page": page_of(request, entries), "filtered": any(chosen.values())}
    return render(request, "accounts/audit_log.html", context, status=400 if form.errors else 200)
