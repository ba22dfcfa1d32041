"""Pages of the webhook endpoints with their deliveries, and the event log."""

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
from integrations import forms, queries
from integrations.models import WebhookEndpoint
from integrations.services import deliveries, repeats, webhooks
from integrations.tables import (
    DeliveryActionTable,
    DeliveryTable,
    EndpointTable,
    EventActionTable,
    EventTable,
)


@require_safe
@console_view("view")
def webhook_list(request: ConsoleRequest) -> HttpResponseBase:
    """Every endpoint with how it is doing."""
    manages = allows(request.member.role, "manage_developers")
    return lists.answer(
        request,
        "integrations/webhook_list.html",
        table=EndpointTable,
        rows=queries.endpoints(request.workspace),
        filters=forms.EndpointFilterForm(request.GET, workspace=request.workspace),
        empty=lists.Empty(
            icon="webhook",
            title="Nobody hears the events yet",
            text="Add an address of your own server, and it is told of every conversion, reward and payout."
            if manages
            else "An administrator can add an endpoint.",
            action_url=reverse("webhook_new", args=[request.workspace.slug]) if manages else "",
            action_label="Add an endpoint",
        ),
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@console_view("manage_developers")
def webhook_new(request: ConsoleRequest) -> HttpResponse:
    """Add an endpoint, then show its signing secret, only then."""
    form = forms.WebhookForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            endpoint, secret = webhooks.create_endpoint(
                workspace=request.workspace, **form.cleaned_data, actor=request.actor, at=request.at
            )
        except DomainError as error:
            add_domain_error(form, error)
        else:
            return _show_secret(request, endpoint, secret, "The endpoint is added.")
    status = 400 if form.errors else 200
    return render(request, "integrations/webhook_new.html", {"form": form}, status=status)


@require_safe
@console_view("view")
def webhook_detail(request: ConsoleRequest, public_id: str) -> HttpResponseBase:
    """One endpoint with each delivery: its state, its attempts and what was answered."""
    endpoint = _endpoint(request, public_id)
    sends = _sends(request, endpoint)
    return lists.answer(
        request,
        "integrations/webhook_detail.html",
        table=DeliveryActionTable if sends else DeliveryTable,
        rows=queries.deliveries_of(endpoint),
        filters=forms.DeliveryFilterForm(request.GET, workspace=request.workspace),
        empty=lists.Empty(
            icon="webhook",
            title="No deliveries yet",
            text="The next event that this endpoint hears shows up here. A test event shows at once.",
        ),
        bulk=lists.Bulk(
            url=reverse("webhook_delivery_bulk", args=[request.workspace.slug, public_id]),
            template="integrations/_delivery_bulk.html",
        )
        if sends
        else None,
        context={"endpoint": endpoint, "now": clock.now()},
    )


def _sends(request: ConsoleRequest, endpoint: WebhookEndpoint) -> bool:
    enabled = endpoint.status == WebhookEndpoint.Status.ENABLED
    return enabled and allows(request.member.role, "manage_developers")


@require_safe
@console_view("view")
def webhook_delivery_detail(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """One delivery: what is sent, and each attempt with what was answered."""
    delivery = get_object_or_404(queries.deliveries(request.workspace), public_id=public_id)
    context = {"delivery": delivery, "sends": _sends(request, delivery.endpoint)}
    return render(request, "integrations/webhook_delivery_detail.html", context)


@require_POST
@console_view("manage_developers")
def webhook_enable(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Send to an endpoint again."""
    webhooks.enable_endpoint(endpoint=_endpoint(request, public_id), actor=request.actor)
    messages.success(request, "Events are sent to this endpoint again, from the next one on.")
    return redirect("webhook_detail", request.workspace.slug, public_id)


@require_POST
@console_view("manage_developers")
def webhook_disable(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Stop sending to an endpoint."""
    reason = f"Switched off by {request.actor.label}."
    webhooks.disable_endpoint(endpoint=_endpoint(request, public_id), reason=reason, actor=request.actor)
    messages.success(request, "Nothing is sent to this endpoint any more.")
    return redirect("webhook_detail", request.workspace.slug, public_id)


@never_cache
@require_POST
@console_view("manage_developers")
def webhook_rotate(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Make a new signing secret and show it, once; the old one signs too for 24 hours."""
    endpoint = _endpoint(request, public_id)
    secret = webhooks.rotate_secret(endpoint=endpoint, actor=request.actor, at=clock.now())
    return _show_secret(request, endpoint, secret, "The secret was rotated.")


@require_POST
@console_view("manage_developers")
def webhook_test(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Send a test event to an endpoint."""
    deliveries.send_test_event(endpoint=_endpoint(request, public_id), at=clock.now())
    messages.success(request, "A test event is on its way; reload the page to see the answer.")
    return redirect("webhook_detail", request.workspace.slug, public_id)


@require_POST
@console_view("manage_developers")
def webhook_delivery_retry(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Send a delivery again now."""
    delivery = get_object_or_404(queries.deliveries(request.workspace), public_id=public_id)
    deliveries.retry_delivery(delivery=delivery, at=clock.now())
    messages.success(request, "The event is being delivered again.")
    return redirect("webhook_detail", request.workspace.slug, delivery.endpoint.public_id)


@require_POST
@console_view("manage_developers")
def webhook_delivery_bulk(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Send the chosen deliveries of an endpoint again now."""
    chosen = queries.deliveries_of(_endpoint(request, public_id))
    found = list(chosen.filter(public_id__in=request.POST.getlist("chosen")))
    count = repeats.retry_deliveries(deliveries=found, at=clock.now())
    messages.success(request, f"{count} event{'' if count == 1 else 's'} on the way again.")
    return redirect("webhook_detail", request.workspace.slug, public_id)


@require_safe
@console_view("view")
def event_log(request: ConsoleRequest) -> HttpResponseBase:
    """Everything that happened, and whether each handler has taken it."""
    manages = allows(request.member.role, "manage_developers")
    return lists.answer(
        request,
        "integrations/event_log.html",
        table=EventActionTable if manages else EventTable,
        rows=queries.event_log(request.workspace),
        filters=forms.EventFilterForm(request.GET, workspace=request.workspace),
        empty=lists.Empty(
            icon="activity",
            title="No events here",
            text="Everything that happens in the workspace is listed here, newest first.",
        ),
        bulk=lists.Bulk(
            url=reverse("event_bulk", args=[request.workspace.slug]),
            template="integrations/_event_bulk.html",
        )
        if manages
        else None,
    )


@require_POST
@console_view("manage_developers")
def event_bulk(request: ConsoleRequest) -> HttpResponse:
    """Deliver the chosen events again to the handlers that gave up on them."""
    chosen = queries.event_log(request.workspace).filter(public_id__in=request.POST.getlist("chosen"))
    count = repeats.retry_events(events=list(chosen), at=clock.now())
    messages.success(request, f"{count} event{'' if count == 1 else 's'} on the way again.")
    return redirect("event_log", request.workspace.slug)


@require_POST
@console_view("manage_developers")
def event_retry(request: ConsoleRequest, public_id: str) -> HttpResponse:
    """Deliver an event again to the handlers that gave up on it."""
    event = get_object_or_404(queries.event_log(request.workspace), public_id=public_id)
    revived = deliveries.retry_event(event=event, at=clock.now())
    if revived:
        messages.success(request, "The event is being delivered again.")
    else:
        messages.info(request, "Every handler has taken this event already, or is still trying.")
    return redirect("event_log", request.workspace.slug)


def _show_secret(
    request: ConsoleRequest, endpoint: WebhookEndpoint, secret: str, headline: str
) -> HttpResponse:
    context = {"endpoint": endpoint, "secret": secret, "headline": headline}
    return render(request, "integrations/webhook_secret.html", context)


def _endpoint(request: ConsoleRequest, public_id: str) -> WebhookEndpoint:
    return get_object_or_404(queries.endpoints(request.workspace), public_id=public_id)
