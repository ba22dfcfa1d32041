"""Pages of the connections to payout providers and of what they pay out."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import ConsoleRequest, console_view
from accounts.permissions import allows
from core import clock, lists
from core.errors import DomainError
from core.forms import add_domain_error
from core.paging import page_of
from integrations import payout_forms, payout_queries, queries
from integrations.models import Connection
from integrations.payout_tables import RunActionTable, RunTable
from integrations.providers.payout_registry import PAYOUT_PROVIDERS, PayoutProvider
from integrations.services import connections, paying
from integrations.services import payout_connections as services

_MESSAGES_SHOWN = 10


@require_safe
@console_view("view")
def payout_provider_list(request: ConsoleRequest) -> HttpResponse:
    """Every connected payout provider with how it is doing, and those that can be connected."""
    page = page_of(request, payout_queries.payout_connections(request.workspace), per_page=24)
    rows = [(each, PAYOUT_PROVIDERS[each.provider].label) for each in page.object_list]
    context = {"page": page, "rows": rows, "providers": list(PAYOUT_PROVIDERS.values())}
    return render(request, "integrations/payout_provider_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@console_view("manage_integrations")
def payout_provider_new(request: ConsoleRequest) -> HttpResponse:
    """Connect a payout provider; which one stands in the address."""
    provider = PAYOUT_PROVIDERS.get(request.GET.get("provider", "paypal"))
    if provider is None:
        raise Http404
    form = payout_forms.PayoutProviderForm(request.POST or None, provider=provider)
    if request.method == "POST" and form.is_valid():
        try:
            connection = services.connect_provider(
                workspace=request.workspace,
                provider=provider.name,
                **form.given(),
                actor=request.actor,
                at=request.at,
            )
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, f"{provider.label} is connected. Check the keys now.")
            return redirect("payout_provider_detail", request.workspace.slug, connection.public_id)
    context = {"form": form, "provider": provider}
    return render(
        request, "integrations/payout_provider_new.html", context, status=400 if form.errors else 200
    )


@require_safe
@console_view("view")
def payout_provider_detail(request: ConsoleRequest, public_id: str) -> HttpResponseBase:
    """One payout provider: what is on its way through it, its messages, and how to set it up."""
    return _detail(request, _connection(request, public_id))


def _detail(
    request: ConsoleRequest, connection: Connection, *, form: payout_forms.PayoutKeysForm | None = None
) -> HttpResponseBase:
    provider = PAYOUT_PROVIDERS[connection.provider]
    manages = allows(request.member.role, "manage_integrations")
    return lists.answer(
        request,
        "integrations/payout_provider_detail.html",
        table=RunActionTable if manages else RunTable,
        rows=payout_queries.runs_of(connection),
        filters=payout_forms.RunFilterForm(request.GET, workspace=request.workspace),
        empty=lists.Empty(
            icon="wallet",
            title="Nothing has been paid through it yet",
            text="A batch with this method comes here as soon as a second person has approved it.",
            action_url=reverse("batch_list", args=[request.workspace.slug]),
            action_label="Look at the payouts",
        ),
        context={
            "connection": connection,
            "provider": provider,
            "hook_url": queries.hook_url(connection),
            "messages_in": queries.inbox(connection)[:_MESSAGES_SHOWN],
            "form": form or _keys_form(connection, provider),
        },
    )


@require_POST
@console_view("manage_integrations")
def payout_provider_keys(request: ConsoleRequest, public_id: str) -> HttpResponseBase:
    """Replace the keys."""
    connection = _connection(request, public_id)
    form = _keys_form(connection, PAYOUT_PROVIDERS[connection.provider], request.POST)
    if form.is_valid():
        try:
            services.replace_provider_keys(connection=connection, **form.given(), actor=request.actor)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, "The keys are saved.")
            return redirect("payout_provider_detail", request.workspace.slug, public_id)
    answer = _detail(request, connection, form=form)
    answer.status_code = 400
    return answer


@require_POST
@console_view("manage_integrations")
def payout_provider_check(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Ask the provider whether the keys open what is needed."""
    connection = _connection(request, public_id)
    try:
        messages.success(request, services.check_provider(connection=connection, at=clock.now()))
    except DomainError as error:
        messages.error(request, error.message)
    return redirect("payout_provider_detail", request.workspace.slug, public_id)


@require_POST
@console_view("manage_integrations")
def payout_provider_disconnect(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Hand nothing over any more, and refuse the provider's messages."""
    connections.disable_connection(connection=_connection(request, public_id), actor=request.actor)
    messages.success(request, "It is disconnected: nothing more is handed over to it.")
    return redirect("payout_provider_detail", request.workspace.slug, public_id)


@require_POST
@console_view("manage_integrations")
def payout_provider_connect(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Use a disconnected provider again."""
    connections.enable_connection(connection=_connection(request, public_id), actor=request.actor)
    messages.success(request, "It is connected again. Let stopped parts go on below.")
    return redirect("payout_provider_detail", request.workspace.slug, public_id)


@require_POST
@console_view("manage_integrations")
def payout_run_retry(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Let a stopped part of a batch go on; whoever was paid is not paid again."""
    run = get_object_or_404(payout_queries.runs(request.workspace), public_id=public_id)
    paying.retry_run(run=run, actor=request.actor, at=clock.now())
    messages.success(request, "It goes on in a moment. Nobody is paid twice.")
    return redirect("payout_provider_detail", request.workspace.slug, run.connection.public_id)


def _keys_form(
    connection: Connection, provider: PayoutProvider, data: Any = None
) -> payout_forms.PayoutKeysForm:
    known = next((name for name, url in provider.addresses.items() if url == connection.shop_url), "live")
    return payout_forms.PayoutKeysForm(
        data,
        provider=provider,
        known=bool(connection.sealed_keys),
        initial={**connection.options, "environment": known},
    )


def _connection(request: ConsoleRequest, public_id: str) -> Connection:
    return get_object_or_404(payout_queries.payout_connections(request.workspace), public_id=public_id)
