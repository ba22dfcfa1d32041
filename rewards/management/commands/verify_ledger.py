"""`manage.py verify_ledger`: add the books up again."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import Workspace
from core.tenancy import door, tenant
from rewards import queries


class Command(BaseCommand):
    """Checks every workspace's ledger, or one's, and exits with 1 when anything differs."""

    help = "Check that balances, transfers, rewards and payouts agree; exits with 1 when they do not."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workspace", metavar="SLUG", help="only this workspace")

    def handle(self, *args: Any, **options: Any) -> None:
        with door("workspaces"):
            workspaces = Workspace.objects.through_door("workspaces").order_by("pk")
            if options["workspace"]:
                workspaces = workspaces.filter(slug=options["workspace"])
            chosen = list(workspaces)
        if not chosen:
            raise CommandError(f"There is no workspace {options['workspace'] or 'yet'}.")
        wrong = sum(self._check(workspace) for workspace in chosen)
        if wrong:
            raise CommandError(f"{wrong} differences in the books.")

    def _check(self, workspace: Workspace) -> int:
        with tenant(workspace):
            found = queries.differences(workspace)
            sums = queries.sums(workspace)
        for difference in found:
            self.stderr.write(f"{workspace.slug}: {difference}")
        for each in sums:
            state = "FAILED" if found else "OK"
            self.stdout.write(
                f"{workspace.slug} {each.unit}: {state}, {each.transfers} transfers between "
                f"{each.accounts} accounts, moved {each.moved_minor}, balances sum to {each.balance_minor}"
            )
        return len(found)
