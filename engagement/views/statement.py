"""A participant's own statement in the portal: as a page, PDF or CSV."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from core.errors import Invalid
from engagement.views.portal import PortalRequest, face_of, portal_view
from rewards import queries
from rewards.statement_files import KINDS, statement_file
from rewards.statement_forms import StatementForm


@require_safe
@portal_view
def portal_statement(request: PortalRequest) -> HttpResponse:
    """Every movement of the participant's accounts in some days; `?as=pdf` and `?as=csv` download it."""
    customer = request.participant.customer
    customer.workspace = request.workspace
    form = StatementForm(
        request.GET, today=request.at.astimezone(ZoneInfo(request.workspace.time_zone)).date()
    )
    found = None
    if form.is_valid():
        try:
            found = queries.statement_for(customer, first_on=form.first_on, last_on=form.last_on)
        except Invalid as error:
            form.add_error(error.param, error.message)
    if found is not None and request.GET.get("as") in KINDS:
        return statement_file(found, request.GET["as"])
    context = {
        "program": request.participant.program,
        "form": form,
        "statement": found,
        "digest": queries.digest_line(found) if found else "",
        **face_of(request.workspace),
    }
    return render(request, "engagement/portal_statement.html", context, status=200 if found else 400)
