"""Serves public pages on the workspaces' own domains, each with its own workspace's pages only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.http.request import split_domain_port, validate_host

from accounts.queries import host_owner
from engagement.queries.sign_in import portal_program
from programs.queries import resolve_code
from tracking.views import link_redirect


class OwnHostMiddleware:
    """Answer a verified own domain with the addresses of `referral_platform.own_host_urls`.

    Any other host that is not among ALLOWED_HOSTS stays refused by Django.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        host = request.META.get("HTTP_HOST", "")
        name, _ = split_domain_port(host)
        if name and not validate_host(name, settings.ALLOWED_HOSTS):
            owner = host_owner(name)
            if owner is not None:
                request.own_workspace_id = owner  # type: ignore[attr-defined]
                request.urlconf = "referral_platform.own_host_urls"
                # The name is proved: Django's own list cannot know it.
                request.get_host = lambda: host  # type: ignore[method-assign]
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponseBase], args: Any, kwargs: dict[str, Any]
    ) -> None:
        """Refuse what belongs to another workspace than the domain does."""
        owner = getattr(request, "own_workspace_id", None)
        if owner is None:
            return
        if "code" in kwargs:
            found = resolve_code(kwargs["code"])
            theirs = found is not None and found.workspace_id != owner
        elif request.resolver_match and request.resolver_match.url_name in ("portal_sign_in", "terms"):
            program = portal_program(kwargs["public_id"])
            theirs = program is not None and program.workspace_id != owner
        else:
            return
        if theirs:
            raise Http404("This belongs to another workspace.")


def short_link(request: HttpRequest, code: str) -> HttpResponseBase:
    """Lead on as `/r/<code>` does."""
    return link_redirect(request, code)
