"""The only code that changes figures: rebuilt from the facts, never counted up."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Max, Q

from accounts.models import Workspace
from analytics.days import Period, day_of, day_start, runs
from analytics.models import DailyFigure
from analytics.queries.facts import days_with_facts_since, figures
from programs.models import Program

RECENT: Final = timedelta(days=3)
"""How far back every run looks whatever happened; older days are rebuilt when a fact comes in late."""

SLACK: Final = timedelta(minutes=15)
"""Longer than any transaction: a fact may be committed this long after the instant it carries."""


@transaction.atomic
def rebuild_days(
    *,
    workspace: Workspace,
    program: Program | None = None,
    first_on: date,
    last_on: date,
    at: datetime,
) -> int:
    """Replace the figures of these days (in the workspace's zone) by what the facts add up to; returns rows.

    With `program` only its figures and the whole workspace's are replaced. Repeating it gives the same rows,
    and readers see the old ones or the new ones. Two at once on one workspace wait for each other. ValueError
    when `last_on` lies before `first_on`.
    """
    period = Period(first_on, last_on)
    _wait_for_others(workspace)
    made = [
        DailyFigure(
            workspace=workspace,
            program_id=program_id,
            day_on=day_on,
            currency=unit,
            rebuilt_at=at,
            **counts,
        )
        for (program_id, day_on, unit), counts in sorted(
            figures(workspace, period, program=program).items(),
            key=lambda item: (item[0][0] or 0, *item[0][1:]),
        )
    ]
    stale = DailyFigure.objects.for_workspace(workspace).filter(day_on__range=(first_on, last_on))
    if program is not None:
        stale = stale.filter(Q(program=program) | Q(program__isnull=True))
    stale.delete()
    DailyFigure.objects.bulk_create(made, batch_size=1000)
    return len(made)


def _wait_for_others(workspace: Workspace) -> None:
    # Of two rebuilds the one that reads last must write last.
    Workspace.objects.for_workspace(workspace).select_for_update(no_key=True).get()


@transaction.atomic
def rebuild_recent(*, workspace: Workspace, at: datetime) -> int:
    """Rebuild today, the last three days, and every day with facts newer than its figures; returns rows.

    `at` is the workspace's time. After an interruption the days since the last run are made up for.
    """
    today = day_of(at, workspace.time_zone)
    first_on = today - RECENT
    last_run = DailyFigure.objects.for_workspace(workspace).aggregate(at=Max("rebuilt_at"))["at"]
    since = None
    if last_run is not None:
        # Public ids carry real time, also in a sandbox.
        since = last_run - workspace.clock_offset - SLACK
        first_on = min(first_on, day_of(last_run, workspace.time_zone))
    late = days_with_facts_since(workspace, since=since, before=day_start(first_on, workspace.time_zone))
    recent = Period(first_on, max(today, first_on))
    return sum(
        rebuild_days(workspace=workspace, first_on=run.first_on, last_on=run.last_on, at=at)
        for run in [*runs(late), recent]
    )
