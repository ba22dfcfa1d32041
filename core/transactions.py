"""What a service runs in: all of it or nothing, whoever calls it; or nothing that writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import connection, models, transaction

_P = ParamSpec("_P")
_R = TypeVar("_R")
_kept_back: ContextVar[list[models.Model] | None] = ContextVar("kept_back", default=None)


def all_or_nothing(service: Callable[_P, _R]) -> Callable[_P, _R]:
    """Run a service in `transaction.atomic`; in a block that fails as one its savepoint is left out."""
    guarded = transaction.atomic(service)

    @wraps(service)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        return guarded(*args, **kwargs) if _kept_back.get() is None else service(*args, **kwargs)

    return call


@contextmanager
def failing_as_one() -> Iterator[None]:
    """Run a block whose caller undoes all of it should any service in it fail, and catches nothing inside.

    Half of the statements of a service that calls others set savepoints to which nobody would return.
    What `keep` is given is written at the end.
    """
    rows: list[models.Model] = []
    token = _kept_back.set(rows)
    try:
        yield
    finally:
        _kept_back.reset(token)
    by_model: dict[type[models.Model], list[Any]] = {}
    for row in rows:
        by_model.setdefault(type(row), []).append(row)
    for model, own in by_model.items():
        model._default_manager.bulk_create(own)


def keep(row: models.Model) -> None:
    """Write a new row that is kept for the record and that nothing in the same transaction reads.

    In a block that fails as one it is written at the end, with all others of its kind.
    """
    rows = _kept_back.get()
    if rows is None:
        row.save(force_insert=True)
    else:
        rows.append(row)


@contextmanager
def read_only() -> Iterator[None]:
    """Run a block in a transaction in which Postgres refuses every change, with an InternalError.

    Inside another transaction the refusal ends with the block.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
        yield
