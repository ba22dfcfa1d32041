"""Who may act: users, workspaces, members, invitations, API keys, the audit log."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models

from core import clock
from core.ids import PublicIdField
from core.tenancy import TenantManager

DEFAULT_BRAND_COLOR: Final = "#4f46e5"
"""The accent colour of `frontend/theme.css`."""


class UserManager(BaseUserManager["User"]):
    """Creates people by e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create a person; the address is stored lower-cased. Raises IntegrityError when it is taken."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save()
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create a person who may use the operator's admin site; row-level security still applies."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in; belongs to any number of workspaces through Member."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True, default="")
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(default=clock.now)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.name or self.email


class Workspace(models.Model):
    """A tenant. A sandbox is a second workspace tied to the first, whose clock can be moved forward."""

    TENANT_COLUMN = "id"

    class Status(models.TextChoices):
        ACTIVE = "active"
        SUSPENDED = "suspended"

    public_id = PublicIdField(prefix="wsp")
    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60, unique=True)
    currency = models.CharField(max_length=3)
    time_zone = models.CharField(max_length=64, default="UTC")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ACTIVE)
    sandbox_of = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="sandboxes")
    clock_offset = models.DurationField(default=timedelta)
    email_from_name = models.CharField(max_length=120, blank=True, default="")
    brand_color = models.CharField(max_length=7, default=DEFAULT_BRAND_COLOR)
    embed_domains = models.JSONField(default=list)
    link_host = models.CharField(
        max_length=253, blank=True, default="", help_text="the verified domain in shared links; empty: ours"
    )
    created_at = models.DateTimeField(default=clock.now)

    objects = TenantManager()

    class Meta:
        base_manager_name = "objects"
        constraints: ClassVar = [
            models.CheckConstraint(
                name="workspace_clock_moves_only_in_sandbox",
                condition=models.Q(clock_offset=timedelta()) | models.Q(sandbox_of__isnull=False),
            ),
            models.UniqueConstraint(fields=["sandbox_of"], name="workspace_one_sandbox"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_sandbox(self) -> bool:
        """Whether this is a sandbox."""
        return self.sandbox_of_id is not None

    def local_time(self, at: datetime) -> datetime:
        """Return this workspace's time for a real instant: later by the sandbox clock's offset."""
        return at + self.clock_offset


class TenantModel(models.Model):
    """Base of every tenant table: a workspace first, a manager that refuses unscoped queries."""

    # No index of its own: every key and index of a tenant table leads with it.
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="+", db_index=False)

    objects = TenantManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"

    def _do_update(self, base_qs: Any, *args: Any) -> Any:
        # A save updates by primary key alone; naming the workspace keeps it routable and fails closed.
        return super()._do_update(base_qs.for_workspace(self.workspace_id), *args)


class Role(models.TextChoices):
    """What a member may do; `accounts.permissions` has the table."""

    OWNER = "owner"
    ADMIN = "admin"
    FINANCE = "finance"
    ANALYST = "analyst"
    SUPPORT = "support"
    READ_ONLY = "read_only", "Read-only"


class Member(TenantModel):
    """A person's place in a workspace."""

    public_id = PublicIdField(prefix="mem")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices)
    joined_at = models.DateTimeField(default=clock.now)
    left_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "user"], name="member_once_per_workspace")
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"


class Invitation(TenantModel):
    """An address asked to join with a role; the mailed secret is stored as a keyed hash only."""

    public_id = PublicIdField(prefix="inv")
    email = models.EmailField()
    role = models.CharField(max_length=10, choices=Role.choices)
    secret_hash = models.CharField(max_length=64)
    invited_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "email"],
                condition=models.Q(accepted_at__isnull=True, revoked_at__isnull=True),
                name="invitation_one_open_per_address",
            )
        ]

    def __str__(self) -> str:
        return f"{self.email} as {self.role}"

    def is_open(self, at: datetime) -> bool:
        """Whether it can be accepted at this instant."""
        return self.accepted_at is None and self.revoked_at is None and at < self.expires_at


class ApiKey(TenantModel):
    """A publishable (`pk_`) or secret (`sk_`) key: prefix for look-up and keyed hash.

    A secret key is shown once. A publishable one stands in web pages anyway and can be copied again.
    """

    class Kind(models.TextChoices):
        PUBLISHABLE = "pk", "Publishable"
        SECRET = "sk", "Secret"

    public_id = PublicIdField(prefix="key")
    kind = models.CharField(max_length=2, choices=Kind.choices)
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=16)
    secret_hash = models.CharField(max_length=64)
    public_token = models.CharField(
        max_length=64, blank=True, default="", help_text="the whole key, of a publishable one only"
    )
    scopes = models.JSONField(default=list)
    origins = models.JSONField(default=list, help_text="the sites a publishable key works on; empty: any")
    created_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "prefix"], name="api_key_prefix_once")
        ]
        indexes: ClassVar = [models.Index(fields=["prefix"], name="api_key_prefix_idx")]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class Domain(TenantModel):
    """A host name of the workspace's own, which serves its links once a DNS record has proved the ownership.

    Several workspaces may claim a name, and one may have it verified. `missing_since` is the first of the
    checks in a row that did not find the record any more.
    """

    public_id = PublicIdField(prefix="dom")
    host = models.CharField(max_length=253)
    token = models.CharField(max_length=64)
    verified_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)
    missing_since = models.DateTimeField(null=True)
    problem = models.CharField(max_length=300, blank=True, default="", help_text="of the last check")
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "host"], name="domain_once_in_workspace"),
            models.UniqueConstraint(
                fields=["host"], condition=models.Q(verified_at__isnull=False), name="domain_one_owner"
            ),
        ]

    def __str__(self) -> str:
        return self.host

    @property
    def is_primary(self) -> bool:
        """Whether the workspace's links are shared with it."""
        return self.workspace.link_host == self.host


class BrandLogo(TenantModel):
    """A workspace's picture, checked and drawn anew before it is stored; at most one."""

    media_type = models.CharField(max_length=20)
    content = models.BinaryField()
    digest = models.CharField(max_length=16)
    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()
    stored_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [models.UniqueConstraint(fields=["workspace"], name="brand_logo_one")]

    def __str__(self) -> str:
        return self.digest


class AuditEntry(TenantModel):
    """Who did what to which thing, with the values before and after. Append-only."""

    public_id = PublicIdField(prefix="aud")
    actor_kind = models.CharField(max_length=12)
    actor = models.CharField(max_length=120)
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=40)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    reason = models.TextField(blank=True, default="")
    address = models.CharField(max_length=45, blank=True, default="")
    at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        indexes: ClassVar = [models.Index(fields=["workspace", "-id"], name="audit_ws_id_idx")]

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.subject}"


class IdempotencyKey(TenantModel):
    """The stored answer to a POST made under an `Idempotency-Key`; kept for as long as the workspace is."""

    key = models.CharField(max_length=255)
    method = models.CharField(max_length=8)
    path = models.CharField(max_length=255)
    body_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "key"], name="idempotency_key_once")
        ]

    def __str__(self) -> str:
        return self.key
