"""The transfers between accounts: the ledger itself."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models import TenantModel
from core.ids import PublicIdField
from core.tenancy import TenantForeignKey
from rewards.models.accounts import Account
from rewards.models.adjustments import Adjustment
from rewards.models.giving import Redemption
from rewards.models.payouts import Payout
from rewards.models.rewards import Reward


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
    redemption = TenantForeignKey(Redemption, null=True, related_name="transfers")
    adjustment = TenantForeignKey(Adjustment, null=True, related_name="transfers")
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
