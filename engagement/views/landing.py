"""The pages a friend sees: the invitation with its picture, and the terms behind it."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import Workspace
from core import clock
from core.tenancy import tenant
from engagement import pictures
from engagement.queries.addresses import landing_url, preview_url
from engagement.queries.invitations import Invitation, Viewer, invitation
from engagement.queries.offers import promises
from engagement.queries.sign_in import portal_program
from engagement.views.portal import SESSION_KEY, face_of
from programs import queries as program_queries
from programs.condition_words import condition_words
from programs.facts import cap_sentences, hours_text
from tracking.redirects import VISITOR_COOKIE, known_visitor

_STATUS: Final = {"open": 200, "own": 200, "used": 200, "paused": 200, "ended": 410, "expired": 410}
_PICTURE_SECONDS: Final = 3600


@require_safe
def landing(request: HttpRequest, code: str) -> HttpResponse:
    """Say who invites and what the friend gets; looking at it counts no click, following its button does.

    The link's tags (`ch`, `utm_…`) stay on the button, so that the click counts for the channel it came by.
    """
    found = _find(code, viewer=_viewer(request))
    if found is None:
        return _unknown(request)
    shown, workspace = found
    tags = urlencode([(k, v) for k, v in request.GET.items() if k == "ch" or k.startswith("utm_")])
    context = {
        "invitation": shown,
        "offer": shown.offer,
        "program": shown.program,
        "tags": f"?{tags}" if tags else "",
        "own_address": landing_url(shown.code),
        "picture": preview_url(shown.code),
        **face_of(workspace),
    }
    template = "engagement/landing.html" if shown.state == "open" else "engagement/landing_closed.html"
    response = render(request, template, context, status=_STATUS[shown.state])
    # Who looks decides what is shown, so no cache in between may keep it.
    response.headers["Cache-Control"] = "private, no-cache"
    return response


@require_safe
def landing_card(request: HttpRequest, code: str) -> HttpResponse:
    """The picture that chats and feeds show beside a shared invitation, as a PNG of 1200 by 630."""
    found = _find(code)
    if found is None:
        raise Http404("There is no such invitation.")
    shown, workspace = found
    picture = pictures.invitation_card(
        workspace=workspace.name,
        inviter=shown.inviter,
        benefit=shown.offer.benefit,
        color=workspace.brand_color,
    )
    response = HttpResponse(picture, content_type="image/png")
    response.headers["Cache-Control"] = f"public, max-age={_PICTURE_SECONDS}"
    return response


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
        "version": version,
        "terms": stated,
        "conditions": stated.eligibility.conditions
        and condition_words(stated.eligibility.conditions, stated.currency),
        "click_window": hours_text(stated.attribution.click_window_hours),
        "code_window": hours_text(stated.attribution.code_window_hours),
        "to_referrer": promises(stated, "referrer", "The person who invites gets"),
        "to_referee": promises(stated, "referee", "The invited friend gets"),
        "caps": cap_sentences(stated, "participant"),
        "budget": any(cap.scope == "program" for cap in stated.caps),
        "asks_person": stated.approval_above_minor is not None
        or stated.approval_score is not None
        or bool(stated.approval_kinds),
        **face_of(program.workspace),
    }
    return render(request, "engagement/terms.html", context)


def _find(code: str, viewer: Viewer | None = None) -> tuple[Invitation, Workspace] | None:
    found = program_queries.resolve_code(code)
    if found is None:
        return None
    with tenant(found.workspace_id):
        workspace = Workspace.objects.for_workspace(found.workspace_id).get()
        at = workspace.local_time(clock.now())
        shown = invitation(workspace, found.link_id, viewer=viewer or Viewer(), at=at)
    return None if shown is None else (shown, workspace)


def _viewer(request: HttpRequest) -> Viewer:
    ticket = request.session.get(SESSION_KEY) or {}
    return Viewer(
        participant_id=ticket.get("participant", ""),
        visitor_id=known_visitor(request.COOKIES.get(VISITOR_COOKIE, "")),
    )


def _unknown(request: HttpRequest) -> HttpResponse:
    return render(request, "engagement/landing_closed.html", status=404)
