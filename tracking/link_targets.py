"""What the click entry needs to know of a link, read for many codes at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from core.tenancy import tenant
from programs import queries as program_queries
from programs.models import Link, Program
from programs.utm import filled_utm
from tracking.queries import links_with_program


@dataclass(frozen=True, slots=True)
class Target:
    """A link as the entry sees it: whose it is, and where it leads.

    `direct` is False where more than a redirect is due: a link or program that does not run, a workspace
    that is a sandbox with a clock of its own or is closed. `expires` is in seconds since 1970.
    """

    workspace_id: int
    link_id: int
    link_public_id: str
    participant_id: int
    program_id: int
    code: str
    direct: bool
    base: str
    expires: float | None
    utm: Mapping[str, str]
    campaign: str

    def query(self, channel: str, given: Mapping[str, str]) -> Mapping[str, str]:
        """Return what a click adds to the destination: the link's template, and what its own address has."""
        if not self.utm:
            return given
        return {**filled_utm(self.utm, code=self.code, channel=channel, campaign=self.campaign), **given}


def targets(code_keys: Collection[str]) -> dict[str, Target]:
    """Return what codes in lower case name, by code; a code that names nothing is left out.

    One statement for all codes, and three for each workspace among them.
    """
    by_workspace = defaultdict(list)
    for key, found in program_queries.resolve_codes(code_keys).items():
        by_workspace[found.workspace_id].append((key, found.link_id))
    known = {}
    for workspace_id, pairs in by_workspace.items():
        with tenant(workspace_id):
            rows = links_with_program(workspace_id).in_bulk([link_id for _, link_id in pairs])
            for key, link_id in pairs:
                if link_id in rows:
                    known[key] = _target(rows[link_id])
    return known


def _target(link: Link) -> Target:
    program, workspace = link.participant.program, link.workspace
    direct = (
        link.status == Link.Status.ACTIVE
        and program.status == Program.Status.ACTIVE
        and workspace.status == "active"
        and not workspace.clock_offset
    )
    return Target(
        workspace_id=link.workspace_id,
        link_id=link.pk,
        link_public_id=link.public_id,
        participant_id=link.participant_id,
        program_id=program.pk,
        code=link.code,
        direct=direct,
        base=(link.destination_url or program_queries.live_terms(program).destination_url) if direct else "",
        expires=None if link.expires_at is None else link.expires_at.timestamp(),
        utm=link.utm,
        campaign=link.campaign,
    )
