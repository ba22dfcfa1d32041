"""`/api/v1/liability`: what is owed, what is expected, and how much of each cap is used."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.endpoint import WorkspaceEndpoint
from rewards import queries


class LiabilityFigureAnswer(serializers.Serializer[Any]):
    """One amount; the list of rewards shows what is behind it with the same key as `stands`."""

    key = serializers.CharField()
    amount_minor = serializers.IntegerField()
    count = serializers.IntegerField()


class LiabilityRowAnswer(serializers.Serializer[Any]):
    """What one program promised in one kind and unit, by where it stands."""

    program = serializers.CharField(source="program.public_id")
    kind = serializers.CharField()
    unit = serializers.CharField()
    figures = LiabilityFigureAnswer(many=True)
    owed_minor = serializers.IntegerField()


class LiabilityForecastAnswer(serializers.Serializer[Any]):
    """What is expected within some days; the range holds 19 times out of 20."""

    unit = serializers.CharField()
    days = serializers.IntegerField()
    becoming_payable_minor = serializers.IntegerField()
    survival_promised_minor = serializers.IntegerField(source="survival.promised_minor")
    survival_kept_minor = serializers.IntegerField(source="survival.kept_minor")
    promised_minor = serializers.IntegerField(source="promised.expected_minor")
    promised_low_minor = serializers.IntegerField(source="promised.low_minor")
    promised_high_minor = serializers.IntegerField(source="promised.high_minor")


class CapUsedAnswer(serializers.Serializer[Any]):
    """How much of one cap is used, in one period, by one participant or the whole program."""

    id = serializers.CharField(source="allowance.public_id")
    program = serializers.CharField(source="allowance.program.public_id")
    cap = serializers.CharField(source="allowance.cap_key")
    participant = serializers.CharField(
        source="allowance.participant.public_id", default=None, allow_null=True
    )
    period = serializers.CharField(source="allowance.period", allow_blank=True)
    used_minor = serializers.IntegerField(source="allowance.used_minor")
    used_count = serializers.IntegerField(source="allowance.used_count")
    limit_minor = serializers.IntegerField(allow_null=True)
    limit_count = serializers.IntegerField(allow_null=True)
    percent = serializers.IntegerField(allow_null=True)


class LiabilityAnswer(serializers.Serializer[Any]):
    """The whole report."""

    rows = LiabilityRowAnswer(many=True)
    forecasts = LiabilityForecastAnswer(many=True)
    caps = CapUsedAnswer(many=True)


class LiabilityReport(WorkspaceEndpoint):
    """What is owed by program, kind and unit, the forecast for 30 and 90 days, and the caps in use."""

    serializer_class = LiabilityAnswer

    @extend_schema(operation_id="liability_get", responses=LiabilityAnswer)
    def get(self, request: Request) -> Response:
        return Response(LiabilityAnswer(queries.liability(self.workspace, at=self.at)).data)
