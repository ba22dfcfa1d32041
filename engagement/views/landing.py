"""The pages a friend sees: the invitation, and the terms behind it."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import Workspace
from core import clock
from core.tenancy import tenant
from engagement.queries.addresses import landing_url
from engagement.queries.invitations import invitation
from engagement.queries.offers import promises
from engagement.queries.sign_in import portal_program
from programs import queries as program_queries

_STATUS: Final = {"open": 200, "paused": 200, "ended": 410, "expired": 410}


@require_safe
def landing(request: HttpRequest, code: str) -> HttpResponse:
    """Say who invites and what the friend gets; looking at it counts no click, following its button does."""
    found = program_queries.resolve_code(code)
    if found is None:
        return _unknown(request)
    with tenant(found.workspace_id):
        workspace = Workspace.objects.for_workspace(found.workspace_id).get()
        shown = invitation(workspace, found.link_id, at=workspace.local_time(clock.now()))
    if shown is None:
        return _unknown(request)
    context = {
        "invitation": shown,
        "offer": shown.offer,
        "program": shown.program,
        "workspace_name": workspace.name,
        "own_address": landing_url(shown.code),
    }
    template = "engagement/landing.html" if shown.state == "open" else "engagement/landing_closed.html"
    return render(request, template, context, status=_STATUS[shown.state])


def _unknown(request: HttpRequest) -> HttpResponse:
    return render(request, "engagement/landing_closed.html", status=404)


@require_safe
def terms(request: HttpRequest, public_id: str) -> HttpResponse:
    """A program's terms in sentences, made from the version that is live."""
    program = portal_program(public_id)
    if program is None:
        return _unknown(request)
    with tenant(program.workspace):
        version = program_queries.live_version(program)
    assert version is not None
    stated = program_queries.terms_of(version)
    context = {
        "program": program,
        "workspace": program.workspace,
        "workspace_name": program.workspace.name,
        "version": version,
        "terms": stated,
        "to_referrer": promises(stated, "referrer", "The person who invites gets"),
        "to_referee": promises(stated, "referee", "The invited friend gets"),
    }
    return render(request, "engagement/terms.html", context)
