"""`/api/v1/balances`."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.endpoint import WorkspaceEndpoint
from core.errors import Invalid, NotFound
from programs.models import Customer
from rewards import queries, serializers


class Balances(WorkspaceEndpoint):
    """What stands in a customer's accounts, by purpose and unit."""

    serializer_class = serializers.BalancesAnswer

    @extend_schema(
        operation_id="balances_get",
        parameters=[OpenApiParameter("customer", str, required=True, description="a customer's id")],
        responses=serializers.BalancesAnswer,
    )
    def get(self, request: Request) -> Response:
        public_id = request.query_params.get("customer", "")
        if not public_id:
            raise Invalid("Say whose balances: ?customer=cus_…", code="required", param="customer")
        customer = Customer.objects.for_workspace(self.workspace).filter(public_id=public_id).first()
        if customer is None:
            raise NotFound("There is no such customer.", param="customer")
        accounts = queries.balances_of(customer)
        balances = serializers.BalanceAnswer(accounts, many=True).data
        return Response({"customer": customer.public_id, "balances": balances})
