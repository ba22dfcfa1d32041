"""Referral tokens: signed texts by which a server hands a friend over without a click."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from django.core import signing

from accounts.models import Workspace
from core.errors import Invalid
from programs.models import Participant

_SALT: Final = "tracking.referral-token"


def referral_token(participant: Participant, at: datetime) -> str:
    """Return a text that says, under our signature, that this participant brings whoever shows it.

    It does not expire by itself: the contact is dated `at`, and the program's window for codes decides.
    """
    named = {"w": participant.workspace_id, "p": participant.public_id, "t": int(at.timestamp())}
    return signing.Signer(salt=_SALT).sign_object(named)


def holder_of(workspace: Workspace, token: str) -> tuple[Participant, datetime]:
    """Return who brings the bearer of a token, and when it was made.

    Raises Invalid naming `referralToken` for a text that was not signed for this workspace.
    """
    try:
        named = signing.Signer(salt=_SALT).unsign_object(token)
        ours = named["w"] == workspace.pk
        made = datetime.fromtimestamp(named["t"], UTC)
    except (signing.BadSignature, KeyError, TypeError, ValueError):
        ours = False
    rows = Participant.objects.for_workspace(workspace).select_related("program", "customer")
    found = rows.filter(public_id=named["p"]).first() if ours else None
    if found is None:
        raise Invalid(
            "This is no referral token of this workspace.", code="unknown_token", param="referralToken"
        )
    return found, made
