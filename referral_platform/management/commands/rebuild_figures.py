"""`manage.py rebuild_figures`: add the facts of past days up again."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import queries as account_queries
from accounts.models import Workspace
from analytics.days import Period, day_of, parts
from analytics.queries.facts import first_fact_on
from analytics.services import rebuild_days
from core import clock
from core.tenancy import tenant

_STEP_DAYS = 31


class Command(BaseCommand):
    """Rebuilds the figures of a period, a month in each transaction; safe to repeat and to interrupt."""

    help = "Rebuild the daily figures from the facts, by default of every day of every active workspace."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workspace", help="slug; default: every active workspace")
        parser.add_argument("--from", dest="first_on", type=date.fromisoformat, help="first day, YYYY-MM-DD")
        parser.add_argument("--to", dest="last_on", type=date.fromisoformat, help="last day, YYYY-MM-DD")

    def handle(self, *args: Any, **options: Any) -> None:
        first_on, last_on = options["first_on"], options["last_on"]
        if first_on and last_on and last_on < first_on:
            raise CommandError("--to lies before --from.")
        found = 0
        for workspace_id in account_queries.active_workspace_ids():
            with tenant(workspace_id):
                workspace = Workspace.objects.for_workspace(workspace_id).get()
                wanted = options["workspace"] in (None, workspace.slug)
                period = self._period(workspace, first_on, last_on) if wanted else None
            if wanted:
                found += 1
                self._rebuild(workspace, period)
        if not found:
            raise CommandError("There is no such workspace.")

    def _period(self, workspace: Workspace, first_on: date | None, last_on: date | None) -> Period | None:
        today = day_of(workspace.local_time(clock.now()), workspace.time_zone)
        start, end = first_on or first_fact_on(workspace), last_on or today
        return None if start is None or end < start else Period(start, end)

    def _rebuild(self, workspace: Workspace, period: Period | None) -> None:
        if period is None:
            self.stdout.write(f"{workspace.slug}: no facts")
            return
        pieces = parts(period, _STEP_DAYS)
        for number, piece in enumerate(pieces, 1):
            with tenant(workspace):
                rows = rebuild_days(
                    workspace=workspace,
                    first_on=piece.first_on,
                    last_on=piece.last_on,
                    at=workspace.local_time(clock.now()),
                )
            done = f"{number} of {len(pieces)}, {piece.first_on} to {piece.last_on}"
            self.stdout.write(f"{workspace.slug}: {done}, {rows} rows")
            self.stdout.flush()
