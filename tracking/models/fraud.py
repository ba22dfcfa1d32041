"""What speaks against a conversion: identifiers, findings, judgements, cases, lists."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models import TenantModel
from core.ids import PublicIdField
from core.tenancy import TenantForeignKey
from programs.models import Customer, Participant, Program, ProgramVersion
from tracking.models.conversions import Conversion


class FraudSignal(TenantModel):
    """One fraud rule's finding about one participant's part in one conversion. Append-only."""

    public_id = PublicIdField(prefix="frs")
    conversion = TenantForeignKey(Conversion, related_name="fraud_signals")
    participant = TenantForeignKey(Participant, related_name="fraud_signals")
    rule = models.CharField(max_length=40)
    outcome = models.CharField(max_length=5)
    weight = models.PositiveSmallIntegerField()
    shadow = models.BooleanField(default=False, help_text="recorded only: the rule is being tried out")
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


class Sighting(TenantModel):
    """An identifier of a customer, as a keyed hash: seen on a conversion, or by itself.

    Equal digests mean the same browser, device, network address, payment means or postal address. Hashes of
    network addresses change with the month.
    """

    class Kind(models.TextChoices):
        BROWSER = "browser"
        DEVICE = "device"
        ADDRESS = "address", "Network address"
        PAYMENT = "payment", "Payment means"
        POSTAL = "postal", "Postal address"
        AGENT = "agent", "Kind of program"

    customer = TenantForeignKey(Customer, related_name="sightings")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    digest = models.CharField(max_length=40)
    conversion = TenantForeignKey(Conversion, null=True, related_name="sightings")
    at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "customer", "kind", "digest", "conversion"],
                nulls_distinct=False,
                name="sighting_once",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace", "kind", "digest", "at"], name="sighting_ws_digest_idx"),
            models.Index(fields=["workspace", "conversion"], name="sighting_ws_conversion_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.customer_id}"


class FraudJudgement(TenantModel):
    """What the rules made of one participant's part in one conversion: all that went in and came out.

    Append-only.
    """

    public_id = PublicIdField(prefix="frj")
    conversion = TenantForeignKey(Conversion, related_name="judgements")
    participant = TenantForeignKey(Participant, related_name="judgements")
    version = TenantForeignKey(ProgramVersion, related_name="judgements")
    outcome = models.CharField(max_length=5)
    shadow_outcome = models.CharField(max_length=5, help_text="with the rules that are being tried out")
    score = models.PositiveIntegerField()
    reason = models.CharField(max_length=40)
    inputs = models.JSONField()
    result = models.JSONField()
    digest = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "conversion", "participant"], name="fraud_judgement_once"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["workspace", "at"], name="fraud_judgement_ws_time_idx")]

    def __str__(self) -> str:
        return f"{self.outcome}: {self.reason}"


class FraudCase(TenantModel):
    """A doubt about one participant's part in one conversion, and what a person made of it.

    One is opened for every judgement that holds or denies. `outcome` is the rules'; `status` says what is
    done: open (on hold), approved (trusted), rejected (by the rules or by a person).
    """

    class Status(models.TextChoices):
        OPEN = "open"
        APPROVED = "approved"
        REJECTED = "rejected"

    public_id = PublicIdField(prefix="frc")
    conversion = TenantForeignKey(Conversion, related_name="fraud_cases")
    participant = TenantForeignKey(Participant, related_name="fraud_cases")
    program = TenantForeignKey(Program, related_name="fraud_cases")
    judgement = TenantForeignKey(FraudJudgement, related_name="cases")
    status = models.CharField(max_length=8, choices=Status.choices)
    outcome = models.CharField(max_length=5)
    score = models.PositiveIntegerField()
    reason = models.CharField(max_length=40)
    decided_by = models.CharField(max_length=120, blank=True, default="", help_text="empty: by the rules")
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=200, blank=True, default="")
    opened_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "conversion", "participant"], name="fraud_case_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace", "status", "opened_at"], name="fraud_case_ws_status_idx"),
            models.Index(fields=["workspace", "participant"], name="fraud_case_ws_person_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.reason}: {self.status}"


class FraudCaseChange(TenantModel):
    """One step in a fraud case: status before and after, who, why, when. Append-only."""

    case = TenantForeignKey(FraudCase, related_name="changes")
    before = models.CharField(max_length=8, choices=FraudCase.Status.choices, blank=True, default="")
    after = models.CharField(max_length=8, choices=FraudCase.Status.choices)
    actor = models.CharField(max_length=120)
    reason = models.CharField(max_length=200, blank=True, default="")
    at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        indexes: ClassVar = [models.Index(fields=["workspace", "case", "id"], name="fraud_change_ws_idx")]

    def __str__(self) -> str:
        return f"{self.before} -> {self.after}"


class FraudListEntry(TenantModel):
    """Somebody or something that is always trusted (`allow`) or never (`block`); `*` stands for anything."""

    class Mode(models.TextChoices):
        ALLOW = "allow"
        BLOCK = "block"

    class Kind(models.TextChoices):
        EMAIL = "email", "E-mail address"
        DOMAIN = "domain", "E-mail domain"
        ADDRESS = "address", "Network address"
        COUNTRY = "country"
        SOURCE = "source", "Referring site"
        CUSTOMER = "customer", "Customer's own id"
        PARTICIPANT = "participant"
        DEVICE = "device"

    public_id = PublicIdField(prefix="fle")
    mode = models.CharField(max_length=5, choices=Mode.choices)
    kind = models.CharField(max_length=11, choices=Kind.choices)
    pattern = models.CharField(max_length=320)
    note = models.CharField(max_length=200, blank=True, default="")
    created_by = models.CharField(max_length=120)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "mode", "kind", "pattern"], name="fraud_list_entry_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.mode} {self.kind} {self.pattern}"


class ConversionCheck(TenantModel):
    """A question to somebody else on which a conversion's rewards wait, and the answer.

    `email`: has the friend confirmed the address; `store`: does the shop know the order as it was told;
    `callback`: does the workspace's own system approve.
    """

    class Kind(models.TextChoices):
        EMAIL = "email", "E-mail confirmed by the friend"
        STORE = "store", "Order confirmed by the shop"
        CALLBACK = "callback", "Approved by your own system"

    class Status(models.TextChoices):
        WAITING = "waiting"
        PASSED = "passed"
        FAILED = "failed"
        UNANSWERED = "unanswered"

    public_id = PublicIdField(prefix="cck")
    conversion = TenantForeignKey(Conversion, related_name="checks")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    detail = models.CharField(max_length=300, blank=True, default="")
    asked_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "conversion", "kind"], name="conversion_check_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace", "status", "asked_at"], name="conversion_check_ws_idx")
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.status}"
