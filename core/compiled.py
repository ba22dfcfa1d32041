"""Queries that the ORM writes once: writing a large one takes longer than running it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from django.db import connection
from django.db.models import QuerySet

from core.tenancy import MissingTenant, TenantQuerySet

_MARKS: Final[Mapping[type, Any]] = {
    int: 7_070_707_070_707_070_707,
    datetime: datetime(1970, 7, 7, 7, 7, 7, 707_070, tzinfo=UTC),
}
"""Values that stand for those to come, which no query asks for by itself."""


class CompiledQuery:
    """A query of one workspace, written when it is first asked, that other workspaces and times may ask too.

    `build` is given a workspace's key and a time and returns a queryset of `values()`. What it builds must be
    the same for all of them but for these two.
    """

    def __init__(self, build: Callable[[int, datetime], QuerySet[Any]]) -> None:
        self._build = build
        self._written: tuple[str, tuple[Any, ...]] | None = None

    def rows(self, *, workspace_id: int, at: datetime) -> list[dict[str, Any]]:
        """Run the query in the tenant's transaction; returns its rows by the names of their columns.

        Raises MissingTenant for a query that names no workspace.
        """
        if self._written is None:
            queryset = self._build(_MARKS[int], _MARKS[datetime])
            if not (isinstance(queryset, TenantQuerySet) and queryset._scoped):
                raise MissingTenant(f"{queryset.model.__name__} was queried without for_workspace()")
            self._written = queryset.query.sql_with_params()
        sql, marked = self._written
        given: dict[type, Any] = {int: workspace_id, datetime: at}
        params: list[Any] = [given[type(mark)] if mark == _MARKS.get(type(mark)) else mark for mark in marked]
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            names = [column.name for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
