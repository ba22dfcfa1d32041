"""What every list page must do, however many rows there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

SIZES = (1, 3, 60)


def assert_same_queries(client: Client, addresses: str | Sequence[str], grow: Callable[[int], None]) -> None:
    """Fail unless each list page asks the database as often with 1, with 3 and with 60 rows (a page has 50).

    `grow(n)` makes n more rows that every one of the lists shows.
    """
    pages = [addresses] if isinstance(addresses, str) else addresses
    asked: dict[str, dict[int, list[str]]] = {address: {} for address in pages}
    made = 0
    for size in SIZES:
        grow(size - made)
        made = size
        for address in pages:
            client.get(address)
            with CaptureQueriesContext(connection) as context:
                answer: Any = client.get(address)
            assert answer.status_code == 200
            asked[address][size] = [query["sql"] for query in context.captured_queries]
            assert answer.context["page"].paginator.count >= size, f"{address} shows too few"
    for address, statements in asked.items():
        counts = {size: len(each) for size, each in statements.items()}
        last = "\n".join(statements[SIZES[-1]][:60])
        assert len(set(counts.values())) == 1, f"{address}: {counts}\n{last}"
