"""What it adds up to: daily figures, rebuilt from the facts whenever they change."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models import TenantModel
from core.tenancy import TenantForeignKey
from programs.models import Program


class DailyFigure(TenantModel):
    """One day in the workspace's time zone, in one unit: of one program, or of the whole workspace.

    The row without a program counts each visitor, conversion and refund of the workspace once, also where two
    programs share it; so it is no sum of the programs' rows. Counts that belong to no unit stand on the row
    whose `currency` is empty. Rewards stand on the row of their unit, which may be PTS (points). A custom
    conversion without an amount stands on the row without a unit. Money in minor units.
    """

    program = TenantForeignKey(Program, null=True, related_name="daily_figures")
    day_on = models.DateField()
    currency = models.CharField(max_length=3, blank=True, default="", help_text="ISO 4217, PTS, or empty")
    clicks = models.PositiveIntegerField(default=0)
    clicks_not_counted = models.PositiveIntegerField(default=0)
    visitors = models.PositiveIntegerField(default=0, help_text="people with a counted click on that day")
    signups = models.PositiveIntegerField(default=0)
    purchases = models.PositiveIntegerField(default=0)
    customs = models.PositiveIntegerField(default=0, help_text="custom conversions")
    enrolled = models.PositiveIntegerField(default=0)
    revenue_minor = models.BigIntegerField(default=0)
    refunded_minor = models.BigIntegerField(default=0, help_text="given back on that day")
    rewards = models.PositiveIntegerField(default=0, help_text="promised on that day")
    rewards_approved = models.PositiveIntegerField(default=0)
    rewards_paid = models.PositiveIntegerField(default=0)
    reward_minor = models.BigIntegerField(default=0, help_text="promised on that day")
    reversed_minor = models.BigIntegerField(default=0, help_text="taken back on that day")
    paid_minor = models.BigIntegerField(default=0)
    rebuilt_at = models.DateTimeField(help_text="by the workspace's clock")

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "program", "day_on", "currency"],
                name="daily_figure_once",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.day_on} {self.currency}"
