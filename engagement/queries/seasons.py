"""What people are told of a promotion that runs, or starts within a week."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from accounts.models import Workspace
from programs import promotion_queries
from programs.models import Participant, Promotion
from programs.promotions import ONE, multiplier_text
from rewards.queries.reached import converted_friends


@dataclass(frozen=True, slots=True)
class SeasonNotice:
    """A line for the portal and the invitation: what there is, and until when or from when."""

    text: str
    when: str
    running: bool


def season_of(participant: Participant, at: datetime) -> SeasonNotice | None:
    """Return the notice of the promotion that runs for a participant, else of the next; None without any.

    Needs the participant's customer and workspace loaded.
    """
    running, coming = promotion_queries.shown_to(
        participant, at, friends=lambda: converted_friends(participant).count()
    )
    shown = running or coming
    if shown is None:
        return None
    return notice_of(shown, participant.workspace, running=running is not None)


def notice_of(promotion: Promotion, workspace: Workspace, *, running: bool) -> SeasonNotice:
    """Return what is said of a promotion that runs, or of one that comes."""
    zone = ZoneInfo(workspace.time_zone)
    if running:
        last = (promotion.ends_at - timedelta(microseconds=1)).astimezone(zone)
        return SeasonNotice(_text(promotion), f"Until {_day(last)}", running=True)
    first = promotion.starts_at.astimezone(zone)
    return SeasonNotice(_text(promotion), f"From {_day(first)}", running=False)


def _text(promotion: Promotion) -> str:
    """Return the banner, or in its place what is given."""
    if promotion.banner:
        return promotion.banner
    if promotion.multiplier_bps != ONE:
        return f"{promotion.name}: {multiplier_text(promotion.multiplier_bps)} rewards"
    return promotion.name


def _day(at: datetime) -> str:
    return f"{at.day} {at:%B}"
