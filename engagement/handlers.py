"""Handlers."""

from core.models import Event


def on_participant_enrolled(event: Event) -> None:
    """Not written yet."""


def on_lead_created(event: Event) -> None:
    """Not written yet."""


def on_reward_created(event: Event) -> None:
    """Not written yet."""


def on_reward_issued(event: Event) -> None:
    """Not written yet."""


def on_payout_completed(event: Event) -> None:
    """Not written yet."""
