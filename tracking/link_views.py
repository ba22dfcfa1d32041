"""The clicks of one link, as the part of its page that renews itself."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import ConsoleRequest, console_view
from tracking import link_queries


@require_safe
@console_view("view")
def link_clicks(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Show the clicks by channel, what did not count and why, and the newest; `?paused=1` stands still."""
    link = link_queries.link_named(request.workspace, public_id)
    if link is None:
        raise Http404("There is no such link.")
    context = {
        "link": link,
        "clicks": link_queries.link_clicks(link, at=request.at),
        "days": link_queries.DAYS,
        "paused": bool(request.GET.get("paused")),
    }
    response = render(request, "tracking/_link_clicks.html", context)
    response.headers["Cache-Control"] = "private, no-store"
    return response
