"""The one place that reads the system clock; everything below an entry point is handed an instant instead."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the current instant, aware and in UTC."""
    return datetime.now(UTC)
