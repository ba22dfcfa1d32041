"""The accounts of the ledger."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models import TenantModel
from core.ids import PublicIdField
from core.tenancy import TenantForeignKey
from programs.models import Customer


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
        REDEEMED = "redeemed", "Spent by its owner"
        EXPIRED = "expired", "Expired unused"
        FEES = "fees", "Fees of payouts"
        ADJUSTED = "adjusted", "Adjusted by hand"

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
