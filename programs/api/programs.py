"""`/api/v1/` programs, participants and customers."""

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
from core.api import StrictSerializer
from core.errors import NotFound
from programs import queries, serializers, services
from programs.models import Customer, Participant, Program
from programs.terms import TermsInvalid


def body_of(kind: type[StrictSerializer], data: Any) -> dict[str, Any]:
    """Return the validated values; raises DRF's ValidationError naming the fields at fault."""
    serializer = kind(data=data)
    serializer.is_valid(raise_exception=True)
    found: dict[str, Any] = serializer.validated_data
    return found


class ProgramEndpoint(WorkspaceEndpoint):
    """What the calls about one program share."""

    def program(self, public_id: str) -> Program:
        """Return the program, 404 where this workspace has none by that id."""
        found: Program = get_object_or_404(queries.programs_of(self.workspace), public_id=public_id)
        return found

    def answer(self, program: Program, status: int = 200) -> Response:
        """Answer with the program and its terms."""
        return Response(serializers.ProgramDetailAnswer(program).data, status=status)


class ProgramFilter(django_filters.FilterSet):
    """Filters of the list of programs."""

    class Meta:
        model = Program
        fields = ["status", "kind"]


class ProgramList(ProgramEndpoint):
    """Programs, newest first."""

    serializer_class = serializers.ProgramAnswer
    filterset_class = ProgramFilter
    queryset = Program.objects.none()

    def get_queryset(self) -> QuerySet[Program]:
        return queries.programs_of(self.workspace)

    @extend_schema(operation_id="programs_list", responses=serializers.ProgramAnswer(many=True))
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        operation_id="programs_create",
        request=serializers.ProgramBody,
        responses={201: serializers.ProgramDetailAnswer},
    )
    def post(self, request: Request) -> Response:
        body = body_of(serializers.ProgramBody, request.data)
        program = services.create_program(
            workspace=self.workspace, **body, actor=actor_of(request), at=self.at
        )
        return self.answer(program, status=201)


class ProgramDetail(ProgramEndpoint):
    """One program."""

    serializer_class = serializers.ProgramDetailAnswer

    @extend_schema(operation_id="programs_get", responses=serializers.ProgramDetailAnswer)
    def get(self, request: Request, public_id: str) -> Response:
        return self.answer(self.program(public_id))

    @extend_schema(
        operation_id="programs_update",
        request=serializers.DraftBody,
        responses=serializers.ProgramDetailAnswer,
    )
    def patch(self, request: Request, public_id: str) -> Response:
        program = self.program(public_id)
        body = body_of(serializers.DraftBody, request.data)
        try:
            services.update_draft(program=program, **body, actor=actor_of(request))
        except TermsInvalid as error:
            raise _below_terms(error) from error
        return self.answer(program)


def _below_terms(error: TermsInvalid) -> TermsInvalid:
    """Name the faults as they stand in the request, below its field `terms`."""
    for fault in error.details["errors"]:
        fault["param"] = f"terms.{fault['param']}".removesuffix(".")
    error.param = f"terms.{error.param}" if error.param else "terms"
    return error


class ProgramPublish(ProgramEndpoint):
    """Publishing a program's draft."""

    @extend_schema(operation_id="programs_publish", request=None, responses=serializers.ProgramDetailAnswer)
    def post(self, request: Request, public_id: str) -> Response:
        program = self.program(public_id)
        services.publish_program(program=program, actor=actor_of(request), at=self.at)
        return self.answer(program)


class ProgramStatus(ProgramEndpoint):
    """Pausing, resuming and ending a program."""

    @extend_schema(
        operation_id="programs_set_status",
        request=serializers.StatusBody,
        responses=serializers.ProgramDetailAnswer,
    )
    def post(self, request: Request, public_id: str) -> Response:
        program = self.program(public_id)
        body = body_of(serializers.StatusBody, request.data)
        services.change_program_status(program=program, **body, actor=actor_of(request), at=self.at)
        return self.answer(program)


