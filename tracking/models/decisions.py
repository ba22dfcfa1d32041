"""Who was credited: decisions, credits, referrals."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models import TenantModel
from core.ids import PublicIdField
from core.tenancy import TenantForeignKey
from programs.models import Customer, Participant, Program, ProgramVersion
from tracking.models.conversions import Conversion


class Attribution(TenantModel):
    """One program's decision about one conversion: what went in, what came out, its digest. Append-only.

    The highest `revision` stands; `cause` says what made the facts different from those of the one before.
    """

    public_id = PublicIdField(prefix="atr")
    conversion = TenantForeignKey(Conversion, related_name="attributions")
    program = TenantForeignKey(Program, related_name="attributions")
    version = TenantForeignKey(ProgramVersion, related_name="attributions")
    revision = models.PositiveSmallIntegerField(default=1)
    cause = models.CharField(max_length=200, blank=True, default="")
    model = models.CharField(max_length=20)
    reason = models.CharField(max_length=40)
    inputs = models.JSONField()
    result = models.JSONField()
    digest = models.CharField(max_length=64)
    decided_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "conversion", "program", "revision"], name="attribution_once_per_program"
            )
        ]

    def __str__(self) -> str:
        return f"{self.model}: {self.reason}"


class Referral(TenantModel):
    """One participant's bringing of one customer to one program, from the first contact to its end."""

    class Status(models.TextChoices):
        STARTED = "started"
        QUALIFIED = "qualified"
        CONVERTED = "converted"
        ENDED = "ended"
        REJECTED = "rejected"

    public_id = PublicIdField(prefix="rfl")
    program = TenantForeignKey(Program, related_name="referrals")
    participant = TenantForeignKey(Participant, related_name="referrals")
    customer = TenantForeignKey(Customer, related_name="referrals")
    status = models.CharField(max_length=10, choices=Status.choices)
    share_ppm = models.PositiveIntegerField(
        default=1_000_000, help_text="parts per million of the conversion it began with"
    )
    channel = models.CharField(max_length=30, blank=True, default="")
    reason = models.CharField(max_length=40, blank=True, default="")
    started_at = models.DateTimeField()
    converted_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "program", "participant", "customer"], name="referral_once"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace", "customer"], name="referral_ws_customer_idx"),
            models.Index(fields=["workspace", "program", "status"], name="referral_ws_program_idx"),
        ]

    def __str__(self) -> str:
        return self.public_id


class Credit(TenantModel):
    """The part of a conversion that the decision which stands gives one participant; mirrors its result."""

    public_id = PublicIdField(prefix="crd")
    attribution = TenantForeignKey(Attribution, related_name="credits")
    conversion = TenantForeignKey(Conversion, related_name="credits")
    participant = TenantForeignKey(Participant, related_name="credits")
    referral = TenantForeignKey(Referral, related_name="credits")
    weight_ppm = models.PositiveIntegerField(help_text="parts per million of the conversion")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3, blank=True, default="")
    confidence = models.CharField(max_length=15)
    occurred_at = models.DateTimeField(help_text="when the conversion happened")

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "attribution", "participant"], name="credit_once_per_decision"
            )
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["workspace", "participant", "occurred_at"], name="credit_ws_participant_idx"
            ),
            models.Index(fields=["workspace", "conversion"], name="credit_ws_conversion_idx"),
        ]

    def __str__(self) -> str:
        return self.public_id


class ReferralChange(TenantModel):
    """One step in a referral's life: what it became, who or what did it, why, when. Append-only."""

    referral = TenantForeignKey(Referral, related_name="changes")
    before = models.CharField(max_length=10, blank=True, default="")
    after = models.CharField(max_length=10)
    actor = models.CharField(max_length=120)
    reason = models.CharField(max_length=200)
    subject = models.CharField(max_length=40, blank=True, default="", help_text="public id it is about")
    at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        indexes: ClassVar = [
            models.Index(fields=["workspace", "referral", "id"], name="referral_change_ws_idx")
        ]

    def __str__(self) -> str:
        return f"{self.before} -> {self.after}"
