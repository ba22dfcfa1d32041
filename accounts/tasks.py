"""Scheduled work of accounts."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Final

from celery import shared_task

from accounts import proofs, queries, services
from core import clock
from core.tenancy import tenant

PENDING_FOR: Final = timedelta(days=7)
"""For how long after it was added a domain's record is waited for."""

logger = logging.getLogger(__name__)


@shared_task(name="accounts.recheck_domains")
def recheck_domains() -> int:
    """Look up the record of every domain that is verified or new; returns how many were looked up."""
    due = queries.domains_to_check(at=clock.now(), pending_for=PENDING_FOR)
    for workspace_id, domain_id in due:
        _recheck(workspace_id, domain_id)
    return len(due)


def _recheck(workspace_id: int, domain_id: int) -> None:
    with tenant(workspace_id):
        domain = queries.domain(workspace_id, domain_id)
    if domain is None:
        return
    # Outside the transaction: a name server may take its time.
    proof = proofs.look_up(domain.host, domain.token)
    with tenant(workspace_id):
        current = queries.domain(workspace_id, domain_id)
        if current is None:
            return
        try:
            services.record_check(domain=current, proof=proof, actor=services.SYSTEM, at=clock.now())
        except services.DomainTaken as error:
            logger.info("domain %s: %s", current.public_id, error.message)
