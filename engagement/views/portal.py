"""The participants' portal: signing in by mailed link, and what they see once inside.

A portal session names one participant and is apart from the console's: neither opens the other.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.branding import brand_css_url
from accounts.models import Workspace
from accounts.services import Actor
from core import clock
from core.errors import RateLimited
from core.forms import add_domain_error
from core.tenancy import tenant
from engagement import forms, services
from engagement.queries import portal as portal_queries
from engagement.queries import sign_in as queries
from engagement.queries.addresses import link_url
from engagement.queries.sharing import own_link
from programs import qr
from programs.models import Participant
from tracking import services as tracking_services
from tracking.entry.reading import client_address
from tracking.identifiers import Traces
from tracking.redirects import VISITOR_COOKIE, known_visitor

SESSION_KEY: Final = "portal"
SEEN_KEY: Final = "portal-seen"
QR_SIZES: Final = {"png": 1024, "svg": 512}
View = Callable[..., HttpResponse]


class PortalRequest(HttpRequest):
    """A request of a signed-in participant; `at` is the workspace's own time."""

    participant: Participant
    workspace: Workspace
    actor: Actor
    at: datetime


def portal_view(view: View) -> View:
    """Guard a page of the portal: a participant is signed in; runs in one transaction of their workspace."""

    @never_cache
    @wraps(view)
    def guarded(request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        ticket = request.session.get(SESSION_KEY)
        if not ticket:
            return _signed_out(request)
        with tenant(int(ticket["workspace"])):
            participant = queries.signed_in_participant(int(ticket["workspace"]), ticket["participant"])
            if participant is None:
                return _signed_out(request)
            request.participant = participant
            request.workspace = participant.workspace
            request.actor = Actor(kind="participant", label=participant.public_id)
            request.at = participant.workspace.local_time(clock.now())
            _note_presence(request)
            return view(request, *args, **kwargs)

    return guarded


def _note_presence(request: PortalRequest) -> None:
    """Remember once a day which browser and network the participant uses, as keyed hashes.

    A friend who buys from the same ones may be the participant.
    """
    today = request.at.date().isoformat()
    if request.session.get(SEEN_KEY) == today:
        return
    request.session[SEEN_KEY] = today
    traces = Traces(
        browser=known_visitor(request.COOKIES.get(VISITOR_COOKIE, "")) or "",
        address=client_address(request.META),
    )
    tracking_services.note_sighting(customer=request.participant.customer, traces=traces, at=request.at)


def face_of(workspace: Workspace) -> dict[str, Any]:
    """Return what every page of a workspace's own face needs: the workspace, its name and its colours."""
    return {
        "workspace": workspace,
        "workspace_name": workspace.name,
        "brand_css_url": brand_css_url(workspace),
    }


def _signed_out(request: HttpRequest) -> HttpResponse:
    return render(request, "engagement/portal_signed_out.html", status=403)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def portal_sign_in(request: HttpRequest, public_id: str) -> HttpResponse:
    """Ask for an address and mail it a link if it takes part; the answer is the same if it does not."""
    program = queries.portal_program(public_id)
    if program is None:
        return render(request, "engagement/portal_unknown.html", status=404)
    form = forms.SignInForm(request.POST or None)
    status = 200
    if request.method == "POST" and form.is_valid():
        mailbox = form.cleaned_data["mailbox"]
        try:
            services.limit_sign_in_requests(
                program=program, mailbox=mailbox, address=request.META.get("REMOTE_ADDR", "")
            )
            with tenant(program.workspace):
                services.request_sign_in(
                    program=program,
                    email=form.cleaned_data["email"],
                    mailbox=mailbox,
                    at=program.workspace.local_time(clock.now()),
                )
        except RateLimited as error:
            add_domain_error(form, error)
            status = error.status
        else:
            return redirect(f"{request.path}?sent=1")
    context = {
        "form": form,
        "program": program,
        **face_of(program.workspace),
        "sent": "sent" in request.GET and request.method != "POST",
    }
    response = render(request, "engagement/portal_sign_in.html", context, status=status)
    if status == RateLimited.status:
        response.headers["Retry-After"] = str(services.WINDOW_SECONDS)
    return response


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def portal_enter(request: HttpRequest, secret: str) -> HttpResponse:
    """Offer to sign in on GET, because mail scanners open every link; only the button uses the link up."""
    workspace = queries.workspace_of_secret(secret)
    if workspace is None:
        return _link_closed(request, status=404)
    at = workspace.local_time(clock.now())
    with tenant(workspace):
        link = queries.magic_link(workspace, secret)
        assert link is not None
        program = link.participant.program
        context = {"program": program, "form": forms.SignInForm(), **face_of(workspace)}
        if request.method != "POST":
            if link.used_at is not None or link.expires_at <= at:
                return _link_closed(request, status=410, **context)
            response = render(request, "engagement/portal_enter.html", context)
            # Not no-referrer: a form sent without its origin would be refused as forged.
            response.headers["Referrer-Policy"] = "same-origin"
            return response
        try:
            participant = services.use_magic_link(workspace=workspace, secret=secret, at=at)
        except services.SignInLinkClosed as error:
            return _link_closed(request, status=error.status, **context)
    request.session.cycle_key()
    request.session[SESSION_KEY] = {"workspace": workspace.pk, "participant": participant.public_id}
    return redirect("portal")


def _link_closed(request: HttpRequest, *, status: int, **context: Any) -> HttpResponse:
    return render(request, "engagement/portal_link_closed.html", context, status=status)


@require_safe
@portal_view
def portal(request: PortalRequest) -> HttpResponse:
    """Everything about the participant's sharing and rewards."""
    return render(request, "engagement/portal.html", page_of_portal(request))


def page_of_portal(request: PortalRequest, *, token: str = "") -> dict[str, Any]:
    """Return what the portal's page shows; with a `token` all its addresses work without cookies."""
    shown = portal_queries.portal_of(request.participant, pages=request.GET.dict(), at=request.at)
    prefix, carried = ("embed", f"?token={token}") if token else ("portal", "")
    drawn = {}
    if shown.link is not None:
        drawn = {
            "qr_png": reverse(f"{prefix}_qr", args=[shown.link.public_id]) + carried,
            "qr_svg": reverse(f"{prefix}_qr_svg", args=[shown.link.public_id]) + carried,
        }
    return {
        "portal": shown,
        "participant": request.participant,
        "program": request.participant.program,
        "missing_form": forms.MissingFriendForm(auto_id="missing_%s"),
        "token": token,
        "page_query": f"token={token}&" if token else "",
        **drawn,
        **face_of(request.workspace),
    }


@require_safe
@portal_view
def portal_qr(request: PortalRequest, public_id: str, drawn_as: str = "png") -> HttpResponse:
    """The QR code of one of the participant's own links; what is scanned counts for the channel `qr`."""
    return qr_of(request.participant, public_id, drawn_as)


def qr_of(participant: Participant, public_id: str, drawn_as: str) -> HttpResponse:
    """Draw the QR code of a participant's own link, as a PNG or an SVG."""
    link = own_link(participant, public_id)
    if link is None:
        raise Http404("You have no such link.")
    draw = {"png": qr.qr_png, "svg": qr.qr_svg}[drawn_as]
    kind = {"png": "image/png", "svg": "image/svg+xml"}[drawn_as]
    response = HttpResponse(
        draw(link_url(link.code, participant.workspace), size=QR_SIZES[drawn_as]), content_type=kind
    )
    response.headers["Content-Disposition"] = f'inline; filename="{link.code}.{drawn_as}"'
    return response


@require_POST
@portal_view
def portal_sign_out(request: PortalRequest) -> HttpResponse:
    """End the portal's session and leave a console sign-in in the same browser as it is."""
    del request.session[SESSION_KEY]
    request.session.cycle_key()
    return redirect("portal_sign_in", request.participant.program.public_id)
