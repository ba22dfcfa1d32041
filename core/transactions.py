"""What a service runs in: all of it or nothing, whoever calls it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import transaction

_P = ParamSpec("_P")
_R = TypeVar("_R")
_as_one: ContextVar[bool] = ContextVar("as_one", default=False)


def all_or_nothing(service: Callable[_P, _R]) -> Callable[_P, _R]:
    """Run a service in `transaction.atomic`; in a block that fails as one its savepoint is left out."""
    guarded = transaction.atomic(service)

    @wraps(service)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        return service(*args, **kwargs) if _as_one.get() else guarded(*args, **kwargs)

    return call


@contextmanager
def failing_as_one() -> Iterator[None]:
    """Run a block whose caller undoes all of it should any service in it fail, and catches nothing inside.

    Half of the statements of a service that calls others set savepoints to which nobody would return.
    """
    token = _as_one.set(True)
    try:
        yield
    finally:
        _as_one.reset(token)
