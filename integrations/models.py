"""Who else hears and tells: connections with inbox and payout runs, webhook endpoints with deliveries."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from accounts.models import TenantModel
from core.ids import PublicIdField
from core.models import Event
from core.queue import QueueRow
from core.tenancy import TenantForeignKey
from tracking.models import ConversionCheck


class Connection(TenantModel):
    """A shop, tool or payout provider connected to the workspace; its secrets are sealed to this row.

    The previous secret stays good until `previous_secret_until`, because a shop does not send again what was
    refused while its own settings were being changed. With `sealed_keys` its API, under `shop_url`, can be
    asked. The secret is what its webhooks are signed with, or, for PayPal, the webhook's id.
    """

    class Status(models.TextChoices):
        ACTIVE = "active"
        DISABLED = "disabled"

    public_id = PublicIdField(prefix="con")
    provider = models.CharField(max_length=30)
    name = models.CharField(max_length=80)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ACTIVE)
    sealed_secret = models.TextField()
    sealed_previous_secret = models.TextField(blank=True, default="")
    previous_secret_until = models.DateTimeField(null=True)
    shop_url = models.URLField(max_length=500, blank=True, default="")
    sealed_keys = models.TextField(blank=True, default="", help_text="key and secret of the shop's API")
    options = models.JSONField(default=dict, help_text="choices of a payout provider, such as what pays")
    created_at = models.DateTimeField()
    last_received_at = models.DateTimeField(null=True, help_text="to the minute")

    class Meta(TenantModel.Meta):
        indexes: ClassVar = [models.Index(fields=["public_id"], name="connection_public_id_idx")]

    def __str__(self) -> str:
        return self.name


class InboxItem(TenantModel, QueueRow):
    """One received webhook body, stored before it is answered and read afterwards.

    `outcome` says what came of it once it was read, `reason` is stable and `sentence` is for people.
    `received_at` is real time, also in a sandbox.
    """

    class Outcome(models.TextChoices):
        APPLIED = "applied"
        IGNORED = "ignored"
        SET_ASIDE = "set_aside", "Set aside"

    public_id = PublicIdField(prefix="inb")
    connection = TenantForeignKey(Connection, related_name="inbox")
    fingerprint = models.CharField(max_length=128)
    topic = models.CharField(max_length=80)
    body = models.BinaryField()
    outcome = models.CharField(max_length=10, choices=Outcome.choices, blank=True, default="")
    reason = models.CharField(max_length=60, blank=True, default="")
    sentence = models.TextField(blank=True, default="")
    subjects = models.JSONField(default=list, help_text="public ids of what it became")
    received_at = models.DateTimeField()
    repeats = models.PositiveIntegerField(default=0)

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["workspace", "connection", "fingerprint"], name="inbox_fingerprint_once"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="inbox_due_idx", condition=models.Q(state="pending")),
            models.Index(fields=["workspace", "connection", "-id"], name="inbox_ws_connection_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.public_id}"


class SourceOrder(TenantModel):
    """The newest state of an order that a connection has told, whether or not it became a conversion.

    Messages come in any order, so an older one has to be recognised, also after a cancellation that came
    before anything was recorded. Locking the row makes the messages about one order wait for each other.
    """

    connection = TenantForeignKey(Connection, related_name="orders")
    order_id = models.CharField(max_length=255)
    state = models.CharField(max_length=10, blank=True, default="")
    modified_at = models.DateTimeField(null=True, help_text="by the source's clock")
    deleted_at = models.DateTimeField(null=True, help_text="when the deletion was received")

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "connection", "order_id"], name="source_order_once")
        ]

    def __str__(self) -> str:
        return f"order {self.order_id}"


class PayoutRun(TenantModel, QueueRow):
    """A part of an approved batch on its way through a payout provider.

    The provider knows the part as `reference`, which never changes, and each payout by its public id: sending
    again finds what was sent before. The part is the batch's payouts from `first_pk` to `last_pk`, and those
    up to `handed_pk` have been handed over. A dead run waits for a person, with the reason in `last_error`.
    """

    class Step(models.TextChoices):
        SEND = "send", "Being sent"
        POLL = "poll", "Sent, waiting for results"

    public_id = PublicIdField(prefix="pyr")
    connection = TenantForeignKey(Connection, related_name="payout_runs")
    batch_id = models.CharField(max_length=40, help_text="public id of the payout batch")
    reference = models.CharField(max_length=60)
    first_pk = models.BigIntegerField()
    last_pk = models.BigIntegerField()
    payout_count = models.PositiveIntegerField()
    step = models.CharField(max_length=4, choices=Step.choices, default=Step.SEND)
    provider_batch_id = models.CharField(max_length=60, blank=True, default="")
    handed_pk = models.BigIntegerField(default=0)
    page = models.CharField(max_length=60, blank=True, default="", help_text="where asking goes on")
    refusals = models.PositiveSmallIntegerField(default=0, help_text="definite ones, of the whole part")
    polls = models.PositiveSmallIntegerField(default=0)
    provider_paid_minor = models.BigIntegerField(null=True, help_text="the sum the provider reports as paid")
    pass_paid_minor = models.BigIntegerField(default=0, help_text="the same, of the pages asked for so far")
    note = models.TextField(blank=True, default="", help_text="what hinders single payouts")
    sending_at = models.DateTimeField(null=True, help_text="when it was first handed over, or tried to")
    asked_at = models.DateTimeField(null=True, help_text="when the provider was last asked for results")
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "reference"], name="payout_run_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="payout_run_due_idx", condition=models.Q(state="pending")),
            models.Index(fields=["workspace", "batch_id"], name="payout_run_ws_batch_idx"),
            models.Index(fields=["workspace", "connection", "-id"], name="payout_run_ws_connection_idx"),
        ]

    def __str__(self) -> str:
        return self.reference


class WebhookEndpoint(TenantModel):
    """An address of the workspace's own that hears our events, signed by the Standard Webhooks scheme."""

    class Status(models.TextChoices):
        ENABLED = "enabled"
        DISABLED = "disabled"

    public_id = PublicIdField(prefix="whe")
    url = models.URLField(max_length=2000)
    kinds = models.JSONField(default=list, help_text="event kinds; empty: all")
    sealed_secret = models.TextField()
    sealed_previous_secret = models.TextField(blank=True, default="")
    previous_secret_until = models.DateTimeField(null=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ENABLED)
    disabled_reason = models.CharField(max_length=200, blank=True, default="")
    failing_since = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        pass

    def __str__(self) -> str:
        return self.url


