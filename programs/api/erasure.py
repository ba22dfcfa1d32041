"""`/api/v1/customers/{id}/export` and `/erase`."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import actor_of
from accounts.endpoint import WorkspaceEndpoint
from programs import queries, serializers, services
from programs.export_queries import held_about
from programs.models import Customer


class CustomerEndpoint(WorkspaceEndpoint):
    """What the calls about one person's data share: a key that only reads opens neither."""

    scopes: ClassVar[dict[str, tuple[str, ...]]] = {"GET": ("write",), "POST": ("write",)}
    serializer_class = serializers.CustomerAnswer

    def customer(self, public_id: str) -> Customer:
        """Return the customer, or answer 404."""
        rows = queries.customers_of(self.workspace).select_related("workspace")
        found: Customer = get_object_or_404(rows, public_id=public_id)
        return found


class CustomerExport(CustomerEndpoint):
    """Everything that is held about one person."""

    @extend_schema(
        operation_id="customers_export",
        description="All that is held about one person, with a part from every app. Needs the scope `write`.",
        responses=OpenApiTypes.OBJECT,
    )
    def get(self, request: Request, public_id: str) -> Response:
        return Response(held_about(self.customer(public_id)))


class CustomerErase(CustomerEndpoint):
    """The end of one person's data."""

    @extend_schema(
        operation_id="customers_erase",
        description="Delete what names a person, everywhere and for good. Repeating it changes nothing. What "
        "is told about the person later counts, and nothing personal of it is kept.",
        request=None,
        responses=serializers.CustomerAnswer,
    )
    def post(self, request: Request, public_id: str) -> Response:
        customer = services.erase_customer(
            customer=self.customer(public_id), actor=actor_of(request), at=self.at
        )
        return Response(self.get_serializer(customer).data)
