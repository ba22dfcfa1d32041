"""The one place that reads the system clock; everything below an entry point is handed an instant instead."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_standing: ContextVar[datetime | None] = ContextVar("standing", default=None)


def now() -> datetime:
    """Return the current instant, aware and in UTC; inside `standing_at`, the instant it stands at."""
    return _standing.get() or datetime.now(UTC)


@contextmanager
def standing_at(at: datetime) -> Iterator[None]:
    """Let the clock stand at an instant, for whoever plays a past and wants it dated when it happened."""
    token = _standing.set(at)
    try:
        yield
    finally:
        _standing.reset(token)
