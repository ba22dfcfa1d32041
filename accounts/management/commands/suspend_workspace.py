"""`manage.py suspend_workspace`: stop a workspace."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import queries, services
from core.errors import DomainError


class Command(BaseCommand):
    """Suspends one workspace, with the reason in its audit log."""

    help = "Stop a workspace and its sandbox; nothing is lost, everything waits."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="the workspace's name in its addresses")
        parser.add_argument("--reason", required=True, help="goes into the audit log")

    def handle(self, *args: Any, **options: Any) -> None:
        workspace = queries.workspace_with_slug(options["slug"])
        if workspace is None:
            raise CommandError(f"There is no workspace {options['slug']}.")
        try:
            services.suspend_workspace(workspace=workspace, reason=options["reason"], actor=services.SYSTEM)
        except DomainError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"{workspace.name} is {workspace.status}.")
