"""How the fraud rules do, and back-tests of other settings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, Final

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.endpoint import WorkspaceEndpoint
from core.api import StrictSerializer
from programs.models import Program
from programs.terms import change_fraud
from tracking import backtest_queries, queries
from tracking.fraud.backtest import OUTCOMES, BackTestResult, Fates, RuleFigures
from tracking.fraud.shares import Share
from tracking.rules import settings_of

MOST_IN_ONE_CALL: Final = 20_000
LISTED: Final = 50
DEFAULT_DAYS: Final = 90
LONGEST_DAYS: Final = 366


class FraudRulesQuery(StrictSerializer):
    """Which program's judgements, and how far back."""

    program = serializers.CharField(max_length=40)
    days = serializers.IntegerField(min_value=1, max_value=LONGEST_DAYS, default=DEFAULT_DAYS)


class BackTestBody(FraudRulesQuery):
    """What a back-test tries: fields of the terms' `fraud` in place of what the program states now."""

    settings = serializers.DictField(
        required=False,
        help_text="fields of the terms' `fraud`; `weights` changes the rules it names, all else is replaced",
    )


class ShareAnswer(serializers.Serializer[Any]):
    """A share from 0 to 1, and Wilson's bounds at 95 %."""

    value = serializers.FloatField()
    low = serializers.FloatField()
    high = serializers.FloatField()
    hits = serializers.IntegerField()
    of = serializers.IntegerField()


class RuleAnswer(serializers.Serializer[Any]):
    """One rule's figures. A share is null where there is nothing to divide by."""

    rule = serializers.CharField()
    state = serializers.ChoiceField(choices=["on", "shadow", "off"])
    weight = serializers.IntegerField()
    fired = serializers.IntegerField()
    held_alone = serializers.IntegerField(help_text="held or denied, and no other rule counted")
    would_hold = serializers.IntegerField(help_text="fired in the shadow, and would have held or denied")
    judged_fraud = serializers.IntegerField(help_text="of those it fired in, judged fraud by a person")
    judged_fine = serializers.IntegerField(help_text="of those it fired in, judged fine by a person")
    not_judged = serializers.IntegerField()
    share = ShareAnswer(allow_null=True, help_text="of all judgements")
    precision = ShareAnswer(allow_null=True, help_text="fraud of those judged by a person")
    false_positive_rate = ShareAnswer(allow_null=True, help_text="fine of those judged by a person")


class FraudRulesAnswer(serializers.Serializer[Any]):
    """How each rule did in a program."""

    program = serializers.CharField()
    days = serializers.IntegerField()
    judged = serializers.IntegerField(help_text="judgements in the period")
    rules = RuleAnswer(many=True)


class TransitionAnswer(serializers.Serializer[Any]):
    """How many judgements went from one outcome to another, or stayed."""

    before = serializers.CharField(help_text="allow, hold or deny")
    after = serializers.CharField(help_text="allow, hold or deny")
    count = serializers.IntegerField()


class MoneyAnswer(serializers.Serializer[Any]):
    """An amount in the minor unit of its currency."""

    currency = serializers.CharField()
    amount_minor = serializers.IntegerField()


class FatesAnswer(serializers.Serializer[Any]):
    """What became known of some judgements, and the money credited in them."""

    count = serializers.IntegerField()
    judged_fraud = serializers.IntegerField()
    judged_fine = serializers.IntegerField()
    not_judged = serializers.IntegerField()
    unopposed = serializers.IntegerField(help_text="not judged, over 60 days old, without refund or case")
    false_positive_rate = ShareAnswer(allow_null=True)
    at_stake = MoneyAnswer(many=True)


class ChangeAnswer(serializers.Serializer[Any]):
    """One judgement that would come out differently."""

    conversion = serializers.CharField()
    participant = serializers.CharField()
    before = serializers.CharField(help_text="allow, hold or deny")
    after = serializers.CharField(help_text="allow, hold or deny")
    rule = serializers.CharField(help_text="that weighs most now, or did before; empty for none")
    sentence = serializers.CharField()
    truth = serializers.ChoiceField(choices=["fraud", "fine", "unknown"])
    amount_minor = serializers.IntegerField()
    currency = serializers.CharField()


class BackTestAnswer(serializers.Serializer[Any]):
    """What other settings would have made of a program's judgements."""

    program = serializers.CharField()
    days = serializers.IntegerField()
    total = serializers.IntegerField(help_text="judgements in the period")
    judged = serializers.IntegerField(help_text="judged again: the newest 20,000 at most")
    skipped = serializers.IntegerField(help_text="stored in another format")
    changed = serializers.IntegerField()
    transitions = TransitionAnswer(many=True)
    newly_held = FatesAnswer(help_text="were allowed, would be held or denied")
    released = FatesAnswer(help_text="were held or denied, would be allowed")
    changes = ChangeAnswer(many=True, help_text="the newest 50")
    rules = RuleAnswer(many=True)


