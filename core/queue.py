"""Work kept in tables: claimed by one worker at a time under a lease, retried, dead after a limit.

Postgres is the queue. Celery only wakes whoever drains it, so losing Redis delays work and loses none.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction
from django.db.models import F, Q

from core import clock
from core.tenancy import door, tenant

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
MAX_ATTEMPTS = 12
MAX_DELAY = timedelta(hours=6)


Paused = Callable[[], Collection[int]]


def _nobody() -> Collection[int]:
    return ()


_paused: Paused = _nobody


def configure(*, paused: Paused) -> None:
    """Install what names the workspaces whose rows are not to be claimed now; they wait untouched."""
    global _paused
    _paused = paused


def paused_workspaces() -> Collection[int]:
    """Return the primary keys of the workspaces whose work waits. Call it outside of a door."""
    return _paused()


class QueueRow(models.Model):
    """Columns that make a tenant table claimable; the table needs the door `queue` with ALL."""

    class State(models.TextChoices):
        PENDING = "pending"
        DONE = "done"
        DEAD = "dead"

    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    leased_until = models.DateTimeField(null=True)
    last_error = models.TextField(default="")

    class Meta:
        abstract = True


@dataclass(frozen=True, slots=True)
class Claim:
    """One leased row: its key, its workspace, and how often it has been tried (this time included)."""

    pk: int
    workspace_id: int
    attempts: int


def claim(model: type[Any], *, limit: int, at: datetime, lease: timedelta = LEASE) -> list[Claim]:
    """Lease up to `limit` due rows, oldest first, of every workspace that is not paused; count the attempt.

    A lease that runs out (its worker was killed) makes the row due again; two callers never share a row.
    """
    paused = paused_workspaces()
    with door("queue"):
        rows = model.objects.through_door("queue")
        due = (
            rows.select_for_update(skip_locked=True)
            .exclude(workspace_id__in=paused)
            .filter(Q(leased_until__isnull=True) | Q(leased_until__lt=at), state="pending", due_at__lte=at)
            .order_by("due_at", "pk")[:limit]
        )
        claims = [Claim(row.pk, row.workspace_id, row.attempts + 1) for row in due]
        for workspace_id in sorted({claimed.workspace_id for claimed in claims}):
            rows.filter(
                workspace_id=workspace_id, pk__in=[c.pk for c in claims if c.workspace_id == workspace_id]
            ).update(leased_until=at + lease, attempts=F("attempts") + 1)
    return claims


def backoff(attempts: int, retry_after: timedelta | None = None) -> timedelta:
    """Return how long to wait after this many failures: 2^n seconds with jitter, or longer if asked to."""
    own = min(timedelta(seconds=2 ** min(attempts, 20) * (1 + random.random() / 4)), MAX_DELAY)  # noqa: S311
    return max(own, retry_after) if retry_after else own


def mark_done(model: type[Any], claimed: Claim) -> None:
    """Close a row. Call it inside the tenant's transaction that made the effect."""
    model.objects.for_workspace(claimed.workspace_id).filter(pk=claimed.pk).update(
        state="done", leased_until=None, last_error=""
    )


def mark_failed(
    model: type[Any], claimed: Claim, error: str, *, at: datetime, retry_after: timedelta | None = None
) -> None:
    """Put a row back with back-off, or make it dead after MAX_ATTEMPTS; the reason stays on the row."""
    dead = claimed.attempts >= MAX_ATTEMPTS
    with tenant(claimed.workspace_id):
        model.objects.for_workspace(claimed.workspace_id).filter(pk=claimed.pk, state="pending").update(
            state="dead" if dead else "pending",
            due_at=at + backoff(claimed.attempts, retry_after),
            leased_until=None,
            last_error=error[:2000],
        )


def drain(model: type[Any], process: Callable[[Any], None], *, limit: int = 100) -> int:
    """Claim due rows and run `process(row)` on each in its own tenant transaction, together with closing it.

    An exception rolls that row's effect back, is logged with its traceback and stored on the row; the others
    go on. Returns how many rows were tried.
    """
    claims = claim(model, limit=limit, at=clock.now())
    for claimed in claims:
        run_claim(model, claimed, process)
    return len(claims)


def run_claims(model: type[Any], claims: Sequence[Claim], process: Callable[[list[Any]], None]) -> bool:
    """Run `process` on leased rows of one workspace at once, in one transaction together with closing them.

    Returns whether it succeeded. Where it did not, all of it is undone, the fault is logged, and the rows are
    as they were: one of them spoils it for the others, so the caller runs them one by one.
    """
    workspace_id = claims[0].workspace_id
    try:
        with tenant(workspace_id):
            rows = list(
                model.objects.for_workspace(workspace_id)
                .select_for_update(no_key=True)
                .filter(pk__in=[claimed.pk for claimed in claims], state="pending")
                .order_by("pk")
            )
            if rows:
                process(rows)
                model.objects.for_workspace(workspace_id).filter(pk__in=[row.pk for row in rows]).update(
                    state="done", leased_until=None, last_error=""
                )
    except Exception:
        logger.warning("%d rows of %s are tried one by one", len(claims), model.__name__, exc_info=True)
        return False
    return True


def run_claim(model: type[Any], claimed: Claim, process: Callable[[Any], None]) -> bool:
    """Run one leased row as `drain` does; returns whether it succeeded or needed nothing any more.

    A row whose workers were all killed before they could tell is made dead, so that it kills no more of them.
    """
    if claimed.attempts > MAX_ATTEMPTS:
        mark_failed(model, claimed, "given up: every attempt was cut off before its end", at=clock.now())
        return False
    try:
        with tenant(claimed.workspace_id):
            row = (
                model.objects.for_workspace(claimed.workspace_id)
                .select_for_update(no_key=True)
                .filter(pk=claimed.pk, state="pending")
                .first()
            )
            if row is None:
                return True
            process(row)
            mark_done(model, claimed)
    except Exception as error:
        logger.exception("%s %s failed", model.__name__, claimed.pk)
        mark_failed(model, claimed, f"{type(error).__name__}: {error}", at=clock.now())
        return False
    return True


def retry_dead(model: type[Any], *, workspace_id: int, pk: int, at: datetime) -> bool:
    """Give a dead row a fresh set of attempts, due now; returns whether there was such a row."""
    with transaction.atomic():
        return bool(
            model.objects.for_workspace(workspace_id)
            .filter(pk=pk, state="dead")
            .update(state="pending", attempts=0, due_at=at, leased_until=None)
        )
