"""What a friend who follows an invitation is told, and when the invitation no longer stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from accounts.models import Workspace
from core.tenancy import HasWorkspaceId
from engagement.queries.offers import Offer, offer_of
from engagement.queries.people import inviter_name
from engagement.queries.seasons import SeasonNotice, season_of
from programs import queries as program_queries
from programs.models import Link, Participant, Program
from tracking.models import Referral, Touchpoint

InvitationState = Literal["open", "own", "used", "paused", "ended", "expired"]


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks, as far as the browser says: a participant signed in to the portal, a visitor of links."""

    participant_id: str = ""
    visitor_id: str = ""


@dataclass(frozen=True, slots=True)
class Invitation:
    """One link as its landing page shows it; `inviter` is a display name or "A friend".

    `shop_url` is where the link leads in the end, for those whom the invitation itself gives nothing new.
    """

    state: InvitationState
    code: str
    inviter: str
    program: Program
    offer: Offer
    shop_url: str
    season: SeasonNotice | None = None

    @property
    def initial(self) -> str:
        """The letter in the inviter's circle."""
        return self.inviter[0].upper()


def invitation(
    workspace: HasWorkspaceId | int, link_id: int, *, viewer: Viewer, at: datetime
) -> Invitation | None:
    """Return the invitation a link makes at this time; None for no such link or an unpublished program."""
    link = (
        Link.objects.for_workspace(workspace)
        .select_related("participant__program__workspace", "participant__customer", "participant__workspace")
        .filter(pk=link_id)
        .first()
    )
    if link is None or link.participant.program.status == Program.Status.DRAFT:
        return None
    program = link.participant.program
    return Invitation(
        state=_state(link, viewer, at),
        code=link.code,
        inviter=inviter_name(link.participant),
        program=program,
        offer=offer_of(program),
        shop_url=link.destination_url or program_queries.live_terms(program).destination_url,
        season=_running(link.participant, at),
    )


def _running(participant: Participant, at: datetime) -> SeasonNotice | None:
    """Return the promotion that runs; a friend is not told of one that starts later, and so waits."""
    found = season_of(participant, at)
    return found if found is not None and found.running else None


def _state(link: Link, viewer: Viewer, at: datetime) -> InvitationState:
    program = link.participant.program
    if program.status == Program.Status.ENDED:
        return "ended"
    gone = link.status == Link.Status.ARCHIVED or (link.expires_at is not None and link.expires_at <= at)
    if gone or link.participant.status != Participant.Status.ACTIVE:
        return "expired"
    stopped = program.workspace.status != Workspace.Status.ACTIVE
    if stopped or program.status == Program.Status.PAUSED:
        return "paused"
    if viewer.participant_id == link.participant.public_id:
        return "own"
    return "used" if _is_referred(viewer, program) else "open"


def _is_referred(viewer: Viewer, program: Program) -> bool:
    """Tell whether somebody who used this browser is referred in the program already."""
    if not viewer.visitor_id:
        return False
    known = (
        Touchpoint.objects.for_workspace(program.workspace_id)
        .filter(program=program, click__visitor_id=viewer.visitor_id)
        .values("customer_id")
    )
    return (
        Referral.objects.for_workspace(program.workspace_id)
        .filter(program=program, customer_id__in=known)
        .exclude(status=Referral.Status.REJECTED)
        .exists()
    )
