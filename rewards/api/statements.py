"""`/api/v1/statements`: a customer's statement as JSON, CSV or PDF, and whether a digest line is ours."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.endpoint import WorkspaceEndpoint
from core.errors import Invalid, NotFound
from programs.models import Customer
from rewards import queries
from rewards.queries import Statement
from rewards.statement_files import KINDS, statement_file


class StatementQuery(serializers.Serializer[Any]):
    """What a statement is asked for by; the days are the workspace's."""

    customer = serializers.CharField(max_length=40)
    to = serializers.DateField()
    # The name in the address is a word of the language.
    vars()["from"] = serializers.DateField()
    vars()["as"] = serializers.ChoiceField(choices=["json", *KINDS], default="json")


class EntryAnswer(serializers.Serializer[Any]):
    """One movement and the balance after it."""

    at = serializers.DateTimeField()
    transfer = serializers.CharField()
    memo = serializers.CharField()
    change_minor = serializers.IntegerField()
    balance_minor = serializers.IntegerField()
    reward = serializers.CharField(allow_blank=True)
    payout = serializers.CharField(allow_blank=True)


class AccountStatementAnswer(serializers.Serializer[Any]):
    """One account; `difference_minor` is 0 when the movements come to the balance that is kept."""

    account = serializers.CharField(source="public_id")
    kind = serializers.CharField()
    unit = serializers.CharField()
    opening_minor = serializers.IntegerField()
    entries = EntryAnswer(many=True)
    closing_minor = serializers.IntegerField()
    difference_minor = serializers.IntegerField()


class StatementAnswer(serializers.Serializer[Any]):
    """A customer's statement."""

    customer = serializers.CharField()
    first_on = serializers.DateField()
    last_on = serializers.DateField()
    time_zone = serializers.CharField()
    accounts = AccountStatementAnswer(many=True)
    digest = serializers.CharField()


class VerdictAnswer(serializers.Serializer[Any]):
    """What a digest line proves, and the statement as the books give it now."""

    outcome = serializers.CharField(help_text="confirmed, outdated or unknown")
    statement = StatementAnswer(allow_null=True)


def _answer(statement: Statement) -> dict[str, Any]:
    return {
        "customer": statement.customer.public_id,
        "first_on": statement.first_on.isoformat(),
        "last_on": statement.last_on.isoformat(),
        "time_zone": statement.zone,
        "accounts": AccountStatementAnswer(statement.accounts, many=True).data,
        "digest": queries.digest_line(statement),
    }


class Statements(WorkspaceEndpoint):
    """Every movement of a customer's accounts in some days, with the balances before and after."""

    serializer_class = StatementAnswer

    @extend_schema(
        operation_id="statements_get",
        parameters=[StatementQuery],
        responses={
            (200, "application/json"): StatementAnswer,
            (200, "text/csv"): OpenApiTypes.STR,
            (200, "application/pdf"): OpenApiTypes.BINARY,
        },
    )
    def get(self, request: Request) -> HttpResponseBase:
        query = StatementQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        wanted = query.validated_data
        customer = (
            Customer.objects.for_workspace(self.workspace)
            .select_related("workspace")
            .filter(public_id=wanted["customer"])
            .first()
        )
        if customer is None:
            raise NotFound("There is no such customer.", param="customer")
        found = queries.statement_for(customer, first_on=wanted["from"], last_on=wanted["to"])
        if wanted["as"] != "json":
            return statement_file(found, wanted["as"])
        return Response(_answer(found))


class StatementVerify(WorkspaceEndpoint):
    """Whether a statement with this digest line was issued here, and what the books say now."""

    serializer_class = VerdictAnswer

    @extend_schema(
        operation_id="statements_verify",
        parameters=[
            OpenApiParameter("digest", str, required=True, description="the line that begins with stm1.")
        ],
        responses=VerdictAnswer,
    )
    def get(self, request: Request) -> Response:
        line = request.query_params.get("digest", "")
        if not line:
            raise Invalid("Give the digest line: ?digest=stm1.…", code="required", param="digest")
        verdict = queries.verdict(self.workspace, line)
        statement = _answer(verdict.statement) if verdict.statement else None
        return Response({"outcome": verdict.outcome, "statement": statement})
