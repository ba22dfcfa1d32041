"""`GET /api/v1/reports/attribution`: a period under every model side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.endpoint import WorkspaceEndpoint
from analytics import queries
from analytics.attribution_values.records import By
from analytics.days import day_of
from analytics.forms import AttributionForm, PeriodForm
from core.errors import Invalid


class AttributedAmountAnswer(serializers.Serializer[Any]):
    """An amount in the minor unit of its currency."""

    currency = serializers.CharField()
    amount_minor = serializers.IntegerField(help_text="after refunds, whenever they were made")


class AttributedAnswer(serializers.Serializer[Any]):
    """What one model attributes."""

    model = serializers.CharField(
        help_text=f"one of {', '.join(queries.COLUMNS)}; `actual` is what was credited, and rewards follow "
        "it and nothing else"
    )
    conversions_ppm = serializers.IntegerField(help_text="millionths of conversions")
    amounts = AttributedAmountAnswer(many=True)


class AttributionRowAnswer(serializers.Serializer[Any]):
    """One channel or participant, or what has no row of its own."""

    kind = serializers.CharField(
        help_text="`one`, `rest` or `none`: `rest` is everything beyond the "
        f"{queries.TOLD_APART} met most often; `none` rests on no contact but on an earlier conversion",
    )
    id = serializers.CharField(
        allow_null=True, help_text="the channel, or the participant's public id; null unless kind is `one`"
    )
    name = serializers.CharField(help_text="of the participant or channel; empty unless kind is `one`")
    touches = serializers.IntegerField(help_text="contacts, in journeys with and without a conversion")
    models = AttributedAnswer(many=True)


class MovedAnswer(serializers.Serializer[Any]):
    """How far a model is from what was credited: the share of all conversions it gives to others."""

    model = serializers.CharField()
    part_ppm = serializers.IntegerField(source="share.part")
    whole_ppm = serializers.IntegerField(source="share.whole")
    percent = serializers.CharField(
        source="share.percent", allow_null=True, help_text="null without conversions"
    )


class AttributionTotalAnswer(serializers.Serializer[Any]):
    """What every model's numbers add up to."""

    conversions_ppm = serializers.IntegerField()
    amounts = AttributedAmountAnswer(many=True)


class AttributionReportAnswer(serializers.Serializer[Any]):
    """A period's conversions under every model. It never changes what anybody is paid."""

    program = serializers.CharField(allow_null=True)
    time_zone = serializers.CharField()
    first_on = serializers.DateField()
    last_on = serializers.DateField()
    by = serializers.CharField(help_text="channel or participant")
    kind = serializers.CharField(allow_null=True, help_text="of the conversions; null for all")
    journeys_converted = serializers.IntegerField()
    journeys_unconverted = serializers.IntegerField()
    since = serializers.DateTimeField(
        allow_null=True,
        help_text=f"where the report begins if the period holds more than {queries.MOST_DECISIONS} decisions",
    )
    total = AttributionTotalAnswer()
    moved = MovedAnswer(many=True)
    rows = AttributionRowAnswer(many=True)


def _worth(worth: queries.Worth) -> dict[str, Any]:
    return {
        "conversions_ppm": worth.conversions_ppm,
        "amounts": [
            {"currency": currency, "amount_minor": minor} for currency, minor in worth.amounts.items()
        ],
    }


def _row(row: queries.AttributionRow) -> Mapping[str, Any]:
    return {
        "kind": row.kind,
        "id": row.label if row.kind == "one" else None,
        "name": row.name,
        "touches": row.touches,
        "models": [{"model": column, **_worth(row.worth[column])} for column in queries.COLUMNS],
    }


class AttributionReportEndpoint(WorkspaceEndpoint):
    """What every model would have credited, beside what was credited; by default the last 30 days."""

    serializer_class = AttributionReportAnswer

    @extend_schema(
        operation_id="report_attribution",
        parameters=[
            OpenApiParameter("from", str, description="first day, YYYY-MM-DD, in the workspace's zone"),
            OpenApiParameter("to", str, description="last day, YYYY-MM-DD; today at the latest"),
            OpenApiParameter("program", str, description="public id of one program"),
            OpenApiParameter("by", str, enum=["channel", "participant"], description="`channel` without it"),
            OpenApiParameter(
                "kind", str, enum=["purchase", "signup", "custom"], description="all without it"
            ),
        ],
        responses=AttributionReportAnswer,
    )
    def get(self, request: Request) -> Response:
        given = {name: request.query_params.get(name, "") for name in ("from", "to", "program", "by", "kind")}
        days = PeriodForm(
            given,
            today=day_of(self.at, self.workspace.time_zone),
            programs=queries.program_choices(self.workspace),
        )
        form = AttributionForm(given)
        for each in (days, form):
            if not each.is_valid():
                param, problems = next(iter(each.errors.items()))
                raise Invalid(str(problems[0]), param=param)
        report = queries.attribution_report(
            self.workspace,
            first_on=days.period.first_on,
            last_on=days.period.last_on,
            by=cast(By, form.chosen["by"]),
            kind=form.chosen["kind"],
            program=days.program,
        )
        answer = {
            "program": days.program.public_id if days.program else None,
            "time_zone": self.workspace.time_zone,
            "first_on": report.period.first_on,
            "last_on": report.period.last_on,
            "by": report.by,
            "kind": form.chosen["kind"] or None,
            "journeys_converted": report.converted,
            "journeys_unconverted": report.unconverted,
            "since": report.since,
            "total": _worth(report.total),
            "moved": [{"model": column, "share": report.moved(column)} for column in queries.COLUMNS],
            "rows": [_row(row) for row in report.rows],
        }
        return Response(self.get_serializer(answer).data)
