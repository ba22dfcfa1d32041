"""`python -m benchmarks.paying <workspace>`: a batch prepared, approved and exported by its own process.

Prints JSON: for each step the seconds by the clock and of the process itself, how many were paid, the size of
the file, and the most memory the process ever had.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django


def main(public_id: str) -> None:
    """Do the three steps, with the transactions of requests and of the worker, and print what they took."""
    django.setup()
    from accounts.models import User, Workspace
    from accounts.services import Actor
    from core import clock
    from core.files import written
    from core.tenancy import door, tenant
    from rewards import services

    with_key = {user.email: user for user in User.objects.all()}
    maker, second = (
        Actor("user", email, user=with_key[email]) for email in ("owner@shop.example", "second@shop.example")
    )
    with door("workspaces"):
        workspace = Workspace.objects.through_door("workspaces").get(public_id=public_id)
    took: dict[str, tuple[float, float]] = {}

    def step(name: str, work: Callable[[], Any]) -> Any:
        began, worked = time.perf_counter(), time.process_time()
        done = work()
        took[name] = (time.perf_counter() - began, time.process_time() - worked)
        return done

    at = clock.now()
    start = _peak_mib()

    def prepare() -> Any:
        with tenant(workspace):
            batch = services.prepare_batch(
                workspace=workspace, currency="EUR", method="pain001", actor=maker, at=at
            )
        # What the worker does with the events that ask for the next group.
        while batch.status == batch.Status.PREPARING:
            with tenant(workspace):
                batch = services.go_on_preparing(batch=batch, judged_until=batch.judged_until, at=at)
        return batch

    def approve() -> None:
        with tenant(workspace):
            services.approve_batch(batch=batch, actor=second, at=at)

    def export() -> int:
        with tenant(workspace):
            file = services.export_batch(batch=batch, actor=maker, at=at)
            answer = written(file.pieces, name=file.name, content_type=file.content_type)
            return sum(len(part) for part in answer.streaming_content)  # type: ignore[union-attr,misc]

    batch = step("prepared", prepare)
    step("approved", approve)
    size = step("exported", export)
    print(
        json.dumps(
            {
                "took": took,
                "payouts": batch.payout_count,
                "total_minor": batch.total_minor,
                "bytes": size,
                "start_mib": start,
                "peak_mib": _peak_mib(),
            }
        )
    )


def _peak_mib() -> float:
    """Return the high-water mark of this process; unlike getrusage's it begins anew with each program."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise LookupError("this kernel keeps no high-water mark")


if __name__ == "__main__":
    main(sys.argv[1])
