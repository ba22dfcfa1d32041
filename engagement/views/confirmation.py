"""The page behind the link by which a friend confirms an e-mail address."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from core import clock
from core.tenancy import tenant
from engagement.queries.confirmation import confirming_customer, read_confirmation
from engagement.views.portal import face_of
from tracking import services as tracking_services


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_email(request: HttpRequest, token: str) -> HttpResponse:
    """Offer to confirm on GET, because mail scanners open every link; only the button confirms.

    404 for a link that is not ours or whose address is not on file any more, 410 for one that has expired.
    """
    said = read_confirmation(token)
    if said is None:
        return _answer(request, "unknown", 404)
    now = clock.now()
    with tenant(said.workspace_id):
        customer = confirming_customer(said)
        if customer is None:
            return _answer(request, "unknown", 404)
        face = face_of(customer.workspace)
        if customer.email_verified_at is not None:
            return _answer(request, "confirmed", 200, **face)
        if said.expires_at <= now:
            return _answer(request, "expired", 410, **face)
        if request.method != "POST":
            return _answer(request, "open", 200, **face)
        tracking_services.verify_email(customer=customer, at=customer.workspace.local_time(now))
    return redirect("confirm_email", token)


def _answer(request: HttpRequest, state: str, status: int, **context: Any) -> HttpResponse:
    page = render(request, "engagement/confirm_email.html", {"state": state, **context}, status=status)
    # Not no-referrer: a form sent without its origin would be refused as forged.
    page.headers["Referrer-Policy"] = "same-origin"
    return page
