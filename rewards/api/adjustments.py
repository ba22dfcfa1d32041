"""`/api/v1/adjustments` and `/api/v1/money-settings`."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from core.errors import NotFound
from programs.queries import customers_of
from rewards import person_serializers as serializers
from rewards import queries, services
from rewards.api.people import PersonEndpoint
from rewards.models import Adjustment


class AdjustmentFilter(django_filters.FilterSet):
    """Filters of the list of adjustments."""

    customer = django_filters.CharFilter(field_name="customer__public_id")

    class Meta:
        model = Adjustment
        fields = ["status", "place", "unit"]


class AdjustmentList(PersonEndpoint):
    """Money given or taken by hand, newest first; a POST gives or takes it.

    Above the workspace's limit it waits until a second person decides in the console.
    """

    filterset_class = AdjustmentFilter
    queryset = Adjustment.objects.none()

    def get_queryset(self) -> QuerySet[Adjustment]:
        return queries.adjustments(self.workspace)

    def get_serializer_class(self) -> type[Any]:
        return serializers.AdjustmentBody if self.request.method == "POST" else serializers.AdjustmentAnswer

    @extend_schema(operation_id="adjustments_list", responses=serializers.AdjustmentAnswer(many=True))
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(serializers.AdjustmentAnswer(page, many=True).data)

    @extend_schema(
        operation_id="adjustments_create",
        request=serializers.AdjustmentBody,
        responses={201: serializers.AdjustmentAnswer},
    )
    def post(self, request: Request) -> Response:
        given = self.body(request)
        customer = customers_of(self.workspace).filter(public_id=given.pop("customer")).first()
        if customer is None:
            raise NotFound("There is no such customer.", param="customer")
        row = services.make_adjustment(customer=customer, **given, actor=self.actor(request), at=self.at)
        return Response(serializers.AdjustmentAnswer(row).data, status=201)


class AdjustmentDetail(PersonEndpoint):
    """One adjustment."""

    serializer_class = serializers.AdjustmentAnswer

    @extend_schema(operation_id="adjustments_get", responses=serializers.AdjustmentAnswer)
    def get(self, request: Request, public_id: str) -> Response:
        row = get_object_or_404(queries.adjustments(self.workspace), public_id=public_id)
        return Response(serializers.AdjustmentAnswer(row).data)


class AdjustmentApprove(PersonEndpoint):
    """Approving takes a second person in the console; a key is refused with `needs_person`."""

    serializer_class = serializers.NothingBody

    @extend_schema(operation_id="adjustments_approve", request=None, responses=serializers.AdjustmentAnswer)
    def post(self, request: Request, public_id: str) -> Response:
        row = get_object_or_404(queries.adjustments(self.workspace), public_id=public_id)
        done = services.approve_adjustment(adjustment=row, actor=self.actor(request), at=self.at)
        return Response(serializers.AdjustmentAnswer(done).data)


class AdjustmentDecline(PersonEndpoint):
    """Declining takes a second person in the console; a key is refused with `needs_person`."""

    serializer_class = serializers.ReasonBody

    @extend_schema(operation_id="adjustments_decline", responses=serializers.AdjustmentAnswer)
    def post(self, request: Request, public_id: str) -> Response:
        row = get_object_or_404(queries.adjustments(self.workspace), public_id=public_id)
        reason = self.body(request)["reason"]
        done = services.decline_adjustment(
            adjustment=row, reason=reason, actor=self.actor(request), at=self.at
        )
        return Response(serializers.AdjustmentAnswer(done).data)


class MoneyRules(PersonEndpoint):
    """The workspace's rules about money; a PUT sets all of them."""

    serializer_class = serializers.MoneySettingsBody

    @extend_schema(operation_id="money_settings_get", responses=serializers.MoneySettingsAnswer)
    def get(self, request: Request) -> Response:
        return Response(serializers.MoneySettingsAnswer(queries.money_settings(self.workspace)).data)

    @extend_schema(operation_id="money_settings_set", responses=serializers.MoneySettingsAnswer)
    def put(self, request: Request) -> Response:
        given = self.body(request)
        row = services.update_money_settings(workspace=self.workspace, **given, actor=self.actor(request))
        return Response(serializers.MoneySettingsAnswer(row).data)
