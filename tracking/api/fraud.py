"""`/api/v1/fraud-cases` and `/api/v1/fraud-list-entries`."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import actor_of
from accounts.endpoint import WorkspaceEndpoint
from core.answers import parts_of
from tracking import case_queries, fraud_queries, fraud_serializers, services
from tracking.fraud_wording import read_by_participant, reason_sentence
from tracking.models import FraudCase, FraudListEntry


class FraudCaseFilter(django_filters.FilterSet):
    """Filters of the list of fraud cases."""

    program = django_filters.CharFilter(field_name="program__public_id")
    participant = django_filters.CharFilter(field_name="participant__public_id")
    customer = django_filters.CharFilter(field_name="conversion__customer__public_id")
    conversion = django_filters.CharFilter(field_name="conversion__public_id")
    rule = django_filters.CharFilter(field_name="reason")

    class Meta:
        model = FraudCase
        fields = ["status", "outcome"]


class FraudEndpoint(WorkspaceEndpoint):
    """What the calls on fraud cases share."""

    def body(self, request: Request) -> dict[str, Any]:
        """Return the validated body."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        found: dict[str, Any] = serializer.validated_data
        return found

    def case(self, public_id: str) -> FraudCase:
        """Return the case with this id; 404 for any other."""
        case = fraud_queries.case_named(self.workspace, public_id)
        if case is None:
            raise Http404
        return case

    def whole(self, public_id: str) -> Response:
        """Answer with a case as it stands now."""
        rows = _with_money(fraud_queries.cases_whole(self.workspace))
        case = rows.filter(public_id=public_id).first()
        if case is None:
            raise Http404
        signals = list(fraud_queries.signals_of_case(case))
        counted = [signal.sentence for signal in signals if not signal.shadow]
        return Response(
            {
                **fraud_serializers.FraudCaseAnswer(case).data,
                "sentence": counted[0] if counted else reason_sentence(case.reason),
                "participant_sentence": read_by_participant(case.status, case.reason),
                "signals": fraud_serializers.FraudSignalAnswer(signals, many=True).data,
                "changes": fraud_serializers.FraudCaseChangeAnswer(
                    case_queries.case_changes(case), many=True
                ).data,
                "rewards": parts_of("fraud_case", case).get("rewards", []),
            }
        )


def _with_money(rows: QuerySet[FraudCase]) -> QuerySet[FraudCase]:
    found: QuerySet[FraudCase] = parts_of("fraud_cases", rows)["rows"]
    return found


class FraudCaseList(FraudEndpoint):
    """Fraud cases, newest first."""

    serializer_class = fraud_serializers.FraudCaseAnswer
    filterset_class = FraudCaseFilter
    queryset = FraudCase.objects.none()

    def get_queryset(self) -> QuerySet[FraudCase]:
        return _with_money(fraud_queries.cases_whole(self.workspace))

    @extend_schema(operation_id="fraud_cases_list", responses=fraud_serializers.FraudCaseAnswer(many=True))
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class FraudCaseDetail(FraudEndpoint):
    """One fraud case with its findings, its history and its rewards."""

    serializer_class = fraud_serializers.FraudCaseDetailAnswer

    @extend_schema(operation_id="fraud_cases_get", responses=fraud_serializers.FraudCaseDetailAnswer)
    def get(self, request: Request, public_id: str) -> Response:
        return self.whole(public_id)


class FraudDecision(FraudEndpoint):
    """What the decisions about one case share."""

    serializer_class = fraud_serializers.DecisionBody

    def decide(self, request: Request, public_id: str, status: str) -> Response:
        """Resolve a case and answer with it; the same decision again changes nothing."""
        case, reason = self.case(public_id), self.body(request)["reason"]
        services.resolve_case(case=case, status=status, reason=reason, actor=actor_of(request), at=self.at)
        return self.whole(public_id)


class FraudCaseApprove(FraudDecision):
    """Trust a case: its rewards are off hold, and what the rules refused is credited."""

    @extend_schema(operation_id="fraud_cases_approve", responses=fraud_serializers.FraudCaseDetailAnswer)
    def post(self, request: Request, public_id: str) -> Response:
        return self.decide(request, public_id, FraudCase.Status.APPROVED)


