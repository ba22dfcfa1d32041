"""Pages of the connections to shops and of what they have sent."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import ConsoleRequest, console_view
from accounts.permissions import allows
from core import clock, lists
from core.errors import DomainError
from core.forms import add_domain_error
from core.paging import page_of
from integrations import forms, queries
from integrations.models import Connection
from integrations.providers.payout_registry import PAYOUT_PROVIDERS
from integrations.providers.registry import PROVIDERS
from integrations.services import connections as services
from integrations.services import inbox, repeats
from integrations.tables import InboxActionTable, InboxTable
from integrations.views.bodies import readable


@require_safe
@console_view("view")
def connection_list(request: ConsoleRequest) -> HttpResponse:
    """Every connection with its health, and the shop systems that can be connected."""
    page = page_of(request, queries.connections(request.workspace), per_page=24)
    health = queries.health_of(request.workspace, page.object_list)
    labels = {each.name: each.label for each in PROVIDERS.values()}
    rows = [(each, labels.get(each.provider, each.provider), health[each.pk]) for each in page.object_list]
    context = {"page": page, "rows": rows, "providers": list(PROVIDERS.values())}
    return render(request, "integrations/connection_list.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@console_view("manage_integrations")
def connection_new(request: ConsoleRequest) -> HttpResponse:
    """Connect a shop, then show the address and the secret to enter there; the secret is shown only then."""
    form = forms.ConnectionForm(request.POST or None, initial={"provider": request.GET.get("provider")})
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
def connection_detail(request: ConsoleRequest, public_id: str) -> HttpResponseBase:
    """One connection: how it is doing, and each message with what came of it."""
    return _detail(request, _connection(request, public_id))


def _detail(
    request: ConsoleRequest,
    connection: Connection,
    *,
    secret_form: forms.SecretForm | None = None,
    keys_form: forms.ShopKeysForm | None = None,
) -> HttpResponseBase:
    manages = allows(request.member.role, "manage_integrations")
    slug = request.workspace.slug
    return lists.answer(
        request,
        "integrations/connection_detail.html",
        table=InboxActionTable if manages else InboxTable,
        rows=queries.inbox(connection),
        filters=forms.InboxFilterForm(
            request.GET, workspace=request.workspace, topics=queries.topics(connection)
        ),
        empty=lists.Empty(
            icon="inbox",
            title="Nothing has come in yet",
            text="Set the webhooks up in the shop as described below, then change an order there.",
        ),
        bulk=lists.Bulk(
            url=reverse("inbox_bulk", args=[slug, connection.public_id]),
            template="integrations/_inbox_bulk.html",
        )
        if manages
        else None,
        context={
            "connection": connection,
            "provider": PROVIDERS.get(connection.provider),
            "hook_url": queries.hook_url(connection),
            "health": queries.health_of(request.workspace, [connection])[connection.pk],
            "secret_form": secret_form or forms.SecretForm(),
            "keys_form": keys_form or forms.ShopKeysForm(initial={"shop_url": connection.shop_url}),
        },
    )


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
def connection_secret(request: ConsoleRequest, public_id: str) -> HttpResponseBase:
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
    answer = _detail(request, connection, secret_form=form)
    answer.status_code = 400
    return answer


@require_POST
@console_view("manage_integrations")
def connection_keys(request: ConsoleRequest, public_id: str) -> HttpResponseBase:
    """Keep the keys by which the shop's API is asked about orders."""
    form = forms.ShopKeysForm(request.POST)
    connection = _connection(request, public_id)
    if form.is_valid():
        try:
            services.set_shop_keys(connection=connection, **form.cleaned_data, actor=request.actor)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, "The keys are saved.")
            return redirect("connection_detail", request.workspace.slug, public_id)
    answer = _detail(request, connection, keys_form=form)
    answer.status_code = 400
    return answer


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
    page = "payout_provider_detail" if item.connection.provider in PAYOUT_PROVIDERS else "connection_detail"
    context = {
        "item": item,
        "body": readable(bytes(item.body)),
        "connection_url": reverse(page, args=[request.workspace.slug, item.connection.public_id]),
    }
    return render(request, "integrations/inbox_item_detail.html", context)


@require_POST
@console_view("manage_integrations")
def inbox_item_retry(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Read a message again that failed or was set aside."""
    item = get_object_or_404(queries.inbox_items(request.workspace), public_id=public_id)
    inbox.retry_item(item=item, at=clock.now())
    messages.success(request, "The message will be read again in a moment.")
    return redirect("inbox_item_detail", request.workspace.slug, public_id)


@require_POST
@console_view("manage_integrations")
def inbox_bulk(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Read the chosen messages of a connection again."""
    connection = _connection(request, public_id)
    chosen = queries.inbox(connection).filter(public_id__in=request.POST.getlist("chosen"))
    count = repeats.retry_items(items=list(chosen), at=clock.now())
    messages.success(request, f"{count} message{'' if count == 1 else 's'} will be read again in a moment.")
    return redirect("connection_detail", request.workspace.slug, public_id)


def _connection(request: ConsoleRequest, public_id: str) -> Connection:
    return get_object_or_404(queries.connections(request.workspace), public_id=public_id)
