"""Conversions with their explanations, and referrals."""

from __future__ import annotations

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.endpoint import WorkspaceEndpoint
from core.errors import NotFound
from tracking import click_queries, queries, serializers
from tracking.explanations import explanation
from tracking.models import Conversion, Referral


class ConversionFilter(django_filters.FilterSet):
    """Filters of the list of conversions."""

    customer = django_filters.CharFilter(field_name="customer__public_id")

    class Meta:
        model = Conversion
        fields = ["kind", "status", "source", "source_key"]


class ConversionList(WorkspaceEndpoint):
    """Conversions, newest first."""

    serializer_class = serializers.ConversionAnswer
    filterset_class = ConversionFilter
    queryset = Conversion.objects.none()

    def get_queryset(self) -> QuerySet[Conversion]:
        return queries.conversions(self.workspace)

    @extend_schema(operation_id="conversions_list", responses=serializers.ConversionAnswer(many=True))
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class ConversionDetail(WorkspaceEndpoint):
    """One conversion."""

    serializer_class = serializers.ConversionAnswer

    @extend_schema(operation_id="conversions_get", responses=serializers.ConversionAnswer)
    def get(self, request: Request, public_id: str) -> Response:
        conversion = get_object_or_404(queries.conversions(self.workspace), public_id=public_id)
        return Response(self.get_serializer(conversion).data)


class ConversionExplanation(WorkspaceEndpoint):
    """Who was credited for a conversion, who was not, and why, from the stored decision."""

    @extend_schema(operation_id="conversions_explain", responses={200: dict})
    def get(self, request: Request, public_id: str) -> Response:
        conversion = get_object_or_404(queries.conversions(self.workspace), public_id=public_id)
        return Response(explanation(conversion))


class ClickExplanation(WorkspaceEndpoint):
    """Whether a click counts and why, and what came of it."""

    @extend_schema(operation_id="clicks_explain", responses={200: dict})
    def get(self, request: Request, public_id: str) -> Response:
        click = click_queries.click_named(self.workspace, public_id)
        if click is None:
            raise NotFound("There is no such click.")
        return Response(click_queries.click_explanation(click))


class ReferralFilter(django_filters.FilterSet):
    """Filters of the list of referrals."""

    program = django_filters.CharFilter(field_name="program__public_id")
    participant = django_filters.CharFilter(field_name="participant__public_id")
    customer = django_filters.CharFilter(field_name="customer__public_id")

    class Meta:
        model = Referral
        fields = ["status"]


class ReferralList(WorkspaceEndpoint):
    """Referrals, newest first."""

    serializer_class = serializers.ReferralAnswer
    filterset_class = ReferralFilter
    queryset = Referral.objects.none()

    def get_queryset(self) -> QuerySet[Referral]:
        return queries.referrals(self.workspace)

    @extend_schema(operation_id="referrals_list", responses=serializers.ReferralAnswer(many=True))
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class ReferralDetail(WorkspaceEndpoint):
    """One referral."""

    serializer_class = serializers.ReferralAnswer

    @extend_schema(operation_id="referrals_get", responses=serializers.ReferralAnswer)
    def get(self, request: Request, public_id: str) -> Response:
        referral = get_object_or_404(queries.referrals(self.workspace), public_id=public_id)
        return Response(self.get_serializer(referral).data)
