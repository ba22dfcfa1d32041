"""`GET /api/v1/overview`: a period's figures; `GET /api/v1/search`: what a text finds."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.endpoint import WorkspaceEndpoint
from analytics import queries
from analytics.days import Period, day_of
from analytics.forms import PeriodForm
from core.errors import Invalid


class UnitAnswer(serializers.Serializer[Any]):
    """The amounts of one unit in its minor unit."""

    unit = serializers.CharField(help_text="an ISO 4217 code, or PTS for points")
    revenue_minor = serializers.IntegerField()
    refunded_minor = serializers.IntegerField(help_text="given back in the period")
    reward_minor = serializers.IntegerField(help_text="promised in the period")
    reversed_minor = serializers.IntegerField(help_text="taken back in the period")
    paid_minor = serializers.IntegerField()


class RateAnswer(serializers.Serializer[Any]):
    """A share, exact as two counts and in percent with one decimal."""

    part = serializers.IntegerField()
    whole = serializers.IntegerField()
    percent = serializers.CharField(allow_null=True, help_text="null when the whole is 0")


class TotalsAnswer(serializers.Serializer[Any]):
    """A period's figures. A visitor counts once for each day."""

    clicks = serializers.IntegerField()
    clicks_not_counted = serializers.IntegerField()
    visitors = serializers.IntegerField()
    signups = serializers.IntegerField()
    purchases = serializers.IntegerField()
    customs = serializers.IntegerField(help_text="custom conversions")
    enrolled = serializers.IntegerField()
    rewards = serializers.IntegerField()
    rewards_approved = serializers.IntegerField()
    rewards_paid = serializers.IntegerField()
    signup_rate = RateAnswer(help_text="sign-ups out of counted clicks")
    purchase_rate = RateAnswer(help_text="purchases out of sign-ups")
    money = UnitAnswer(many=True)


class PeriodAnswer(serializers.Serializer[Any]):
    """Days in the workspace's time zone, both included, and what they add up to."""

    first_on = serializers.DateField()
    last_on = serializers.DateField()
    totals = TotalsAnswer()


class DayAnswer(serializers.Serializer[Any]):
    """One day of the series."""

    day_on = serializers.DateField()
    clicks = serializers.IntegerField()
    signups = serializers.IntegerField()
    purchases = serializers.IntegerField()


class OverviewAnswer(serializers.Serializer[Any]):
    """A period, the one of the same length before it, and the period's days."""

    program = serializers.CharField(allow_null=True)
    time_zone = serializers.CharField()
    period = PeriodAnswer()
    previous = PeriodAnswer()
    days = DayAnswer(many=True)
    rebuilt_at = serializers.DateTimeField(allow_null=True, help_text="when the figures were last added up")


def _period(period: Period, totals: queries.Totals) -> dict[str, Any]:
    return {"first_on": period.first_on, "last_on": period.last_on, "totals": totals}


class OverviewEndpoint(WorkspaceEndpoint):
    """Figures of a period, by default of the last 30 days."""

    serializer_class = OverviewAnswer

    @extend_schema(
        operation_id="overview",
        parameters=[
            OpenApiParameter("from", str, description="first day, YYYY-MM-DD, in the workspace's zone"),
            OpenApiParameter("to", str, description="last day, YYYY-MM-DD; today at the latest"),
            OpenApiParameter("program", str, description="public id of one program"),
        ],
        responses=OverviewAnswer,
    )
    def get(self, request: Request) -> Response:
        form = PeriodForm(
            {name: request.query_params.get(name, "") for name in ("from", "to", "program")},
            today=day_of(self.at, self.workspace.time_zone),
            programs=queries.program_choices(self.workspace),
        )
        if not form.is_valid():
            param, problems = next(iter(form.errors.items()))
            raise Invalid(str(problems[0]), param=param)
        report = queries.overview(
            self.workspace,
            first_on=form.period.first_on,
            last_on=form.period.last_on,
            program=form.program,
        )
        answer = {
            "program": form.program.public_id if form.program else None,
            "time_zone": self.workspace.time_zone,
            "period": _period(report.period, report.now),
            "previous": _period(report.previous, report.before),
            "days": report.days,
            "rebuilt_at": report.rebuilt_at,
        }
        return Response(self.get_serializer(answer).data)


class HitAnswer(serializers.Serializer[Any]):
    """One thing found."""

    id = serializers.CharField(source="public_id")
    title = serializers.CharField(help_text="its name, code or number")
    text = serializers.CharField(help_text="what tells it from others of the same title")
    status = serializers.CharField(help_text="empty for customers, who have none")
    amount_minor = serializers.IntegerField(allow_null=True, help_text="of a conversion")
    currency = serializers.CharField(source="unit", help_text="of the amount, else empty")
    participant = serializers.SerializerMethodField(help_text="whose link or promo code it is")

    def get_participant(self, hit: queries.Hit) -> str | None:
        """Return the participant of a code."""
        return hit.target if hit.target != hit.public_id else None


class GroupAnswer(serializers.Serializer[Any]):
    """What was found of one kind, best first."""

    kind = serializers.CharField(
        source="kind.code", help_text=f"one of {', '.join(kind.code for kind in queries.KINDS)}"
    )
    has_more = serializers.BooleanField(source="more")
    hits = HitAnswer(many=True)


class SearchAnswer(serializers.Serializer[Any]):
    """The kinds of which something was found."""

    q = serializers.CharField()
    groups = GroupAnswer(many=True)


class SearchEndpoint(WorkspaceEndpoint):
    """People, referrals, conversions, links, promo codes and programs by a text."""

    serializer_class = SearchAnswer

    @extend_schema(
        operation_id="search",
        parameters=[
            OpenApiParameter(
                "q",
                str,
                required=True,
                description="2 to 100 characters: the beginning of a name, an e-mail address, a code, an "
                "order number or your own customer id; or a whole id or link",
            ),
            OpenApiParameter(
                "kind",
                str,
                enum=[kind.code for kind in queries.KINDS],
                description="only this kind, up to 50 of it; without it 5 of each",
            ),
        ],
        responses=SearchAnswer,
    )
    def get(self, request: Request) -> Response:
        text = request.query_params.get("q", "").strip()
        if not queries.SHORTEST_SEARCH <= len(text) <= queries.LONGEST_SEARCH:
            raise Invalid(
                f"Give {queries.SHORTEST_SEARCH} to {queries.LONGEST_SEARCH} characters to look for.",
                param="q",
            )
        code = request.query_params.get("kind", "")
        only = [kind for kind in queries.KINDS if kind.code == code]
        if code and not only:
            raise Invalid("There is no such kind.", param="kind")
        groups = queries.search(
            self.workspace, text, kinds=only or queries.KINDS, limit=50 if only else queries.PER_KIND
        )
        return Response(self.get_serializer({"q": text, "groups": groups}).data)
