"""Sign-ups, purchases, custom events, their refunds, and the contacts before them."""

from __future__ import annotations

from typing import ClassVar, Final

from django.db import models

from accounts.models import TenantModel
from core.ids import PublicIdField
from core.tenancy import TenantForeignKey
from programs.models import Customer, Participant, Program, PromoCode
from tracking.models.clicks import Click

CODES_USED: Final = "coupon_codes"
"""In a conversion's metadata: the codes the order used, also those that credit nobody."""


class Conversion(TenantModel):
    """A sign-up, a purchase or a custom event of a customer. Unique by its source and the source's own key.

    `amount_minor` is the net value that counts for rewards; `refunded_minor` never passes it. `lines` are
    what was bought: a list of {sku, category, amount_minor, cost_minor}; `cost_minor` is what all of it cost
    the shop, where that is known. `reporting_minor` is the amount in the workspace's currency; converted by
    `reporting_rate`, where the order's own is another.
    """

    class Kind(models.TextChoices):
        SIGNUP = "signup", "Sign-up"
        PURCHASE = "purchase"
        CUSTOM = "custom"

    class Status(models.TextChoices):
        RECORDED = "recorded"
        PARTLY_REFUNDED = "partly_refunded"
        REFUNDED = "refunded"
        REJECTED = "rejected"

    public_id = PublicIdField(prefix="cnv")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    event_name = models.CharField(max_length=80, blank=True, default="")
    customer = TenantForeignKey(Customer, related_name="conversions")
    source = models.CharField(max_length=60, help_text="api, or the connection's public id")
    source_key = models.CharField(max_length=255, help_text="invoice, order or event id at the source")
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.RECORDED)
    amount_minor = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3, blank=True, default="")
    refunded_minor = models.BigIntegerField(default=0)
    cost_minor = models.BigIntegerField(null=True)
    lines = models.JSONField(default=list)
    metadata = models.JSONField(default=dict)
    sequence = models.PositiveIntegerField(
        help_text="1 for the customer's first conversion of this kind, 2 for the second …"
    )
    source_modified_at = models.DateTimeField(null=True)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    reporting_minor = models.BigIntegerField(
        null=True, help_text="`amount_minor` in the workspace's currency; NULL while no rate is known"
    )
    reporting_currency = models.CharField(max_length=3, blank=True, default="", db_default="")
    reporting_rate = models.DecimalField(max_digits=24, decimal_places=12, null=True)
    reporting_source = models.CharField(max_length=10, blank=True, default="", db_default="")
    reporting_on = models.DateField(null=True)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "source", "kind", "source_key"], name="conversion_source_key_once"
            ),
            models.CheckConstraint(
                name="conversion_amounts",
                condition=models.Q(
                    amount_minor__gte=0, refunded_minor__gte=0, refunded_minor__lte=models.F("amount_minor")
                ),
            ),
            models.CheckConstraint(
                name="conversion_reported",
                condition=models.Q(reporting_minor__isnull=True, reporting_currency="")
                | (models.Q(reporting_minor__isnull=False) & ~models.Q(reporting_currency="")),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace", "customer", "kind"], name="conversion_ws_customer_idx"),
            models.Index(fields=["workspace", "occurred_at"], name="conversion_ws_time_idx"),
            # Short: orders in another currency that wait for a rate.
            models.Index(
                fields=["workspace", "currency"],
                name="conversion_unreported_idx",
                condition=models.Q(reporting_minor__isnull=True) & ~models.Q(currency=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.source_key}"


class Refund(TenantModel):
    """Money given back on a conversion; unique by the source's own key.

    One that turned out to be wrong is reinstated: it stays, and no longer counts.
    """

    public_id = PublicIdField(prefix="rfd")
    conversion = TenantForeignKey(Conversion, related_name="refunds")
    source_key = models.CharField(max_length=255)
    amount_minor = models.BigIntegerField()
    kind = models.CharField(max_length=10, default="refund", help_text="refund or chargeback")
    reinstated_at = models.DateTimeField(null=True)
    reinstated_why = models.CharField(max_length=200, blank=True, default="")
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "conversion", "source_key"], name="refund_source_key_once"
            ),
            models.CheckConstraint(name="refund_positive", condition=models.Q(amount_minor__gt=0)),
        ]

    def __str__(self) -> str:
        return self.public_id


class Touchpoint(TenantModel):
    """A contact between a participant and a customer that may earn credit: a click, a code used, a token.

    A click that was not counted is kept with its `refusal`, so that a decision can say why it earned nothing.
    """

    class Kind(models.TextChoices):
        CLICK = "click"
        CODE = "code"
        MANUAL = "manual"
        TOKEN = "token"  # noqa: S105 - a kind of touch

    public_id = PublicIdField(prefix="tch")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    program = TenantForeignKey(Program, related_name="touchpoints")
    participant = TenantForeignKey(Participant, related_name="touchpoints")
    customer = TenantForeignKey(Customer, related_name="touchpoints")
    click = TenantForeignKey(Click, null=True, related_name="touchpoints", tied=False)
    promo_code = TenantForeignKey(PromoCode, null=True, related_name="touchpoints")
    conversion = TenantForeignKey(
        Conversion, null=True, related_name="code_touchpoints", help_text="the order a code was used on"
    )
    refusal = models.CharField(
        max_length=30, blank=True, default="", help_text="why the click was not counted, if it was not"
    )
    channel = models.CharField(max_length=30)
    visitor_id = models.CharField(max_length=40, blank=True, default="")
    referrer_host = models.CharField(max_length=255, blank=True, default="")
    country = models.CharField(max_length=2, blank=True, default="")
    occurred_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "customer", "click"], name="touchpoint_click_once_per_customer"
            ),
            models.UniqueConstraint(
                fields=["workspace", "conversion", "promo_code"], name="touchpoint_code_once_per_order"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace", "customer", "occurred_at"], name="touchpoint_ws_customer_idx"),
            models.Index(
                fields=["workspace", "visitor_id"],
                name="touchpoint_ws_visitor_idx",
                condition=~models.Q(visitor_id=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"
