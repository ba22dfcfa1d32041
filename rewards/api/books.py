"""`/api/v1/books`: the sums of the ledger and its checks."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.authentication import actor_of
from accounts.endpoint import WorkspaceEndpoint
from rewards import queries, services
from rewards.models import BooksCheck


class BooksSumsAnswer(serializers.Serializer[Any]):
    """One unit's books; `balance_minor` is 0 when they are right."""

    unit = serializers.CharField()
    accounts = serializers.IntegerField()
    transfers = serializers.IntegerField()
    moved_minor = serializers.IntegerField()
    balance_minor = serializers.IntegerField()


class BooksDifferenceAnswer(serializers.Serializer[Any]):
    """Something that does not add up; `kind` and `id` name the row it is about."""

    sentence = serializers.CharField(source="said")
    kind = serializers.CharField(allow_blank=True)
    id = serializers.CharField(source="public_id", allow_blank=True)
    unit = serializers.CharField()
    expected_minor = serializers.IntegerField()
    found_minor = serializers.IntegerField()


class BooksCheckAnswer(serializers.Serializer[Any]):
    """One check as it was last run; `checked` is null where it never was."""

    key = serializers.CharField()
    sentence = serializers.CharField()
    checked = serializers.IntegerField(allow_null=True)
    differing = serializers.IntegerField()
    differences = BooksDifferenceAnswer(source="shown", many=True)


class BooksRunAnswer(serializers.Serializer[Any]):
    """One run over the books."""

    id = serializers.CharField(source="public_id")
    state = serializers.CharField(help_text="pending, done or dead")
    requested_by = serializers.CharField()
    differing = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class BooksAnswer(serializers.Serializer[Any]):
    """The books by unit, the last run and its checks, and the run that goes on."""

    units = BooksSumsAnswer(source="sums", many=True)
    last = BooksRunAnswer(allow_null=True)
    checks = BooksCheckAnswer(many=True)
    running = BooksRunAnswer(allow_null=True)


class Books(WorkspaceEndpoint):
    """The books by unit and their checks; a POST asks for a run, or returns the one that goes on."""

    scopes: ClassVar[dict[str, tuple[str, ...]]] = {"GET": ("read",), "POST": ("payouts",)}
    serializer_class = BooksAnswer

    @extend_schema(operation_id="books_get", responses=BooksAnswer)
    def get(self, request: Request) -> Response:
        return Response(BooksAnswer(queries.books_report(self.workspace)).data)

    @extend_schema(operation_id="books_check", request=None, responses={202: BooksRunAnswer})
    def post(self, request: Request) -> Response:
        run: BooksCheck = services.request_check(
            workspace=self.workspace, actor=actor_of(request), at=self.at
        )
        return Response(BooksRunAnswer(run).data, status=202)