class WebhookDelivery(TenantModel, QueueRow):
    """One event on its way to one endpoint.

    The receiver de-duplicates by the event's public id, which is the `webhook-id` of every attempt and of
    every redelivery, and is what `GET /events` lists. Times are real, also in a sandbox.
    """

    public_id = PublicIdField(prefix="whd")
    endpoint = TenantForeignKey(WebhookEndpoint, related_name="deliveries")
    event = TenantForeignKey(Event, related_name="webhook_deliveries")
    body = models.TextField()
    delivered_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        verbose_name_plural = "webhook deliveries"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "endpoint", "event"], name="webhook_delivery_once")
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["due_at"], name="webhook_delivery_due_idx", condition=models.Q(state="pending")
            ),
            models.Index(fields=["workspace", "endpoint", "-id"], name="webhook_delivery_ws_idx"),
        ]

    def __str__(self) -> str:
        return self.public_id


class WebhookAttempt(TenantModel):
    """One try of a delivery: what was answered and how long it took, or why nothing was. Append-only."""

    delivery = TenantForeignKey(WebhookDelivery, related_name="tries")
    status = models.PositiveSmallIntegerField(null=True)
    response = models.TextField(blank=True, default="")
    error = models.CharField(max_length=255, blank=True, default="")
    elapsed_ms = models.PositiveIntegerField(default=0)
    at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        pass

    def __str__(self) -> str:
        return f"{self.status or self.error}"


class ValidationKey(TenantModel):
    """The workspace's secret by which its own system knows that a question about a conversion is ours."""

    public_id = PublicIdField(prefix="vky")
    sealed_secret = models.TextField()
    sealed_previous_secret = models.TextField(blank=True, default="")
    previous_secret_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace"], name="validation_key_once"),
        ]

    def __str__(self) -> str:
        return self.public_id


class ValidationRequest(TenantModel, QueueRow):
    """A check's question on its way to the shop or to the workspace's own system.

    Its id towards the receiver is the check's. `asked_at` is the check's, by the workspace's clock: asking
    again begins anew. `began_at` is real time.
    """

    conversion_check = TenantForeignKey(ConversionCheck, related_name="requests")
    kind = models.CharField(max_length=8, choices=ConversionCheck.Kind.choices)
    url = models.CharField(max_length=2048, blank=True, default="", help_text="empty: the shop's")
    asked_at = models.DateTimeField()
    began_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "conversion_check"], name="validation_request_once")
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["due_at"], name="validation_request_due_idx", condition=models.Q(state="pending")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.state}"


class ValidationAttempt(TenantModel):
    """One try of a question: what was answered and how long it took, or why nothing was. Append-only."""

    request = TenantForeignKey(ValidationRequest, related_name="tries")
    status = models.PositiveSmallIntegerField(null=True)
    response = models.TextField(blank=True, default="")
    error = models.CharField(max_length=300, blank=True, default="", help_text="empty: it was an answer")
    elapsed_ms = models.PositiveIntegerField(default=0)
    at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        pass

    def __str__(self) -> str:
        return f"{self.status or self.error}"


class Errand(TenantModel, QueueRow):
    """A fulfilment on its way to the shop, the gift card provider or the workspace's own system.

    One for each fulfilment and action: `issue` makes it there, `cancel` takes it back. Times are real.
    """

    class Action(models.TextChoices):
        ISSUE = "issue"
        CANCEL = "cancel"

    fulfilment = models.CharField(max_length=40, help_text="its public id")
    action = models.CharField(max_length=6, choices=Action.choices)
    connection = models.CharField(
        max_length=40, blank=True, default="", help_text="public id of the connection; empty: the own system"
    )
    created_at = models.DateTimeField()

    class Meta(TenantModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace", "fulfilment", "action"], name="errand_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="errand_due_idx", condition=models.Q(state="pending")),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.fulfilment}"
