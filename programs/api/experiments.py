"""`/api/v1/experiments`: set up, started and stopped, and people assigned."""

from __future__ import annotations

from typing import Any, ClassVar

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import actor_of
from accounts.endpoint import WorkspaceEndpoint
from core.errors import NotFound
from programs import queries, serializers, services
from programs.api.programs import body_of
from programs.assignment import Variant
from programs.models import Experiment


class ExperimentEndpoint(WorkspaceEndpoint):
    """What the calls about one experiment share."""

    serializer_class: type[Any] = serializers.ExperimentDetailAnswer

    def experiment(self, public_id: str) -> Experiment:
        """Return the experiment, 404 where this workspace has none by that id."""
        found: Experiment = get_object_or_404(queries.experiments_of(self.workspace), public_id=public_id)
        return found

    def answer(self, experiment: Experiment, status: int = 200) -> Response:
        """Answer with the experiment and how many people saw what."""
        return Response(serializers.ExperimentDetailAnswer(experiment).data, status=status)


class ExperimentFilter(django_filters.FilterSet):
    """Filters of the list of experiments."""

    program = django_filters.CharFilter(field_name="program__public_id")

    class Meta:
        model = Experiment
        fields = ["status"]


class ExperimentList(ExperimentEndpoint):
    """Experiments, newest first."""

    serializer_class = serializers.ExperimentAnswer
    filterset_class = ExperimentFilter
    queryset = Experiment.objects.none()

    def get_queryset(self) -> QuerySet[Experiment]:
        return queries.experiments_of(self.workspace)

    @extend_schema(operation_id="experiments_list", responses=serializers.ExperimentAnswer(many=True))
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        operation_id="experiments_create",
        description="Draft an experiment with 2 to 4 variants. Nobody is assigned before it is started.",
        request=serializers.ExperimentBody,
        responses={201: serializers.ExperimentDetailAnswer},
    )
    def post(self, request: Request) -> Response:
        body = body_of(serializers.ExperimentBody, request.data)
        program = queries.programs_of(self.workspace).filter(public_id=body.pop("program")).first()
        if program is None:
            raise NotFound("There is no program by that id.", param="program")
        variants = [Variant(**each) for each in body.pop("variants")]
        experiment = services.create_experiment(
            program=program, variants=variants, **body, actor=actor_of(request), at=self.at
        )
        return self.answer(experiment, status=201)


class ExperimentDetail(ExperimentEndpoint):
    """One experiment."""

    @extend_schema(operation_id="experiments_get", responses=serializers.ExperimentDetailAnswer)
    def get(self, request: Request, public_id: str) -> Response:
        return self.answer(self.experiment(public_id))

    @extend_schema(
        operation_id="experiments_update",
        description="Change a draft's variants and holdout. One that has run is refused by 409.",
        request=serializers.VariantsBody,
        responses=serializers.ExperimentDetailAnswer,
    )
    def patch(self, request: Request, public_id: str) -> Response:
        experiment = self.experiment(public_id)
        body = body_of(serializers.VariantsBody, request.data)
        given = body.get("variants")
        services.change_variants(
            experiment=experiment,
            variants=experiment.arms if given is None else [Variant(**each) for each in given],
            holdout_bps=body.get("holdout_bps", experiment.holdout_bps),
            actor=actor_of(request),
        )
        return self.answer(experiment)


class ExperimentStart(ExperimentEndpoint):
    """Starting an experiment."""

    @extend_schema(
        operation_id="experiments_start",
        description="Let people be assigned. Repeating it changes nothing.",
        request=None,
        responses=serializers.ExperimentDetailAnswer,
    )
    def post(self, request: Request, public_id: str) -> Response:
        experiment = self.experiment(public_id)
        services.start_experiment(experiment=experiment, actor=actor_of(request), at=self.at)
        return self.answer(experiment)


class ExperimentStop(ExperimentEndpoint):
    """Stopping an experiment for good."""

    @extend_schema(
        operation_id="experiments_stop",
        description="Assign nobody any more, for good. Repeating it changes nothing.",
        request=None,
        responses=serializers.ExperimentDetailAnswer,
    )
    def post(self, request: Request, public_id: str) -> Response:
        experiment = self.experiment(public_id)
        services.stop_experiment(experiment=experiment, actor=actor_of(request), at=self.at)
        return self.answer(experiment)


class ExperimentExposures(ExperimentEndpoint):
    """Who sees which variant."""

    scopes: ClassVar[dict[str, tuple[str, ...]]] = {"POST": ("track", "write")}
    serializer_class = serializers.ExposureAnswer

    @extend_schema(
        operation_id="experiments_expose",
        description="Assign a participant and store that they see their variant now. Once assigned, always "
        "assigned: later calls answer 200 with the first variant and instant. The variant `holdout` "
        "means: show nothing new. Needs the scope `track` or `write`.",
        request=serializers.ExposureBody,
        responses={200: serializers.ExposureAnswer, 201: serializers.ExposureAnswer},
    )
    def post(self, request: Request, public_id: str) -> Response:
        experiment = self.experiment(public_id)
        body = body_of(serializers.ExposureBody, request.data)
        people = queries.participants_of(self.workspace)
        participant = people.filter(public_id=body["participant"]).first()
        if participant is None:
            raise NotFound("There is no participant by that id.", param="participant")
        exposure, new = services.expose(experiment=experiment, participant=participant, at=self.at)
        answer = {"variant": exposure.variant, "exposed_at": exposure.at, "new": new}
        return Response(self.get_serializer(answer).data, status=201 if new else 200)
