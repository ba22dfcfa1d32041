"""`/api/v1/fulfilments`, `/api/v1/catalogue-items` and `/api/v1/redemptions`."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import actor_of
from accounts.endpoint import WorkspaceEndpoint
from core.errors import Invalid, NotFound
from programs.models import Customer
from rewards import serializers_giving as serializers
from rewards import services
from rewards.models import CatalogueItem, Fulfilment, Redemption
from rewards.queries import giving
from rewards.serializers import Body
from rewards.services import ItemFacts


class GivingEndpoint(WorkspaceEndpoint):
    """What the calls on handing over and spending share."""

    def body(self, request: Request) -> dict[str, Any]:
        """Return the validated body."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        found: dict[str, Any] = serializer.validated_data
        return found

    def fulfilment(self, public_id: str) -> Fulfilment:
        """Return the fulfilment with this id as it stands now; 404 for any other."""
        found: Fulfilment = get_object_or_404(giving.fulfilments(self.workspace), public_id=public_id)
        return found

    def item(self, public_id: str) -> CatalogueItem:
        """Return the item with this id as it stands now; 404 for any other."""
        found: CatalogueItem = get_object_or_404(giving.catalogue(self.workspace), public_id=public_id)
        return found

    def redemption(self, public_id: str) -> Redemption:
        """Return the redemption with this id as it stands now; 404 for any other."""
        found: Redemption = get_object_or_404(giving.redemptions(self.workspace), public_id=public_id)
        return found


class FulfilmentFilter(django_filters.FilterSet):
    """Filters of the list of fulfilments."""

    reward = django_filters.CharFilter(field_name="reward__public_id")
    customer = django_filters.CharFilter(field_name="customer__public_id")

    class Meta:
        model = Fulfilment
        fields = ["status", "kind"]


class FulfilmentList(GivingEndpoint):
    """What is handed over, newest first."""

    serializer_class = serializers.FulfilmentAnswer
    filterset_class = FulfilmentFilter
    queryset = Fulfilment.objects.none()

    def get_queryset(self) -> QuerySet[Fulfilment]:
        return giving.fulfilments(self.workspace)

    @extend_schema(operation_id="fulfilments_list", responses=serializers.FulfilmentAnswer(many=True))
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response([giving.public_fulfilment(row) for row in page or []])


class FulfilmentDetail(GivingEndpoint):
    """One thing that is handed over."""

    serializer_class = serializers.FulfilmentAnswer

    @extend_schema(operation_id="fulfilments_get", responses=serializers.FulfilmentAnswer)
    def get(self, request: Request, public_id: str) -> Response:
        return Response(giving.public_fulfilment(self.fulfilment(public_id)))


class FulfilmentComplete(GivingEndpoint):
    """Record that it was handed over; the reward is then issued. A repetition changes nothing."""

    serializer_class = serializers.CompleteBody

    @extend_schema(operation_id="fulfilments_complete", responses=serializers.FulfilmentAnswer)
    def post(self, request: Request, public_id: str) -> Response:
        row, said = self.fulfilment(public_id), self.body(request)
        services.complete_fulfilment(
            fulfilment=row,
            reference=said.pop("reference"),
            details=said,
            actor=actor_of(request),
            at=self.at,
        )
        return Response(giving.public_fulfilment(self.fulfilment(public_id)))


class FulfilmentRetry(GivingEndpoint):
    """Ask the connection again about what failed, or about what waits for a person."""

    serializer_class = Body

    @extend_schema(operation_id="fulfilments_retry", request=None, responses=serializers.FulfilmentAnswer)
    def post(self, request: Request, public_id: str) -> Response:
        row = self.fulfilment(public_id)
        services.retry_fulfilment(fulfilment=row, actor=actor_of(request), at=self.at)
        return Response(giving.public_fulfilment(self.fulfilment(public_id)))


class ItemFilter(django_filters.FilterSet):
    """Filters of the catalogue."""

    class Meta:
        model = CatalogueItem
        fields = ["status", "kind"]


class ItemList(GivingEndpoint):
    """The catalogue, newest first; a POST adds an item."""

    filterset_class = ItemFilter
    queryset = CatalogueItem.objects.none()

    def get_queryset(self) -> QuerySet[CatalogueItem]:
        return giving.catalogue(self.workspace)

    def get_serializer_class(self) -> type[Any]:
        return (
            serializers.CatalogueItemBody
            if self.request.method == "POST"
            else serializers.CatalogueItemAnswer
        )

    @extend_schema(operation_id="catalogue_items_list", responses=serializers.CatalogueItemAnswer(many=True))
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response([giving.public_item(row) for row in page or []])

    @extend_schema(
        operation_id="catalogue_items_create",
        request=serializers.CatalogueItemBody,
        responses={201: serializers.CatalogueItemAnswer},
    )
    def post(self, request: Request) -> Response:
        item = services.create_item(
            workspace=self.workspace,
            facts=_facts(self.body(request)),
            actor=actor_of(request),
            at=self.at,
        )
        return Response(giving.public_item(item), status=201)


