"""What a friend who follows an invitation is told, and when the invitation no longer stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from accounts.models import Workspace
from core.tenancy import HasWorkspaceId
from engagement.queries.offers import Offer, offer_of
from engagement.queries.people import inviter_name
from programs.models import Link, Participant, Program

InvitationState = Literal["open", "paused", "ended", "expired"]


@dataclass(frozen=True, slots=True)
class Invitation:
    """One link as its landing page shows it; `inviter` is a display name or "A friend"."""

    state: InvitationState
    code: str
    inviter: str
    program: Program
    offer: Offer


def invitation(workspace: HasWorkspaceId | int, link_id: int, *, at: datetime) -> Invitation | None:
    """Return the invitation a link makes at this time; None for no such link or an unpublished program."""
    link = (
        Link.objects.for_workspace(workspace)
        .select_related("participant__program__workspace")
        .filter(pk=link_id)
        .first()
    )
    if link is None or link.participant.program.status == Program.Status.DRAFT:
        return None
    return Invitation(
        state=_state(link, at),
        code=link.code,
        inviter=inviter_name(link.participant),
        program=link.participant.program,
        offer=offer_of(link.participant.program),
    )


def _state(link: Link, at: datetime) -> InvitationState:
    program = link.participant.program
    if program.status == Program.Status.ENDED:
        return "ended"
    gone = link.status == Link.Status.ARCHIVED or (link.expires_at is not None and link.expires_at <= at)
    if gone or link.participant.status != Participant.Status.ACTIVE:
        return "expired"
    stopped = program.workspace.status != Workspace.Status.ACTIVE
    return "paused" if stopped or program.status == Program.Status.PAUSED else "open"
