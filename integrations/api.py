"""Incoming webhooks, and `/api/v1/webhook-endpoints`, `/deliveries` and `/events`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import django_filters
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import actor_of
from accounts.endpoint import WorkspaceEndpoint
from core import clock
from core.api import CursorPages, MethodNotAllowed
from core.errors import DomainError, Invalid, NotFound, Unauthorised
from core.models import Event
from core.tenancy import tenant
from integrations import queries, serializers
from integrations.models import Connection, WebhookDelivery, WebhookEndpoint
from integrations.providers import Retry
from integrations.providers.hearing import HEARERS
from integrations.services import deliveries, inbox, paying, webhooks

SETTLED: Final = timedelta(seconds=5)
"""How old an event is before the feed shows it: time for transactions that began before it to commit."""


class Gone(DomainError):
    """The address was closed on purpose."""

    status = 410
    default_code = "connection_disabled"


class Unknown(DomainError):
    """The sender could not be told, for a reason that passes."""

    status = 503
    default_code = "try_again"


@csrf_exempt
def receive_hook(request: HttpRequest, provider: str, public_id: str) -> HttpResponse:
    """Store a shop's or payout provider's webhook and answer; what it means is worked out afterwards.

    404 for an unknown address, 401 without the right signature, 410 for a disabled connection, 503 while it
    cannot be found out whose signature it is. A repetition is answered like the first, with `repeated`. The
    unsigned ping of a new webhook is answered and forgotten.
    """
    if request.method != "POST":
        raise MethodNotAllowed("Webhooks are sent as POST.")
    connection = queries.connection_for_hook(provider, public_id)
    if connection is None:
        raise NotFound("There is no connection at this address.")
    speaks = HEARERS[connection.provider]
    headers, body, at = request.headers, request.body, clock.now()
    if speaks.is_ping(headers, body):
        return JsonResponse({"received": True, "id": None, "repeated": False})
    try:
        signed = speaks.is_signed(
            headers, body, queries.accepted_secrets(connection, at=at), paying.wire(at=at, seconds=5)
        )
    except Retry as error:
        raise Unknown("Whose message this is cannot be found out now; send it again.") from error
    if not signed:
        raise Unauthorised("The signature is missing or wrong.", code="bad_signature")
    if connection.status != Connection.Status.ACTIVE:
        raise Gone("This connection is disabled.")
    with tenant(connection.workspace_id):
        received = inbox.receive(
            connection=connection,
            topic=_storable(speaks.topic(headers, body)),
            fingerprint=speaks.fingerprint(headers, body),
            body=body,
            at=at,
        )
    return JsonResponse({"received": True, "id": received.item_id, "repeated": received.repeated})


def _storable(topic: str) -> str:
    return "".join(filter(str.isprintable, topic))


class WebhookEndpointList(WorkspaceEndpoint):
    """Webhook endpoints, newest first; POST adds one."""

    serializer_class = serializers.WebhookEndpointAnswer
    queryset = WebhookEndpoint.objects.none()
    filterset_fields = ("status",)

    def get_queryset(self) -> QuerySet[WebhookEndpoint]:
        return queries.endpoints(self.workspace)

    @extend_schema(
        operation_id="webhook_endpoints_list", responses=serializers.WebhookEndpointAnswer(many=True)
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        operation_id="webhook_endpoints_create",
        request=serializers.WebhookEndpointBody,
        responses={201: serializers.WebhookEndpointCreated},
    )
    def post(self, request: Request) -> Response:
        body = serializers.WebhookEndpointBody(data=request.data)
        body.is_valid(raise_exception=True)
        endpoint, secret = webhooks.create_endpoint(
            workspace=self.workspace, **body.validated_data, actor=actor_of(request), at=self.at
        )
        answer = {**self.get_serializer(endpoint).data, "secret": secret}
        return Response(answer, status=201)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Keep the secret out of the answer that is stored for a repetition under the same key."""
        data: Any = getattr(response, "data", None)
        secret = data.get("secret") if isinstance(data, dict) else None
        if secret is None:
            return super().finalize_response(request, response, *args, **kwargs)
        data["secret"] = None
        final = super().finalize_response(request, response, *args, **kwargs)
        data["secret"] = secret
        return final


