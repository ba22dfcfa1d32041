"""Finding the workspace, program and participant behind a portal address, a mailed secret or a session."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts import secrets
from accounts.models import Workspace
from core.ids import is_public_id
from core.tenancy import HasWorkspaceId, door
from engagement.models import MagicLink
from programs.models import Participant, Program


def portal_program(public_id: str) -> Program | None:
    """Return the published program of an active workspace behind a public address, workspace loaded."""
    if not is_public_id(public_id, "prg"):
        return None
    with door("resolve_portal"):
        program = (
            Program.objects.through_door("resolve_portal")
            .select_related("workspace")
            .filter(public_id=public_id, workspace__status=Workspace.Status.ACTIVE)
            .first()
        )
    return program if program is not None and program.live_version is not None else None


def workspace_of_secret(secret: str) -> Workspace | None:
    """Return the active workspace whose sign-in link carries this secret, whatever the link's state."""
    with door("resolve_portal"):
        link = (
            MagicLink.objects.through_door("resolve_portal")
            .select_related("workspace")
            .filter(secret_hash=secrets.keyed_hash(secret), workspace__status=Workspace.Status.ACTIVE)
            .first()
        )
    return link.workspace if link is not None else None


def magic_link(workspace: HasWorkspaceId, secret: str) -> MagicLink | None:
    """Return the sign-in link that carries this secret, with participant, customer and program."""
    rows: QuerySet[MagicLink] = MagicLink.objects.for_workspace(workspace)
    return (
        rows.select_related("participant__program", "participant__customer")
        .filter(secret_hash=secrets.keyed_hash(secret))
        .first()
    )


def participant_at(program: Program, *, mailbox: str, email: str) -> Participant | None:
    """Return the program's participant who reads this mailbox; of several, the one with this very address."""
    found = list(
        Participant.objects.for_workspace(program.workspace_id)
        .select_related("customer", "program__workspace")
        .filter(program=program, customer__mailbox=mailbox)
        .order_by("pk")[:10]
    )
    exact = [participant for participant in found if participant.customer.email.lower() == email.lower()]
    return next(iter(exact + found), None)


def signed_in_participant(workspace_id: int, public_id: str) -> Participant | None:
    """Return the participant a session names, with customer, program and an active workspace.

    Whoever was erased meanwhile is signed out by it.
    """
    rows: QuerySet[Participant] = Participant.objects.for_workspace(workspace_id)
    return (
        rows.select_related("customer", "program__workspace", "workspace")
        .filter(
            public_id=public_id, workspace__status=Workspace.Status.ACTIVE, customer__erased_at__isnull=True
        )
        .first()
    )
