"""Handlers."""

from core.models import Event


def on_conversion_changed(event: Event) -> None:
    """Not written yet."""


def on_sandbox_clock_moved(event: Event) -> None:
    """Not written yet."""
