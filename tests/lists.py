"""What every list page must do, however many rows there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

SIZES = (1, 3, 300)


def assert_same_queries(client: Client, address: str, grow: Callable[[int], None]) -> None:
    """Fail unless a list page asks the database as often with 1, with 3 and with 300 rows.

    `grow(n)` makes n more rows that the list shows.
    """
    asked: dict[int, list[str]] = {}
    made = 0
    for size in SIZES:
        grow(size - made)
        made = size
        client.get(address)
        with CaptureQueriesContext(connection) as context:
            answer: Any = client.get(address)
        assert answer.status_code == 200
        asked[size] = [query["sql"] for query in context.captured_queries]
        assert answer.context["page"].paginator.count >= size, f"{address} shows too few"
    counts = {size: len(statements) for size, statements in asked.items()}
    assert len(set(counts.values())) == 1, f"{counts}\n" + "\n".join(asked[SIZES[-1]][:60])
