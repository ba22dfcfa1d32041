"""Refunds of a conversion, and taking back a refund or a rejection that was wrong."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import actor_of
from accounts.endpoint import WorkspaceEndpoint
from core.errors import NotFound
from tracking import queries, serializers, services
from tracking.models import Conversion, Refund


class ReinstatementEndpoint(WorkspaceEndpoint):
    """What the calls share."""

    serializer_class: Any = serializers.ReinstateBody

    def conversion(self, public_id: str) -> Conversion:
        """Return the conversion with this id; 404 for any other."""
        return get_object_or_404(queries.conversions(self.workspace), public_id=public_id)

    def reason(self, request: Request) -> str:
        """Return the reason in the body."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        reason: str = serializer.validated_data["reason"]
        return reason

    def answer(self, public_id: str) -> Response:
        """Answer with the conversion as it stands now."""
        return Response(serializers.ConversionAnswer(self.conversion(public_id)).data)


class ConversionRefunds(ReinstatementEndpoint):
    """The refunds of a conversion, oldest first, those included that no longer count."""

    serializer_class = serializers.RefundRow
    pagination_class = None
    queryset = Refund.objects.none()

    @extend_schema(operation_id="conversions_refunds", responses=serializers.RefundRow(many=True))
    def get(self, request: Request, public_id: str) -> Response:
        rows = queries.refunds_of(self.conversion(public_id))
        return Response(self.get_serializer(rows, many=True).data)


class RefundReinstate(ReinstatementEndpoint):
    """Declare that a refund was none; rewards follow. Repeating it changes nothing."""

    @extend_schema(operation_id="refunds_reinstate", responses=serializers.ConversionAnswer)
    def post(self, request: Request, public_id: str, refund_id: str) -> Response:
        refund = queries.refund_of(self.conversion(public_id), refund_id)
        if refund is None:
            raise NotFound("There is no such refund.")
        services.reinstate_refund(
            refund=refund, reason=self.reason(request), actor=actor_of(request), at=self.at
        )
        return self.answer(public_id)


class ConversionReinstate(ReinstatementEndpoint):
    """Let a rejected conversion count again; rewards follow. Repeating it changes nothing."""

    @extend_schema(operation_id="conversions_reinstate", responses=serializers.ConversionAnswer)
    def post(self, request: Request, public_id: str) -> Response:
        services.reinstate_conversion(
            conversion=self.conversion(public_id),
            reason=self.reason(request),
            actor=actor_of(request),
            at=self.at,
        )
        return self.answer(public_id)