class ParticipantFilter(django_filters.FilterSet):
    """Filters of the list of participants."""

    program = django_filters.CharFilter(field_name="program__public_id")
    external_id = django_filters.CharFilter(field_name="customer__external_id")
    email = django_filters.CharFilter(field_name="customer__email", method="by_email")

    class Meta:
        model = Participant
        fields = ["status"]

    def by_email(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """Compare addresses as they are stored, in small letters."""
        return rows.filter(**{name: value.strip().lower()})


class ParticipantEndpoint(WorkspaceEndpoint):
    """What the calls about participants share."""

    serializer_class = serializers.ParticipantAnswer

    def participant(self, public_id: str, *, param: str | None = None) -> Participant:
        """Return the participant with the links, 404 where this workspace has none by that id."""
        rows = queries.participants_with_links(self.workspace)
        found: Participant | None = rows.filter(public_id=public_id).first()
        if found is None:
            raise NotFound("There is no participant by that id.", param=param)
        return found


class ParticipantList(ParticipantEndpoint):
    """Participants, newest first, and enrolment."""

    filterset_class = ParticipantFilter
    queryset = Participant.objects.none()

    def get_queryset(self) -> QuerySet[Participant]:
        return queries.participants_with_links(self.workspace)

    @extend_schema(operation_id="participants_list", responses=serializers.ParticipantAnswer(many=True))
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        operation_id="participants_enrol",
        description="Enrol a person. Whoever is enrolled already is answered with 200, anew with 201.",
        request=serializers.ParticipantBody,
        responses={200: serializers.ParticipantAnswer, 201: serializers.ParticipantAnswer},
    )
    def post(self, request: Request) -> Response:
        body = body_of(serializers.ParticipantBody, request.data)
        program = queries.programs_of(self.workspace).filter(public_id=body.pop("program")).first()
        if program is None:
            raise NotFound("There is no program by that id.", param="program")
        participant, created = services.enrol_person(
            program=program, **body, actor=actor_of(request), at=self.at
        )
        answer = self.get_serializer(self.participant(participant.public_id)).data
        return Response(answer, status=201 if created else 200)


class ParticipantDetail(ParticipantEndpoint):
    """One participant."""

    @extend_schema(operation_id="participants_get", responses=serializers.ParticipantAnswer)
    def get(self, request: Request, public_id: str) -> Response:
        return Response(self.get_serializer(self.participant(public_id)).data)

    @extend_schema(
        operation_id="participants_update",
        request=serializers.ParticipantChangeBody,
        responses=serializers.ParticipantAnswer,
    )
    def patch(self, request: Request, public_id: str) -> Response:
        participant = self.participant(public_id)
        body = body_of(serializers.ParticipantChangeBody, request.data)
        services.update_participant(participant=participant, **body, actor=actor_of(request))
        return Response(self.get_serializer(self.participant(public_id)).data)


class CustomerFilter(django_filters.FilterSet):
    """Filters of the list of customers."""

    email = django_filters.CharFilter(method="by_email")

    class Meta:
        model = Customer
        fields = ["external_id"]

    def by_email(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """Compare addresses as they are stored, in small letters."""
        return rows.filter(email=value.strip().lower())


class CustomerList(WorkspaceEndpoint):
    """Customers, newest first."""

    serializer_class = serializers.CustomerAnswer
    filterset_class = CustomerFilter
    queryset = Customer.objects.none()

    def get_queryset(self) -> QuerySet[Customer]:
        return queries.customers_of(self.workspace)

    @extend_schema(operation_id="customers_list", responses=serializers.CustomerAnswer(many=True))
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class CustomerDetail(WorkspaceEndpoint):
    """One customer."""

    serializer_class = serializers.CustomerAnswer

    @extend_schema(operation_id="customers_get", responses=serializers.CustomerAnswer)
    def get(self, request: Request, public_id: str) -> Response:
        return Response(self.get_serializer(self.customer(public_id)).data)

    @extend_schema(
        operation_id="customers_update",
        request=serializers.CustomerChangeBody,
        responses=serializers.CustomerAnswer,
    )
    def patch(self, request: Request, public_id: str) -> Response:
        customer = self.customer(public_id)
        body = body_of(serializers.CustomerChangeBody, request.data)
        services.set_attributes(customer=customer, **body, actor=actor_of(request))
        return Response(self.get_serializer(customer).data)

    def customer(self, public_id: str) -> Customer:
        """Return the customer, 404 where this workspace has none by that id."""
        found: Customer = get_object_or_404(queries.customers_of(self.workspace), public_id=public_id)
        return found
