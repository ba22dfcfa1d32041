"""`manage.py resume_workspace`: let a suspended workspace go on."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import queries, services
from core.errors import DomainError


class Command(BaseCommand):
    """Resumes one workspace, with the reason in its audit log."""

    help = "Let a suspended workspace and its sandbox go on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="the workspace's name in its addresses")
        parser.add_argument("--reason", required=True, help="goes into the audit log")

    def handle(self, *args: Any, **options: Any) -> None:
        workspace = queries.workspace_with_slug(options["slug"])
        if workspace is None:
            raise CommandError(f"There is no workspace {options['slug']}.")
        try:
            services.resume_workspace(workspace=workspace, reason=options["reason"], actor=services.SYSTEM)
        except DomainError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"{workspace.name} is {workspace.status}.")
