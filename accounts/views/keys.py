"""API keys: listed, created with their token shown once, revoked."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import queries, services
from accounts.access import ConsoleRequest, console_view
from accounts.forms import ApiKeyForm
from core import clock
from core.errors import DomainError
from core.forms import add_domain_error
from core.paging import page_of


@require_safe
@console_view("manage_developers")
def api_key_list(request: ConsoleRequest) -> HttpResponse:
    """List the keys by their first characters."""
    page = page_of(request, queries.api_keys(request.workspace))
    return render(request, "accounts/api_keys.html", {"page": page})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@console_view("manage_developers")
def api_key_new(request: ConsoleRequest) -> HttpResponse:
    """Create a key; the answer to the form is the only page that ever shows its token."""
    form = ApiKeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            key, token = services.create_api_key(
                workspace=request.workspace, **form.cleaned_data, actor=request.actor, at=clock.now()
            )
        except DomainError as error:
            add_domain_error(form, error)
        else:
            # No redirect: the token would have to be kept somewhere to be shown after one.
            return render(request, "accounts/api_key_created.html", {"key": key, "token": token})
    return render(request, "accounts/api_key_new.html", {"form": form}, status=400 if form.errors else 200)


@require_POST
@console_view("manage_developers")
def api_key_revoke(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """End a key at once."""
    key = get_object_or_404(queries.api_keys(request.workspace), public_id=public_id)
    services.revoke_api_key(key=key, actor=request.actor, at=clock.now())
    messages.success(request, f"The key {key.name} opens nothing any more.")
    return redirect("api_key_list", request.workspace.slug)
