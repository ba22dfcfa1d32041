"""Spending points in the portal, and embedded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts import secrets
from core.errors import DomainError
from core.forms import add_domain_error
from engagement.forms import SpendForm
from engagement.queries.spending import spending_of
from engagement.views.embed import EmbedRequest, embed_view
from engagement.views.portal import PortalRequest, face_of, portal_view
from rewards import services as reward_services
from rewards.queries import giving

METHODS: Final = ["GET", "HEAD", "POST"]
_UNFRAMED: Final[Mapping[str, Any]] = {}


@require_http_methods(METHODS)
@portal_view
def portal_spend(request: PortalRequest) -> HttpResponse:
    """What points buy, and what was redeemed before; POST redeems one item."""
    return _spend(request)


@require_http_methods(METHODS)
@embed_view
def embed_spend(request: EmbedRequest) -> HttpResponse:
    """The same page inside another page."""
    frame = {"token": request.token, "origins": request.origins, "expires_at": request.said.expires_at}
    return _spend(request, frame=frame)


def _spend(request: PortalRequest, *, frame: Mapping[str, Any] = _UNFRAMED) -> HttpResponse:
    carried = {"token": frame["token"]} if frame else {}
    form = SpendForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and _redeemed(request, form):
        return redirect(f"{request.path}?{urlencode({**carried, 'done': 1})}")
    query = f"?{urlencode(carried)}" if carried else ""
    context = {
        "form": form,
        "spending": spending_of(request.participant),
        # One press of the button is one key, so that pressing twice spends once.
        "key": secrets.new_secret(16),
        "done": "done" in request.GET and request.method != "POST",
        "participant": request.participant,
        "program": request.participant.program,
        "shell": "engagement/portal_embedded_page.html" if frame else "engagement/portal_page.html",
        "portal_address": reverse("portal_embed" if frame else "portal") + query,
        **face_of(request.workspace),
        **frame,
    }
    status = 400 if form.is_bound else 200
    return render(request, "engagement/portal_spend.html", context, status=status)


def _redeemed(request: PortalRequest, form: SpendForm) -> bool:
    """Redeem what the form names; a refusal shows in the form."""
    participant = request.participant
    item = giving.offered(request.workspace).filter(public_id=form.cleaned_data["item"]).first()
    if item is None:
        form.add_error(None, "This is not offered any more.")
        return False
    try:
        reward_services.redeem_points(
            customer=participant.customer,
            participant=participant,
            item=item,
            key=f"portal:{participant.public_id}:{form.cleaned_data['key']}",
            at=request.at,
        )
    except DomainError as error:
        add_domain_error(form, error)
        return False
    return True
