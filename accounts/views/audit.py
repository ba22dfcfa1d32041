"""The audit log."""

from __future__ import annotations

from django.http import HttpResponseBase
from django.views.decorators.http import require_safe

from accounts import queries
from accounts.access import ConsoleRequest, console_view
from accounts.forms import AuditFilterForm
from accounts.tables import AuditTable
from core import lists


@require_safe
@console_view("view_audit")
def audit_log(request: ConsoleRequest) -> HttpResponseBase:
    """List who did what, newest first, with the values before and after."""
    filters = AuditFilterForm(
        request.GET, workspace=request.workspace, actions=queries.audit_actions(request.workspace)
    )
    return lists.answer(
        request,
        "accounts/audit_log.html",
        table=AuditTable,
        rows=queries.audit_entries(request.workspace),
        filters=filters,
        empty=lists.Empty(
            icon="history",
            title="Nothing has happened yet",
            text="Every change by a person or a key is written down here.",
        ),
    )
