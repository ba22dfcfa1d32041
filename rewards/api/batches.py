"""`/api/v1/payout-batches`."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any, ClassVar

import django_filters
from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import actor_of
from accounts.endpoint import WorkspaceEndpoint
from accounts.models import ApiKey
from accounts.services import Actor
from core.errors import Invalid
from core.files import written
from core.money import is_currency
from programs.models import Customer
from rewards import queries, serializers, services
from rewards.models import Payout, PayoutBatch


class BatchEndpoint(WorkspaceEndpoint):
    """What the calls on payout batches share."""

    scopes: ClassVar[dict[str, tuple[str, ...]]] = {"GET": ("read",), "POST": ("payouts",)}

    def batch(self, public_id: str) -> PayoutBatch:
        """Return the batch with this id as it stands now; 404 for any other."""
        return get_object_or_404(queries.batches(self.workspace), public_id=public_id)

    def body(self, request: Request) -> dict[str, Any]:
        """Return the validated body."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        found: dict[str, Any] = serializer.validated_data
        return found

    def actor(self, request: Request) -> Actor:
        """Return the key, with the person who made it as the one who stands behind its batches."""
        key = request.auth
        assert isinstance(key, ApiKey)
        return replace(actor_of(request), user=key.created_by)


class BatchFilter(django_filters.FilterSet):
    """Filters of the list of batches."""

    class Meta:
        model = PayoutBatch
        fields = ["status", "currency", "method"]


class BatchList(BatchEndpoint):
    """Payout batches, newest first; a POST prepares one."""

    filterset_class = BatchFilter
    queryset = PayoutBatch.objects.none()

    def get_queryset(self) -> QuerySet[PayoutBatch]:
        return queries.batches(self.workspace)

    def get_serializer_class(self) -> type[Any]:
        return serializers.BatchBody if self.request.method == "POST" else serializers.PayoutBatchAnswer

    def customers(self, public_ids: list[str] | None) -> list[int] | None:
        """Return the keys of these customers; Invalid for one that does not exist."""
        if public_ids is None:
            return None
        rows = Customer.objects.for_workspace(self.workspace).filter(public_id__in=public_ids)
        found = dict(rows.values_list("public_id", "pk"))
        for index, public_id in enumerate(public_ids):
            if public_id not in found:
                raise Invalid("There is no such customer.", code="not_found", param=f"customers.{index}")
        return list(found.values())

    @extend_schema(operation_id="payout_batches_list", responses=serializers.PayoutBatchAnswer(many=True))
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(serializers.PayoutBatchAnswer(page, many=True).data)

    @extend_schema(
        operation_id="payout_batches_create",
        request=serializers.BatchBody,
        responses={201: serializers.PayoutBatchAnswer},
    )
    def post(self, request: Request) -> Response:
        body = self.body(request)
        batch = services.prepare_batch(
            workspace=self.workspace,
            currency=body["currency"],
            method=body["method"],
            connection=body["connection"],
            cutoff_at=body["cutoff_at"],
            customers=self.customers(body["customers"]),
            actor=self.actor(request),
            at=self.at,
        )
        return Response(serializers.PayoutBatchAnswer(batch).data, status=201)


class BatchDetail(BatchEndpoint):
    """One payout batch."""

    serializer_class = serializers.PayoutBatchAnswer

    @extend_schema(operation_id="payout_batches_get", responses=serializers.PayoutBatchAnswer)
    def get(self, request: Request, public_id: str) -> Response:
        return Response(serializers.PayoutBatchAnswer(self.batch(public_id)).data)


class BatchPayouts(BatchEndpoint):
    """A batch's payouts, newest first."""

    serializer_class = serializers.PayoutAnswer
    queryset = Payout.objects.none()

    @extend_schema(operation_id="payout_batches_payouts", responses=serializers.PayoutAnswer(many=True))
    def get(self, request: Request, public_id: str) -> Response:
        page = self.paginate_queryset(queries.payouts_of(self.batch(public_id)))
        return self.get_paginated_response(serializers.PayoutAnswer(page, many=True).data)


