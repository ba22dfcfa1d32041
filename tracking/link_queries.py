"""Reads about one link's clicks: how many count by channel, which do not and why, and the newest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Q

from accounts.models import Workspace
from programs.models import Link
from tracking.models import Click

DAYS: Final = 30
NEWEST: Final = 20


@dataclass(frozen=True, slots=True)
class Share:
    """One channel or reason, how many clicks, and their part of the largest one's in per cent."""

    name: str
    clicks: int
    percent: int


@dataclass(frozen=True, slots=True)
class LinkClicks:
    """The clicks of the last `DAYS` days, and the newest of them whether they count or not."""

    counted: int
    uncounted: int
    channels: tuple[Share, ...]
    reasons: tuple[Share, ...]
    newest: tuple[Click, ...]


def link_named(workspace: Workspace, public_id: str) -> Link | None:
    """Return a link of the workspace, or None."""
    return Link.objects.for_workspace(workspace).filter(public_id=public_id).first()


def link_clicks(link: Link, *, at: datetime) -> LinkClicks:
    """Count a link's clicks by channel and by reason, in two statements."""
    rows = Click.objects.for_workspace(link.workspace_id).filter(
        link_id=link.pk, occurred_at__gt=at - timedelta(days=DAYS)
    )
    groups = list(
        rows.order_by()
        .values("channel", "reason")
        .annotate(yes=Count("pk", filter=Q(counted=True)), no=Count("pk", filter=Q(counted=False)))
    )
    channels: dict[str, int] = {}
    reasons: dict[str, int] = {}
    for group in groups:
        if group["yes"]:
            channels[group["channel"]] = channels.get(group["channel"], 0) + group["yes"]
        if group["no"]:
            reasons[group["reason"]] = reasons.get(group["reason"], 0) + group["no"]
    return LinkClicks(
        counted=sum(channels.values()),
        uncounted=sum(reasons.values()),
        channels=_shares(channels),
        reasons=_shares(reasons),
        newest=tuple(rows.order_by("-occurred_at", "-public_id")[:NEWEST]),
    )


def _shares(counts: dict[str, int]) -> tuple[Share, ...]:
    most = max(counts.values(), default=1)
    ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return tuple(Share(name, clicks, 100 * clicks // most) for name, clicks in ordered)
