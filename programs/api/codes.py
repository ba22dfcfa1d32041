"""`/api/v1/` links with their QR codes, and promo codes."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.generics import get_object_or_404
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import queries as account_queries
from accounts.authentication import actor_of
from accounts.endpoint import WorkspaceEndpoint
from core.api import StrictSerializer
from core.errors import DomainError, Invalid, NotFound
from programs import qr, queries, serializers, services
from programs.api.programs import ParticipantEndpoint, body_of
from programs.models import Link, Participant, PromoCode


class CodeFilter(django_filters.FilterSet):
    """Filters that lists of links and of promo codes share."""

    participant = django_filters.CharFilter(field_name="participant__public_id")
    program = django_filters.CharFilter(field_name="participant__program__public_id")
    code = django_filters.CharFilter(method="by_code")

    def by_code(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """Compare codes in small letters."""
        return rows.filter(code_key=value.strip().lower())


class LinkFilter(CodeFilter):
    """Filters of the list of links."""

    class Meta:
        model = Link
        fields = ["status", "campaign"]


class LinkList(ParticipantEndpoint):
    """Links, newest first."""

    serializer_class = serializers.LinkAnswer  # type: ignore[assignment]
    filterset_class = LinkFilter
    queryset = Link.objects.none()

    def get_queryset(self) -> QuerySet[Link]:
        return queries.links_of(self.workspace)

    @extend_schema(operation_id="links_list", responses=serializers.LinkAnswer(many=True))
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        operation_id="links_create", request=serializers.LinkBody, responses={201: serializers.LinkAnswer}
    )
    def post(self, request: Request) -> Response:
        body = body_of(serializers.LinkBody, request.data)
        participant = self.participant(body.pop("participant"), param="participant")
        link = services.create_link(participant=participant, **body, actor=actor_of(request), at=self.at)
        return Response(self.get_serializer(link).data, status=201)


class BulkEndpoint(WorkspaceEndpoint):
    """What the calls that make many things at once share: each item stands or falls by itself."""

    def items(
        self, request: Request, field: str, kind: type[StrictSerializer]
    ) -> tuple[list[dict[str, Any] | DomainError], dict[str, Participant]]:
        """Return each item's values or what is wrong with it, and the participants by id.

        Raises Invalid naming the list where it is none, empty or longer than `services.MOST_AT_ONCE`.
        """
        data = request.data if isinstance(request.data, dict) else {}
        unknown = sorted(set(data) - {field})
        if unknown:
            raise Invalid("There is no such field.", code="unknown_field", param=unknown[0])
        given = data.get(field)
        if not isinstance(given, list) or not 1 <= len(given) <= services.MOST_AT_ONCE:
            raise Invalid(f"Send a list of 1 to {services.MOST_AT_ONCE} items.", param=field)
        items: list[dict[str, Any] | DomainError] = []
        for each in given:
            serializer = kind(data=each)
            if serializer.is_valid():
                items.append(serializer.validated_data)
            else:
                items.append(_first_fault(serializer.errors))
        wanted = {item["participant"] for item in items if isinstance(item, dict)}
        rows = queries.participants_of(self.workspace).select_related("workspace")
        people = {row.public_id: row for row in rows.filter(public_id__in=wanted)}
        return [_known(item, people) for item in items], people

    def answer(self, results: list[Any], kind: type[Any]) -> Response:
        """Answer 200 with a result for each item, in their order."""
        return Response(
            {
                "results": [
                    {"status": "failed", "error": _error(each)}
                    if isinstance(each, DomainError)
                    else {"status": "created", "item": kind(each).data}
                    for each in results
                ]
            }
        )


def _first_fault(errors: Any) -> DomainError:
    param, found = "", errors
    while isinstance(found, dict) and found:
        name = next(iter(found))
        param, found = f"{param}.{name}".strip("."), found[name]
    message = found[0] if isinstance(found, list) and found else found
    return Invalid(str(message), param=param or None)


def _known(
    item: dict[str, Any] | DomainError, people: dict[str, Participant]
) -> dict[str, Any] | DomainError:
    if isinstance(item, dict) and item["participant"] not in people:
        return NotFound("There is no such participant.", param="participant")
    return item


def _error(error: DomainError) -> dict[str, Any]:
    return {"code": error.code, "message": error.message, "param": error.param}


def _merged(items: list[dict[str, Any] | DomainError], made: list[Any]) -> list[Any]:
    """Return what became of every item: its fault, or the next of those that were made."""
    rest = iter(made)
    return [item if isinstance(item, DomainError) else next(rest) for item in items]


class LinkBulk(BulkEndpoint):
    """Many links at once."""

    serializer_class = serializers.LinkBulkAnswer

    @extend_schema(
        operation_id="links_create_many",
        request=serializers.LinkBulkBody,
        responses=serializers.LinkBulkAnswer,
    )
    def post(self, request: Request) -> Response:
        items, people = self.items(request, "links", serializers.LinkBody)
        new = [
            services.NewLink(**{**item, "participant": people[item["participant"]]})
            for item in items
            if isinstance(item, dict)
        ]
        made = services.create_links(links=new, actor=actor_of(request), at=self.at)
        return self.answer(_merged(items, made), serializers.LinkAnswer)


class LinkDetail(WorkspaceEndpoint):
    """One link."""

    serializer_class = serializers.LinkAnswer

    @extend_schema(operation_id="links_get", responses=serializers.LinkAnswer)
    def get(self, request: Request, public_id: str) -> Response:
        link = get_object_or_404(queries.links_of(self.workspace), public_id=public_id)
        return Response(self.get_serializer(link).data)

    @extend_schema(
        operation_id="links_update", request=serializers.LinkChangeBody, responses=serializers.LinkAnswer
    )
    def patch(self, request: Request, public_id: str) -> Response:
        link = get_object_or_404(queries.links_of(self.workspace), public_id=public_id)
        body = body_of(serializers.LinkChangeBody, request.data)
        services.update_link(link=link, **body, actor=actor_of(request), at=self.at)
        return Response(self.get_serializer(link).data)


class LinkArchive(WorkspaceEndpoint):
    """Retiring a link."""

    serializer_class = serializers.LinkAnswer

    @extend_schema(operation_id="links_archive", request=None, responses=serializers.LinkAnswer)
    def post(self, request: Request, public_id: str) -> Response:
        link = get_object_or_404(queries.links_of(self.workspace), public_id=public_id)
        services.archive_link(link=link, actor=actor_of(request), at=self.at)
        return Response(self.get_serializer(link).data)


class AnyAccept(BaseContentNegotiation):
    """Answers images whatever the caller accepts; errors about them are still JSON."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class LinkQr(WorkspaceEndpoint):
    """A link's QR code."""

    content_negotiation_class = AnyAccept

    @extend_schema(
        operation_id="links_qr",
        parameters=[serializers.QrQuery],
        responses={(200, "image/png"): OpenApiTypes.BINARY, (200, "image/svg+xml"): OpenApiTypes.STR},
    )
    def get(self, request: Request, public_id: str) -> HttpResponse:
        link = get_object_or_404(queries.links_of(self.workspace), public_id=public_id)
        query = body_of(serializers.QrQuery, request.query_params)
        logo = b""
        if query["logo"]:
            stored = account_queries.brand_logo(self.workspace)
            if stored is None:
                raise Invalid("The workspace has no logo yet.", code="no_logo", param="logo")
            logo = bytes(stored.content)
        look = qr.look_of(
            color=query["color"],
            background=query["background"],
            margin=query["margin"],
            level=query["level"],
            logo=logo,
        )
        if query["format"] == "svg":
            drawn = qr.qr_svg(link.referral_url, size=query["size"], look=look)
            return HttpResponse(drawn, content_type="image/svg+xml")
        drawn = qr.qr_png(link.referral_url, size=query["size"], look=look)
        return HttpResponse(drawn, content_type="image/png")


