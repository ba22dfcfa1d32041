"""`manage.py make_click_months`: make room for the clicks to come."""

from typing import Any

from django.core.management.base import BaseCommand

from core import clock
from tracking import services


class Command(BaseCommand):
    """Makes the partitions of this month and the three after it, as the scheduler does every day."""

    help = "Make the partitions for the clicks of this month and the three after it."

    def handle(self, *args: Any, **options: Any) -> None:
        made = services.make_click_months(at=clock.now())
        self.stdout.write(f"{made} months made.")
