"""`/api/v1/` the workspace's own domains."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import proofs, queries, serializers, services
from accounts.authentication import actor_of
from accounts.endpoint import WorkspaceEndpoint
from accounts.models import Domain
from core import clock


class DomainEndpoint(WorkspaceEndpoint):
    """What the calls about one domain share."""

    serializer_class = serializers.DomainAnswer

    def domain(self, public_id: str) -> Domain:
        """Return the domain, 404 where this workspace has none by that id."""
        found: Domain = get_object_or_404(queries.domains(self.workspace), public_id=public_id)
        return found

    def answer(self, domain: Domain, status: int = 200) -> Response:
        """Answer with the domain as it is stored."""
        return Response(self.get_serializer(self.domain(domain.public_id)).data, status=status)


class DomainList(DomainEndpoint):
    """Own domains, newest first."""

    queryset = Domain.objects.none()

    def get_queryset(self) -> QuerySet[Domain]:
        return queries.domains(self.workspace).order_by("-public_id")

    @extend_schema(operation_id="domains_list", responses=serializers.DomainAnswer(many=True))
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        operation_id="domains_create",
        request=serializers.DomainBody,
        responses={201: serializers.DomainAnswer},
    )
    def post(self, request: Request) -> Response:
        body = serializers.DomainBody(data=request.data)
        body.is_valid(raise_exception=True)
        domain = services.add_domain(
            workspace=self.workspace, **body.validated_data, actor=actor_of(request), at=clock.now()
        )
        return self.answer(domain, status=201)


class DomainDetail(DomainEndpoint):
    """One own domain."""

    @extend_schema(operation_id="domains_get", responses=serializers.DomainAnswer)
    def get(self, request: Request, public_id: str) -> Response:
        return self.answer(self.domain(public_id))

    @extend_schema(
        operation_id="domains_update",
        request=serializers.DomainChangeBody,
        responses=serializers.DomainAnswer,
    )
    def patch(self, request: Request, public_id: str) -> Response:
        domain = self.domain(public_id)
        body = serializers.DomainChangeBody(data=request.data)
        body.is_valid(raise_exception=True)
        if body.validated_data["is_primary"]:
            services.set_primary_domain(domain=domain, actor=actor_of(request))
        elif domain.is_primary:
            services.share_platform_domain(workspace=domain.workspace, actor=actor_of(request))
        return self.answer(domain)

    @extend_schema(operation_id="domains_remove", responses={204: None})
    def delete(self, request: Request, public_id: str) -> Response:
        services.remove_domain(domain=self.domain(public_id), actor=actor_of(request))
        return Response(status=204)


class DomainVerify(DomainEndpoint):
    """Looking a domain's record up now; the answer tells what was found."""

    @extend_schema(operation_id="domains_verify", request=None, responses=serializers.DomainAnswer)
    def post(self, request: Request, public_id: str) -> Response:
        domain = self.domain(public_id)
        proof = proofs.look_up(domain.host, domain.token)
        services.record_check(domain=domain, proof=proof, actor=actor_of(request), at=clock.now())
        return self.answer(domain)
