"""Why there is a reward or none, and asking to have it looked at again: in the portal and embedded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from core.errors import DomainError, RateLimited
from core.forms import add_domain_error
from engagement.forms import AppealForm, MissingFriendForm
from engagement.queries.friends import deed_of, named_friend
from engagement.views.embed import EmbedRequest, embed_view
from engagement.views.portal import PortalRequest, face_of, portal_view
from tracking import appeal_queries
from tracking import services as tracking_services
from tracking.models import Appeal, Conversion

SHOWN: Final = 20
METHODS: Final = ["GET", "HEAD", "POST"]
_UNFRAMED: Final[Mapping[str, Any]] = {}


@require_http_methods(METHODS)
@portal_view
def portal_why(request: PortalRequest, public_id: str) -> HttpResponse:
    """Why the participant was rewarded for a conversion or not; POST asks to have it looked at again."""
    return _why(request, public_id)


@require_http_methods(METHODS)
@embed_view
def embed_why(request: EmbedRequest, public_id: str) -> HttpResponse:
    """The same page inside another page."""
    return _why(request, public_id, frame=_frame(request))


@require_http_methods(METHODS)
@portal_view
def portal_missing(request: PortalRequest) -> HttpResponse:
    """Report a friend who does not appear; a person reads it, and nothing is looked up."""
    return _missing(request)


@require_http_methods(METHODS)
@embed_view
def embed_missing(request: EmbedRequest) -> HttpResponse:
    """The same page inside another page."""
    return _missing(request, frame=_frame(request))


def _frame(request: EmbedRequest) -> dict[str, Any]:
    """Return what the page around the frame is told."""
    return {"token": request.token, "origins": request.origins, "expires_at": request.said.expires_at}


def _why(request: PortalRequest, public_id: str, *, frame: Mapping[str, Any] = _UNFRAMED) -> HttpResponse:
    participant = request.participant
    conversion = appeal_queries.conversion_named(request.workspace, public_id)
    explanation = None
    if conversion is not None:
        explanation = appeal_queries.own_explanation(participant, conversion, at=request.at)
    if conversion is None or explanation is None:
        raise Http404("You had no part in such a thing.")
    form = AppealForm(request.POST if request.method == "POST" else None)
    if _opened(request, form, conversion):
        return redirect(_carrying(request.path, frame, sent="1"))
    appeals = list(appeal_queries.appeals_of(participant, conversion)[:SHOWN])
    context = {
        "friend": named_friend(participant, conversion.customer),
        "deed": deed_of(conversion),
        "conversion": conversion,
        "told": appeal_queries.public_explanation(explanation),
        "touches": explanation.part.touches[-SHOWN:],
        "appeals": appeals,
        "is_open": any(appeal.status == Appeal.Status.OPEN for appeal in appeals),
    }
    return _page(request, "engagement/portal_why.html", form, context, frame)


def _missing(request: PortalRequest, *, frame: Mapping[str, Any] = _UNFRAMED) -> HttpResponse:
    form = MissingFriendForm(request.POST if request.method == "POST" else None)
    if _opened(request, form, None):
        return redirect(_carrying(request.path, frame, sent="1"))
    context = {"appeals": list(appeal_queries.appeals_of(request.participant)[:SHOWN])}
    return _page(request, "engagement/portal_missing.html", form, context, frame)


def _opened(request: PortalRequest, form: AppealForm, conversion: Conversion | None) -> bool:
    """Open the appeal that a form holds; a refusal shows in the form."""
    if request.method != "POST" or not form.is_valid():
        return False
    try:
        tracking_services.open_appeal(
            participant=request.participant,
            conversion=conversion,
            message=form.cleaned_data["message"],
            actor=request.actor,
            at=request.at,
        )
    except DomainError as error:
        form.refused_by = error
        add_domain_error(form, error)
        return False
    return True


def _carrying(path: str, frame: Mapping[str, Any], **more: str) -> str:
    """Return an address with the token, if there is one, and whatever else it carries."""
    query = urlencode({**({"token": frame["token"]} if frame else {}), **more})
    return f"{path}?{query}" if query else path


def _page(
    request: PortalRequest, template: str, form: AppealForm, context: dict[str, Any], frame: Mapping[str, Any]
) -> HttpResponse:
    context |= {
        "form": form,
        "sent": "sent" in request.GET and request.method != "POST",
        "participant": request.participant,
        "program": request.participant.program,
        "shell": "engagement/portal_embedded_page.html" if frame else "engagement/portal_page.html",
        "portal_address": _carrying(reverse("portal_embed" if frame else "portal"), frame),
        **face_of(request.workspace),
        **frame,
    }
    status = (form.refused_by.status if form.refused_by else 400) if form.is_bound else 200
    response = render(request, template, context, status=status)
    if isinstance(form.refused_by, RateLimited):
        response.headers["Retry-After"] = str(form.refused_by.details["retry_after"])
    return response
