"""How rewards that are not money reach their owners, and what owners spend."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models import TenantModel
from core.ids import PublicIdField
from core.tenancy import TenantForeignKey
from programs.models import Customer, Participant
from rewards.models.rewards import Reward


class CatalogueItem(TenantModel):
    """Something points can be spent on: what it is, what it costs in points, how many are left."""

    class Kind(models.TextChoices):
        CREDIT = "credit", "Store credit"
        DISCOUNT = "discount", "Discount code"
        PRODUCT = "product"
        GIFT_CARD = "gift_card", "Gift card"
        CUSTOM = "custom", "Given by your own system"

    class Status(models.TextChoices):
        ACTIVE = "active"
        ARCHIVED = "archived"

    public_id = PublicIdField(prefix="cat")
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=9, choices=Kind.choices)
    points = models.BigIntegerField()
    currency = models.CharField(max_length=3, blank=True, default="", help_text="of its value, if it has one")
    value_minor = models.BigIntegerField(default=0)
    details = models.JSONField(default=dict, help_text="as a reward's fulfilment: sku, name, terms …")
    stock = models.PositiveIntegerField(null=True, help_text="how many are left; NULL: any number")
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.ACTIVE)
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.CheckConstraint(name="catalogue_points_positive", condition=models.Q(points__gt=0))
        ]

    def __str__(self) -> str:
        return self.name


class Redemption(TenantModel):
    """Points or store credit spent by their owner: on something from the catalogue, or on an order.

    Unique by the caller's own key. A cancelled one gave back what it had taken.
    """

    class Status(models.TextChoices):
        DONE = "done"
        CANCELLED = "cancelled"

    public_id = PublicIdField(prefix="rdm")
    key = models.CharField(max_length=160, help_text="the caller's own key, or ours")
    customer = TenantForeignKey(Customer, related_name="redemptions")
    participant = TenantForeignKey(Participant, null=True, related_name="redemptions")
    item = TenantForeignKey(CatalogueItem, null=True, related_name="redemptions")
    unit = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    order_reference = models.CharField(max_length=255, blank=True, default="")
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.DONE)
    note = models.CharField(max_length=200, blank=True, default="")
    created_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "key"], name="redemption_once"),
            models.CheckConstraint(name="redemption_positive", condition=models.Q(amount_minor__gt=0)),
        ]
        indexes: ClassVar = [models.Index(fields=["workspace", "customer"], name="redemption_ws_owner_idx")]

    def __str__(self) -> str:
        return self.public_id


class RedemptionPart(TenantModel):
    """How much of one redemption came out of one reward: what expires first is spent first. Append-only."""

    redemption = TenantForeignKey(Redemption, related_name="parts")
    reward = TenantForeignKey(Reward, related_name="redemption_parts")
    amount_minor = models.BigIntegerField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "redemption", "reward"], name="redemption_part_once"
            ),
            models.CheckConstraint(name="redemption_part_positive", condition=models.Q(amount_minor__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.amount_minor}"


class Fulfilment(TenantModel):
    """Handing something over: a reward's, or a redemption's. One for each, and one visible state.

    `waiting` is with a provider's queue, `todo` waits for a person, `failed` for somebody to try again, and
    `kept` was called off but could not be taken back. A provider is asked under this row's public id, so
    that asking twice gives one thing.
    """

    class Kind(models.TextChoices):
        CREDIT = "credit", "Store credit"
        DISCOUNT = "discount", "Discount code"
        PRODUCT = "product"
        GIFT_CARD = "gift_card", "Gift card"
        CUSTOM = "custom", "Your own system"

    class Status(models.TextChoices):
        WAITING = "waiting"
        TODO = "todo", "To do by hand"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"
        KEPT = "kept", "Not taken back"

    public_id = PublicIdField(prefix="ful")
    kind = models.CharField(max_length=9, choices=Kind.choices)
    reward = TenantForeignKey(Reward, null=True, related_name="fulfilments")
    redemption = TenantForeignKey(Redemption, null=True, related_name="fulfilments")
    customer = TenantForeignKey(Customer, related_name="fulfilments")
    connection = models.CharField(
        max_length=40, blank=True, default="", help_text="public id of the connection that hands it over"
    )
    details = models.JSONField(
        default=dict, help_text="what is handed over, and what came of it: code, link …"
    )
    code = models.CharField(
        max_length=40, blank=True, default="", help_text="a discount code, as it is typed at the till"
    )
    amount_minor = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3, blank=True, default="")
    status = models.CharField(max_length=9, choices=Status.choices)
    reference = models.CharField(max_length=255, blank=True, default="", help_text="the provider's own id")
    failure = models.CharField(max_length=500, blank=True, default="")
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "reward"], name="fulfilment_once_per_reward"),
            models.UniqueConstraint(
                fields=["workspace", "redemption"], name="fulfilment_once_per_redemption"
            ),
            models.UniqueConstraint(
                fields=["workspace", "code"], name="fulfilment_code_once", condition=~models.Q(code="")
            ),
            models.CheckConstraint(
                name="fulfilment_of_one_thing",
                condition=models.Q(reward__isnull=False, redemption__isnull=True)
                | models.Q(reward__isnull=True, redemption__isnull=False),
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["workspace", "status"], name="fulfilment_ws_status_idx")]

    def __str__(self) -> str:
        return self.public_id
