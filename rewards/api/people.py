"""`/api/v1/customers/…/payout-accounts`, `/tax-details`, and what was paid in a year."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import actor_of
from accounts.endpoint import WorkspaceEndpoint
from accounts.models import ApiKey
from accounts.services import Actor
from core.errors import Invalid, NotFound
from programs.models import Customer
from programs.queries import customers_of
from rewards import person_serializers as serializers
from rewards import queries, services
from rewards.models import TaxDetails
from rewards.payout_details import FIELDS


class PersonEndpoint(WorkspaceEndpoint):
    """What the calls about one person's money share; changes take the scope `payouts`."""

    scopes: ClassVar[dict[str, tuple[str, ...]]] = {
        "GET": ("read",),
        "PUT": ("payouts",),
        "POST": ("payouts",),
    }
    http_method_names = ["get", "head", "post", "put"]

    def customer(self, public_id: str) -> Customer:
        """Return the customer with this id; 404 for any other."""
        found: Customer = get_object_or_404(customers_of(self.workspace), public_id=public_id)
        return found

    def body(self, request: Request) -> dict[str, Any]:
        """Return the validated body."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        found: dict[str, Any] = serializer.validated_data
        return found

    def actor(self, request: Request) -> Actor:
        """Return the key, with the person who made it as the one who stands behind what it does."""
        key = request.auth
        assert isinstance(key, ApiKey)
        return replace(actor_of(request), user=key.created_by)


class PayoutAccounts(PersonEndpoint):
    """A person's payout accounts."""

    serializer_class = serializers.PayoutAccountsAnswer

    @extend_schema(operation_id="payout_accounts_list", responses=serializers.PayoutAccountsAnswer)
    def get(self, request: Request, public_id: str) -> Response:
        rows = queries.payout_accounts_of(self.customer(public_id)).select_related("customer")
        return Response({"data": serializers.PayoutAccountAnswer(rows, many=True).data})


class PayoutAccountDetail(PersonEndpoint):
    """A person's account of one method; a PUT sets it and pays the person by it from then on."""

    serializer_class = serializers.PayoutAccountBody

    @extend_schema(operation_id="payout_accounts_get", responses=serializers.PayoutAccountAnswer)
    def get(self, request: Request, public_id: str, method: str) -> Response:
        rows = queries.payout_accounts_of(self.customer(public_id)).select_related("customer")
        return Response(serializers.PayoutAccountAnswer(get_object_or_404(rows, method=method)).data)

    @extend_schema(operation_id="payout_accounts_set", responses=serializers.PayoutAccountAnswer)
    def put(self, request: Request, public_id: str, method: str) -> Response:
        customer = self.customer(public_id)
        if method not in FIELDS:
            raise NotFound("There is no such method.", param="method")
        account = services.choose_payout_account(
            customer=customer,
            method=method,
            details=self.body(request),
            actor=self.actor(request),
            at=self.at,
        )
        return Response(serializers.PayoutAccountAnswer(account).data)


class TaxFilter(django_filters.FilterSet):
    """Filters of the list of tax details."""

    customer = django_filters.CharFilter(field_name="customer__public_id")

    class Meta:
        model = TaxDetails
        fields = ["status", "form", "country"]


class TaxList(PersonEndpoint):
    """Everybody's tax details, newest first."""

    serializer_class = serializers.TaxDetailsAnswer
    filterset_class = TaxFilter
    queryset = TaxDetails.objects.none()

    def get_queryset(self) -> QuerySet[TaxDetails]:
        return queries.tax_details(self.workspace)

    @extend_schema(operation_id="tax_details_list", responses=serializers.TaxDetailsAnswer(many=True))
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(serializers.TaxDetailsAnswer(page, many=True).data)


class CustomerTax(PersonEndpoint):
    """One person's tax details; a PUT gives them, to be verified anew."""

    serializer_class = serializers.TaxDetailsBody

    @extend_schema(operation_id="tax_details_get", responses=serializers.TaxDetailsAnswer)
    def get(self, request: Request, public_id: str) -> Response:
        found = queries.tax_details_of(self.customer(public_id))
        if found is None:
            raise NotFound("There are no tax details on file.")
        return Response(serializers.TaxDetailsAnswer(found).data)

    @extend_schema(operation_id="tax_details_set", responses=serializers.TaxDetailsAnswer)
    def put(self, request: Request, public_id: str) -> Response:
        row = services.submit_tax_details(
            customer=self.customer(public_id), **self.body(request), actor=self.actor(request), at=self.at
        )
        return Response(serializers.TaxDetailsAnswer(row).data)


class TaxVerify(PersonEndpoint):
    """Say that tax details are right."""

    serializer_class = serializers.NothingBody

    @extend_schema(operation_id="tax_details_verify", request=None, responses=serializers.TaxDetailsAnswer)
    def post(self, request: Request, public_id: str) -> Response:
        details = get_object_or_404(queries.tax_details(self.workspace), public_id=public_id)
        row = services.verify_tax_details(details=details, actor=self.actor(request), at=self.at)
        return Response(serializers.TaxDetailsAnswer(row).data)


class TaxRefuse(PersonEndpoint):
    """Say why tax details will not do."""

    serializer_class = serializers.ReasonBody

    @extend_schema(operation_id="tax_details_refuse", responses=serializers.TaxDetailsAnswer)
    def post(self, request: Request, public_id: str) -> Response:
        details = get_object_or_404(queries.tax_details(self.workspace), public_id=public_id)
        reason = self.body(request)["reason"]
        row = services.refuse_tax_details(
            details=details, reason=reason, actor=self.actor(request), at=self.at
        )
        return Response(serializers.TaxDetailsAnswer(row).data)


class PaidInYear(PersonEndpoint):
    """What everyone was paid in a year by the workspace's clocks, in each currency."""

    serializer_class = serializers.PaidInYearAnswers

    @extend_schema(
        operation_id="paid_in_year",
        parameters=[OpenApiParameter("year", int, required=True, description="like 2026")],
        responses=serializers.PaidInYearAnswers,
    )
    def get(self, request: Request) -> Response:
        text = request.query_params.get("year", "")
        if not (text.isascii() and text.isdigit() and len(text) == 4 and 2000 <= int(text) <= 9998):
            raise Invalid("Say which year: ?year=2026", code="out_of_range", param="year")
        rows = queries.paid_in_year(self.workspace, int(text))
        return Response({"data": serializers.PaidInYearAnswer(rows, many=True).data})