class BatchApprove(BatchEndpoint):
    """Approving takes a second person in the console; a key is refused with `needs_person`."""

    serializer_class = serializers.Body

    @extend_schema(
        operation_id="payout_batches_approve", request=None, responses=serializers.PayoutBatchAnswer
    )
    def post(self, request: Request, public_id: str) -> Response:
        batch = services.approve_batch(batch=self.batch(public_id), actor=self.actor(request), at=self.at)
        return Response(serializers.PayoutBatchAnswer(batch).data)


class BatchExport(BatchEndpoint):
    """The file an approved batch is paid from; the first export makes it processing."""

    serializer_class = serializers.Body

    @extend_schema(
        operation_id="payout_batches_export",
        request=None,
        responses={
            (200, "text/csv"): OpenApiTypes.STR,
            (200, "application/xml"): OpenApiTypes.STR,
        },
    )
    def post(self, request: Request, public_id: str) -> HttpResponseBase:
        file = services.export_batch(batch=self.batch(public_id), actor=self.actor(request), at=self.at)
        return written(file.pieces, name=file.name, content_type=file.content_type)


class BatchRetry(BatchEndpoint):
    """Prepare a draft batch with exactly the people whose payouts in this one failed."""

    serializer_class = serializers.Body

    @extend_schema(
        operation_id="payout_batches_retry", request=None, responses={201: serializers.PayoutBatchAnswer}
    )
    def post(self, request: Request, public_id: str) -> Response:
        batch = services.retry_failed(batch=self.batch(public_id), actor=self.actor(request), at=self.at)
        return Response(serializers.PayoutBatchAnswer(batch).data, status=201)


class BatchProviderTotal(BatchEndpoint):
    """Say how much the provider reports as paid in all; the batch is completed once all sums agree."""

    serializer_class = serializers.ProviderTotalBody

    @extend_schema(operation_id="payout_batches_provider_total", responses=serializers.PayoutBatchAnswer)
    def post(self, request: Request, public_id: str) -> Response:
        paid_minor = self.body(request)["paid_minor"]
        batch = services.record_provider_total(
            batch=self.batch(public_id), paid_minor=paid_minor, actor=self.actor(request), at=self.at
        )
        return Response(serializers.PayoutBatchAnswer(batch).data)


class BatchPreview(BatchEndpoint):
    """What a batch would pay now, and who is left out of it and why."""

    serializer_class = serializers.BatchPreviewAnswer

    @extend_schema(
        operation_id="payout_batches_preview",
        parameters=[
            OpenApiParameter("currency", str, required=True),
            OpenApiParameter("method", str, enum=PayoutBatch.Method.values),
            OpenApiParameter("cutoff_at", OpenApiTypes.DATETIME),
        ],
        responses=serializers.BatchPreviewAnswer,
    )
    def get(self, request: Request) -> Response:
        asked = serializers.BatchBody(data=dict(request.query_params.items()))
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        if not is_currency(wanted["currency"]):
            raise Invalid("This is not an ISO 4217 currency code.", param="currency")
        cutoff_at = wanted["cutoff_at"] or services.default_cutoff(self.workspace, at=self.at)
        found = queries.preview(
            self.workspace, wanted["currency"], method=wanted["method"], cutoff_at=cutoff_at
        )
        return Response(serializers.BatchPreviewAnswer(found).data)


class BatchResults(BatchEndpoint):
    """Report what became of payouts; a refused result does not stop the others."""

    serializer_class = serializers.ResultsBody

    @extend_schema(operation_id="payout_batches_results", responses=serializers.ResultsAnswer)
    def post(self, request: Request, public_id: str) -> Response:
        results = self.body(request)["results"]
        rows = [services.ResultRow(line=index, **row) for index, row in enumerate(results, start=1)]
        outcomes = services.import_results(
            batch=self.batch(public_id), rows=rows, actor=self.actor(request), at=self.at
        )
        return Response(
            {
                "results": [asdict(outcome) for outcome in outcomes],
                "batch": serializers.PayoutBatchAnswer(self.batch(public_id)).data,
            }
        )
