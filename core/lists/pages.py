"""Numbered pages whose count costs the same however many rows there are."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.core.paginator import Paginator
from django.db.models import QuerySet

COUNTED_TO = 10_000
"""Rows are counted exactly to here; a longer list says "more than", and its end is reached by filters."""

PER_PAGE = 50


if TYPE_CHECKING:
    _Pages = Paginator[Any]
else:
    _Pages = Paginator


class CountedPaginator(_Pages):
    """Pages of a queryset; the count stops one past `COUNTED_TO`, and so does the depth of the pages."""

    @cached_property
    def _counted(self) -> int:
        rows = self.object_list
        assert isinstance(rows, QuerySet)
        return rows.order_by()[: COUNTED_TO + 1].count()

    @property
    def more(self) -> bool:
        """Whether there are more rows than are counted."""
        return self._counted > COUNTED_TO

    @cached_property
    def count(self) -> int:
        """How many rows there are, at most `COUNTED_TO`."""
        return min(self._counted, COUNTED_TO)
