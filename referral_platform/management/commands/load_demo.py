"""`manage.py load_demo`: fill an empty database with the demo shop."""

from __future__ import annotations

import gc
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from core import clock
from referral_platform.demo import cast
from referral_platform.demo.loading import load

_WIDTH = 30


@contextmanager
def _little_collecting() -> Iterator[None]:
    """Look for garbage seldom: each look goes over all that the whole half year keeps in memory."""
    usual = gc.get_threshold()
    gc.set_threshold(100_000, 50, 50)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


class Command(BaseCommand):
    """Loads the demo once; where any workspace exists it changes nothing."""

    help = "Fill an empty database with Lumen Coffee, a demo shop with half a year of referrals."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--force", action="store_true", help="also where DEBUG is off")

    def handle(self, *args: Any, **options: Any) -> None:
        if not (settings.DEBUG or options["force"]):
            self.stdout.write("Demo data is for development; --force loads it here too.")
            return
        began, self._shown = time.monotonic(), -1
        with _little_collecting():
            loaded = load(at=clock.now(), tell=self._tell)
        if loaded is None:
            self.stdout.write("There is a workspace already; nothing was loaded.")
            return
        self.stdout.write(f"{cast.WORKSPACE} is loaded ({time.monotonic() - began:.1f} s)")

    def _tell(self, done: int, whole: int, what: str) -> None:
        # A terminal sees the bar grow; a log gets a line for every tenth.
        live = self.stdout.isatty()
        step = done * (100 if live else 10) // whole
        if step != self._shown:
            self._shown = step
            filled = done * _WIDTH // whole
            bar = f"[{'#' * filled}{'.' * (_WIDTH - filled)}] {done * 100 // whole:3d} %  {what}"
            self.stdout.write(f"\r{bar}" if live else bar, ending="\n" if not live or done == whole else "")
            self.stdout.flush()
