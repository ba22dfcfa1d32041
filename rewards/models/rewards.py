"""Rewards, and every step in their lives."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models import TenantModel
from core.ids import PublicIdField
from core.tenancy import TenantForeignKey
from programs.models import Customer, Participant, Program, ProgramVersion, Promotion
from rewards.models.accounts import Account
from tracking.models import Conversion, Referral


class Reward(TenantModel):
    """What one person earned by one rule for one conversion.

    `amount_minor` is what was promised, in `unit` (a currency, or PTS for points); `reversed_minor` is what
    refunds took back so far, `redeemed_minor` what was spent of it, `expired_minor` what lapsed unused. A
    refused promise is stored too, with status denied and a reason. `step` is 0 for the promise itself, and n
    for what reaching the n-th tier added to it afterwards.
    """

    class Side(models.TextChoices):
        REFERRER = "referrer"
        REFEREE = "referee"

    class Kind(models.TextChoices):
        CASH = "cash"
        CREDIT = "credit", "Store credit"
        DISCOUNT = "discount", "Discount code"
        PRODUCT = "product"
        POINTS = "points"
        GIFT_CARD = "gift_card", "Gift card"
        CUSTOM = "custom", "Given by your own system"

    class Status(models.TextChoices):
        PENDING = "pending"
        HELD = "held"
        APPROVED = "approved"
        ISSUED = "issued"
        PAID = "paid"
        REDEEMED = "redeemed"
        REVERSED = "reversed"
        EXPIRED = "expired"
        DENIED = "denied"

    public_id = PublicIdField(prefix="rwd")
    program = TenantForeignKey(Program, related_name="rewards")
    version = TenantForeignKey(ProgramVersion, related_name="rewards")
    conversion = TenantForeignKey(Conversion, related_name="rewards")
    referral = TenantForeignKey(Referral, related_name="rewards")
    side = models.CharField(max_length=8, choices=Side.choices)
    customer = TenantForeignKey(Customer, related_name="rewards", help_text="who gets it")
    participant = TenantForeignKey(Participant, null=True, related_name="rewards")
    rule_key = models.CharField(max_length=64)
    step = models.PositiveSmallIntegerField(default=0)
    tier = models.PositiveSmallIntegerField(default=0, help_text="the tier it was worked out by; 0: none")
    milestone_key = models.CharField(
        max_length=20, blank=True, default="", help_text="the milestone it is given for, like 10"
    )
    kind = models.CharField(max_length=9, choices=Kind.choices)
    unit = models.CharField(max_length=3)
    weight_ppm = models.PositiveIntegerField(
        default=1_000_000, db_default=1_000_000, help_text="the part of the credit it was worked out from"
    )
    base_minor = models.BigIntegerField(help_text="the part of the order the amount was worked out from")
    amount_minor = models.BigIntegerField()
    reversed_minor = models.BigIntegerField(default=0)
    redeemed_minor = models.BigIntegerField(default=0)
    expired_minor = models.BigIntegerField(default=0)
    status = models.CharField(max_length=8, choices=Status.choices)
    reason = models.CharField(max_length=60, blank=True, default="")
    sentence = models.TextField(blank=True, default="", help_text="how the amount came about")
    fulfilment = models.JSONField(default=dict, help_text="a discount code, a product to send …")
    available_at = models.DateTimeField(help_text="when the hold ends")
    payout = TenantForeignKey("rewards.Payout", null=True, related_name="rewards")
    promotion = TenantForeignKey(Promotion, null=True, related_name="rewards")
    score = models.PositiveSmallIntegerField(default=0, help_text="the fraud score when it was promised")
    original_minor = models.BigIntegerField(
        default=0, help_text="`base_minor` in the order's own currency, where that is another one"
    )
    original_currency = models.CharField(max_length=3, blank=True, default="")
    rate = models.DecimalField(
        max_digits=24, decimal_places=12, null=True, help_text="units of `unit` for one of the order's"
    )
    rate_source = models.CharField(max_length=10, blank=True, default="", help_text="ecb or entered")
    rate_on = models.DateField(null=True)
    reporting_minor = models.BigIntegerField(
        null=True, help_text="`amount_minor` in the workspace's currency; NULL while no rate is known"
    )
    reporting_currency = models.CharField(max_length=3, blank=True, default="")
    reporting_rate = models.DecimalField(max_digits=24, decimal_places=12, null=True)
    reporting_source = models.CharField(max_length=10, blank=True, default="")
    reporting_on = models.DateField(null=True)
    issued_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    warned_at = models.DateTimeField(null=True, help_text="when the owner was told that it will expire")
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "conversion", "rule_key", "side", "referral", "step", "milestone_key"],
                name="reward_once",
            ),
            models.UniqueConstraint(
                fields=["workspace", "participant", "rule_key", "side", "milestone_key"],
                name="reward_milestone_once",
                condition=~models.Q(milestone_key="") & ~models.Q(status__in=["denied", "reversed"]),
            ),
            models.CheckConstraint(
                name="reward_amounts",
                condition=models.Q(
                    amount_minor__gte=0, reversed_minor__gte=0, reversed_minor__lte=models.F("amount_minor")
                ),
            ),
            models.CheckConstraint(
                name="reward_used", condition=models.Q(redeemed_minor__gte=0, expired_minor__gte=0)
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace", "status", "available_at"], name="reward_ws_status_idx"),
            models.Index(fields=["workspace", "customer"], name="reward_ws_customer_idx"),
            models.Index(fields=["workspace", "referral"], name="reward_ws_referral_idx"),
            models.Index(fields=["workspace", "participant", "rule_key"], name="reward_ws_participant_idx"),
            models.Index(
                fields=["workspace", "expires_at"],
                name="reward_ws_expires_idx",
                condition=models.Q(expires_at__isnull=False, status="issued"),
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def net_minor(self) -> int:
        """What is left of the reward after refunds."""
        return self.amount_minor - self.reversed_minor

    @property
    def unused_minor(self) -> int:
        """What its owner can still spend of it; below zero where a refund took back what was spent."""
        return self.net_minor - self.redeemed_minor - self.expired_minor

    @property
    def destination_kind(self) -> str:
        """The kind of account that the value goes to on approval."""
        return _DESTINATIONS[Reward.Kind(self.kind)]

    @property
    def standing_kind(self) -> str:
        """The kind of account that the value stands in now."""
        on_hold = self.status in (Reward.Status.PENDING, Reward.Status.HELD)
        return Account.Kind.PENDING if on_hold else self.destination_kind


class RewardChange(TenantModel):
    """One step in a reward's life: status before and after, actor, reason, time. Append-only."""

    reward = TenantForeignKey(Reward, related_name="changes")
    before = models.CharField(max_length=8, blank=True, default="")
    after = models.CharField(max_length=8)
    actor = models.CharField(max_length=120)
    reason = models.CharField(max_length=200, blank=True, default="")
    amount_minor = models.BigIntegerField(default=0, help_text="what the step moved, where it moved money")
    at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        indexes: ClassVar = [models.Index(fields=["workspace", "reward", "id"], name="reward_change_ws_idx")]

    def __str__(self) -> str:
        return f"{self.before} -> {self.after}"


_DESTINATIONS = {
    Reward.Kind.CASH: Account.Kind.PAYABLE,
    Reward.Kind.CREDIT: Account.Kind.CREDIT,
    Reward.Kind.POINTS: Account.Kind.POINTS,
    Reward.Kind.DISCOUNT: Account.Kind.GIVEN,
    Reward.Kind.PRODUCT: Account.Kind.GIVEN,
    Reward.Kind.GIFT_CARD: Account.Kind.GIVEN,
    Reward.Kind.CUSTOM: Account.Kind.GIVEN,
}
