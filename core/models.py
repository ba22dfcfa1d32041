"""The outbox: what happened, and who still has to hear of it."""

from typing import ClassVar

from django.db import models

from core.ids import PublicIdField
from core.queue import QueueRow
from core.tenancy import TenantForeignKey, TenantManager


class Event(models.Model):
    """One fact, written in the transaction that made it true. `data` holds public ids and no personal data.

    `workspace_id` is a plain column: the kernel knows no workspaces, only the number that policies compare.
    """

    workspace_id = models.BigIntegerField()
    public_id = PublicIdField(prefix="evt")
    kind = models.CharField(max_length=60)
    data = models.JSONField(default=dict)
    occurred_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TenantManager()

    class Meta:
        base_manager_name = "objects"
        indexes: ClassVar = [models.Index(fields=["workspace_id", "id"], name="core_event_ws_id_idx")]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"


class EventDelivery(QueueRow):
    """One event still owed to one handler (`handler` is its dotted name)."""

    workspace_id = models.BigIntegerField()
    event = TenantForeignKey(Event, related_name="deliveries")
    handler = models.CharField(max_length=120)

    objects = TenantManager()

    class Meta:
        base_manager_name = "objects"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["workspace_id", "event", "handler"], name="core_delivery_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="core_delivery_due_idx", condition=models.Q(state="pending"))
        ]

    def __str__(self) -> str:
        return f"{self.handler} <- event {self.event_id}"
