"""API keys: listed, created with their token shown once, revoked."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import queries, services
from accounts.access import ConsoleRequest, console_view
from accounts.forms import ApiKeyFilterForm, ApiKeyForm
from accounts.models import ApiKey
from accounts.snippet import snippet_tag
from accounts.tables import ApiKeyTable
from core import clock, lists
from core.errors import DomainError
from core.forms import add_domain_error


@require_safe
@console_view("manage_developers")
def api_key_list(request: ConsoleRequest) -> HttpResponseBase:
    """List the keys by their first characters."""
    slug = request.workspace.slug
    return lists.answer(
        request,
        "accounts/api_key_list.html",
        table=ApiKeyTable,
        rows=queries.api_keys(request.workspace),
        filters=ApiKeyFilterForm(request.GET, workspace=request.workspace),
        empty=lists.Empty(
            icon="key",
            title="No keys yet",
            text="Your server sends clicks, leads and sales with a key.",
            action_url=reverse("api_key_new", args=[slug]),
            action_label="New key",
        ),
        bulk=lists.Bulk(url=reverse("api_key_bulk", args=[slug]), template="accounts/_api_key_bulk.html"),
    )


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
            context = {"key": key, "token": token, "tag": snippet_tag(key) if key.public_token else ""}
            return render(request, "accounts/api_key_created.html", context)
    return render(request, "accounts/api_key_new.html", {"form": form}, status=400 if form.errors else 200)


@require_safe
@console_view("manage_developers")
def snippet(request: ConsoleRequest) -> HttpResponse:
    """Show the tag to put into a site's pages, for each publishable key that is live."""
    live = queries.api_keys(request.workspace).filter(
        kind=ApiKey.Kind.PUBLISHABLE, revoked_at__isnull=True, expires_at__isnull=True
    )
    tags = [{"key": key, "tag": snippet_tag(key)} for key in live[:MOST_TAGS] if key.public_token]
    return render(request, "accounts/snippet.html", {"tags": tags})


MOST_TAGS: Final = 20


@require_POST
@console_view("manage_developers")
def api_key_revoke(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """End a key at once."""
    key = get_object_or_404(queries.api_keys(request.workspace), public_id=public_id)
    services.revoke_api_key(key=key, actor=request.actor, at=clock.now())
    messages.success(request, f"The key {key.name} opens nothing any more.")
    return redirect("api_key_list", request.workspace.slug)


@require_POST
@console_view("manage_developers")
def api_key_bulk(request: ConsoleRequest) -> HttpResponse:
    """End the chosen keys at once."""
    chosen = queries.api_keys(request.workspace).filter(public_id__in=request.POST.getlist("chosen"))
    ended = services.revoke_api_keys(keys=list(chosen), actor=request.actor, at=clock.now())
    messages.success(request, f"{ended} key{'' if ended == 1 else 's'} revoked.")
    return redirect("api_key_list", request.workspace.slug)
