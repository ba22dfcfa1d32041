"""Money given or taken by hand, and the workspace's settings about money."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models import TenantModel, User
from core.ids import PublicIdField
from core.tenancy import TenantForeignKey
from programs.models import Customer
from rewards.models.accounts import Account


class Adjustment(TenantModel):
    """Money added to, or with a negative amount taken from, one person's account by hand, for a reason.

    Above the workspace's limit it waits for a second person.
    """

    class Status(models.TextChoices):
        WAITING = "waiting"
        APPLIED = "applied"
        DECLINED = "declined"

    class Place(models.TextChoices):
        PAYABLE = Account.Kind.PAYABLE.value, "Cash"
        CREDIT = Account.Kind.CREDIT.value, "Store credit"
        POINTS = Account.Kind.POINTS.value, "Points"

    public_id = PublicIdField(prefix="adj")
    key = models.CharField(max_length=160, help_text="the caller's own: the same one is one adjustment")
    customer = TenantForeignKey(Customer, related_name="adjustments")
    place = models.CharField(max_length=7, choices=Place.choices)
    unit = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField(help_text="negative: taken away")
    reason = models.CharField(max_length=200)
    status = models.CharField(max_length=8, choices=Status.choices)
    note = models.CharField(max_length=200, blank=True, default="", help_text="why it was declined")
    created_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    created_by_label = models.CharField(max_length=120)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "key"], name="adjustment_key_once"),
            models.CheckConstraint(name="adjustment_not_nothing", condition=~models.Q(amount_minor=0)),
            models.CheckConstraint(
                name="adjustment_second_person",
                condition=models.Q(decided_by__isnull=True) | ~models.Q(decided_by=models.F("created_by")),
            ),
        ]

    def __str__(self) -> str:
        return self.public_id


class MoneySettings(TenantModel):
    """A workspace's own rules about money; without a row the defaults below hold."""

    adjustment_limit_minor = models.BigIntegerField(
        default=10_000, help_text="in any currency's minor unit or points; above it a second person decides"
    )
    payout_cutoff_days = models.PositiveSmallIntegerField(
        default=0, help_text="rewards approved in the last days before a batch wait for the next one"
    )
    payout_fees = models.JSONField(
        default=dict, help_text="by method: {fixed_minor, bps, max_minor} that the provider charges"
    )
    debtor_name = models.CharField(max_length=70, blank=True, default="", help_text="on bank files")
    debtor_iban = models.CharField(max_length=34, blank=True, default="")
    debtor_bic = models.CharField(max_length=11, blank=True, default="")
    give_url = models.URLField(
        max_length=2000, blank=True, default="", help_text="hears of rewards the own system gives"
    )

    deliverers = models.JSONField(
        default=dict, help_text="by kind of reward: the connection that hands it over, or a person"
    )

    class Meta(TenantModel.Meta):
        verbose_name_plural = "money settings"
        constraints: ClassVar = [models.UniqueConstraint(fields=["workspace"], name="money_settings_once")]

    def __str__(self) -> str:
        return "money settings"
