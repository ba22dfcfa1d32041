"""What was promised: customers, programs and their versions, participants, links and codes."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from accounts.models import TenantModel, Workspace
from core import clock
from core.ids import PublicIdField
from core.tenancy import TenantForeignKey, TenantManager
from programs.assignment import Variant


def short_url(workspace: Workspace, code: str) -> str:
    """Return the address that a code is shared with: on the workspace's own domain, or on the platform's."""
    if workspace.link_host:
        return f"https://{workspace.link_host}/{code}"
    return f"{settings.BASE_URL}/r/{code}"


class Customer(TenantModel):
    """A person the workspace knows, by the workspace's own id, by e-mail, or both."""

    public_id = PublicIdField(prefix="cus")
    external_id = models.CharField(max_length=255, null=True)
    email = models.EmailField(blank=True, default="")
    mailbox = models.CharField(
        max_length=320, blank=True, default="", help_text="the e-mail address normalised to one mailbox"
    )
    name = models.CharField(max_length=120, blank=True, default="")
    country = models.CharField(max_length=2, blank=True, default="")
    attributes = models.JSONField(default=dict, help_text="the workspace's own, see programs.attributes")
    email_verified_at = models.DateTimeField(
        null=True, help_text="when it was proved that the person reads mail at this address"
    )
    same_person = TenantForeignKey(
        "self", null=True, related_name="duplicates", help_text="the customer this one was merged into"
    )
    created_at = models.DateTimeField(default=clock.now)
    erased_at = models.DateTimeField(null=True, help_text="when everything personal was deleted")

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "external_id"], name="customer_external_id_once"),
            models.UniqueConstraint(
                fields=["workspace", "mailbox"],
                condition=models.Q(external_id__isnull=True) & ~models.Q(mailbox=""),
                name="customer_known_by_mailbox_once",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace", "email"], name="customer_ws_email_idx"),
            models.Index(fields=["workspace", "mailbox"], name="customer_ws_mailbox_idx"),
        ]

    def __str__(self) -> str:
        return self.shown_name

    @property
    def shown_name(self) -> str:
        """The name, or the best of what is known instead; nothing of somebody who was erased."""
        if self.erased_at is not None:
            return "Erased person"
        return self.name or self.email or self.external_id or self.public_id


class Program(TenantModel):
    """A referral program. What it promises lives in its versions; `draft` is the next one in the making."""

    class Kind(models.TextChoices):
        CUSTOMER = "customer", "Customer (refer a friend)"
        B2B = "b2b", "Business (B2B)"
        INFLUENCER = "influencer"
        AFFILIATE = "affiliate"

    class Status(models.TextChoices):
        DRAFT = "draft"
        ACTIVE = "active"
        PAUSED = "paused"
        ENDED = "ended"

    public_id = PublicIdField(prefix="prg")
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.CUSTOMER)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.DRAFT)
    draft = models.JSONField(help_text="a terms document, see programs.terms")
    live_version = models.PositiveIntegerField(null=True, help_text="number of the published version")
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.CheckConstraint(
                name="program_live_has_version",
                condition=models.Q(status="draft") | models.Q(live_version__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return self.name


class ProgramVersion(TenantModel):
    """A published promise. Append-only: rewards and decisions point at the version they were made under."""

    public_id = PublicIdField(prefix="pgv")
    program = TenantForeignKey(Program, related_name="versions")
    number = models.PositiveIntegerField()
    terms = models.JSONField()
    published_at = models.DateTimeField()
    published_by = models.CharField(max_length=120)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "program", "number"], name="program_version_number_once"
            )
        ]

    def __str__(self) -> str:
        return f"version {self.number}"


class ProgramChange(TenantModel):
    """One change of a program's status: from, to, who, why, when. Append-only."""

    program = TenantForeignKey(Program, related_name="changes")
    before = models.CharField(max_length=8)
    after = models.CharField(max_length=8)
    actor = models.CharField(max_length=120)
    reason = models.TextField(blank=True, default="")
    at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        pass

    def __str__(self) -> str:
        return f"{self.before} -> {self.after}"


class Participant(TenantModel):
    """A customer enrolled in a program, who may refer others."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        SUSPENDED = "suspended"

    public_id = PublicIdField(prefix="prt")
    program = TenantForeignKey(Program, related_name="participants")
    customer = TenantForeignKey(Customer, related_name="participations")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ACTIVE)
    display_name = models.CharField(max_length=60, blank=True, default="", help_text="shown to friends")
    accepted_version = models.PositiveIntegerField(null=True)
    enrolled_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "program", "customer"], name="participant_once_per_program"
            )
        ]

    def __str__(self) -> str:
        return self.display_name or str(self.customer)


class Link(TenantModel):
    """A personal link: a short code that leads friends to the destination."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        ARCHIVED = "archived"

    public_id = PublicIdField(prefix="lnk")
    participant = TenantForeignKey(Participant, related_name="links")
    code = models.CharField(max_length=40)
    code_key = models.CharField(max_length=40, help_text="the code in lower case")
    destination_url = models.URLField(
        max_length=2000, blank=True, default="", help_text="empty: the program's"
    )
    campaign = models.CharField(max_length=80, blank=True, default="")
    utm = models.JSONField(default=dict, help_text="a template, see programs.utm")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ACTIVE)
    expires_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "code_key"], name="link_code_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace", "participant"], name="link_ws_participant_idx")
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def referral_url(self) -> str:
        """The short address to share; needs the workspace loaded."""
        return short_url(self.workspace, self.code)


