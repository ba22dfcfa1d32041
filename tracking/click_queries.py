"""Reads that explain one click: whether it counted, why not, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from django.db.models import Q

from accounts.models import Workspace
from programs.models import Customer
from tracking.classification import ClickReason
from tracking.models import Click, Conversion, Touchpoint
from tracking.queries import clicks

REPEAT: Final = timedelta(hours=1)
"""A second click of one visitor on one link within this time is a duplicate."""

SENTENCES: Final[Mapping[ClickReason, str]] = {
    "": "It counts: a person opened the link.",
    "head": "It does not count: a machine asked whether the link is there, without opening it.",
    "prefetch": "It does not count: a browser loaded the page ahead, and nobody had opened it yet.",
    "preview": "It does not count: a chat or mail program fetched the link to show a preview of it.",
    "bot": "It does not count: the program that asked says that it is a robot.",
    "datacentre": "It does not count: it came from a server or a tool, not from a person's browser.",
    "no_user_agent": "It does not count: whoever asked did not say which browser it is, as all browsers do.",
    "duplicate": "It does not count again: this visitor had opened the same link within the hour before.",
    "flood": "It does not count: it came in a flood of requests from one address.",
    "program_paused": "It does not count: the program was paused at that time.",
    "program_ended": "It does not count: the program had ended by then.",
}


def click_named(workspace: Workspace, public_id: str) -> Click | None:
    """Return the click with this public id, its link, participant, program and agent loaded, or None."""
    return clicks(workspace).select_related("agent").filter(public_id=public_id).first()


def click_explanation(click: Click) -> dict[str, Any]:
    """Return why a click counts or not, and what it led to, in public ids only.

    Shape: `click`, `counted`, `reason`, `sentence`, `link`, `participant`, `program`, `channel`, `browser`,
    `country`, `occurred_at`, `received_at`, `repeats` (the click it repeats), `customers` and `conversions`
    of whoever the visitor turned out to be, each conversion with its own address for more.
    """
    led_to = conversions_after(click)
    first = first_of(click)
    return {
        "click": click.public_id,
        "counted": click.counted,
        "reason": click.reason,
        "sentence": SENTENCES.get(click.reason, f"It does not count: {click.reason.replace('_', ' ')}."),  # type: ignore[call-overload]
        "link": click.link.public_id,
        "participant": click.participant.public_id,
        "program": click.program.public_id,
        "channel": click.channel,
        "referrer_host": click.referrer_host,
        "browser": str(click.agent) if click.agent else "",
        "country": click.country,
        "occurred_at": click.occurred_at.isoformat(),
        "received_at": click.received_at.isoformat(),
        "repeats": first.public_id if first else None,
        "customers": [person.public_id for person in customers_behind(click)],
        "conversions": [{"id": each.public_id, "kind": each.kind} for each in led_to],
    }


def customers_behind(click: Click) -> list[Customer]:
    """Return the customers whom the click's visitor turned out to be."""
    touches = Touchpoint.objects.for_workspace(click.workspace_id).filter(click=click)
    return [touch.customer for touch in touches.select_related("customer").order_by("pk")]


def conversions_after(click: Click) -> list[Conversion]:
    """Return what these customers did after the click, oldest first, 50 at most."""
    return list(
        Conversion.objects.for_workspace(click.workspace_id)
        .filter(customer__in=customers_behind(click), occurred_at__gte=click.occurred_at)
        .order_by("occurred_at", "pk")[:50]
    )


def first_of(click: Click) -> Click | None:
    """Return the counted click that a duplicate repeats."""
    if click.reason != "duplicate":
        return None
    return (
        Click.objects.for_workspace(click.workspace_id)
        .filter(
            Q(visitor_id=click.visitor_id, link_id=click.link_id, counted=True),
            occurred_at__gt=click.occurred_at - REPEAT,
            occurred_at__lt=click.occurred_at + REPEAT,
        )
        .exclude(pk=click.pk)
        .order_by("-occurred_at")
        .first()
    )
