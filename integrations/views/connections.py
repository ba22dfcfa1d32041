"""Pages of the connections to shops and of what they have sent."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import ConsoleRequest, console_view
from core import clock
from core.errors import DomainError
from core.forms import add_domain_error
from core.paging import page_of
from integrations import forms, queries
from integrations.models import Connection
from integrations.services import connections as services
from integrations.services import inbox
from integrations.views.bodies import readable


@require_safe
@console_view("view")
def connection_list(request: ConsoleRequest) -> HttpResponse:
    """Every connection with its health."""
    page = page_of(request, queries.connections(request.workspace))
    health = queries.health_of(request.workspace, page.object_list)
    rows = [(connection, health[connection.pk]) for connection in page.object_list]
    return render(request, "integrations/connection_list.html", {"page": page, "rows": rows})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@console_view("manage_integrations")
def connection_new(request: ConsoleRequest) -> HttpResponse:
    """Connect a shop, then show the address and the secret to enter there; the secret is shown only then."""
    form = forms.ConnectionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            connection, secret = services.create_connection(
                workspace=request.workspace, **form.cleaned_data, actor=request.actor, at=request.at
            )
        except DomainError as error:
            add_domain_error(form, error)
        else:
            return _show_secret(request, connection, secret, "The shop is connected.")
    status = 400 if form.errors else 200
    return render(request, "integrations/connection_new.html", {"form": form}, status=status)


@require_safe
@console_view("view")
def connection_detail(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """One connection: how it is doing, and each message with what came of it."""
    return render(request, "integrations/connection_detail.html", _detail(request, public_id))


def _detail(request: ConsoleRequest, public_id: str) -> dict[str, Any]:
    connection = _connection(request, public_id)
    form = forms.InboxFilterForm(request.GET)
    return {
        "connection": connection,
        "hook_url": queries.hook_url(connection),
        "health": queries.health_of(request.workspace, [connection])[connection.pk],
        "form": form,
        "page": page_of(request, form.narrow(connection)),
        "secret_form": forms.SecretForm(),
    }


@require_POST
@console_view("manage_integrations")
def connection_enable(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Accept the shop's messages again."""
    services.enable_connection(connection=_connection(request, public_id), actor=request.actor)
    messages.success(request, "Messages of this shop are accepted again.")
    return redirect("connection_detail", request.workspace.slug, public_id)


@require_POST
@console_view("manage_integrations")
def connection_disable(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Refuse the shop's messages from now on."""
    services.disable_connection(connection=_connection(request, public_id), actor=request.actor)
    messages.success(request, "Messages of this shop are refused from now on.")
    return redirect("connection_detail", request.workspace.slug, public_id)


@never_cache
@require_POST
@console_view("manage_integrations")
def connection_secret(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Replace the secret and show the new one, once."""
    form = forms.SecretForm(request.POST)
    connection = _connection(request, public_id)
    if form.is_valid():
        try:
            secret = services.replace_secret(
                connection=connection, **form.cleaned_data, actor=request.actor, at=clock.now()
            )
        except DomainError as error:
            add_domain_error(form, error)
        else:
            return _show_secret(request, connection, secret, "The secret was replaced.")
    context = {**_detail(request, public_id), "secret_form": form}
    return render(request, "integrations/connection_detail.html", context, status=400)


def _show_secret(request: ConsoleRequest, connection: Connection, secret: str, headline: str) -> HttpResponse:
    # Answered without a redirect: a secret that waits for the next request would have to be stored in clear.
    context = {
        "connection": connection,
        "secret": secret,
        "hook_url": queries.hook_url(connection),
        "headline": headline,
    }
    return render(request, "integrations/connection_secret.html", context)


@require_safe
@console_view("view")
def inbox_item_detail(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """One message: what came of it and why; its body for those who manage integrations."""
    item = get_object_or_404(queries.inbox_items(request.workspace), public_id=public_id)
    context = {"item": item, "body": readable(bytes(item.body))}
    return render(request, "integrations/inbox_item_detail.html", context)


@require_POST
@console_view("manage_integrations")
def inbox_item_retry(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Read a message again that failed or was set aside."""
    item = get_object_or_404(queries.inbox_items(request.workspace), public_id=public_id)
    inbox.retry_item(item=item, at=clock.now())
    messages.success(request, "The message will be read again in a moment.")
    return redirect("inbox_item_detail", request.workspace.slug, public_id)


def _connection(request: ConsoleRequest, public_id: str) -> Connection:
    return get_object_or_404(queries.connections(request.workspace), public_id=public_id)