class CodeRoute(models.Model):
    """Which workspace a short code on the shared host belongs to; a directory with no personal data in it.

    Codes are unique over all workspaces because they share one host; the row is readable through the door
    `resolve_code`. One is written with each link, in the same transaction.
    """

    code_key = models.CharField(max_length=40, primary_key=True)
    workspace_id = models.BigIntegerField()
    link_id = models.BigIntegerField()

    objects = TenantManager()

    class Meta:
        base_manager_name = "objects"

    def __str__(self) -> str:
        return self.code_key


class PromoCode(TenantModel):
    """A text code that credits its participant without a click; case-blind."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        ARCHIVED = "archived"

    public_id = PublicIdField(prefix="pmo")
    participant = TenantForeignKey(Participant, related_name="promo_codes")
    code = models.CharField(max_length=40)
    code_key = models.CharField(max_length=40)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ACTIVE)
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "code_key"], name="promo_code_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace", "participant"], name="promo_ws_participant_idx")
        ]

    def __str__(self) -> str:
        return self.code


class Experiment(TenantModel):
    """A comparison of variants among a program's participants; they stay as they are once it has run."""

    class Status(models.TextChoices):
        DRAFT = "draft"
        RUNNING = "running"
        STOPPED = "stopped"

    public_id = PublicIdField(prefix="exp")
    program = TenantForeignKey(Program, related_name="experiments")
    name = models.CharField(max_length=120)
    salt = models.CharField(
        max_length=40, help_text="random; divides people independently of other experiments"
    )
    variants = models.JSONField(help_text="a list of {key, weight}, see programs.assignment")
    holdout_bps = models.PositiveIntegerField(
        default=0, help_text="the part of all people who see no variant"
    )
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.DRAFT)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    stopped_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.CheckConstraint(
                name="experiment_runs_since",
                condition=models.Q(status="draft", started_at__isnull=True, stopped_at__isnull=True)
                | models.Q(status="running", started_at__isnull=False, stopped_at__isnull=True)
                | models.Q(status="stopped", started_at__isnull=False, stopped_at__isnull=False),
            ),
            models.CheckConstraint(
                name="experiment_leaves_somebody", condition=models.Q(holdout_bps__lt=10_000)
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def arms(self) -> tuple[Variant, ...]:
        """The variants in their order."""
        return tuple(Variant(each["key"], each["weight"]) for each in self.variants)


class Exposure(TenantModel):
    """That a participant was shown a variant, or kept out, for the first time. Once each; append-only."""

    public_id = PublicIdField(prefix="exs")
    experiment = TenantForeignKey(Experiment, related_name="exposures")
    participant = TenantForeignKey(Participant, related_name="exposures")
    variant = models.CharField(max_length=30, help_text="a variant's key, or holdout")
    at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "experiment", "participant"], name="exposure_once_per_person"
            )
        ]

    def __str__(self) -> str:
        return self.variant


class Promotion(TenantModel):
    """A season in which a program gives more: a multiplier, or other amounts for some of its rules.

    It counts for what happened between the starts of `starts_on` and of the day after `ends_on` in the
    workspace's time zone, kept as instants so that a change of the zone moves no promise. `audience` narrows
    it: {countries, enrolled_from, enrolled_until, conditions}; empty is everybody. Of several the first one
    made counts.
    """

    class Status(models.TextChoices):
        ACTIVE = "active"
        STOPPED = "stopped"

    public_id = PublicIdField(prefix="prm")
    program = TenantForeignKey(Program, related_name="promotions")
    name = models.CharField(max_length=120)
    starts_on = models.DateField()
    ends_on = models.DateField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(help_text="the first instant after it")
    multiplier_bps = models.PositiveIntegerField(default=10_000, help_text="20000 doubles")
    replacements = models.JSONField(default=dict, help_text="amounts by rule key, as in the terms' document")
    banner = models.CharField(max_length=200, blank=True, default="")
    audience = models.JSONField(default=dict)
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.ACTIVE)
    announce = models.BooleanField(default=False, help_text="write to its audience at the start")
    created_at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True)
    start_told_at = models.DateTimeField(null=True, help_text="when promotion.started was written")
    end_told_at = models.DateTimeField(null=True, help_text="when promotion.ended was written")

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.CheckConstraint(
                name="promotion_ends_after_its_start", condition=models.Q(ends_at__gt=models.F("starts_at"))
            ),
            models.CheckConstraint(name="promotion_multiplies", condition=models.Q(multiplier_bps__gt=0)),
        ]
        indexes: ClassVar = [
            models.Index(fields=["workspace", "program", "starts_at"], name="promotion_ws_program_idx"),
            models.Index(
                fields=["workspace", "starts_at"],
                condition=models.Q(end_told_at__isnull=True),
                name="promotion_ws_untold_idx",
            ),
        ]

    def __str__(self) -> str:
        return self.name
