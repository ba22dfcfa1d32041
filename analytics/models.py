"""What it adds up to: daily figures, rebuilt from the facts whenever they change."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models import TenantModel
from core.tenancy import TenantForeignKey
from programs.models import Program


class DailyFigure(TenantModel):
    """One program's day in the workspace's time zone, per currency. Money in minor units.

    Counts that belong to no currency stand on the row whose currency is empty.
    """

    program = TenantForeignKey(Program, related_name="daily_figures")
    day_on = models.DateField()
    currency = models.CharField(max_length=3, blank=True, default="")
    clicks = models.PositiveIntegerField(default=0)
    clicks_not_counted = models.PositiveIntegerField(default=0)
    visitors = models.PositiveIntegerField(default=0)
    signups = models.PositiveIntegerField(default=0)
    purchases = models.PositiveIntegerField(default=0)
    enrolled = models.PositiveIntegerField(default=0)
    revenue_minor = models.BigIntegerField(default=0)
    refunded_minor = models.BigIntegerField(default=0)
    rewards = models.PositiveIntegerField(default=0)
    reward_minor = models.BigIntegerField(default=0)
    reversed_minor = models.BigIntegerField(default=0)
    rebuilt_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "program", "day_on", "currency"], name="daily_figure_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.day_on} {self.currency}"
