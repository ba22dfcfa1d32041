"""Keeping what tells people apart, as keyed hashes, where somebody is seen without a conversion."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from programs.models import Customer
from tracking.identifiers import Traces
from tracking.models import Sighting


@transaction.atomic(savepoint=False)
def note_sighting(*, customer: Customer, traces: Traces, at: datetime) -> int:
    """Remember the identifiers a customer was seen with; returns how many there were.

    What is remembered already stays as it is. A participant who is seen in the portal can be told apart from
    a friend, or not: one browser for both is what the fraud rules look for.
    """
    seen = traces.digests(at)
    Sighting.objects.bulk_create(
        [
            Sighting(workspace_id=customer.workspace_id, customer=customer, kind=kind, digest=digest, at=at)
            for kind, digest in sorted(seen.items())
            if kind != Sighting.Kind.AGENT
        ],
        ignore_conflicts=True,
    )
    return len(seen)
