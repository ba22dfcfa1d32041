"""Tokens that show one participant's portal inside another page, and the pages that may show it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.core import signing

from core.ids import is_public_id
from engagement.queries.sign_in import portal_program
from programs import queries as program_queries
from programs.destinations import allowed_hosts
from programs.models import Program

SALT: Final = "engagement.portal-token"
LONGEST_TOKEN: Final = 600


@dataclass(frozen=True, slots=True)
class PortalToken:
    """What a token says: whose portal, of which program (workspace loaded), and until when."""

    program: Program
    participant_id: str
    expires_at: datetime


def read_token(token: str) -> PortalToken | None:
    """Return what a token says, whether or not it has expired; None for one that we did not sign."""
    if not token or len(token) > LONGEST_TOKEN:
        return None
    try:
        said: dict[str, Any] = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        return None
    if not is_public_id(said["participant"], "prt"):
        return None
    program = portal_program(said["program"])
    if program is None:
        return None
    return PortalToken(
        program=program,
        participant_id=said["participant"],
        expires_at=datetime.fromtimestamp(said["expires"], tz=UTC),
    )


def embedding_origins(program: Program) -> tuple[str, ...]:
    """Return the origins that may show a program's portal, its workspace loaded.

    Those the workspace lists, or else the hosts that the program's links lead to.
    """
    listed: Iterable[str] = program.workspace.embed_domains
    if listed:
        return tuple(listed)
    return tuple(f"https://{host}" for host in sorted(allowed_hosts(program_queries.live_terms(program))))
