"""Signing the tokens that show a participant's portal inside another page. Nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.core import signing

from engagement.queries.embedding import SALT
from engagement.services.sign_in import ParticipantNotActive
from programs.models import Participant

LONGEST: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class PortalTokenMade:
    """A signed token, and until when it shows the portal, by the real clock."""

    token: str
    expires_at: datetime


def sign_portal_token(
    *, participant: Participant, lifetime: timedelta = LONGEST, now: datetime
) -> PortalTokenMade:
    """Sign a token for a customer whom the shop itself has signed in; `lifetime` is an hour at most.

    `now` is real time, in a sandbox too: the page that holds the token knows no other. Raises
    ParticipantNotActive for a suspended participant.
    """
    if participant.status != Participant.Status.ACTIVE:
        raise ParticipantNotActive("This participant is suspended.", param="participant")
    expires_at = (now + min(lifetime, LONGEST)).replace(microsecond=0)
    said = {
        "program": participant.program.public_id,
        "participant": participant.public_id,
        "expires": int(expires_at.timestamp()),
    }
    return PortalTokenMade(token=signing.dumps(said, salt=SALT), expires_at=expires_at)
