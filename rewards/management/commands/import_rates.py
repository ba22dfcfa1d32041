"""`manage.py import_rates`: exchange rates from the European Central Bank, or from a file in its form."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from core import http
from core.errors import DomainError
from rewards import tasks


class Command(BaseCommand):
    """Imports rates for every workspace; what is known already stays as it is."""

    help = "Import the European Central Bank's exchange rates from its address, another one, or a file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        where = parser.add_mutually_exclusive_group()
        where.add_argument("--file", type=Path, help="a file in one of the bank's forms: XML, CSV or zip")
        where.add_argument("--url", default=settings.RATES_URL, help="default: RATES_URL")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["file"] is not None:
                count = tasks.import_content(options["file"].read_bytes())
            elif options["url"]:
                count = tasks.import_from(options["url"])
            else:
                raise CommandError("RATES_URL is empty; name a --file or a --url.")
        except (DomainError, OSError, http.OutboundFailed, http.OutboundRefused) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{count} exchange rates are new or another.")
