"""Appeals, and a conversion's explanation as its participant may read it."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import actor_of
from accounts.endpoint import WorkspaceEndpoint
from core.errors import NotFound
from tracking import appeal_queries, appeal_serializers, serializers, services
from tracking.models import Appeal


class OwnExplanation(WorkspaceEndpoint):
    """Why a participant was credited for a conversion or not, naming nobody else: to show to them."""

    serializer_class = serializers.OwnExplanationAnswer

    @extend_schema(operation_id="participants_explain_conversion", responses=serializers.OwnExplanationAnswer)
    def get(self, request: Request, public_id: str, conversion_id: str) -> Response:
        participant = appeal_queries.participant_named(self.workspace, public_id)
        conversion = appeal_queries.conversion_named(self.workspace, conversion_id)
        explanation = None
        if participant is not None and conversion is not None:
            explanation = appeal_queries.own_explanation(participant, conversion, at=self.at)
        if explanation is None:
            raise NotFound("This participant had no part in such a conversion.")
        return Response(self.get_serializer(appeal_queries.public_explanation(explanation)).data)


class AppealFilter(django_filters.FilterSet):
    """Filters of the list of appeals."""

    program = django_filters.CharFilter(field_name="participant__program__public_id")
    participant = django_filters.CharFilter(field_name="participant__public_id")
    conversion = django_filters.CharFilter(field_name="conversion__public_id")

    class Meta:
        model = Appeal
        fields = ["status"]


class AppealEndpoint(WorkspaceEndpoint):
    """What the calls on appeals share."""

    def appeal(self, public_id: str) -> Appeal:
        """Return the appeal with this id as it stands now; 404 for any other."""
        return get_object_or_404(appeal_queries.appeals(self.workspace), public_id=public_id)

    def body(self, request: Request) -> dict[str, Any]:
        """Return the validated body."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        found: dict[str, Any] = serializer.validated_data
        return found


class AppealList(AppealEndpoint):
    """Appeals, newest first; a POST opens one in a participant's name."""

    serializer_class = appeal_serializers.AppealBody
    filterset_class = AppealFilter
    queryset = Appeal.objects.none()

    def get_queryset(self) -> QuerySet[Appeal]:
        return appeal_queries.appeals(self.workspace)

    @extend_schema(operation_id="appeals_list", responses=appeal_serializers.AppealAnswer(many=True))
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(appeal_serializers.AppealAnswer(page, many=True).data)

    @extend_schema(
        operation_id="appeals_open",
        request=appeal_serializers.AppealBody,
        responses={201: appeal_serializers.AppealAnswer, 200: appeal_serializers.AppealAnswer},
    )
    def post(self, request: Request) -> Response:
        body = self.body(request)
        participant = appeal_queries.participant_named(self.workspace, body["participant"])
        if participant is None:
            raise NotFound("There is no such participant.", param="participant")
        conversion = None
        if body.get("conversion"):
            conversion = appeal_queries.conversion_named(self.workspace, body["conversion"])
            if conversion is None:
                raise NotFound("This participant had no part in such a conversion.", param="conversion")
        opened = services.open_appeal(
            participant=participant,
            conversion=conversion,
            message=body["message"],
            actor=actor_of(request),
            at=self.at,
        )
        answer = appeal_serializers.AppealAnswer(self.appeal(opened.appeal.public_id))
        return Response(answer.data, status=201 if opened.created else 200)


class AppealDetail(AppealEndpoint):
    """One appeal."""

    serializer_class = appeal_serializers.AppealAnswer

    @extend_schema(operation_id="appeals_get", responses=appeal_serializers.AppealAnswer)
    def get(self, request: Request, public_id: str) -> Response:
        return Response(self.get_serializer(self.appeal(public_id)).data)


class AppealAnswer(AppealEndpoint):
    """Grant or decline an open appeal; the participant is told by mail. It moves no money."""

    serializer_class = appeal_serializers.AppealAnswerBody

    @extend_schema(
        operation_id="appeals_answer",
        request=appeal_serializers.AppealAnswerBody,
        responses={200: appeal_serializers.AppealAnswer},
    )
    def post(self, request: Request, public_id: str) -> Response:
        body = self.body(request)
        services.answer_appeal(
            appeal=self.appeal(public_id),
            status=body["status"],
            answer=body["answer"],
            actor=actor_of(request),
            at=self.at,
        )
        return Response(appeal_serializers.AppealAnswer(self.appeal(public_id)).data)
