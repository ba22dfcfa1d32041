"""`/api/v1/conversions/{id}/checks` and `/api/v1/checks/{id}/retry`."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import actor_of
from accounts.endpoint import WorkspaceEndpoint
from tracking import queries, serializers, services
from tracking.models import ConversionCheck


class ConversionChecks(WorkspaceEndpoint):
    """What was asked about a conversion, newest first."""

    serializer_class = serializers.CheckAnswer
    filterset_fields = ("kind", "status")
    queryset = ConversionCheck.objects.none()

    @extend_schema(operation_id="conversions_checks", responses=serializers.CheckAnswer(many=True))
    def get(self, request: Request, public_id: str) -> Response:
        conversion = get_object_or_404(queries.conversions(self.workspace), public_id=public_id)
        checks = queries.checks(self.workspace).filter(conversion=conversion)
        page = self.paginate_queryset(self.filter_queryset(checks))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class CheckRetry(WorkspaceEndpoint):
    """Ask once more, from the beginning; 409 for a check that has passed."""

    serializer_class = serializers.CheckAnswer

    @extend_schema(operation_id="checks_retry", request=None, responses={202: serializers.CheckAnswer})
    def post(self, request: Request, public_id: str) -> Response:
        check = get_object_or_404(queries.checks(self.workspace), public_id=public_id)
        asked = services.ask_again(check=check, actor=actor_of(request), at=self.at)
        return Response(self.get_serializer(asked).data, status=202)