class FraudCaseReject(FraudDecision):
    """Reject a case: its rewards are denied, or taken back."""

    @extend_schema(operation_id="fraud_cases_reject", responses=fraud_serializers.FraudCaseDetailAnswer)
    def post(self, request: Request, public_id: str) -> Response:
        return self.decide(request, public_id, FraudCase.Status.REJECTED)


class FraudCaseReopen(FraudDecision):
    """Take a decision back: the rewards are on hold."""

    @extend_schema(operation_id="fraud_cases_reopen", responses=fraud_serializers.FraudCaseDetailAnswer)
    def post(self, request: Request, public_id: str) -> Response:
        return self.decide(request, public_id, FraudCase.Status.OPEN)


class FraudCaseBulk(FraudEndpoint):
    """Decide many cases alike; a refused one does not stop the others."""

    serializer_class = fraud_serializers.BulkDecisionBody

    @extend_schema(operation_id="fraud_cases_decide_many", responses=fraud_serializers.BulkDecisionAnswer)
    def post(self, request: Request) -> Response:
        body = self.body(request)
        results = services.resolve_cases(
            workspace=self.workspace,
            public_ids=body["ids"],
            status=body["status"],
            reason=body["reason"],
            actor=actor_of(request),
            at=self.at,
        )
        answers = [
            {"id": public_id, "status": body["status"]}
            if error is None
            else {"id": public_id, "error": {"code": error.code, "message": error.message}}
            for public_id, error in results
        ]
        failed = sum(error is not None for _, error in results)
        return Response({"done": len(answers) - failed, "failed": failed, "results": answers})


class FraudListEntryFilter(django_filters.FilterSet):
    """Filters of the allow and block lists."""

    class Meta:
        model = FraudListEntry
        fields = ["mode", "kind", "pattern"]


class FraudListEntryList(FraudEndpoint):
    """Entries of the allow and block lists, newest first; a POST adds one, 200 if it was known."""

    filterset_class = FraudListEntryFilter
    queryset = FraudListEntry.objects.none()

    def get_queryset(self) -> QuerySet[FraudListEntry]:
        return fraud_queries.list_entries(self.workspace)

    def get_serializer_class(self) -> type[Any]:
        if self.request.method == "POST":
            return fraud_serializers.FraudListEntryBody
        return fraud_serializers.FraudListEntryAnswer

    @extend_schema(
        operation_id="fraud_list_entries_list", responses=fraud_serializers.FraudListEntryAnswer(many=True)
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(fraud_serializers.FraudListEntryAnswer(page, many=True).data)

    @extend_schema(
        operation_id="fraud_list_entries_create",
        request=fraud_serializers.FraudListEntryBody,
        responses={
            200: fraud_serializers.FraudListEntryAnswer,
            201: fraud_serializers.FraudListEntryAnswer,
        },
    )
    def post(self, request: Request) -> Response:
        entry, made = services.add_list_entry(
            workspace=self.workspace, **self.body(request), actor=actor_of(request), at=self.at
        )
        return Response(fraud_serializers.FraudListEntryAnswer(entry).data, status=201 if made else 200)


class FraudListEntryDetail(FraudEndpoint):
    """One entry of the allow or the block list."""

    serializer_class = fraud_serializers.FraudListEntryAnswer

    def entry(self, public_id: str) -> FraudListEntry:
        """Return the entry with this id; 404 for any other."""
        entry = fraud_queries.list_entry_named(self.workspace, public_id)
        if entry is None:
            raise Http404
        return entry

    @extend_schema(operation_id="fraud_list_entries_get", responses=fraud_serializers.FraudListEntryAnswer)
    def get(self, request: Request, public_id: str) -> Response:
        return Response(self.get_serializer(self.entry(public_id)).data)

    @extend_schema(operation_id="fraud_list_entries_delete", responses={204: None})
    def delete(self, request: Request, public_id: str) -> Response:
        services.remove_list_entry(entry=self.entry(public_id), actor=actor_of(request))
        return Response(status=204)