class ItemDetail(GivingEndpoint):
    """One item of the catalogue; a PUT says anew what it is."""

    scopes: ClassVar[dict[str, tuple[str, ...]]] = {"GET": ("read",), "PUT": ("write",)}
    http_method_names = ["get", "head", "put"]

    def get_serializer_class(self) -> type[Any]:
        return (
            serializers.CatalogueItemBody if self.request.method == "PUT" else serializers.CatalogueItemAnswer
        )

    @extend_schema(operation_id="catalogue_items_get", responses=serializers.CatalogueItemAnswer)
    def get(self, request: Request, public_id: str) -> Response:
        return Response(giving.public_item(self.item(public_id)))

    @extend_schema(
        operation_id="catalogue_items_update",
        request=serializers.CatalogueItemBody,
        responses=serializers.CatalogueItemAnswer,
    )
    def put(self, request: Request, public_id: str) -> Response:
        item = self.item(public_id)
        row = services.change_item(
            item=item, facts=_facts(self.body(request)), actor=actor_of(request), at=self.at
        )
        return Response(giving.public_item(row))


class ItemStatus(GivingEndpoint):
    """Take an item out of the catalogue, or put it back in."""

    serializer_class = serializers.CatalogueItemStatusBody

    @extend_schema(operation_id="catalogue_items_status", responses=serializers.CatalogueItemAnswer)
    def post(self, request: Request, public_id: str) -> Response:
        item = self.item(public_id)
        archived = self.body(request)["status"] == CatalogueItem.Status.ARCHIVED
        row = services.archive_item(item=item, archived=archived, actor=actor_of(request), at=self.at)
        return Response(giving.public_item(row))


class RedemptionFilter(django_filters.FilterSet):
    """Filters of the list of redemptions."""

    customer = django_filters.CharFilter(field_name="customer__public_id")
    item = django_filters.CharFilter(field_name="item__public_id")

    class Meta:
        model = Redemption
        fields = ["status", "unit", "order_reference"]


class RedemptionList(GivingEndpoint):
    """What was spent, newest first; a POST spends points on an item, or store credit on an order."""

    filterset_class = RedemptionFilter
    queryset = Redemption.objects.none()

    def get_queryset(self) -> QuerySet[Redemption]:
        return giving.redemptions(self.workspace)

    def get_serializer_class(self) -> type[Any]:
        return serializers.RedemptionBody if self.request.method == "POST" else serializers.RedemptionAnswer

    @extend_schema(operation_id="redemptions_list", responses=serializers.RedemptionAnswer(many=True))
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response([giving.public_redemption(row) for row in page or []])

    @extend_schema(
        operation_id="redemptions_create",
        request=serializers.RedemptionBody,
        responses={201: serializers.RedemptionAnswer},
    )
    def post(self, request: Request) -> Response:
        said = self.body(request)
        customer = Customer.objects.for_workspace(self.workspace).filter(public_id=said["customer"]).first()
        if customer is None:
            raise NotFound("There is no such customer.", param="customer")
        if said["item"]:
            item = giving.catalogue(self.workspace).filter(public_id=said["item"]).first()
            if item is None:
                raise NotFound("There is no such item.", param="item")
            if said["amount_minor"]:
                raise Invalid("An item has its own price.", code="not_allowed", param="amount_minor")
            row = services.redeem_points(
                customer=customer, item=item, key=said["key"], actor=actor_of(request), at=self.at
            )
        else:
            row = services.spend_credit(
                customer=customer,
                amount_minor=said["amount_minor"],
                currency=said["currency"],
                order_reference=said["order_reference"],
                key=said["key"],
                actor=actor_of(request),
                at=self.at,
            )
        return Response(giving.public_redemption(self.redemption(row.public_id)), status=201)


class RedemptionDetail(GivingEndpoint):
    """One thing that somebody spent."""

    serializer_class = serializers.RedemptionAnswer

    @extend_schema(operation_id="redemptions_get", responses=serializers.RedemptionAnswer)
    def get(self, request: Request, public_id: str) -> Response:
        return Response(giving.public_redemption(self.redemption(public_id)))


class RedemptionCancel(GivingEndpoint):
    """Give back what was spent; a repetition changes nothing."""

    serializer_class = serializers.CancelBody

    @extend_schema(operation_id="redemptions_cancel", responses=serializers.RedemptionAnswer)
    def post(self, request: Request, public_id: str) -> Response:
        row = self.redemption(public_id)
        services.cancel_redemption(
            redemption=row, note=self.body(request)["note"], actor=actor_of(request), at=self.at
        )
        return Response(giving.public_redemption(self.redemption(public_id)))


def _facts(said: dict[str, Any]) -> ItemFacts:
    details = {name: said.pop(name) for name in ("sku", "percent_bps")}
    return ItemFacts(**said, details={name: value for name, value in details.items() if value})
