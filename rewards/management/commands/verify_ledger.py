"""`manage.py verify_ledger`: add the books up again."""

from __future__ import annotations

from argparse import ArgumentParser
from time import perf_counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import Workspace
from core.tenancy import door, tenant
from rewards import queries


class Command(BaseCommand):
    """Checks every workspace's ledger, or one's, and exits with 1 when anything differs.

    The database adds up and compares; memory stays the same however long the ledger is.
    """

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
        began = perf_counter()

        def tell(done: queries.Checked) -> None:
            nonlocal began
            now = perf_counter()
            self.stdout.write(
                f"{workspace.slug} {done.key}: {done.checked} checked, {done.differing} differ "
                f"({now - began:.1f} s)"
            )
            self.stdout.flush()
            for difference in done.shown:
                self.stderr.write(f"{workspace.slug}: {difference}")
            if done.differing > len(done.shown):
                self.stderr.write(f"{workspace.slug}: and {done.differing - len(done.shown)} more")
            began = now

        with tenant(workspace):
            checks = queries.check_books(workspace, each=tell)
            sums = queries.sums(workspace)
        found = sum(done.differing for done in checks)
        for each in sums:
            state = "FAILED" if found else "OK"
            self.stdout.write(
                f"{workspace.slug} {each.unit}: {state}, {each.transfers} transfers between "
                f"{each.accounts} accounts, moved {each.moved_minor}, balances sum to {each.balance_minor}"
            )
        return found