class FraudRuleFigures(WorkspaceEndpoint):
    """How often each fraud rule fired in a program, and how often people agreed."""

    serializer_class = FraudRulesQuery

    @extend_schema(
        operation_id="fraud_rules_get",
        parameters=[
            OpenApiParameter("program", str, required=True, description="a program's id"),
            OpenApiParameter("days", int, description="1 to 366; 90 when missing"),
        ],
        responses=FraudRulesAnswer,
    )
    def get(self, request: Request) -> Response:
        asked = FraudRulesQuery(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        program, days = self._program(asked.validated_data["program"]), asked.validated_data["days"]
        figures = backtest_queries.rule_figures(
            self.workspace, program=program, since=self.at - timedelta(days=days)
        )
        terms = backtest_queries.fraud_terms_of(program)
        return Response(
            {
                "program": program.public_id,
                "days": days,
                "judged": figures[0].judged,
                "rules": [_rule(each, terms) for each in figures],
            }
        )

    def _program(self, public_id: str) -> Program:
        return get_object_or_404(queries.programs_of(self.workspace), public_id=public_id)


class FraudBackTest(FraudRuleFigures):
    """Judges a program's stored judgements again under other settings; nothing is changed by it."""

    serializer_class = BackTestBody
    http_method_names: ClassVar[list[str]] = ["post"]  # type: ignore[misc]
    scopes: ClassVar[dict[str, tuple[str, ...]]] = {"POST": ("read",)}

    @extend_schema(operation_id="fraud_rules_backtest", request=BackTestBody, responses={200: BackTestAnswer})
    def post(self, request: Request) -> Response:
        body = BackTestBody(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        program = self._program(asked["program"])
        terms = change_fraud(backtest_queries.fraud_terms_of(program), asked.get("settings", {}))
        tried = backtest_queries.back_test(
            self.workspace,
            program=program,
            since=self.at - timedelta(days=asked["days"]),
            at=self.at,
            settings=settings_of(terms),
            listed=LISTED,
            most=MOST_IN_ONE_CALL,
        )
        result = tried.result
        return Response(
            {
                "program": program.public_id,
                "days": asked["days"],
                "total": tried.total,
                "judged": result.judged,
                "skipped": result.skipped,
                "changed": result.changed,
                "transitions": _transitions(result),
                "newly_held": _fates(result.caught),
                "released": _fates(result.released),
                "changes": [
                    {
                        "conversion": change.past.conversion,
                        "participant": change.past.participant,
                        "before": change.before,
                        "after": change.after,
                        "rule": change.rule,
                        "sentence": change.sentence,
                        "truth": change.past.truth,
                        "amount_minor": change.past.amount_minor,
                        "currency": change.past.currency,
                    }
                    for change in tried.changes
                ],
                "rules": [_rule(each, terms) for each in result.rules],
            }
        )


def _transitions(result: BackTestResult) -> list[Mapping[str, Any]]:
    return [
        {"before": before, "after": after, "count": result.count(before, after)}
        for before in OUTCOMES
        for after in OUTCOMES
    ]


def _rule(figures: RuleFigures, terms: Any) -> Mapping[str, Any]:
    rule = figures.rule
    return {
        "rule": rule,
        "state": "shadow" if rule in terms.shadow else "off" if rule in terms.off else "on",
        "weight": terms.weight(rule),
        "fired": figures.fired,
        "held_alone": figures.alone,
        "would_hold": figures.would_hold,
        "judged_fraud": figures.fraud,
        "judged_fine": figures.fine,
        "not_judged": figures.unknown,
        "share": _share(figures.share),
        "precision": _share(figures.precision),
        "false_positive_rate": _share(figures.false_positive_rate),
    }


def _fates(fates: Fates) -> Mapping[str, Any]:
    return {
        "count": fates.all,
        "judged_fraud": fates.fraud,
        "judged_fine": fates.fine,
        "not_judged": fates.unknown,
        "unopposed": fates.unopposed,
        "false_positive_rate": _share(fates.false_positive_rate),
        "at_stake": [
            {"currency": currency, "amount_minor": minor} for currency, minor in sorted(fates.money.items())
        ],
    }


def _share(share: Share | None) -> Mapping[str, Any] | None:
    if share is None:
        return None
    bounds = {name: round(getattr(share, name), 4) for name in ("value", "low", "high")}
    return {**bounds, "hits": share.hits, "of": share.of}
