"""`manage.py archive_clicks`: move old months of clicks to files."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tracking import services


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no month such as 2026-01") from None


class Command(BaseCommand):
    """Writes each month of clicks before a given one to a compressed CSV file, and drops the month."""

    help = "Write months of clicks to compressed CSV files and drop them. Connects as the tables' owner."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--before", required=True, type=_month, metavar="YYYY-MM", help="the first to stay"
        )
        parser.add_argument("--to", required=True, type=Path, metavar="FOLDER", help="where the files go")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = services.archive_clicks(
                before=options["before"], folder=options["to"], tell=self.stdout.write
            )
        except (OSError, services.ArchiveDiffers) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{len(done)} months, {sum(each.clicks for each in done)} clicks archived.")