class WebhookEndpointDetail(WorkspaceEndpoint):
    """One webhook endpoint; DELETE disables it and keeps its deliveries."""

    serializer_class = serializers.WebhookEndpointAnswer

    @extend_schema(operation_id="webhook_endpoints_get", responses=serializers.WebhookEndpointAnswer)
    def get(self, request: Request, public_id: str) -> Response:
        endpoint = get_object_or_404(queries.endpoints(self.workspace), public_id=public_id)
        return Response(self.get_serializer(endpoint).data)

    @extend_schema(operation_id="webhook_endpoints_disable", responses=serializers.WebhookEndpointAnswer)
    def delete(self, request: Request, public_id: str) -> Response:
        endpoint = get_object_or_404(queries.endpoints(self.workspace), public_id=public_id)
        disabled = webhooks.disable_endpoint(
            endpoint=endpoint, reason="Disabled through the API.", actor=actor_of(request)
        )
        return Response(self.get_serializer(disabled).data)


class DeliveryFilter(django_filters.FilterSet):
    """Filters of the list of deliveries."""

    kind = django_filters.CharFilter(field_name="event__kind")

    class Meta:
        model = WebhookDelivery
        fields = ["state"]


class WebhookDeliveryList(WorkspaceEndpoint):
    """An endpoint's deliveries with every attempt, newest first."""

    serializer_class = serializers.WebhookDeliveryAnswer
    filterset_class = DeliveryFilter
    queryset = WebhookDelivery.objects.none()

    def get_queryset(self) -> QuerySet[WebhookDelivery]:
        endpoint = get_object_or_404(queries.endpoints(self.workspace), public_id=self.kwargs["public_id"])
        return queries.deliveries_of(endpoint)

    @extend_schema(
        operation_id="webhook_deliveries_list", responses=serializers.WebhookDeliveryAnswer(many=True)
    )
    def get(self, request: Request, public_id: str) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class WebhookDeliveryRetry(WorkspaceEndpoint):
    """Send a delivery again now."""

    serializer_class = serializers.WebhookDeliveryAnswer

    @extend_schema(
        operation_id="webhook_deliveries_retry",
        request=None,
        responses={202: serializers.WebhookDeliveryAnswer},
    )
    def post(self, request: Request, public_id: str) -> Response:
        delivery = get_object_or_404(queries.deliveries(self.workspace), public_id=public_id)
        deliveries.retry_delivery(delivery=delivery, at=clock.now())
        again = queries.deliveries(self.workspace).get(pk=delivery.pk)
        return Response(self.get_serializer(again).data, status=202)


class OldestFirst(CursorPages):
    """Lists oldest first behind `after`, the id of the last event you have."""

    def paginate_queryset(
        self, queryset: QuerySet[Any] | Sequence[Any], request: Request, view: Any | None = None
    ) -> list[Any]:
        limit = self._limit(request.query_params.get("limit"))
        rows = list(queryset[: limit + 1])
        self.has_more = len(rows) > limit
        return rows[:limit]

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        shared = super().get_schema_operation_parameters(view)
        return [parameter for parameter in shared if parameter["name"] == "limit"]


class EventFeed(WorkspaceEndpoint):
    """The workspace's events, oldest first: a log to replay from wherever a receiver stopped.

    An event shows a few seconds after it happened, so that none that was written meanwhile is passed over.
    """

    serializer_class = serializers.EventAnswer
    pagination_class = OldestFirst
    queryset = Event.objects.none()
    filterset_fields = ("kind",)

    def get_queryset(self) -> QuerySet[Event]:
        named = self.request.query_params.get("after")
        after = None
        if named is not None:
            after = queries.event_log(self.workspace).filter(public_id=named).first()
            if after is None:
                raise Invalid("There is no such event.", code="unknown_event", param="after")
        return queries.events_after(self.workspace, after=after, before=clock.now() - SETTLED)

    @extend_schema(
        operation_id="events_list",
        parameters=[OpenApiParameter("after", str, description="id of the last event you have")],
        responses=serializers.EventAnswer(many=True),
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)
