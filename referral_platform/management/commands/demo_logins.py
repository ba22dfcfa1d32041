"""`manage.py demo_logins`: say how to get into the demo."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from referral_platform.demo import logins


class Command(BaseCommand):
    """Prints addresses and logins of the demo; nothing where it is not loaded."""

    help = "Print the addresses and logins of the demo shop."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--force", action="store_true", help="also where DEBUG is off")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.DEBUG or options["force"]:
            for line in logins.lines():
                self.stdout.write(line)
