"""A workspace's own domains: claimed, proved by a DNS record, looked at again, given up."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.models import Domain, Workspace
from accounts.origins import parse_host
from accounts.proofs import Proof
from accounts.services.audit import Actor, record_audit
from core.errors import Conflict, Invalid
from core.transactions import all_or_nothing

MOST: Final = 10
GRACE: Final = timedelta(days=3)
"""For how long a verified domain goes on without its record."""


class DomainTaken(Conflict):
    """Another workspace has proved that the domain is its own."""

    default_code = "domain_taken"


@all_or_nothing
def add_domain(*, workspace: Workspace, host: str, actor: Actor, at: datetime) -> Domain:
    """Claim a host name; it serves nothing until `record_check` has seen its record.

    Raises Invalid naming `host` for what is no host name, is the platform's own, or is one too many, and
    Conflict for one that the workspace has.
    """
    name = parse_host(host, param="host")
    if _is_the_platforms(name):
        raise Invalid("This name belongs to the platform itself.", code="reserved", param="host")
    rows = Domain.objects.for_workspace(workspace)
    if rows.count() >= MOST:
        raise Invalid(f"A workspace has at most {MOST} domains.", code="too_many", param="host")
    try:
        with transaction.atomic():
            domain = Domain.objects.create(
                workspace=workspace, host=name, token=secrets.token_hex(16), created_at=at
            )
    except IntegrityError:
        raise Conflict("You have added this domain already.", code="domain_exists", param="host") from None
    _audit(domain, "domain.added", actor, after={"host": name})
    return domain


@all_or_nothing
def record_check(*, domain: Domain, proof: Proof, actor: Actor, at: datetime) -> Domain:
    """Note what a look-up of a domain's record said, and verify the domain or let it lapse by it.

    The first verified domain becomes the one that links are shared with. A verified domain lapses when its
    record has been missing for `GRACE`; an unanswered look-up decides nothing. Raises DomainTaken.
    """
    _lock(domain)
    domain.checked_at, domain.problem = at, proof.problem[:300]
    if proof.state == "found":
        _verify(domain, actor, at)
    elif proof.state == "missing" and domain.verified_at is not None:
        domain.missing_since = domain.missing_since or at
        if at - domain.missing_since >= GRACE:
            domain.verified_at = domain.missing_since = None
            _leave_links(domain, actor)
            _audit(domain, "domain.lapsed", actor, reason=domain.problem)
    domain.save(update_fields=["checked_at", "problem", "verified_at", "missing_since"])
    return domain


def _verify(domain: Domain, actor: Actor, at: datetime) -> None:
    domain.missing_since = None
    if domain.verified_at is not None:
        return
    try:
        with transaction.atomic():
            domain.verified_at = at
            domain.save(update_fields=["verified_at"])
    except IntegrityError:
        raise DomainTaken(
            f"{domain.host} is verified by another workspace. It becomes free {GRACE.days} days after the "
            "other workspace's record is gone.",
            param="host",
        ) from None
    _audit(domain, "domain.verified", actor, after={"host": domain.host})
    if not domain.workspace.link_host:
        _share_with(domain.workspace, domain.host, actor)


@all_or_nothing
def set_primary_domain(*, domain: Domain, actor: Actor) -> Domain:
    """Share links with this domain from now on; links that are out go on working. Raises Conflict."""
    _lock(domain)
    if domain.verified_at is None:
        raise Conflict("Verify the domain first.", code="domain_not_verified", param="is_primary")
    _share_with(domain.workspace, domain.host, actor)
    return domain


@all_or_nothing
def share_platform_domain(*, workspace: Workspace, actor: Actor) -> Workspace:
    """Share links with the platform's own address from now on; the domains go on serving what is out."""
    _share_with(workspace, "", actor)
    return workspace


@all_or_nothing
def remove_domain(*, domain: Domain, actor: Actor) -> None:
    """Give a domain up; links that were shared with it lead nowhere from now on."""
    _lock(domain)
    _leave_links(domain, actor)
    Domain.objects.for_workspace(domain.workspace_id).filter(pk=domain.pk).delete()
    _audit(domain, "domain.removed", actor, before={"host": domain.host})


def _is_the_platforms(name: str) -> bool:
    """Tell whether one of the hosts that the installation answers on covers the name."""
    return any(
        name == host.lstrip(".") or (host.startswith(".") and name.endswith(host))
        for host in settings.ALLOWED_HOSTS
    )


def _lock(domain: Domain) -> None:
    rows = Domain.objects.for_workspace(domain.workspace_id)
    domain.refresh_from_db(from_queryset=rows.select_for_update(no_key=True))


def _leave_links(domain: Domain, actor: Actor) -> None:
    """Share links with the next verified domain, or with the platform's address where there is none."""
    workspace = Workspace.objects.for_workspace(domain.workspace_id).get()
    if workspace.link_host != domain.host:
        return
    others = Domain.objects.for_workspace(workspace).filter(verified_at__isnull=False).exclude(pk=domain.pk)
    next_host = others.order_by("verified_at").values_list("host", flat=True).first() or ""
    _share_with(workspace, next_host, actor)
    domain.workspace.link_host = next_host


def _share_with(workspace: Workspace, host: str, actor: Actor) -> None:
    rows = Workspace.objects.for_workspace(workspace)
    before = rows.select_for_update(no_key=True).values_list("link_host", flat=True).get()
    workspace.link_host = host
    if before == host:
        return
    rows.update(link_host=host)
    record_audit(
        workspace=workspace,
        actor=actor,
        action="workspace.link_host_changed",
        subject=workspace.public_id,
        before={"link_host": before},
        after={"link_host": host},
    )


def _audit(domain: Domain, action: str, actor: Actor, **values: object) -> None:
    record_audit(
        workspace=domain.workspace,
        actor=actor,
        action=action,
        subject=domain.public_id,
        **values,  # type: ignore[arg-type]
    )
