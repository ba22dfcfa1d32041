"""Where the participant's money goes, and what the tax office wants to know: in the portal and embedded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from core.errors import DomainError
from core.forms import add_domain_error
from engagement.money_forms import ACCOUNT_FORMS, TaxForm
from engagement.views.embed import EmbedRequest, embed_view
from engagement.views.portal import PortalRequest, face_of, portal_view
from rewards import queries as reward_queries
from rewards import services as reward_services
from rewards.models import PayoutAccount
from rewards.onboarding import Onboarding, is_offered, onboarding_address
from rewards.payout_details import FIELDS

METHODS: Final = ["GET", "HEAD", "POST"]
_UNFRAMED: Final[Mapping[str, Any]] = {}


@require_http_methods(METHODS)
@portal_view
def portal_paid(request: PortalRequest) -> HttpResponse:
    """How the participant is paid; POST chooses an account, or goes on to a provider."""
    return _paid(request)


@require_http_methods(METHODS)
@embed_view
def embed_paid(request: EmbedRequest) -> HttpResponse:
    """The same page inside another page."""
    return _paid(request, frame=_frame(request))


@require_http_methods(METHODS)
@portal_view
def portal_tax(request: PortalRequest) -> HttpResponse:
    """The participant's tax details; POST gives them."""
    return _tax(request)


@require_http_methods(METHODS)
@embed_view
def embed_tax(request: EmbedRequest) -> HttpResponse:
    """The same page inside another page."""
    return _tax(request, frame=_frame(request))


def _frame(request: EmbedRequest) -> dict[str, Any]:
    """Return what the page around the frame is told."""
    return {"token": request.token, "origins": request.origins, "expires_at": request.said.expires_at}


def _paid(request: PortalRequest, *, frame: Mapping[str, Any] = _UNFRAMED) -> HttpResponse:
    customer = request.participant.customer
    chosen = request.POST.get("method", "") if request.method == "POST" else ""
    offered = [m for m in ACCOUNT_FORMS if FIELDS[m] or is_offered(request.workspace, m)]
    drawn = {
        method: ACCOUNT_FORMS[method](
            request.POST if method == chosen else None,
            auto_id=f"{method}_%s",
            initial={"country": customer.country, "email": customer.email},
        )
        for method in offered
    }
    form, onward = drawn.get(chosen), ""
    if form is not None and form.is_valid():
        try:
            if FIELDS[chosen]:
                reward_services.choose_payout_account(
                    customer=customer,
                    method=chosen,
                    details=form.cleaned_data,
                    actor=request.actor,
                    at=request.at,
                )
                return redirect(_carrying(request.path, frame, saved="1"))
            onward = _set_up(request, chosen, frame)
        except DomainError as error:
            form.refused_by = error
            add_domain_error(form, error)
    names = dict(PayoutAccount.Method.choices)
    context = {
        "methods": [
            {"method": method, "name": names[method], "form": each, "open": each.is_bound and not onward}
            for method, each in drawn.items()
        ],
        "accounts": list(reward_queries.payout_accounts_of(customer)),
        "used": reward_queries.destination_of(customer),
        "onward": onward,
    }
    return _page(request, "engagement/portal_paid.html", form, context, frame)


def _set_up(request: PortalRequest, method: str, frame: Mapping[str, Any]) -> str:
    """Return the address at the provider; it is a link, because our policy lets no form lead elsewhere."""
    account = reward_services.begin_onboarding(
        customer=request.participant.customer, method=method, actor=request.actor, at=request.at
    )
    back = request.build_absolute_uri(_carrying(request.path, frame))
    return onboarding_address(Onboarding(account=account, return_url=back, at=request.at))


def _tax(request: PortalRequest, *, frame: Mapping[str, Any] = _UNFRAMED) -> HttpResponse:
    customer = request.participant.customer
    known = reward_queries.tax_details_of(customer)
    initial = {"country": customer.country, "legal_name": customer.name}
    if known is not None:
        initial = {"country": known.country, "legal_name": known.legal_name, "form": known.form}
    form = TaxForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            reward_services.submit_tax_details(
                customer=customer, **form.cleaned_data, actor=request.actor, at=request.at
            )
            return redirect(_carrying(request.path, frame, saved="1"))
        except DomainError as error:
            form.refused_by = error
            add_domain_error(form, error)
    return _page(request, "engagement/portal_tax.html", form, {"known": known, "form": form}, frame)


def _carrying(path: str, frame: Mapping[str, Any], **more: str) -> str:
    """Return an address with the token, if there is one, and whatever else it carries."""
    query = urlencode({**({"token": frame["token"]} if frame else {}), **more})
    return f"{path}?{query}" if query else path


def _page(
    request: PortalRequest, template: str, form: Any, context: dict[str, Any], frame: Mapping[str, Any]
) -> HttpResponse:
    context |= {
        "saved": "saved" in request.GET and request.method != "POST",
        "participant": request.participant,
        "program": request.participant.program,
        "shell": "engagement/portal_embedded_page.html" if frame else "engagement/portal_page.html",
        "portal_address": _carrying(reverse("portal_embed" if frame else "portal"), frame),
        **face_of(request.workspace),
        **frame,
    }
    status = 200
    if form is not None and form.errors:
        status = form.refused_by.status if form.refused_by else 400
    return render(request, template, context, status=status)
