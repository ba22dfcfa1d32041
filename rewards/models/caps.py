"""What caps and budgets have been used up, and by which rewards."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models import TenantModel
from core.ids import PublicIdField
from core.tenancy import TenantForeignKey
from programs.models import Participant, Program
from rewards.models.rewards import Reward


class Allowance(TenantModel):
    """How much of one cap is used: in one period, by one participant or by the whole program.

    Who promises a reward locks the row first, so that the limit is exact however many promise at once.
    `used_minor` and `used_count` are the sums of its reservations.
    """

    public_id = PublicIdField(prefix="alw")
    program = TenantForeignKey(Program, related_name="allowances")
    cap_key = models.CharField(max_length=64)
    participant = TenantForeignKey(Participant, null=True, related_name="allowances")
    period = models.CharField(
        max_length=10,
        blank=True,
        default="",
        help_text="like 2026, 2026-11, 2026-W47, 2026-11-22; empty: ever",
    )
    used_minor = models.BigIntegerField(default=0)
    used_count = models.BigIntegerField(default=0)
    warned_80_at = models.DateTimeField(null=True)
    warned_100_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "program", "cap_key", "participant", "period"],
                name="allowance_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="allowance_not_negative", condition=models.Q(used_minor__gte=0, used_count__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cap_key} {self.period}"


class Reservation(TenantModel):
    """What one reward takes of one allowance; given back as far as the reward is taken back or denied."""

    allowance = TenantForeignKey(Allowance, related_name="reservations")
    reward = TenantForeignKey(Reward, related_name="reservations")
    amount_minor = models.BigIntegerField()
    counted = models.PositiveSmallIntegerField(default=1, help_text="1, or 0 once it was given back")

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "allowance", "reward"], name="reservation_once"),
            models.CheckConstraint(
                name="reservation_not_negative", condition=models.Q(amount_minor__gte=0, counted__lte=1)
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["workspace", "reward"], name="reservation_ws_reward_idx")]

    def __str__(self) -> str:
        return f"{self.amount_minor}"
