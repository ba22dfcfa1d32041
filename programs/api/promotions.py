"""`/api/v1/promotions`: seasons in which a program gives more."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import actor_of
from accounts.endpoint import WorkspaceEndpoint
from core import clock
from core.api import StrictSerializer
from core.errors import NotFound
from programs import promotion_queries, queries, services
from programs.api.programs import body_of
from programs.models import Promotion
from programs.promotions import LARGEST_MULTIPLIER, ONE, standing


class AudienceBody(StrictSerializer):
    """Whom a promotion is for; days are those of the workspace's time zone."""

    countries = serializers.ListField(child=serializers.CharField(max_length=2), required=False)
    enrolled_from = serializers.DateField(required=False, allow_null=True)
    enrolled_until = serializers.DateField(required=False, allow_null=True)
    conditions = serializers.DictField(
        required=False,
        allow_null=True,
        help_text="a tree of conditions about the referrer and the customer, as in the terms",
    )


class PromotionChangeBody(StrictSerializer):
    """What changes; once a promotion runs, its name, its banner and its last day only."""

    name = serializers.CharField(max_length=120, required=False)
    starts_on = serializers.DateField(required=False)
    ends_on = serializers.DateField(required=False)
    multiplier_bps = serializers.IntegerField(
        min_value=ONE, max_value=LARGEST_MULTIPLIER, required=False, help_text="20000 doubles"
    )
    replacements = serializers.DictField(
        child=serializers.DictField(), required=False, help_text="amounts by rule key, as in the terms"
    )
    banner = serializers.CharField(max_length=200, required=False, allow_blank=True)
    audience = AudienceBody(required=False)
    announce = serializers.BooleanField(required=False, help_text="write to its audience at the start")


class PromotionBody(PromotionChangeBody):
    """A new promotion, from the start of one day to the end of another in the workspace's time zone."""

    program = serializers.CharField(max_length=40)
    name = serializers.CharField(max_length=120)
    starts_on = serializers.DateField()
    ends_on = serializers.DateField()


class StopBody(StrictSerializer):
    """Why it is stopped."""

    reason = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)


class PromotionAnswer(serializers.Serializer[Promotion]):
    """A promotion; `ends_at` is the first instant after it."""

    id = serializers.CharField(source="public_id")
    program = serializers.CharField(source="program.public_id")
    name = serializers.CharField()
    standing = serializers.SerializerMethodField(help_text="coming, running, over or stopped")
    starts_on = serializers.DateField()
    ends_on = serializers.DateField()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    multiplier_bps = serializers.IntegerField()
    replacements = serializers.DictField()
    banner = serializers.CharField(allow_blank=True)
    audience = serializers.DictField(help_text="with the days as instants; the second is the first one after")
    announce = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    stopped_at = serializers.DateTimeField(allow_null=True)

    @extend_schema_field(str)
    def get_standing(self, promotion: Promotion) -> str:
        """Return how it stands by the workspace's own clock."""
        return standing(promotion, promotion.workspace.local_time(clock.now()))


class PromotionFilter(django_filters.FilterSet):
    """Filters of the list of promotions."""

    program = django_filters.CharFilter(field_name="program__public_id")

    class Meta:
        model = Promotion
        fields: ClassVar = ["status"]


class PromotionEndpoint(WorkspaceEndpoint):
    """What the calls about one promotion share."""

    serializer_class: type[Any] = PromotionAnswer

    def promotion(self, public_id: str) -> Promotion:
        """Return the promotion, 404 where this workspace has none by that id."""
        found: Promotion = get_object_or_404(
            promotion_queries.promotions(self.workspace), public_id=public_id
        )
        return found

    def answer(self, public_id: str, status: int = 200) -> Response:
        """Answer with the promotion as it stands now."""
        return Response(PromotionAnswer(self.promotion(public_id)).data, status=status)


class PromotionList(PromotionEndpoint):
    """Promotions of all programs, the latest made first."""

    filterset_class = PromotionFilter
    queryset = Promotion.objects.none()

    def get_queryset(self) -> QuerySet[Promotion]:
        return promotion_queries.promotions(self.workspace)

    @extend_schema(operation_id="promotions_list", responses=PromotionAnswer(many=True))
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(operation_id="promotions_create", request=PromotionBody, responses={201: PromotionAnswer})
    def post(self, request: Request) -> Response:
        body = body_of(PromotionBody, request.data)
        program = queries.programs_of(self.workspace).filter(public_id=body.pop("program")).first()
        if program is None:
            raise NotFound("There is no program by that id.", param="program")
        program.workspace = self.workspace
        made = services.make_promotion(program=program, **body, actor=actor_of(request), at=self.at)
        return self.answer(made.public_id, status=201)


class PromotionDetail(PromotionEndpoint):
    """One promotion."""

    @extend_schema(operation_id="promotions_get", responses=PromotionAnswer)
    def get(self, request: Request, public_id: str) -> Response:
        return self.answer(public_id)

    @extend_schema(operation_id="promotions_update", request=PromotionChangeBody, responses=PromotionAnswer)
    def patch(self, request: Request, public_id: str) -> Response:
        promotion = self.promotion(public_id)
        changes = body_of(PromotionChangeBody, request.data)
        services.edit_promotion(promotion=promotion, changes=changes, actor=actor_of(request), at=self.at)
        return self.answer(public_id)


class PromotionStop(PromotionEndpoint):
    """Stop a promotion for good; what was promised under it stays."""

    @extend_schema(operation_id="promotions_stop", request=StopBody, responses=PromotionAnswer)
    def post(self, request: Request, public_id: str) -> Response:
        promotion = self.promotion(public_id)
        reason = body_of(StopBody, request.data)["reason"]
        services.stop_promotion(promotion=promotion, reason=reason, actor=actor_of(request), at=self.at)
        return self.answer(public_id)
