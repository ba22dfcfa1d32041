"""`/api/v1/exchange-rates`: what the workspace entered, what the bank says, and which rate counts."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import actor_of
from accounts.endpoint import WorkspaceEndpoint
from core.api import StrictSerializer
from core.errors import NotFound
from core.money import is_currency
from rewards import queries, services
from rewards.exchange import shown
from rewards.models import EnteredRate, ReferenceRate


class CurrencyField(serializers.CharField):
    """An ISO 4217 code in capitals."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=3, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        code = super().to_internal_value(data)
        if not is_currency(code):
            raise serializers.ValidationError(f"{code!r} is not an ISO 4217 currency code.")
        return code


class RateBody(StrictSerializer):
    """One `base` is worth `rate` of `quote`, from the day `on` until another is entered."""

    base = CurrencyField()
    quote = CurrencyField()
    on = serializers.DateField()
    rate = serializers.DecimalField(max_digits=24, decimal_places=12, help_text="as text, to be exact")


class EnteredRateAnswer(serializers.Serializer[EnteredRate]):
    """A rate that the workspace entered."""

    id = serializers.CharField(source="public_id")
    base = serializers.CharField()
    quote = serializers.CharField()
    on = serializers.DateField()
    rate = serializers.DecimalField(max_digits=24, decimal_places=12, normalize_output=True)
    entered_at = serializers.DateTimeField()


class ReferenceRateAnswer(serializers.Serializer[ReferenceRate]):
    """What one euro was worth by the European Central Bank's latest figure."""

    currency = serializers.CharField()
    per_euro = serializers.DecimalField(max_digits=24, decimal_places=12, normalize_output=True)
    on = serializers.DateField()


class LookupQuery(StrictSerializer):
    """Which currency into which, on which day."""

    base = CurrencyField()
    quote = CurrencyField()
    on = serializers.DateField()


class LookupAnswer(serializers.Serializer[Any]):
    """The rate that counts: units of `quote` for one `base`."""

    base = serializers.CharField()
    quote = serializers.CharField()
    rate = serializers.CharField(help_text="with 12 decimals, as rewards keep it")
    shown = serializers.CharField(help_text="as people read it")
    source = serializers.CharField(help_text="ecb, entered or same")  # type: ignore[assignment]
    on = serializers.DateField(help_text="the day the rate is of")


class RateFilter(django_filters.FilterSet):
    """Filters of the list of entered rates."""

    class Meta:
        model = EnteredRate
        fields: ClassVar = ["base", "quote"]


class RateList(WorkspaceEndpoint):
    """The workspace's own exchange rates, the latest entered first."""

    serializer_class: type[Any] = EnteredRateAnswer
    filterset_class = RateFilter
    queryset = EnteredRate.objects.none()

    def get_queryset(self) -> QuerySet[EnteredRate]:
        return queries.entered_rates(self.workspace)

    @extend_schema(operation_id="exchange_rates_list", responses=EnteredRateAnswer(many=True))
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        operation_id="exchange_rates_enter",
        description="Enter a rate. For the same day it replaces the earlier one; rewards that wait follow.",
        request=RateBody,
        responses={201: EnteredRateAnswer},
    )
    def post(self, request: Request) -> Response:
        body = RateBody(data=request.data)
        body.is_valid(raise_exception=True)
        row = services.enter_rate(
            workspace=self.workspace, **body.validated_data, actor=actor_of(request), at=self.at
        )
        return Response(EnteredRateAnswer(row).data, status=201)


class ReferenceRates(WorkspaceEndpoint):
    """The European Central Bank's latest rate of each currency."""

    serializer_class = ReferenceRateAnswer
    pagination_class = None
    queryset = ReferenceRate.objects.none()

    @extend_schema(operation_id="exchange_rates_reference", responses=ReferenceRateAnswer(many=True))
    def get(self, request: Request) -> Response:
        return Response(self.get_serializer(queries.latest_references(), many=True).data)


class RateLookup(WorkspaceEndpoint):
    """The rate that counts for an order of a day; 404 where none is known, and its rewards would wait."""

    serializer_class = LookupAnswer

    @extend_schema(operation_id="exchange_rates_lookup", parameters=[LookupQuery], responses=LookupAnswer)
    def get(self, request: Request) -> Response:
        query = LookupQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        pair = (asked["base"], asked["quote"], asked["on"])
        rate = queries.rates_for(self.workspace, {pair})[pair]
        if rate is None:
            raise NotFound("No rate is known for this day.", code="unknown_rate")
        return Response(
            {
                "base": asked["base"],
                "quote": asked["quote"],
                "rate": str(rate.stored),
                "shown": shown(rate),
                "source": rate.source,
                "on": rate.on,
            }
        )
