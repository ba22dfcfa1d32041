"""Working off a queue that talks to strangers: claimed fairly, asked in threads, recorded afterwards.

Rows are divided into lanes, such as one for each receiver. A slow receiver fills its own lane and leaves room
for all others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from django.db.models import Case, F, Q, Value, When, Window
from django.db.models.functions import RowNumber

from core import queue
from core.queue import Claim
from core.tenancy import door

A = TypeVar("A")

THREADS: Final = 8
PER_LANE: Final = 2
"""How many rows of one lane may be under way."""

RUN_SECONDS: Final = 30.0
"""After this long a run claims nothing more; the next one goes on."""

LEASE: Final = timedelta(seconds=60)
_POLL_SECONDS: Final = 1.0


def claim_lanes(
    model: type[Any], *, lane: Sequence[str], limit: int, at: datetime, lease: timedelta = LEASE
) -> list[Claim]:
    """Lease up to `limit` due rows, at most two under way in any lane, and count the attempt.

    A lease that runs out makes the row due again; two callers never share one. Paused workspaces wait.
    """
    paused = queue.paused_workspaces()
    leased = Q(leased_until__gte=at)
    place = Window(
        RowNumber(),
        partition_by=[F(name) for name in lane],
        order_by=[Case(When(leased, then=Value(0)), default=Value(1)), F("due_at").asc(), F("pk").asc()],
    )
    with door("queue"):
        rows = model.objects.through_door("queue").filter(state=queue.QueueRow.State.PENDING)
        ranked = (
            rows.filter(leased | Q(due_at__lte=at))
            .exclude(workspace_id__in=paused)
            .annotate(place=place)
            .filter(place__lte=PER_LANE)
            .order_by("place", "due_at", "pk")
            .values_list("pk", "leased_until")
        )
        free = [pk for pk, until in ranked if until is None or until < at][:limit]
        due = (
            rows.select_for_update(skip_locked=True)
            .filter(~leased | Q(leased_until__isnull=True), pk__in=free, due_at__lte=at)
            .order_by("due_at", "pk")
        )
        claims = [Claim(row.pk, row.workspace_id, row.attempts + 1) for row in due]
        for workspace_id in sorted({claimed.workspace_id for claimed in claims}):
            keys = [claimed.pk for claimed in claims if claimed.workspace_id == workspace_id]
            rows.filter(workspace_id=workspace_id, pk__in=keys).update(
                leased_until=at + lease, attempts=F("attempts") + 1
            )
    return claims


def work_off(
    *,
    claim: Callable[[int], list[Claim]],
    prepare: Callable[[Claim], Callable[[], A] | None],
    settle: Callable[[Claim, Future[A]], None],
    run_seconds: float,
) -> int:
    """Claim, ask and settle until nothing is due or the time is up; returns how many were asked.

    `prepare` gives what a thread without a database does for a claim, or None for nothing. Only that runs in
    threads; a claim is taken and an answer is recorded in short transactions of their own.
    """
    running: dict[Future[A], Claim] = {}
    ends, asked = time.monotonic() + run_seconds, 0
    with ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="outbound") as pool:
        while True:
            room = THREADS - len(running) if time.monotonic() < ends else 0
            claims = claim(room) if room else []
            for claimed in claims:
                job = prepare(claimed)
                if job is not None:
                    running[pool.submit(job)] = claimed
            if not running and not claims:
                return asked
            finished, _ = wait(running, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
            for future in finished:
                asked += 1
                settle(running.pop(future), future)
