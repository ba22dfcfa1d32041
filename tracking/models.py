"""What happened: clicks, touchpoints, conversions, refunds, decisions, referrals, fraud signals."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models import TenantModel, Workspace
from core.ids import PublicIdField
from core.tenancy import TenantForeignKey
from programs.models import Customer, Link, Participant, Program, ProgramVersion, PromoCode


class ClickAgent(models.Model):
    """A browser, system and device that clicks came from: a dictionary for all workspaces, of nobody's."""

    browser = models.CharField(max_length=40)
    system = models.CharField(max_length=40)
    device = models.CharField(max_length=10)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["browser", "system", "device"], name="click_agent_once")
        ]

    def __str__(self) -> str:
        return f"{self.browser}, {self.system}"


class Click(TenantModel):
    """One request of a link. Every one is kept; `reason` names why one does not count (empty: it does).

    The table is split by month and checks no foreign keys: it takes thousands of rows a second, and old
    months are archived as a whole.
    """

    workspace = models.ForeignKey(
        Workspace, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    public_id = PublicIdField(prefix="clk")
    link = TenantForeignKey(Link, related_name="clicks", tied=False)
    participant = TenantForeignKey(Participant, related_name="clicks", tied=False)
    program = TenantForeignKey(Program, related_name="clicks", tied=False)
    agent = models.ForeignKey(
        ClickAgent, null=True, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    visitor_id = models.CharField(max_length=40)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    counted = models.BooleanField()
    reason = models.CharField(max_length=30, blank=True, default="")
    channel = models.CharField(max_length=30)
    referrer_host = models.CharField(max_length=255, blank=True, default="")
    address_hash = models.CharField(max_length=32, blank=True, default="")
    country = models.CharField(max_length=2, blank=True, default="")

    class Meta(TenantModel.Meta):
        indexes: ClassVar = [
            models.Index(fields=["workspace", "visitor_id", "occurred_at"], name="click_ws_visitor_idx"),
            models.Index(fields=["workspace", "link", "occurred_at"], name="click_ws_link_idx"),
            models.Index(fields=["workspace", "participant"], name="click_ws_participant_idx"),
            models.Index(fields=["workspace", "occurred_at"], name="click_ws_time_idx"),
        ]

    def __str__(self) -> str:
        return self.public_id


class ClickLoss(TenantModel):
    """Clicks that were answered and could not be stored anywhere: how many, and when."""

    clicks = models.PositiveIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        indexes: ClassVar = [models.Index(fields=["workspace", "-last_at"], name="click_loss_ws_idx")]

    def __str__(self) -> str:
        return f"{self.clicks} clicks lost until {self.last_at}"


class Conversion(TenantModel):
    """A sign-up, a purchase or a custom event of a customer. Unique by its source and the source's own key.

    `amount_minor` is the net value that counts for rewards; `refunded_minor` never passes it.
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
    metadata = models.JSONField(default=dict)
    sequence = models.PositiveIntegerField(
        help_text="1 for the customer's first conversion of this kind, 2 for the second …"
    )
    source_modified_at = models.DateTimeField(null=True)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()

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
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace", "customer", "kind"], name="conversion_ws_customer_idx"),
            models.Index(fields=["workspace", "occurred_at"], name="conversion_ws_time_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.source_key}"


class Refund(TenantModel):
    """Money given back on a conversion; unique by the source's own key. Append-only."""

    public_id = PublicIdField(prefix="rfd")
    conversion = TenantForeignKey(Conversion, related_name="refunds")
    source_key = models.CharField(max_length=255)
    amount_minor = models.BigIntegerField()
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
    """A contact between a participant and a customer that may earn credit: a counted click or a code used."""

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
    channel = models.CharField(max_length=30)
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
            models.Index(fields=["workspace", "customer", "occurred_at"], name="touchpoint_ws_customer_idx")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"


class Attribution(TenantModel):
    """One program's decision about one conversion: what went in, what came out, its digest. Append-only."""

    public_id = PublicIdField(prefix="atr")
    conversion = TenantForeignKey(Conversion, related_name="attributions")
    program = TenantForeignKey(Program, related_name="attributions")
    version = TenantForeignKey(ProgramVersion, related_name="attributions")
    model = models.CharField(max_length=20)
    reason = models.CharField(max_length=40)
    inputs = models.JSONField()
    result = models.JSONField()
    digest = models.CharField(max_length=64)
    decided_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "conversion", "program"], name="attribution_once_per_program"
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
    """The part of a conversion that a decision gives one participant. Append-only; mirrors the result."""

    public_id = PublicIdField(prefix="crd")
    attribution = TenantForeignKey(Attribution, related_name="credits")
    conversion = TenantForeignKey(Conversion, related_name="credits")
    participant = TenantForeignKey(Participant, related_name="credits")
    referral = TenantForeignKey(Referral, related_name="credits")
    weight_ppm = models.PositiveIntegerField(help_text="parts per million of the conversion")
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3, blank=True, default="")
    confidence = models.CharField(max_length=15)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "attribution", "participant"], name="credit_once_per_decision"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace", "participant"], name="credit_ws_participant_idx"),
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


class FraudSignal(TenantModel):
    """One fraud rule's finding about one participant's part in one conversion. Append-only."""

    public_id = PublicIdField(prefix="frs")
    conversion = TenantForeignKey(Conversion, related_name="fraud_signals")
    participant = TenantForeignKey(Participant, related_name="fraud_signals")
    rule = models.CharField(max_length=40)
    outcome = models.CharField(max_length=5)
    weight = models.PositiveSmallIntegerField()
    sentence = models.TextField()
    evidence = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "conversion", "participant", "rule"], name="fraud_signal_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.rule}: {self.outcome}"
