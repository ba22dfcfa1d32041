"""The portal inside another page: opened by a signed token, without any cookie.

Only the workspace's own sites may frame it, by the policy sent with each answer. The token is the credential
and travels in the address and the form, never by itself, so a forged request has nothing to ride on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from accounts.services import Actor
from core import clock
from core.tenancy import tenant
from engagement.queries import embedding
from engagement.queries import sign_in as queries
from engagement.views.portal import PortalRequest, face_of, page_of_portal, qr_of

View = Callable[..., HttpResponse]


def embed_view(view: View) -> View:
    """Guard a page of the embedded portal: the token is ours and fresh; runs as `portal_view` does."""

    @csrf_exempt
    @xframe_options_exempt
    @never_cache
    @wraps(view)
    def guarded(request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        token = request.POST.get("token") or request.GET.get("token", "")
        said = embedding.read_token(token)
        if said is None:
            return _framed(_closed(request, "invalid"), ())
        workspace = said.program.workspace
        with tenant(workspace):
            origins = embedding.embedding_origins(said.program)
            if said.expires_at <= clock.now():
                context = {"origins": origins, **face_of(workspace)}
                return _framed(_closed(request, "expired", **context), origins)
            participant = queries.signed_in_participant(workspace.pk, said.participant_id)
            if participant is None:
                return _framed(_closed(request, "invalid"), ())
            request.participant, request.workspace = participant, participant.workspace
            request.actor = Actor(kind="participant", label=participant.public_id)
            request.at = participant.workspace.local_time(clock.now())
            request.said, request.token, request.origins = said, token, origins
            return _framed(view(request, *args, **kwargs), origins)

    return guarded


class EmbedRequest(PortalRequest):
    """A request with a token that holds; `origins` may show its answer."""

    said: embedding.PortalToken
    token: str
    origins: tuple[str, ...]


@require_safe
@embed_view
def portal_embed(request: EmbedRequest) -> HttpResponse:
    """The portal as `<referral-portal>` shows it."""
    context = {
        **page_of_portal(request, token=request.token),
        "origins": request.origins,
        "expires_at": request.said.expires_at,
    }
    return render(request, "engagement/portal_embed.html", context)


@require_safe
@embed_view
def embed_qr(request: EmbedRequest, public_id: str, drawn_as: str = "png") -> HttpResponse:
    """The QR code of one of the participant's own links."""
    return qr_of(request.participant, public_id, drawn_as)


def _closed(request: HttpRequest, state: str, **context: Any) -> HttpResponse:
    context["state"] = state
    return render(request, "engagement/portal_embed_closed.html", context, status=403)


def _framed(response: HttpResponse, origins: Iterable[str]) -> HttpResponse:
    """Let exactly these origins frame an answer, and keep its address, which holds the token, to itself."""
    ancestors = list(origins) or ["'none'"]
    response._csp_replace = {"frame-ancestors": ancestors}  # type: ignore[attr-defined]  # read by django-csp
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
