"""Checking a workspace's books on request: asked for by anybody, done by a worker, one check after the other.

Each check runs in a transaction of its own, so that its result is seen while the next one runs. It is a
single statement, so it compares one state of the books however much is written meanwhile.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final

from accounts.models import Workspace
from accounts.services import Actor, record_audit
from core import clock, queue
from core.events import emit
from core.queue import Claim
from core.tenancy import tenant
from core.transactions import all_or_nothing
from rewards.models import BooksCheck
from rewards.queries.books import CHECKS, Checked, run_check

LEASE: Final = timedelta(minutes=15)
KEPT: Final = 20
"""So many differences of each check are kept with its result; all are counted."""


@all_or_nothing
def request_check(*, workspace: Workspace, actor: Actor, at: datetime) -> BooksCheck:
    """Ask for a check of the books; while one waits or runs, that one is returned."""
    asked = BooksCheck.objects.bulk_create(
        [
            BooksCheck(
                workspace=workspace,
                requested_by=actor.label,
                # The queue runs on the real clock; a sandbox's own may be ahead.
                due_at=clock.now(),
                created_at=at,
            )
        ],
        ignore_conflicts=True,
    )[0]
    found = BooksCheck.objects.for_workspace(workspace).get(state=BooksCheck.State.PENDING)
    if found.public_id == asked.public_id and actor.kind != "system":
        record_audit(
            workspace=workspace, actor=actor, action="books.check_requested", subject=found.public_id
        )
    return found


def run_due_checks() -> int:
    """Run what was asked for, the longest waiting first; returns how many runs were tried."""
    claims = queue.claim(BooksCheck, limit=1, at=clock.now(), lease=LEASE)
    for claimed in claims:
        try:
            _run(claimed)
        except Exception as error:
            queue.mark_failed(BooksCheck, claimed, f"{type(error).__name__}: {error}", at=clock.now())
            raise
    return len(claims)


def _run(claimed: Claim) -> None:
    results: list[dict[str, Any]] = []
    for check in CHECKS:
        with tenant(claimed.workspace_id):
            workspace = Workspace.objects.for_workspace(claimed.workspace_id).get()
            results.append(_kept(run_check(check, workspace)))
            mine = BooksCheck.objects.for_workspace(claimed.workspace_id).filter(pk=claimed.pk)
            mine.update(results=results, leased_until=clock.now() + LEASE)
    with tenant(claimed.workspace_id):
        row = (
            BooksCheck.objects.for_workspace(claimed.workspace_id)
            .select_related("workspace")
            .get(pk=claimed.pk)
        )
        row.finished_at = row.workspace.local_time(clock.now())
        row.differing = sum(result["differing"] for result in results)
        row.save(update_fields=["finished_at", "differing"])
        queue.mark_done(BooksCheck, claimed)
        if row.differing:
            emit("books.differ", at=row.finished_at, check=row.public_id, differences=row.differing)


def _kept(done: Checked) -> dict[str, Any]:
    return {
        "key": done.key,
        "checked": done.checked,
        "differing": done.differing,
        "shown": [{**asdict(each), "said": str(each)} for each in done.shown[:KEPT]],
    }