class PromoCodeFilter(CodeFilter):
    """Filters of the list of promo codes."""

    class Meta:
        model = PromoCode
        fields = ["status"]


class PromoCodeList(ParticipantEndpoint):
    """Promo codes, newest first."""

    serializer_class = serializers.PromoCodeAnswer  # type: ignore[assignment]
    filterset_class = PromoCodeFilter
    queryset = PromoCode.objects.none()

    def get_queryset(self) -> QuerySet[PromoCode]:
        return queries.promo_codes_of(self.workspace)

    @extend_schema(operation_id="promo_codes_list", responses=serializers.PromoCodeAnswer(many=True))
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        operation_id="promo_codes_create",
        request=serializers.PromoCodeBody,
        responses={201: serializers.PromoCodeAnswer},
    )
    def post(self, request: Request) -> Response:
        body = body_of(serializers.PromoCodeBody, request.data)
        participant = self.participant(body.pop("participant"), param="participant")
        promo = services.create_promo_code(
            participant=participant, **body, actor=actor_of(request), at=self.at
        )
        return Response(self.get_serializer(promo).data, status=201)


class PromoCodeBulk(BulkEndpoint):
    """Many promo codes at once."""

    serializer_class = serializers.PromoCodeBulkAnswer

    @extend_schema(
        operation_id="promo_codes_create_many",
        request=serializers.PromoCodeBulkBody,
        responses=serializers.PromoCodeBulkAnswer,
    )
    def post(self, request: Request) -> Response:
        items, people = self.items(request, "promo_codes", serializers.PromoCodeBody)
        new = [(people[item["participant"]], item["code"]) for item in items if isinstance(item, dict)]
        made = services.create_promo_codes(codes=new, actor=actor_of(request), at=self.at)
        return self.answer(_merged(items, made), serializers.PromoCodeAnswer)


class PromoCodeDetail(WorkspaceEndpoint):
    """One promo code."""

    serializer_class = serializers.PromoCodeAnswer

    @extend_schema(operation_id="promo_codes_get", responses=serializers.PromoCodeAnswer)
    def get(self, request: Request, public_id: str) -> Response:
        promo = get_object_or_404(queries.promo_codes_of(self.workspace), public_id=public_id)
        return Response(self.get_serializer(promo).data)

    @extend_schema(
        operation_id="promo_codes_update",
        request=serializers.PromoCodeChangeBody,
        responses=serializers.PromoCodeAnswer,
    )
    def patch(self, request: Request, public_id: str) -> Response:
        promo = get_object_or_404(queries.promo_codes_of(self.workspace), public_id=public_id)
        body = body_of(serializers.PromoCodeChangeBody, request.data)
        services.set_promo_code_status(promo=promo, **body, actor=actor_of(request))
        return Response(self.get_serializer(promo).data)
