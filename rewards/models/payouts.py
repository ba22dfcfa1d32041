"""Payout batches, the payouts in them, and where each person's money goes."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models import TenantModel, User
from core.ids import PublicIdField
from core.tenancy import TenantForeignKey
from programs.models import Customer


class PayoutBatch(TenantModel):
    """Payouts prepared together: one currency, one method, made by one person and approved by another.

    While it is being prepared, `judged_count` of `people_count` people have been looked at, those with keys
    up to `judged_until`; each group is a transaction of its own, so that a stop loses none.
    `paid_minor` and `failed_minor` grow with the results and can never pass the total; completed means that
    they add up to it and that the provider, where there is one, reports the same sum as paid.
    """

    class Method(models.TextChoices):
        CSV = "csv", "Bank file (CSV)"
        PAIN001 = "pain001", "Bank file (ISO 20022)"
        PAYPAL = "paypal", "PayPal"
        STRIPE = "stripe", "Stripe"
        TREMENDOUS = "tremendous", "Gift cards (Tremendous)"

    class Status(models.TextChoices):
        PREPARING = "preparing"
        DRAFT = "draft"
        APPROVED = "approved"
        PROCESSING = "processing"
        COMPLETED = "completed"
        FAILED = "failed"

    public_id = PublicIdField(prefix="pyb")
    currency = models.CharField(max_length=3)
    method = models.CharField(max_length=10, choices=Method.choices, default=Method.CSV)
    connection = models.CharField(
        max_length=40, blank=True, default="", help_text="public id of the provider's connection"
    )
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT)
    total_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField(default=0, help_text="what the method is expected to charge us")
    payout_count = models.PositiveIntegerField()
    people_count = models.PositiveIntegerField(default=0, help_text="to be judged in all")
    judged_count = models.PositiveIntegerField(default=0)
    judged_until = models.BigIntegerField(default=0, help_text="the key of the last customer judged")
    only = models.JSONField(null=True, help_text="the keys of the only customers to judge, in order")
    paid_minor = models.BigIntegerField(default=0)
    failed_minor = models.BigIntegerField(default=0)
    provider_paid_minor = models.BigIntegerField(null=True, help_text="the sum the provider reports as paid")
    provider_reference = models.CharField(max_length=255, blank=True, default="")
    discrepancy = models.CharField(
        max_length=200, blank=True, default="", help_text="why it cannot be completed: the sums differ"
    )
    cutoff_at = models.DateTimeField(null=True, help_text="rewards available later wait for the next batch")
    note = models.CharField(max_length=200, blank=True, default="", help_text="why it was cancelled")
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    approved_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    approved_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        verbose_name_plural = "payout batches"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "currency"],
                condition=models.Q(status="preparing"),
                name="batch_one_in_the_making",
            ),
            models.CheckConstraint(
                name="batch_second_person",
                condition=models.Q(approved_by__isnull=True) | ~models.Q(approved_by=models.F("created_by")),
            ),
            models.CheckConstraint(
                name="batch_approved_before_money_moves",
                condition=models.Q(status__in=["preparing", "draft", "failed"])
                | models.Q(approved_by__isnull=False),
            ),
            models.CheckConstraint(
                name="batch_adds_up",
                condition=models.Q(
                    paid_minor__gte=0,
                    failed_minor__gte=0,
                    total_minor__gte=models.F("paid_minor") + models.F("failed_minor"),
                ),
            ),
            models.CheckConstraint(
                name="batch_completed_adds_up",
                condition=~models.Q(status="completed")
                | (
                    models.Q(total_minor=models.F("paid_minor") + models.F("failed_minor"))
                    & (
                        models.Q(provider_paid_minor__isnull=True)
                        | models.Q(provider_paid_minor=models.F("paid_minor"))
                    )
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.public_id


class Payout(TenantModel):
    """One person's money in one batch; its public id is the idempotency key at the provider."""

    class Status(models.TextChoices):
        PENDING = "pending"
        SENT = "sent", "Sent to the provider"
        PAID = "paid"
        FAILED = "failed"

    public_id = PublicIdField(prefix="pyt")
    batch = TenantForeignKey(PayoutBatch, related_name="payouts")
    customer = TenantForeignKey(Customer, related_name="payouts")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    fee_minor = models.BigIntegerField(default=0, help_text="expected, then what the provider charged us")
    destination = models.CharField(max_length=255, blank=True, default="")
    account = TenantForeignKey("rewards.PayoutAccount", null=True, related_name="payouts")
    attempts = models.PositiveSmallIntegerField(default=0, help_text="how often it was sent")
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


class PayoutAccount(TenantModel):
    """Where one person's money goes by one method; the details are sealed to this row.

    `label` shows enough of them to be recognised. The one chosen last is used.
    """

    class Method(models.TextChoices):
        BANK = "bank", "Bank account"
        PAYPAL = "paypal", "PayPal"
        STRIPE = "stripe", "Stripe"
        GIFT_CARD = "gift_card", "Gift cards"

    class Status(models.TextChoices):
        INCOMPLETE = "incomplete"
        READY = "ready"
        REFUSED = "refused"

    public_id = PublicIdField(prefix="pac")
    customer = TenantForeignKey(Customer, related_name="payout_accounts")
    method = models.CharField(max_length=9, choices=Method.choices)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.READY)
    label = models.CharField(max_length=80, blank=True, default="", help_text="like DE…3438")
    sealed_details = models.TextField(blank=True, default="")
    note = models.CharField(max_length=200, blank=True, default="", help_text="why it was refused")
    chosen_at = models.DateTimeField()
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "customer", "method"], name="payout_account_once_per_method"
            )
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.label}"


class TaxDetails(TenantModel):
    """What the tax office wants to know of somebody who is paid; the number is sealed to this row."""

    class Form(models.TextChoices):
        W9 = "w9", "W-9"
        W8BEN = "w8ben", "W-8BEN"
        W8BENE = "w8bene", "W-8BEN-E"
        DAC7 = "dac7", "DAC7 self-declaration"
        OTHER = "other"

    class Status(models.TextChoices):
        SUBMITTED = "submitted"
        VERIFIED = "verified"
        REFUSED = "refused"

    public_id = PublicIdField(prefix="tax")
    customer = TenantForeignKey(Customer, related_name="tax_details")
    country = models.CharField(max_length=2)
    legal_name = models.CharField(max_length=120, blank=True, default="")
    form = models.CharField(max_length=8, choices=Form.choices)
    sealed_number = models.TextField(blank=True, default="")
    number_end = models.CharField(max_length=8, blank=True, default="", help_text="its last characters")
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.SUBMITTED)
    note = models.CharField(max_length=200, blank=True, default="")
    submitted_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta(TenantModel.Meta):
        verbose_name_plural = "tax details"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "customer"], name="tax_details_once")
        ]

    def __str__(self) -> str:
        return f"{self.form} {self.country}"
