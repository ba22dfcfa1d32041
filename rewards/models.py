"""What is owed: rewards with their history, the ledger of transfers, payout batches."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models import TenantModel, User
from core.ids import PublicIdField
from core.tenancy import TenantForeignKey
from programs.models import Customer, Participant, Program, ProgramVersion
from tracking.models import Conversion, Referral


class Reward(TenantModel):
    """What one person earned by one rule for one conversion.

    `amount_minor` is what was promised, in `unit` (a currency, or PTS for points); `reversed_minor` is what
    refunds took back so far. A refused promise is stored too, with status denied and a reason.
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
    rule_key = models.CharField(max_length=60)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    unit = models.CharField(max_length=3)
    base_minor = models.BigIntegerField(help_text="the part of the order the amount was worked out from")
    amount_minor = models.BigIntegerField()
    reversed_minor = models.BigIntegerField(default=0)
    status = models.CharField(max_length=8, choices=Status.choices)
    reason = models.CharField(max_length=60, blank=True, default="")
    sentence = models.TextField(blank=True, default="", help_text="how the amount came about")
    fulfilment = models.JSONField(default=dict, help_text="a discount code, a product to send …")
    available_at = models.DateTimeField(help_text="when the hold ends")
    payout = TenantForeignKey("rewards.Payout", null=True, related_name="rewards")
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "conversion", "rule_key", "side", "referral"], name="reward_once"
            ),
            models.CheckConstraint(
                name="reward_amounts",
                condition=models.Q(
                    amount_minor__gte=0, reversed_minor__gte=0, reversed_minor__lte=models.F("amount_minor")
                ),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace", "status", "available_at"], name="reward_ws_status_idx"),
            models.Index(fields=["workspace", "customer"], name="reward_ws_customer_idx"),
            models.Index(fields=["workspace", "referral"], name="reward_ws_referral_idx"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def net_minor(self) -> int:
        """What is left of the reward after refunds."""
        return self.amount_minor - self.reversed_minor

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


class Account(TenantModel):
    """A ledger account: a purpose, a unit, and for a person's accounts the person.

    `balance_minor` is credits less debits, kept by the same statement that writes the transfer; the transfers
    remain the truth.
    """

    class Kind(models.TextChoices):
        EXPENSE = "expense", "Program expense"
        PENDING = "pending", "Promised, on hold"
        PAYABLE = "payable", "Payable in cash"
        CREDIT = "credit", "Store credit"
        POINTS = "points"
        GIVEN = "given", "Given as goods or codes"
        IN_TRANSIT = "in_transit", "In a payout batch"
        PAID_OUT = "paid_out", "Paid out"

    public_id = PublicIdField(prefix="acc")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    unit = models.CharField(max_length=3)
    customer = TenantForeignKey(Customer, null=True, related_name="accounts")
    balance_minor = models.BigIntegerField(default=0)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "kind", "unit", "customer"],
                name="account_once",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.unit}"


_DESTINATIONS = {
    Reward.Kind.CASH: Account.Kind.PAYABLE,
    Reward.Kind.CREDIT: Account.Kind.CREDIT,
    Reward.Kind.POINTS: Account.Kind.POINTS,
    Reward.Kind.DISCOUNT: Account.Kind.GIVEN,
    Reward.Kind.PRODUCT: Account.Kind.GIVEN,
}


class PayoutBatch(TenantModel):
    """Payouts prepared together: one currency, one method, made by one person and approved by another."""

    class Status(models.TextChoices):
        DRAFT = "draft"
        APPROVED = "approved"
        PROCESSING = "processing"
        COMPLETED = "completed"
        FAILED = "failed"

    public_id = PublicIdField(prefix="pyb")
    currency = models.CharField(max_length=3)
    method = models.CharField(max_length=12, default="csv")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT)
    total_minor = models.BigIntegerField()
    payout_count = models.PositiveIntegerField()
    note = models.CharField(max_length=200, blank=True, default="", help_text="why it was cancelled")
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    approved_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    approved_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        verbose_name_plural = "payout batches"
        constraints: ClassVar = [
            models.CheckConstraint(
                name="batch_second_person",
                condition=models.Q(approved_by__isnull=True) | ~models.Q(approved_by=models.F("created_by")),
            ),
            models.CheckConstraint(
                name="batch_approved_before_money_moves",
                condition=models.Q(status__in=["draft", "failed"]) | models.Q(approved_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.public_id


class Payout(TenantModel):
    """One person's money in one batch; its public id is the idempotency key at the provider."""

    class Status(models.TextChoices):
        PENDING = "pending"
        PAID = "paid"
        FAILED = "failed"

    public_id = PublicIdField(prefix="pyt")
    batch = TenantForeignKey(PayoutBatch, related_name="payouts")
    customer = TenantForeignKey(Customer, related_name="payouts")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    destination = models.CharField(max_length=255, blank=True, default="")
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.PENDING)
    provider_reference = models.CharField(max_length=255, blank=True, default="")
    failure = models.CharField(max_length=255, blank=True, default="")
    settled_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "batch", "customer"], name="payout_once_per_batch"),
            models.CheckConstraint(name="payout_positive", condition=models.Q(amount_minor__gt=0)),
        ]

    def __str__(self) -> str:
        return self.public_id


class Transfer(TenantModel):
    """Money moved from one account to another: debit `debit`, credit `credit`. Append-only.

    The ledger sums to zero by construction. `key` makes a repetition a no-op.
    """

    public_id = PublicIdField(prefix="trf")
    key = models.CharField(max_length=160)
    debit = TenantForeignKey(Account, related_name="debits")
    credit = TenantForeignKey(Account, related_name="credits")
    unit = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    reward = TenantForeignKey(Reward, null=True, related_name="transfers")
    payout = TenantForeignKey(Payout, null=True, related_name="transfers")
    memo = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "key"], name="transfer_key_once"),
            models.CheckConstraint(name="transfer_positive", condition=models.Q(amount_minor__gt=0)),
            models.CheckConstraint(
                name="transfer_two_accounts", condition=~models.Q(debit=models.F("credit"))
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace", "debit"], name="transfer_ws_debit_idx"),
            models.Index(fields=["workspace", "credit"], name="transfer_ws_credit_idx"),
            models.Index(fields=["workspace", "reward"], name="transfer_ws_reward_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.amount_minor} {self.unit}: {self.memo}"
